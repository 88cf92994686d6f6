package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/store"
)

func TestDiff(t *testing.T) {
	show := func(a, b string) string {
		var out []string
		for _, d := range diff(strings.Split(a, " "), strings.Split(b, " ")) {
			out = append(out, d.mark+d.text)
		}
		return strings.Join(out, ",")
	}
	for _, x := range []struct{ a, b, want string }{
		{"a b c", "a b c", " a, b, c"},
		{"a b c", "a c", " a,-b, c"},
		{"a c", "a b c", " a,+b, c"},
		{"a b", "c d", "-a,-b,+c,+d"},
		{"a b c d", "a x c y", " a,-b,+x, c,-d,+y"},
	} {
		if got := show(x.a, x.b); got != x.want {
			t.Errorf("%s → %s: got %s, want %s", x.a, x.b, got, x.want)
		}
	}
	long := strings.TrimSpace(strings.Repeat("x ", maxDiff+1))
	if got := diff(strings.Split(long, " "), []string{"x"}); len(got) != maxDiff+2 {
		t.Errorf("a long text gives %d lines", len(got))
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sh[o]p")
	for _, name := range []string{"a.rhai", "a_test.rhai", "lib/b.rhai", "lib/b_test.rhai", "tests/c_test.rhai", "tests/data.txt", "deeper/d_test.rhai"} {
		write(t, dir, name, "1")
	}
	for path, want := range map[string]string{
		"":                  "a_test lib/b_test tests/c_test",
		"lib/b_test.rhai":   "lib/b_test",
		"tests/c_test.rhai": "tests/c_test",
	} {
		p, files, err := find(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, f := range files {
			rel, err := filepath.Rel(dir, f.path)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, strings.TrimSuffix(rel, ".rhai"))
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%q: files %s, want %s", path, got, want)
		}
		if d := cmp.Diff([]dev.Script{{Name: "a", Source: "1"}, {Name: "b", Source: "1", Library: true}}, p.scripts); d != "" {
			t.Errorf("%q: scripts (-want +got):\n%s", path, d)
		}
	}
}

// counting is a Runner whose tests pass once as many run at a time as there are jobs.
type counting struct {
	running atomic.Int32
	all     chan struct{}
	want    int32
}

func (c *counting) Tests(dev.Script) ([]Test, error) { return nil, nil }

func (c *counting) Run(ctx context.Context, _ dev.Script, _ string, _ time.Duration) Result {
	if c.running.Add(1) == c.want {
		close(c.all)
	}
	select {
	case <-c.all:
		return Result{Passed: true}
	case <-ctx.Done():
		return Result{}
	}
}

func TestTestsRunAtTheSameTime(t *testing.T) {
	c := &counting{all: make(chan struct{}), want: 3}
	var jobs []*job
	for range 7 {
		jobs = append(jobs, &job{file: &file{path: "x_test.rhai"}, test: Test{Name: "test_x"}})
	}
	work(t.Context(), c, jobs, options{jobs: 3})
	for i, j := range jobs {
		if !j.result.Passed {
			t.Errorf("test %d did not pass", i)
		}
	}
}

func TestColoursAndControlCharacters(t *testing.T) {
	var b strings.Builder
	p := printer{w: &b, color: true}
	p.job(&job{file: &file{path: "x_test.rhai", script: dev.Script{Source: "a\nb"}}, test: Test{Name: "test_x"}, result: Result{
		Error: "assert_eq: \x1b[2Jgone", Line: 9, Compared: true, Expected: "\"\x1b[31m\"", Actual: "2",
	}}, false)
	want := "\x1b[31mFAIL\x1b[0m x_test.rhai test_x\n  x_test.rhai:9: assert_eq: \\u{1b}[2Jgone\n    expected: \x1b[32m\"\\u{1b}[31m\"\x1b[0m\n      actual: \x1b[31m2\x1b[0m\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// An error of a script is shown with its line below that of the test, once.
func TestErrorsOfScripts(t *testing.T) {
	var b strings.Builder
	app := &project{shown: "shop", scripts: []dev.Script{{Name: "b", Source: "1;\nkv::add();"}, {Name: "m", Source: "throw 1", Library: true}}}
	p := printer{w: &b, app: app}
	cause := Explain("Runtime error: no (line 2, position 5)\nin call to function 'f' (from 'm') (line 1, position 2)", "b")
	j := &job{file: &file{path: "shop/x_test.rhai", script: dev.Script{Source: "one\ntwo"}}, test: Test{Name: "test_x"}, result: Result{
		Error: "b.rhai: no", Line: 2, Column: 1, Cause: &cause, Executions: []store.Execution{
			{Script: "b", Trigger: "queue", Status: store.StatusError, Error: cause.recorded},
			{Script: "b", Method: "GET", Path: "/b", Status: store.StatusError, Error: "no (line 2, position 5)"},
		},
	}}
	p.job(j, false)
	want := `FAIL shop/x_test.rhai test_x
  shop/x_test.rhai:2:1: an error in shop/lib/m.rhai
  2 | two
    | ^
  shop/lib/m.rhai:2:5: no
    in call to function 'f' (shop/b.rhai:1:2)
  b.rhai, GET /b: error
    shop/b.rhai:2:5: no
    2 | kv::add();
      |     ^
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if v := verdictOf(j, app); *v.Error.Cause != (where{"shop/lib/m.rhai", 2, 5}) {
		t.Errorf("the verdict: %+v", v.Error.Cause)
	}
}

func TestChoice(t *testing.T) {
	j := &job{file: &file{path: "tt/a_test.rhai"}, test: Test{Name: "test_ok"}}
	for pattern, want := range map[string]bool{
		"": true, "ok": true, "a_test": true, "a_test/test_ok": true, "a_test.rhai/test_ok": true, "tt/a_test.rhai/test_ok": true,
		"tt/a_test.rhai test_ok": true, "*/test_ok": true, "a*ok": true, "no|ok": true, "no|*ok": true, "^a_test/": true, "a_.*_ok$": true,
		"b*ok": false, "*/test_no": false, "test_oks": false,
	} {
		chosen, err := choice(pattern)
		if err != nil || chosen(j) != want {
			t.Errorf("%q: %v, want %v", pattern, err, want)
		}
	}
	if _, err := choice("a("); err == nil || !strings.Contains(err.Error(), "--run takes a part of FILE/NAME") {
		t.Errorf("no pattern: %v", err)
	}
	if err := nothingChosen("x", []string{"a_test/test_a", "a_test/test_b"}); err.Error() != `no test fits --run "x"` {
		t.Error(err)
	}
}

func TestFirstDifference(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, x := range []struct {
		a, b, shownA, shownB string
		column               int
	}{
		{`"a"`, `"b"`, `"a"`, `"b"`, -1},
		{long[:50] + "a", long[:50] + "b", long[:50] + "a", long[:50] + "b", 50},
		{long[:50], long[:60], long[:50], long[:60], 50},
		{long[:150] + "a" + long, long[:150] + "b", "…" + long[:60] + "a" + long[:59] + "…", "…" + long[:60] + "b", 61},
	} {
		if a, b, column := aligned(x.a, x.b); a != x.shownA || b != x.shownB || column != x.column {
			t.Errorf("%s, %s:\n%s\n%s\n%d, want %d", x.a, x.b, a, b, column, x.column)
		}
	}
}
