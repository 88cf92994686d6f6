package rhai_test

import (
	"testing"

	"github.com/picloud/picloud/rhai"
)

// What scripts with imports answer, compared with the reference.
func TestModulesAsInTheReference(t *testing.T) {
	texts := map[string]string{
		"m":     `export const X = 42; fn f() { 1 } fn each(p) { p.call(3) } fn own(x) { -x } fn all(p) { [1, 2].map(p) }`,
		"exits": `fn e() { exit(7) } export let a = 1; e(); export let b = 2;`,
		"body":  `export let r = 1; try { r = Fn("k").call(3); } catch (e) { r = e.error; }`,
		"outer": `import "exits" as q; export let z = 1; fn f() { q::e() }`,
	}
	for script, want := range map[string]string{
		// exit() in the body of a module ends that body only
		`import "exits" as m; m::a`:             "1",
		`import "exits" as m; m::b`:             "Variable not found: m::b (line 1, position 22)",
		`import "outer" as m; m::z`:             "1",
		`import "outer" as m; m::f(); 5`:        "7",
		`import "outer" as m; m::q::a + m::z`:   "2",
		`let n = 0; import "exits" as m; n = 5`: "",
		// a module that is there, without the module in it
		`import "m" as m; m::x::Y`:        "Variable not found: m::x::Y (line 1, position 18)",
		`import "m" as m; m::x::y(1)`:     "Function not found: m::x::y (i64) (line 1, position 24)",
		`import "outer" as m; m::q::r::s`: "Variable not found: m::q::r::s (line 1, position 22)",
		`n::x::Y`:                         "Module not found: n::x (line 1, position 1)",
		// a function's name that a module gets means its own function, else one of the script that runs
		`import "m" as m; fn k(x) { x + 100 } m::each(Fn("k"))`:                   "103",
		`import "m" as m; fn own(x) { "mine" } m::each(Fn("own"))`:                "-3",
		`fn k(x) { x } import "body" as m; m::r`:                                  "ErrorFunctionNotFound", // a body depends on no one who imports it
		`import "m" as m; fn k(x) { x + m::X } m::each(Fn("k"))`:                  "45",
		`import "m" as m; const C = 4; fn k(x) { x + global::C } m::all(Fn("k"))`: "[5, 6]",
		`import "m" as m; fn k(x) { j(x) } fn j(x) { x * 2 } m::all(Fn("k"))`:     "[2, 4]",
		`import "m" as m; fn k(a, x) { a + x } m::each(Fn("k").curry(2))`:         "5",
	} {
		for _, opts := range [][]rhai.Option{nil, {rhai.WithoutOptimizer()}} {
			src := &sources{texts: texts, compiled: map[string]*rhai.Program{}}
			p, err := rhai.NewEngine(append(opts, rhai.WithResolver(src))...).Compile("", script)
			if err != nil {
				t.Fatal(script, err)
			}
			v, err := p.Run(t.Context(), nil)
			got := v.String()
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", script, got, want)
			}
		}
	}
}
