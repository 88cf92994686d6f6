package rhai_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

func TestCheck(t *testing.T) {
	eng := rhai.NewEngine()
	eng.RegisterFn("fetch", func(s string) string { return s })
	eng.RegisterModule(rhai.NewModule("shop").Register(rhai.NewFn("price", func(n int64) int64 { return n })))
	for _, c := range []struct{ src, want string }{
		{"let a = 1; fn f(x) { x } f(a); [1].map(|x| f(x)); print(abs(-1)); fetch(\"\")", ""},
		{"let f = || 1; f()", "1:15 Function not found: f with no arguments; f is a variable"},
		{"fn g() { let f = || 1; f() }", "1:24 Function not found: f with no arguments; f is a variable"},
		{"fn f(a, b) {} f(1)", "1:15 Function not found: f with 1 argument; f has 2 parameters"},
		{"fecth(\"\")", "1:1 Function not found: fecth with 1 argument; did you mean fetch?"},
		{"qqqqqq()", "1:1 Function not found: qqqqqq with no arguments; "},
		{"assert(1)", "1:1 Function not found: assert with 1 argument; "}, // insert is something else
		{"1.bar", "1:3 Unknown property 'bar' - a getter is not registered for type 'i64'; "},
		{"fetch()", "1:1 Function not found: fetch with no arguments; fetch takes 1 argument"},
		{"sub_string()", "1:1 Function not found: sub_string with no arguments; sub_string takes 2 arguments, or 3"},
		{"let a = 1; fn f() { a }", "1:21 Variable not found: a; functions do not see"},
		{"const A = 1; fn f() { A + global::A }", "1:23 Variable not found: A; functions do not see what is outside of them, but for constants: write global::A"},
		{"fn f() { |x| x + y }", "1:18 Variable not found: y; a function sees"},
		{"fn f() { g } fn g() { f }", ""},
		{"fn f() { a } let a = 1; f!()", ""},
		{"fn f() { eval(\"let a = 1\"); a }", ""},
		{"a + b.c", ""}, // variables from outside
		{"let m = #{}; m.f(); eval(\"\"); m::f()", ""},
		{"m::f(1)", "1:1 Module not found: m; modules come with import"},
		{"let a = m::B;", "1:9 Module not found: m; modules"},
		{"import \"m\" as m; m::f(1) + m::B; global::A", ""},
		{"if true { import \"m\" as m; } m::f(1)", ""},
		{"shpo::price(1)", "1:1 Module not found: shpo; did you mean shop?"},
		{"shop::price(1)", ""},
		{"shop::prise(1)", "1:7 Function not found: shop::prise with 1 argument; did you mean shop::price?"},
		{"shop::price()", "1:7 Function not found: shop::price with no arguments; price takes 1 argument"},
		{"import \"m\" as shop; shop::prise()", ""},
		{"let f = |n| f(n - 1);", "1:13 Function not found: f with 1 argument; a closure does not see the variable that it is the value of: declare fn f"},
		// members of values whose type is known
		{"let s = \"a\"; s.len() + s.len; s.to_upper(); s.contains('a'); s.split(\",\").map(|x| x.foo)", ""},
		{"let s = \"a\"; s.toUpperCase()", "1:16 Function not found: toUpperCase of string with no arguments; did you mean to_upper?"},
		{"let s = `a`; s.splitt(\",\")", "1:16 Function not found: splitt of string with 1 argument; did you mean split?"},
		{"[1].pussh(2)", "1:5 Function not found: pussh of array with 1 argument; did you mean push?"},
		{"let s = \"a\"; s.index_of()", "1:16 Function not found: index_of of string with no arguments; index_of takes 1 argument, or 2"},
		{"let n = 4; n.sqrt()", "1:14 Function not found: sqrt of i64 with no arguments; sqrt takes f64"},
		{"let s = \"a\"; s.length", "1:16 Unknown property 'length' - a getter is not registered for type 'string'; did you mean len?"},
		{"let a = [1]; a.reverse", "1:16 Unknown property 'reverse' - a getter is not registered for type 'array'; reverse is a method"},
		{"let s = \"a\"; s = #{}; s.foo()", ""},
		{"let s = \"a\"; s += 1; s.foo()", "1:24 Function not found: foo of string with no arguments; "},
		{"let s = 1; s += x(); s.foo(); fn x() { \"\" }", ""},
		{"fn g(s) { s.foo() } let s = \"a\"; g(s)", ""},
		{"for s in [1] { s.foo() } let s = \"a\";", ""},
		{"fn foo() { this } let s = \"a\"; s.foo()", ""},
		{"fn g() { this = #{} } let s = \"a\"; s.g(); s.foo()", ""},
		{"import \"m\" as m; let s = \"a\"; s.foo()", ""},
		{"let m = #{ f: || 1 }; m.f(); m.foo; m.g()", ""},
		{"let s = \"a\"; eval(\"s = #{}\"); s.foo()", ""},
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
			got := strings.NewReplacer("line ", "", ", position ", ":").Replace(w.Position.String()) + " " + w.Message + "; " + w.Hint
			if !strings.HasPrefix(got, c.want) || strings.HasSuffix(c.want, "; ") && got != c.want {
				t.Errorf("%s: %q, want %q", c.src, got, c.want)
			}
		}
	}
	if _, err := eng.Check("", "let"); err == nil {
		t.Error("a syntax error passed")
	}
}

