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
		{`let a = [1]; ({ a = [2]; 2 }) in a`, "true"},
		{`let a = [1]; ({ a = [2]; 2 }) !in a`, "true"},
		{`q in z`, "Variable not found: q (line 1, position 1)"},
		{`q !in z`, "Variable not found: z (line 1, position 7)"},

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
