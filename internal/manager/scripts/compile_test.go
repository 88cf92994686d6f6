package scripts

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/rhai"
)

func refusal(t *testing.T, source string) *api.Problem {
	t.Helper()
	_, err := check(rhai.NewEngine(), "hello", source)
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%q: %v", source, err)
	}
	return p
}

func TestHints(t *testing.T) {
	for source, want := range map[string]string{
		"function f() { 1 }":           "fn name(a, b)",
		"def f(): 1":                   "fn name(a, b)",
		"var x = 1;":                   "let x = 1;",
		"let x = null;":                "written ()",
		"async fn f() {}":              "leave out async",
		"await x;":                     "leave out async",
		"new Date()":                   "no constructors",
		"class A {}":                   "no classes",
		"x++;":                         "x += 1",
		"a ? b : c":                    "if is an expression",
		"let s = \"abc\nlet y = 1;":    "between backticks",
		"let x = 'abc';":               "double quotes",
		"if (a) return 1;":             "braces",
		"if a { } elif b { }":          "else if",
		"a && b and c":                 "&&",
		"try { } catch { } finally {}": "no finally",
		"import lib from \"x\";":       "as name",
		"let f = x => x + 1;":          "|x| x + 1",
		"let x: int = 1;":              "no type annotations",
		"let m = { a: 1 };":            "#{ a: 1 }",
		"let a = 1\nlet b = 2;":        "semicolon",
		"let a = [1, 2;":               "still open",
		"x = 1; }":                     "one too many",
		"let x = 1 +;":                 "",
	} {
		p := refusal(t, source)
		if p.Hint != want && (want == "" || !strings.Contains(p.Hint, want)) {
			t.Errorf("%q (%s): the hint is %q, want %q", source, p.Errors[0].Message, p.Hint, want)
		}
		if p.Status != 422 || p.Line == 0 || p.Column == 0 || p.Errors[0].Location != "body.source" {
			t.Errorf("%q: %+v", source, p)
		}
	}
}

func TestSourceLines(t *testing.T) {
	for _, c := range []struct {
		source string
		number int
		want   string
	}{
		{"a\nb\nc", 1, "a"},
		{"a\nb\nc", 3, "c"},
		{"a\r\nb\r\n", 2, "b"},
		{"a\nb\n", 3, ""},
		{"a", 2, ""},
		{"a", 0, ""},
		{"", 1, ""},
		{strings.Repeat("é", maxSourceLine), 1, strings.Repeat("é", maxSourceLine)},
		{strings.Repeat("é", maxSourceLine+1), 1, strings.Repeat("é", maxSourceLine) + "…"},
	} {
		if got := sourceLine(c.source, c.number); got != c.want {
			t.Errorf("line %d of %.20q is %.20q", c.number, c.source, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	engine := rhai.NewEngine()
	got := mistakes(engine, "let f = |x| x;\nf(1);\nfn g() { request.path }")
	want := []Warning{
		{Message: "Function not found: f with 1 argument: f is a variable: a closure in a variable is called with f.call(…)", Line: 2, Column: 1},
		{Message: "Variable not found: request: a function sees its parameters and what it defines: pass request as an argument", Line: 3, Column: 10},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := mistakes(engine, strings.Repeat("nothing();\n", 100)); len(got) != maxWarnings/2 {
		t.Errorf("%d warnings", len(got))
	}
	if got := mistakes(engine, "request.path"); got != nil {
		t.Errorf("got %+v", got)
	}
}
