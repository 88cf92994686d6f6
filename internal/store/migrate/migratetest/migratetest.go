// Package migratetest holds what the schema tests of the drivers share.
package migratetest

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/picloud/picloud/internal/store/migrate"
)

// BlessCommand rewrites the golden texts.
const BlessCommand = `BLESS=1 go test -count=1 -run '^TestSchema$' ./internal/store/...`

const header = `# The schema of %s after every migration.
#
# A test compares it with a fresh database. It is written by the test, never by
# hand: after adding a migration run
#
#     BLESS=1 make schema
#
# (that is: %s)
# and read the difference before you commit it.

`

// Golden compares the schema of db with the golden text in path. With BLESS=1 in
// the environment it writes that instead. database is its name for the header.
func Golden(t *testing.T, db *sql.DB, dialect migrate.Dialect, database, path string) {
	t.Helper()
	got, err := migrate.ReadSchema(t.Context(), db, dialect)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("BLESS") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(header, database, BlessCommand) + got.String()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, d := range got.Differences(ReadGolden(t, path)) {
		t.Error(d)
	}
	if t.Failed() {
		t.Errorf("the schema is not that of %s: if it is meant to change, run: BLESS=1 make schema", path)
	}
}

// ReadGolden returns the schema in path.
func ReadGolden(t *testing.T, path string) migrate.Schema {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("there is no golden text: run BLESS=1 make schema (%v)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	golden, err := migrate.ParseSchema(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return golden
}

// RunGuards shows that the golden text, and the checksums in the database, catch
// what they are there for. open returns an empty database; files are the
// driver's migrations, of which the first makes the table users.
func RunGuards(t *testing.T, open func(t *testing.T) *sql.DB, dialect migrate.Dialect, files fs.FS, golden string) {
	want := ReadGolden(t, golden)
	known, err := migrate.List(files)
	if err != nil {
		t.Fatal(err)
	}
	last := known[len(known)-1].Version
	extra := fmt.Sprintf("%05d_icons.sql", last+1)

	up := func(t *testing.T, db *sql.DB, dir fs.FS) {
		t.Helper()
		if err := migrate.Up(t.Context(), db, dialect, dir, nil); err != nil {
			t.Fatal(err)
		}
	}
	differences := func(t *testing.T, db *sql.DB) string {
		t.Helper()
		got, err := migrate.ReadSchema(t.Context(), db, dialect)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(got.Differences(want), "\n")
	}
	exec := func(t *testing.T, db *sql.DB, statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	contains := func(t *testing.T, text string, wants ...string) {
		t.Helper()
		for _, w := range wants {
			if !strings.Contains(text, w) {
				t.Errorf("got:\n%s\nwant in it: %s", text, w)
			}
		}
	}

	t.Run("none", func(t *testing.T) {
		db := open(t)
		up(t, db, files)
		if d := differences(t, db); d != "" {
			t.Errorf("an untouched schema differs:\n%s", d)
		}
		up(t, db, files) // again: nothing to do
	})
	t.Run("edited migration", func(t *testing.T) {
		edited := edit(t, files, known[0].Name, regexp.MustCompile(`(?m)^(\s+username\s+TEXT.*?) NOT NULL`), "$1")
		fresh := open(t)
		up(t, fresh, edited)
		contains(t, differences(t, fresh),
			"migration "+known[0].Name+": the file was edited",
			"column users.username: in the database ", ", null, no default, in the golden text ")

		db := open(t)
		up(t, db, files)
		err := migrate.Up(t.Context(), db, dialect, edited, nil)
		contains(t, fmt.Sprint(err), "migration "+known[0].Name+" was edited after it was applied", "in a new migration")
	})
	t.Run("forgotten snapshot", func(t *testing.T) {
		more := copyFS(t, files)
		more[extra] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE apps ADD COLUMN icon TEXT;\n")}
		db := open(t)
		up(t, db, more)
		contains(t, differences(t, db),
			"column apps.icon: in the database (", "migration "+extra+": in the database")
	})
	t.Run("drift", func(t *testing.T) {
		db := open(t)
		up(t, db, files)
		exec(t, db, `ALTER TABLE sessions ADD COLUMN extra TEXT DEFAULT 'x'`)
		exec(t, db, `DROP INDEX sessions_expiry`)
		exec(t, db, `ALTER TABLE users RENAME COLUMN password_hash TO password`)
		contains(t, differences(t, db),
			"column sessions.extra: in the database (",
			"index sessions_expiry: in the golden text (",
			"column users.password_hash: in the golden text (",
			"column users.password: in the database (")
	})
	t.Run("step by step", func(t *testing.T) {
		db := open(t)
		for _, m := range known {
			if err := migrate.UpTo(t.Context(), db, dialect, files, nil, m.Version); err != nil {
				t.Fatal(err)
			}
		}
		if d := differences(t, db); d != "" {
			t.Errorf("one migration at a time leads elsewhere:\n%s", d)
		}
	})
	t.Run("failing migration", func(t *testing.T) {
		more := copyFS(t, files)
		more[extra] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE apps ADD COLUMN icon TEXT;\nALTER TABLE nope ADD COLUMN icon TEXT;\n")}
		db := open(t)
		err := migrate.Up(t.Context(), db, dialect, more, nil)
		contains(t, fmt.Sprint(err), "migration "+extra+" failed", "nope")
		if d := differences(t, db); d != "" {
			t.Errorf("it leaves something behind:\n%s", d)
		}
	})
	t.Run("newer database", func(t *testing.T) {
		more := copyFS(t, files)
		more[extra] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE apps ADD COLUMN icon TEXT;\n")}
		db := open(t)
		up(t, db, more)
		err := migrate.Up(t.Context(), db, dialect, files, nil)
		contains(t, fmt.Sprint(err), "migration "+extra+" is unknown to this program", "newer")
	})
}

func copyFS(t *testing.T, files fs.FS) fstest.MapFS {
	t.Helper()
	out := make(fstest.MapFS)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

func edit(t *testing.T, files fs.FS, name string, from *regexp.Regexp, to string) fs.FS {
	t.Helper()
	out := copyFS(t, files)
	before := string(out[name].Data)
	after := from.ReplaceAllString(before, to)
	if after == before {
		t.Fatalf("%s has no match for %s", name, from)
	}
	out[name].Data = []byte(after)
	return out
}
