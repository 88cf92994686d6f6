package rhai_test

import (
	"context"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// Behaviour that the recorded cases do not cover: what a script gives, in the
// debug form, or the beginning of its error.
func TestScripts(t *testing.T) {
	tests := []struct{ script, want string }{
		{"let x = 1..42; switch x { 1 => 'a', 1..42 => 'b', _ => 'c' }", "b"},
		{"let x = 1..=42; switch x { 1..42 => 'b', _ => 'c' }", "c"},
		{"switch Fn(\"f\") { Fn(\"g\") => 1, Fn(\"f\") => 2 }", "2"},
		{"const X = 1; fn f() { global::X } eval(\"const X = 2;\"); f()", "2"},
		{"const X = 1; fn f() { global::X } { eval(\"const X = 2;\"); } f()", "1"},
		{"fn f(x) { let h = b + x; h } let b = 40; let h = 1; let g = Fn(\"f\"); [call!(g, 2), f!(3), h]", "[42, 43, 1]"},
		{"let b = 40; let g = |x| x + b; call!(g, 2)", "42"},
		{"let _x = 1; let __y2 = 2; _x + __y2", "3"},
		{"let s = \"abc\"; s[-1] = 'z'; s", `"abz"`},
		{"fn f(p) { this = p; this } let a = #{p: 1}; let k = [a]; [a.y.f(2), a[\"z\"].f(3), a, k]", `[2, 3, #{"p": 1}, [#{"p": 1}]]`},
		{"const X = 5; let f = |a| global::X + a; f.call(1)", "6"},
		{"const X = 5; let f = || { let g = || global::X; g.call() }; f.call()", "5"},
		{"const X = 5; [1, 2].map(|a| global::X + a)", "[6, 7]"},
		{"const X = 5; fn g() { let f = || global::X; f.call() } g()", "5"},
		{"const X = 5; let f = || eval(\"global::X\"); f.call()", "5"},
		{"const X = 5; let f = || 1; global::X", "5"},
		{"const X = 5; global::X", "Variable not found: global::X (line 1, position 14)"},
		{"const X = [5]; fn f() { global::X[0] = 5 } f()", "Cannot modify constant X (line 1, position 25)\nin call to function 'f' (line 1, position 44)"},
		{"const X = [5]; fn f() { global::X += 1 } f()", "Cannot modify constant X (line 1, position 33)\nin call to function 'f' (line 1, position 42)"},
		{"timestamp() + \"b\"", `"<timestamp>b"`},
		{"let t = timestamp(); t += 'a'; t", "Function not found: + (timestamp, char) (line 1, position 24)"},
		{"let t = timestamp(); t + 0.0/0.0 == t", "true"},
		{"timestamp() + 1e30", "Integer overflow for timestamp add: 1000000000000000000000000000000 (line 1, position 13)"},
	}
	for _, test := range tests {
		prog, err := rhai.NewEngine().Compile("", test.script)
		var v rhai.Value
		if err == nil {
			v, err = prog.Run(context.Background(), nil)
		}
		got := v.DebugString()
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.script, got, test.want)
		}
	}
}