// With the variables of the scopes known, all others are warned of, unless something may define them.
func TestCheckVariables(t *testing.T) {
	typ := rhai.NewType[struct{ n int }]("Basket").Getter("total", func(b struct{ n int }) int64 { return int64(b.n) })
	eng := rhai.NewEngine(rhai.WithVariables(rhai.Variable{Name: "basket", Type: typ.HostType()}, rhai.Variable{Name: "any"}))
	eng.RegisterType(typ)
	for _, c := range []struct{ src, want string }{
		{"basket.total + any.thing", ""},
		{"total", "1:1 Variable not found: total; "},
		{"let total = 1; totl += 1;", "1:16 Variable not found: totl; did you mean total?"},
		{"bsket.total", "1:1 Variable not found: bsket; did you mean basket?"},
		{"let x = None;", "1:9 Variable not found: None; the value for nothing is written ()"},
		{"f.call(); let f = || 1;", "1:1 Variable not found: f; f is not there yet, or no longer"},
		{"let f = |n| f.call(n - 1);", "1:13 Variable not found: f; a closure does not see"},
		{"let f = |n| n; let g = |n| f.call(n);", ""},
		{"let f = 1; { let f = |n| f + n; }", ""},
		{"[1].map(|x| x + y)", "1:17 Variable not found: y; "},
		{"f; fn f() { 1 }", ""},
		{"eval(\"let a = 1;\"); a", ""},
		{"if is_def_var(\"a\") { a }", ""},
		{"for i in 0..3 { i } for (x, i) in [1] { x + i } try { } catch (e) { e } switch 1 { 1 => any }", ""},
		{"basket.totl", "1:8 Unknown property 'totl' - a getter is not registered for type 'Basket'; did you mean total?"},
		{"let basket = #{}; basket.totl", ""},
		{"|basket| basket.totl", ""},
		{"any.totl.x()", ""},
	} {
		warnings, err := eng.Check("", c.src)
		if err != nil || c.want == "" && len(warnings) > 0 || c.want != "" && len(warnings) != 1 {
			t.Errorf("%s: %v %+v", c.src, err, warnings)
			continue
		}
		for _, w := range warnings {
			if got := strings.NewReplacer("line ", "", ", position ", ":").Replace(w.Position.String()) + " " + w.Message + "; " + w.Hint; !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: %q, want %q", c.src, got, c.want)
			}
		}
	}
}

// Of the reference's cases that succeed, Check warns only where the mistake is there to be caught or never reached.
func TestCheckIsRight(t *testing.T) {
	file, err := os.Open("testdata/conformance.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	eng := rhai.NewEngine(rhai.WithVariables())
	for lines.Scan() {
		var c struct {
			ID, Script string
			Expect     struct{ OK bool }
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		warnings, err := eng.Check("", c.Script)
		if err != nil || !c.Expect.OK || strings.Contains(c.Script, "try {") || strings.Contains(c.Script, "undefined_") {
			continue
		}
		if len(warnings) > 0 {
			t.Errorf("%s: %s: %+v", c.ID, c.Script, warnings)
		}
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
		"const A = [1]; A.push(2)":                        "copy it to a variable first",
		"const A = [1]; A.get(0)":                         "may change their object",
		"let f = |n| f.call(n - 1); f.call(1)":            "declare fn f",
		"let f = |n| f(n - 1); f.call(1)":                 "declare fn f",
		"let f = || x; let x = 1; f.call()":               "not there yet",
		"let f = |x| x; f.call(1, 2)":                     "the closure at line 1, position 9 takes 1 argument",
		"let f = |x, y| x; f.call(1)":                     "takes 2 arguments",
		"let k = 1; let f = || k; f.call(1)":              "takes no arguments",
		"[1].map(|a, b, c| a)":                            "takes 3 arguments",
		"let o = #{ f: |x| x }; o.f()":                    "takes 1 argument",
		"fn g(a) {} let f = Fn(\"g\"); f.call()":          "g has 1 parameter",
		"fn g(a) {} g(1, 2)":                              "g has 1 parameter",
		"fn g(a) {} 5.g()":                                "",
		"sqrt(4)":                                         "takes f64",
		"let n = 4; n.sin()":                              "takes f64",
		"lenn([1])":                                       "did you mean len?",
		"prnt(1)":                                         "did you mean print?",
		"prntt(1)":                                        "",
		"prin(1)":                                         "did you mean print?",
		"let s = `a`; s.lenght()":                         "did you mean len?",
		"let s = `a`; s.uppercase()":                      "did you mean to_upper?",
		"let s = `a,b`; s.spilt(`,`)":                     "did you mean split?",
		"let a = [1]; a.add(2)":                           "did you mean push?",
		"let a = [1]; a.push()":                           "",
		"let a = [1]; a.length":                           "did you mean len?",
		"let a = [1]; a.pop":                              "pop is a method",
		"let m = #{}; m.a.b":                              "?. instead of .",
		"let m = #{}; m[`a`][`b`]":                        "?[ instead of [",
		"let total = 1; totl":                             "did you mean total?",
		"totl = 3; let total = 1;":                        "",
		"undefined":                                       "written ()",
		"None":                                            "written ()",
		"let x = 1; if x { }":                             "x != 0",
		"let s = `a`; s[0] = `b`;":                        "single quotes",
		"let x = 1; for i in x { }":                       "keys()",
		"1 + true":                                        "",
		"`a` + 1; [1] + 1":                                "",
		"let m = #{}; m.foo()":                            "",
		"sub_string()":                                    "sub_string takes 2 arguments, or 3",
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

// A source with many functions, and as many mistakes, is checked in a moment: names are not all compared with all.
func TestCheckOfManyMistakes(t *testing.T) {
	var src strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&src, "fn fox%d() { foy%d() }\n", i, i)
	}
	warnings, err := rhai.NewEngine().Check("", src.String())
	if err != nil || len(warnings) != 40_000 || warnings[0].Hint == "" {
		t.Errorf("%d warnings, %v", len(warnings), err)
	}
}
