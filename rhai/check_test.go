package rhai_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

func TestCheck(t *testing.T) {
	eng := rhai.NewEngine()
	eng.RegisterFn("fetch", func(s string) string { return s })
	for _, c := range []struct{ src, want string }{
		{"let a = 1; fn f(x) { x } f(a); [1].map(|x| f(x)); print(abs(-1)); fetch(\"\")", ""},
		{"let f = || 1; f()", "1:15 Function not found: f with no arguments; f is a variable"},
		{"fn g() { let f = || 1; f() }", "1:24 Function not found: f with no arguments; f is a variable"},
		{"fn f(a, b) {} f(1)", "1:15 Function not found: f with 1 argument; f has 2 parameters"},
		{"fecth(\"\")", "1:1 Function not found: fecth with 1 argument; did you mean fetch?"},
		{"qqqqqq()", "1:1 Function not found: qqqqqq with no arguments; "},
		{"fetch()", "1:1 Function not found: fetch with no arguments; fetch takes 1 argument"},
		{"sub_string()", "1:1 Function not found: sub_string with no arguments; sub_string takes 2 arguments, or 3"},
		{"let a = 1; fn f() { a }", "1:21 Variable not found: a; functions do not see"},
		{"const A = 1; fn f() { A + global::A }", "1:23 Variable not found: A; functions do not see what is outside of them, but for constants: write global::A"},
		{"fn f() { |x| x + y }", "1:18 Variable not found: y; "},
		{"fn f() { g } fn g() { f }", ""},
		{"fn f() { a } let a = 1; f!()", ""},
		{"fn f() { eval(\"let a = 1\"); a }", ""},
		{"a + b.c", ""}, // variables from outside
		{"let m = #{}; m.f(); m::f()", ""},
		{"type_of(1); is_def_fn(\"a\", 1); Fn(\"x\").call()", ""},
	} {
		warnings, err := eng.Check("", c.src)
		if err != nil {
			t.Fatalf("%s: %v", c.src, err)
		}
		if c.want == "" && len(warnings) > 0 || c.want != "" && len(warnings) != 1 {
			t.Errorf("%s: %+v", c.src, warnings)
			continue
		}
		for _, w := range warnings {
			if got := strings.NewReplacer("line ", "", ", position ", ":").Replace(w.Position.String()) + " " + w.Message + "; " + w.Hint; !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: %q, want %q", c.src, got, c.want)
			}
		}
	}
	if _, err := eng.Check("", "let"); err == nil {
		t.Error("a syntax error passed")
	}
}

// What Check warns of fails with the same words when it runs.
func TestWarningsComeTrue(t *testing.T) {
	eng := rhai.NewEngine()
	for _, src := range []string{
		"let f = || 1;\nf()", "fn f(a) { a + b }\nf(1)", "const A = 1;\nfn f() { A }\nf()", "lenn(1)", "fn f(a) { }\nf()",
	} {
		warnings, err := eng.Check("", src)
		if err != nil || len(warnings) != 1 {
			t.Fatalf("%s: %v, %v", src, warnings, err)
		}
		prog, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		_, err = prog.Run(context.Background(), nil)
		var re *rhai.Error
		if !errors.As(err, &re) || re.Position != warnings[0].Position {
			t.Errorf("%s: %v, expected at %v", src, err, warnings[0].Position)
		}
	}
}

func TestRuntimeHints(t *testing.T) {
	for src, want := range map[string]string{
		"let f = |x| x; f(1)":                             "f.call(…)",
		"let a = 1; fn f() { a } f()":                     "pass a as an argument",
		"const A = 1; fn f() { A } f()":                   "global::A",
		"const A = [1]; A.push(2)":                        "copy the constant",
		"fn f() { this.x = 1; } const A = #{x: 0}; A.f()": "define it with let",
		"nonsense(1)":                                     "",
		"missing":                                         "",
		"throw 1":                                         "",
	} {
		eng := rhai.NewEngine()
		prog, err := eng.Compile("", src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		_, err = prog.Run(context.Background(), nil)
		var re *rhai.Error
		if !errors.As(err, &re) {
			t.Fatalf("%s: %v", src, err)
		}
		if h := re.Hint(src); !strings.Contains(h, want) || want == "" && h != "" {
			t.Errorf("%s: %v: %q, want %q", src, err, h, want)
		}
	}
	_, err := rhai.NewEngine().Compile("", "const A = 1; A = 2;")
	var re *rhai.Error
	if !errors.As(err, &re) || !strings.Contains(re.Hint("const A = 1; A = 2;"), "with let instead of const") {
		t.Error(err)
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 100) + "!" + strings.Repeat("y", 100)
	for _, c := range []struct {
		src  string
		pos  rhai.Position
		want string
	}{
		{"a\nbcd\n", rhai.Position{Line: 2, Col: 2}, "   2 | bcd\n     |  ^"},
		{"\téb", rhai.Position{Line: 1, Col: 3}, "   1 | \téb\n     | \t ^"},
		{"a\x1b[1m", rhai.Position{Line: 1, Col: 1}, "   1 | a\ufffd[1m\n     | ^"},
		{"ab", rhai.Position{Line: 1, Col: 9}, "   1 | ab\n     |   ^"},
		{"ab", rhai.Position{}, ""},
		{long, rhai.Position{Line: 1, Col: 101}, "   1 | …" + strings.Repeat("x", 60) + "!" + strings.Repeat("y", 59) + "…\n     | " + strings.Repeat(" ", 61) + "^"},
	} {
		if got := rhai.Excerpt(c.src, c.pos); got != c.want {
			t.Errorf("%q at %v:\n%q, want\n%q", c.src, c.pos, got, c.want)
		}
	}
}
