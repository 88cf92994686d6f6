package rhai

import "testing"

func TestIdenticalTellsTypesAndBits(t *testing.T) {
	third := 0.1
	arr := func(v ...Value) Value { return Array(v) }
	for _, c := range []struct {
		a, b Value
		want bool
	}{
		{Int(1), Int(1), true},
		{Int(1), Float(1), false},
		{Float(third + 0.2), Float(0.3), false},
		{Bool(true), Int(1), false},
		{String("a"), String("a"), true},
		{String("a"), Char('a'), false},
		{Unit(), Unit(), true},
		{Range(1, 2, false), Range(1, 2, false), true},
		{Range(1, 2, false), Range(1, 2, true), false},
		{arr(Int(1), String("x")), arr(Int(1), String("x")), true},
		{arr(Int(1)), arr(Float(1)), false},
		{Map(map[string]Value{"a": Int(1)}), Map(map[string]Value{"a": Int(1)}), true},
		{Map(map[string]Value{"a": Int(1)}), Map(map[string]Value{"b": Int(1)}), false},
		{Blob([]byte{1}), Blob([]byte{1}), true},
	} {
		if got := identical(c.a, c.b); got != c.want {
			t.Errorf("identical(%s, %s) = %v", reprString(c.a), reprString(c.b), got)
		}
	}
}

// Zero and NaN are equal to the reference; other numbers and NaN are in no relation.
func TestCompareWithNaN(t *testing.T) {
	for script, want := range map[string]string{
		"let n = 0.0/0.0; [0.0 < n, 0.0 <= n, 0.0 > n, 0.0 >= n, 0.0 == n, 0.0 != n]": "[false, true, false, true, true, false]",
		"let n = 0.0/0.0; [n < 0, n <= 0, n > 0, n >= 0, n == 0, n != 0]":             "[false, true, false, true, true, false]",
		"let n = 0.0/0.0; [1.0 < n, 1.0 <= n, 1.0 > n, 1.0 >= n, 1.0 == n, 1.0 != n]": "[false, false, false, false, false, false]",
		"let n = 0.0/0.0; if 0.0 <= n { 1 } else { 2 }":                               "1",
	} {
		if got, err := runScript(t, script, Limits{}); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", script, got, err, want)
		}
	}
}
