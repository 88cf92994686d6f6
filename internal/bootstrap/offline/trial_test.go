package offline

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/pic/tests"
)

func testRunner(t *testing.T, scripts ...dev.Script) tests.Runner {
	t.Helper()
	r, err := Tests("demo", scripts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTestsOfAFile(t *testing.T) {
	r := testRunner(t)
	found, err := r.Tests(dev.Script{Name: "x_test", Source: "// fn test_not(\nfn helper() {}\nfn test_b() {}\n\nprivate fn test_a() {}\n"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]tests.Test{{Name: "test_b", Line: 3}, {Name: "test_a", Line: 5}}, found); d != "" {
		t.Error(d)
	}
	for source, want := range map[string]tests.CompileError{
		"let x = ;":            {Line: 1, Column: 9, Message: "Syntax error: Unexpected ';'"},
		"1;\nfn test_x(a) { }": {Line: 2, Column: 1, Message: "test_x takes parameters: a test has none"},
	} {
		_, err := r.Tests(dev.Script{Name: "x_test", Source: source})
		var ce *tests.CompileError
		if !errors.As(err, &ce) || *ce != want {
			t.Errorf("%q: %+v", source, err)
		}
	}
	if _, err := Tests("No Slug", nil); err == nil {
		t.Error("an app of any name")
	}
}

// Each test begins with nothing, whatever others do at the same time; the app's
// scripts do not see the test's functions.
func TestTestsAreApart(t *testing.T) {
	r := testRunner(t, dev.Script{Name: "count", Source: `kv::increment("n")`}, dev.Script{Name: "cheat", Source: `assert(true)`},
		dev.Script{Name: "lib", Source: `fn twice(n) { 2 * n }`, Library: true})
	file := dev.Script{Name: "x_test", Source: `
import "lib" as lib;
kv::set("n", 10);
fn test_count() {
    for i in 1..=20 { assert_eq(test::get("/count").json(), 10 + i); }
    test::advance(60);
    assert_eq(time::now(), 1767225660000);
}
fn test_cheat() { assert_eq(test::get("/cheat").status, 500); assert(test::executions()[0].error.contains("assert")); }
fn test_library() { import "lib" as lib; assert_eq(lib::twice(4), 8); assert_eq(test::get("/lib").status, 404); }`}
	var wg sync.WaitGroup
	for range 4 {
		for _, name := range []string{"test_count", "test_cheat", "test_library"} {
			wg.Go(func() {
				if res := r.Run(t.Context(), file, name, time.Minute); !res.Passed {
					t.Errorf("%s: %+v", name, res)
				}
			})
		}
	}
	wg.Wait()
}

func TestLocated(t *testing.T) {
	for text, want := range map[string]struct {
		message      string
		line, column int
	}{
		"Runtime error: bad (line 2, position 5)\nin call to function 'test_x' (line 9, position 1)":                                               {"bad", 2, 5},
		"Runtime error: bad (line 2, position 5)\nin call to function 'f' (line 4, position 3)\nin call to function 'test_x' (line 9, position 1)": {"bad\nin call to function 'f' (line 4, position 3)", 2, 5},
		"exceeded the wall-time limit of 1s (line 9, position 1)":                                                                                  {"exceeded the wall-time limit of 1s", 0, 0},
		"no position": {"no position", 0, 0},
	} {
		var out tests.Result
		located(&out, text, dev.Script{Name: "x_test", Source: strings.Repeat("\n", 7)}, nil)
		if out.Error != want.message || out.Line != want.line || out.Column != want.column || out.Cause != nil {
			t.Errorf("%q: %+v", text, out)
		}
	}
}

// An error of a script that the test ran, or of a library, has two places: the
// test's, and that where it began.
func TestPlacesOfErrors(t *testing.T) {
	r := testRunner(t, dev.Script{Name: "plain", Source: "\n  kv::add(event.payload);"},
		dev.Script{Name: "deep", Source: "import \"lib\" as lib;\nfn g() { lib::each(|x| lib::bad(x)) }\n\ng();"},
		dev.Script{Name: "lib", Source: "fn bad(x) {\n  [x].map(|y| { if y > 0 { throw \"oh\" } })\n}\nfn each(f) { f.call(1) }", Library: true})
	file := dev.Script{Name: "x_test", Source: `import "lib" as lib;
fn test_event() { test::event("plain", #{ payload: 1 }) }
fn test_deliver() {
    queue::send("q", 1);
    let f = || test::deliver("q", "deep");
    f.call();
}
fn test_library() { import "lib" as lib; lib::bad(1) }
fn test_closure() { import "lib" as lib; lib::each(|x| throw x) }
fn test_caught() { try { test::event("deep", #{}) } catch (e) { throw e + "!" } }`}
	for name, want := range map[string]struct {
		place, cause string
	}{
		"test_event":   {"2:25", "plain:2:7 Function not found: kv::add (i64)"},
		"test_deliver": {"5:22", "lib:2:28 oh lib:2:7 deep:2:29 lib:4:16 deep:2:15 deep:4:1"},
		"test_library": {"8:47", "lib:2:28 oh lib:2:7 x_test:8:47"},
		"test_closure": {"9:56", ""},
		"test_caught":  {"10:65", ""},
	} {
		res := r.Run(t.Context(), file, name, time.Minute)
		cause := ""
		if c := res.Cause; c != nil {
			cause = fmt.Sprintf("%s:%d:%d %s", c.Script, c.Line, c.Column, c.Message)
			for _, x := range c.Calls {
				cause += fmt.Sprintf(" %s:%d:%d", x.Script, x.Line, x.Column)
			}
		}
		if got := fmt.Sprintf("%d:%d", res.Line, res.Column); res.Passed || got != want.place || cause != want.cause {
			t.Errorf("%s: %s, %q\n%s", name, got, cause, res.Error)
		}
	}
}

// A request that no endpoint answers is explained.
func TestUnanswered(t *testing.T) {
	r := testRunner(t, dev.Script{Name: "hello", Source: "1"}, dev.Script{Name: "index", Source: "response(404)"}, dev.Script{Name: "lib", Source: "1", Library: true})
	res := r.Run(t.Context(), dev.Script{Name: "x_test", Source: `fn test_x() { test::get("/"); test::get("/helo?a=1"); test::get("/helo"); fail("x") }`}, "test_x", time.Minute)
	if d := cmp.Diff([]string{"GET /helo → 404: no endpoint answers there; there are /, /hello"}, res.Notes); d != "" {
		t.Error(d)
	}
}

// A test that misses a secret is told how a test sets one, not how a person does.
func TestMissingSecretOfATest(t *testing.T) {
	r := testRunner(t, dev.Script{Name: "pay", Source: `secret::get("KEY")`})
	res := r.Run(t.Context(), dev.Script{Name: "x_test", Source: `fn test_x() { secret::get("KEY") }`}, "test_x", time.Minute)
	if want := `the app has no secret KEY: set it with test::set_secret("KEY", …)`; res.Error != want {
		t.Errorf("%s, want %s", res.Error, want)
	}
	res = r.Run(t.Context(), dev.Script{Name: "x_test", Source: `fn test_y() { test::event("pay", #{}) }`}, "test_y", time.Minute)
	if res.Cause == nil || !strings.Contains(res.Cause.Message, `test::set_secret("KEY", …)`) {
		t.Errorf("%+v", res)
	}
}
