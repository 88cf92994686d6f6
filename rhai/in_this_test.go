package rhai_test

import (
	"testing"

	"github.com/picloud/picloud/rhai"
)

// On the right of `in`, `this` is read after the left side, as a variable is; without one that side is not evaluated.
func TestThisIsReadAfterTheLeftOfIn(t *testing.T) {
	for script, want := range map[string]string{
		`fn f() { ({ this = [3]; 3 }) in this } let a = [1]; a.f()`:                   "true",
		`fn f() { ({ this = [3]; 3 }) !in this } let a = [1]; a.f()`:                  "true",
		`fn f() { ({ this.push(4); 4 }) in this } let a = [1]; a.f() && a.len == 2`:   "true",
		`fn f() { q in this } f()`:                                                    "'this' not bound (line 1, position 15)\nin call to function 'f' (line 1, position 22)",
		`fn f() { 1 in this } let a = [1]; a.f()`:                                     "true",
		`fn f() { ({ throw 1; 3 }) in this } f()`:                                     "'this' not bound (line 1, position 30)\nin call to function 'f' (line 1, position 37)",
		`let a = [1]; fn f(x) { let r = ({ x = [3]; 3 }) in x; r } f(a)`:              "true",
		`fn f() { ({ this = [[3]]; 3 }) in this[0] } let a = [[1]]; let r = a.f(); r`: "false",
	} {
		for _, opts := range [][]rhai.Option{nil, {rhai.WithoutOptimizer()}} {
			p, err := rhai.NewEngine(opts...).Compile("", script)
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
