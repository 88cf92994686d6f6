package migrate_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/picloud/picloud/internal/store/migrate"
)

func TestList(t *testing.T) {
	files := func(names ...string) fstest.MapFS {
		out := fstest.MapFS{}
		for _, n := range names {
			out[n] = &fstest.MapFile{Data: []byte("-- +goose Up\n")}
		}
		return out
	}
	list, err := migrate.List(files("00010_ten.sql", "00002_two.sql", "notes.txt"))
	if err != nil || len(list) != 2 || list[0].Version != 2 || list[1].Name != "00010_ten.sql" {
		t.Errorf("got %v, %v", list, err)
	}
	for name, dir := range map[string]fstest.MapFS{
		"begin with a number": files("first.sql"),
		"the same number":     files("00001_a.sql", "1_b.sql"),
	} {
		if _, err := migrate.List(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}

	// A checkout that turns line ends round has edited nothing.
	unix, _ := migrate.List(fstest.MapFS{"1_a.sql": {Data: []byte("a\nb\n")}})
	dos, _ := migrate.List(fstest.MapFS{"1_a.sql": {Data: []byte("a\r\nb\r\n")}})
	if unix[0].SHA256 != dos[0].SHA256 {
		t.Error("line ends change the checksum")
	}
}

func TestParseSchema(t *testing.T) {
	s := migrate.Schema{"column a.b": "TEXT, not null, default 'x: y'", "table a": "plain"}
	got, err := migrate.ParseSchema("# a comment\n\n" + s.String())
	if err != nil || len(got.Differences(s)) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"no entry", "table a: x\ntable a: y"} {
		if _, err := migrate.ParseSchema(bad); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
