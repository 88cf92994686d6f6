package rhai

import (
	"testing"
)

// What the reference answers to programs that are not among the recorded cases.
func TestAnswersOfTheReference(t *testing.T) {
	for _, c := range []struct {
		script, want string // raw form of the value, or the error's text
	}{
		// A variable that is the first argument is read after the others.
		{`fn f(a, b) { [a, b] } let x = 1; f(x, { x = 2; 3 })`, "[2, 3]"},
		{`fn f(a, b) { [a, b] } let x = [1]; f(x, { x.push(2); x })`, "[[1, 2], [1, 2]]"},
		{`fn f(a, b, c) { [a, b, c] } let x = 1; f({ x += 1; x }, x, { x += 1; x })`, "[2, 2, 3]"},
		{`fn f(a, b) { [a, b] } fn g() { f(this, { this = 9; 1 }) } let x = 1; x.g()`, "[9, 1]"},
		{`fn f(a, b) { [a, b] } let x = 5; f(x, eval("let x = 7; x"))`, "[7, 7]"},
		{`fn f(a, b) { [a, b] } f(q, z)`, "Variable not found: z (line 1, position 28)"},
		{`fn f() { max(q, z) } f()`, "Variable not found: z (line 1, position 17)\nin call to function 'f' (line 1, position 22)"},
		{`const X = [1]; max(X, 1 / 0)`, "Division by zero: 1 / 0"},
		{`let a = [1]; ({ a = [2]; 2 }) in a`, "true"},
		{`let a = [1]; ({ a = [2]; 2 }) !in a`, "true"},
		{`q in z`, "Variable not found: q (line 1, position 1)"},
		{`q !in z`, "Variable not found: z (line 1, position 7)"},

		// Constants and variables that an eval defined.
		{`eval("const Y = 5"); Y = 6`, "Cannot modify constant Y (line 1, position 22)"},
		{`fn f() { eval("const Y = [5]"); Y[0] = 6 } f()`, "Cannot modify constant Y (line 1, position 33)\nin call to function 'f' (line 1, position 44)"},
		{`eval("let Y = 5"); let g = || { Y += 1; Y }; [g.call(), Y]`, "[6, 6]"},
		{`let x = 1; eval("let x = 2"); let g = || x; g.call()`, "2"},
		{`eval("let y = 2"); let g = |a| { let b = || a + y; b.call() }; g.call(4)`, "6"},
		{`fn f() { 1 } eval("let y = 2"); let g = || f; type_of(g.call())`, `"Fn"`},
		{`eval("let a = 1; export a"); eval("let b = 2"); export b; b`, "2"},
		{
			`[1].map(|i| eval("fn f() {}"))`, "Syntax error: Function definitions must be at global level and cannot be inside a block or another function\n" +
				"in call to function 'eval' (line 1, position 18)\nin closure call (line 1, position 5)",
		},
		{`eval("export nope")`, "Variable not found: nope (line 1, position 8)\nin call to function 'eval' (line 1, position 6)"},

		// A function of the script called contains is what the operator in calls.
		{`fn contains(a, b) { a == b } [5 in 5, 5 in 6, 5 !in 5]`, "[true, false, false]"},
		{`fn contains(a, b) { 42 } 1 !in [1]`, "Function not found: ! (i64) (line 1, position 28)"},

		// Methods of a type given to functions of the library.
		{`fn int.foo() { this > 1 } [1, 2].filter(foo)`, "[2]"},
		{`fn int.foo() { this > 1 } fn foo() { false } [1, 2].filter(Fn("foo"))`, "[2]"},
		{`fn int.foo(i) { this += i; } let a = [1, 2]; a.for_each(foo); a`, "[1, 3]"},
		{`fn int.foo(x) { this + x } [1, 2].reduce(Fn("foo"), 0)`, "3"},
		{`fn int.foo() { this } [1, "a"].map(foo)`, "Function not found: foo (&str | ImmutableString | String) (line 1, position 32)"},

		// Any mistake in the values of a switch, also in a closure there, which can be none.
		{`switch 3 { || { x = } => 1 }`, "Syntax error: Expecting literal expression (line 1, position 21)"},

		{`let b = blob(3); b.pad(-9223372036854775807 - 1, 3); b`, "[000000]"},
	} {
		got, err := runScript(t, c.script, Limits{MaxOperations: 1e6})
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.script, got, c.want)
		}
	}
}
