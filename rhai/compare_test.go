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
