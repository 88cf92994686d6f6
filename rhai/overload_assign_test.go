package rhai_test

import (
	"fmt"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// A function that overloads + goes before what the language has for +, and after what it has for +=.
func TestOverloadedOperatorsAndAssignment(t *testing.T) {
	eng := rhai.NewEngine(rhai.OverloadOperators())
	eng.RegisterFn("+", func(a, b int64) int64 { return a + b + 1000 })
	eng.RegisterFn("-", func(a string, b int64) string { return fmt.Sprintf("%s~%d", a, b) })
	eng.RegisterFn("+", func(a, b string) string { return a + "&" + b })
	for script, want := range map[string]string{
		`1 + 2`:                          "1003",
		`let x = 1; x += 2; x`:           "3",
		`let m = [1]; m[0] += 2; m`:      "[3]",
		`let s = "a"; s -= 1; s`:         "a~1",
		`let s = "a"; s += "b"; s + "c"`: "ab&c",
		`let x = 1.5; x += 2; x`:         "3.5",
	} {
		p, err := eng.Compile("", script)
		if err != nil {
			t.Fatal(script, err)
		}
		v, err := p.Run(t.Context(), nil)
		if err != nil || v.String() != want {
			t.Errorf("%s: got %v, %v, want %s", script, v, err, want)
		}
	}
}
