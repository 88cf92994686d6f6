package rhai_test

import (
	"testing"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// Without shadowing an eval defines what the body goes on to use, but nothing that is there.
func TestEvalWithoutShadowing(t *testing.T) {
	const exists = "Variable already defined: "
	for script, want := range map[string]string{
		`eval("let z = 3"); z`:                        "3",
		`eval("let z = 3; export z"); z + 1`:          "4",
		`eval("let q = 1"); eval("let q = 2")`:        exists + "q (line 1, position 1)\nin call to function 'eval' (line 1, position 25)",
		`eval("let x = 3"); x`:                        exists + "x (line 1, position 1)\nin call to function 'eval' (line 1, position 6)",
		`eval("let x = 3")`:                           exists + "x (line 1, position 1)\nin call to function 'eval' (line 1, position 6)",
		`let y = 1; eval("let y = 3"); y`:             exists + "y (line 1, position 1)\nin call to function 'eval' (line 1, position 17)",
		`fn f() { eval("let x = 3"); x } f()`:         "3",
		`for i in 0..3 { eval("let z = i"); }`:        "",
		`fn f() { eval("let z = 3"); z } f() + f()`:   "6",
		`{ eval("let z = 3"); } eval("let z = 4"); z`: "4",
	} {
		eng := rhai.NewEngine(rhai.WithLanguage(syntax.Language{NoShadowing: true}))
		p, err := eng.Compile("", script)
		if err != nil {
			t.Fatal(script, err)
		}
		v, err := p.Run(t.Context(), rhai.NewScope().Push("x", rhai.Int(1)))
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", script, got, want)
		}
	}
}
