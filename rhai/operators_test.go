package rhai

import (
	"math"
	"testing"

	"github.com/picloud/picloud/rhai/syntax"
)

// testMachine has no limits but those a test sets.
func testMachine() *machine {
	return &machine{budget: 1 << 40, maxMemory: unlimited, eng: NewEngine()}
}

func TestBinaryOperators(t *testing.T) {
	s, arr, blob := String("ab"), Array([]Value{Int(1), Float(2)}), Blob([]byte{1, 2})
	m := Map(map[string]Value{"a": Int(1)})
	fn := func() Value { f := &fnObj{hdr: hdr{kind: KindFn}, name: "f"}; return Value{p: &f.hdr} }()
	big := Int(math.MaxInt64)
	nan, inf := Float(math.NaN()), Float(math.Inf(1))
	for _, c := range []struct {
		a    Value
		op   syntax.Token
		b    Value
		want string // raw form of the result, or the error's text
	}{
		{Int(1), syntax.Plus, Int(2), "3"},
		{big, syntax.Plus, Int(1), "Addition overflow: 9223372036854775807 + 1"},
		{Int(math.MinInt64), syntax.Minus, Int(1), "Subtraction overflow: -9223372036854775808 - 1"},
		{Int(math.MinInt64), syntax.Plus, Int(math.MinInt64), "Addition overflow: -9223372036854775808 + -9223372036854775808"},
		{Int(math.MinInt64), syntax.Multiply, Int(-1), "Multiplication overflow: -9223372036854775808 * -1"},
		{Int(1 << 32), syntax.Multiply, Int(-1 << 31), "-9223372036854775808"},
		{Int(1 << 32), syntax.Multiply, Int(1 << 31), "Multiplication overflow: 4294967296 * 2147483648"},
		{Int(1), syntax.Divide, Int(0), "Division by zero: 1 / 0"},
		{Int(math.MinInt64), syntax.Divide, Int(-1), "Division overflow: -9223372036854775808 / -1"},
		{Int(-7), syntax.Modulo, Int(3), "-1"},
		{Int(7), syntax.Modulo, Int(0), "Modulo division by zero or overflow: 7 % 0"},
		{Int(2), syntax.PowerOf, Int(62), "4611686018427387904"},
		{Int(-2), syntax.PowerOf, Int(63), "-9223372036854775808"},
		{Int(2), syntax.PowerOf, Int(63), "Exponential overflow: 2 ** 63"},
		{Int(2), syntax.PowerOf, Int(-1), "Integer raised to a negative power: 2 ** -1"},
		{Int(1), syntax.PowerOf, Int(1 << 40), "Exponential overflow: 1 ** 1099511627776"},
		{Int(1), syntax.LeftShift, Int(64), "0"},
		{Int(-8), syntax.RightShift, Int(99), "-1"},
		{Int(8), syntax.RightShift, Int(-1), "16"},
		{Int(8), syntax.LeftShift, Int(math.MinInt64), "0"},
		{Int(6), syntax.XOr, Int(3), "5"},
		{Int(1), syntax.ExclusiveRange, Int(3), "1..3"},
		{Int(1), syntax.InclusiveRange, Unit(), "1..="},
		{Unit(), syntax.ExclusiveRange, Int(3), "0..3"},
		{Char('a'), syntax.ExclusiveRange, Char('b'), "Function not found: .. (char, char)"},

		{Float(0.1), syntax.Plus, Float(0.2), "0.30000000000000004"},
		{Float(0.30000000000000004), syntax.Equal, Float(0.3), "true"},
		{Int(2), syntax.PowerOf, Float(0.5), "1.4142135623730951"},
		{Float(7.5), syntax.Modulo, Int(2), "1.5"},
		{Int(1), syntax.Equal, Float(1), "true"},
		{nan, syntax.Equal, nan, "false"},
		{nan, syntax.NotEqual, nan, "false"},
		{inf, syntax.Equal, inf, "false"},
		{inf, syntax.Greater, Float(1), "false"},
		{Float(7), syntax.LeftShift, Int(2), "Function not found: << (f64, i64)"},

		{Bool(true), syntax.XOr, Bool(true), "false"},
		{Bool(true), syntax.Greater, Bool(false), "true"},
		{Bool(true), syntax.Plus, Int(1), "Function not found: + (bool, i64)"},
		{Unit(), syntax.Equal, Unit(), "true"},
		{Unit(), syntax.LessEqual, Unit(), "false"},
		{Unit(), syntax.Plus, Unit(), "Function not found: + ((), ())"},

		{s, syntax.Plus, Int(1), `"ab1"`},
		{s, syntax.Plus, Unit(), `"ab"`},
		{Unit(), syntax.Plus, s, `"ab"`},
		{s, syntax.Plus, arr, `"ab[1, 2.0]"`},
		{arr, syntax.Plus, s, `"[1, 2.0]ab"`},
		{s, syntax.Plus, Blob([]byte{'c', 0xff}), "\"abc\ufffd\""},
		{s, syntax.Minus, String("a"), `"b"`},
		{s, syntax.Minus, Char('b'), `"a"`},
		{String(""), syntax.Minus, s, `"ab"`},
		{s, syntax.Multiply, Int(2), "Function not found: * (&str | ImmutableString | String, i64)"},
		{Char('a'), syntax.Plus, Char('b'), `"ab"`},
		{Char('a'), syntax.Plus, s, `"aab"`},
		{Char('a'), syntax.Equal, String("a"), "true"},
		{String("ab"), syntax.Greater, Char('a'), "true"},
		{Char('a'), syntax.Less, String(""), "false"},
		{s, syntax.Equal, Int(1), "false"},
		{s, syntax.NotEqual, Int(1), "true"},
		{s, syntax.Less, Int(1), "false"},

		{arr, syntax.Equal, Array([]Value{Float(1), Int(2)}), "true"},
		{arr, syntax.NotEqual, Array([]Value{Int(1)}), "true"},
		{arr, syntax.Plus, Array([]Value{Unit()}), "[1, 2.0, ()]"},
		{arr, syntax.Plus, Int(1), "Function not found: + (array, i64)"},
		{arr, syntax.Less, arr, "Function not found: < (array, array)"},
		{Array([]Value{Range(1, 2, false)}), syntax.Equal, Array([]Value{Range(1, 2, true)}), "false"},
		{Range(1, 2, false), syntax.Equal, Range(1, 2, true), "Function not found: == (range, range=)"},
		{Range(1, 2, false), syntax.NotEqual, Range(1, 2, true), "true"},
		{m, syntax.Plus, Map(map[string]Value{"a": Int(5), "b": Int(6)}), `#{"a": 5, "b": 6}`},
		{m, syntax.Equal, Map(map[string]Value{"a": Int(1)}), "true"},
		{m, syntax.Less, m, "Function not found: < (map, map)"},
		{blob, syntax.Plus, Blob([]byte{3}), "[010203]"},
		{blob, syntax.Plus, Char('A'), "[010241]"},
		{blob, syntax.Equal, Blob([]byte{1, 2}), "true"},
		{fn, syntax.Equal, fn, "Function not found: == (Fn, Fn)"},
		{Array([]Value{fn}), syntax.Equal, Array([]Value{fn}), "Function not found: == (Fn, Fn)"},

		{Int(2), syntax.In, arr, "true"},
		{Char('b'), syntax.In, s, "true"},
		{Int(1), syntax.In, s, "Function not found: contains (&str | ImmutableString | String, i64)"},
		{String("a"), syntax.NotIn, m, "false"},
		{Int(3), syntax.In, Range(1, 3, false), "false"},
		{Int(3), syntax.In, Range(1, 3, true), "true"},
		{Int(257), syntax.In, blob, "true"},
		{Int(1), syntax.In, Int(5), "Function not found: contains (i64, i64)"},
	} {
		v, err := binary(testMachine(), c.op, c.a, c.b)
		got := reprString(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s %s = %s, want %s", reprString(c.a), c.op, reprString(c.b), got, c.want)
		}
	}
}

func TestAssignGrowsInPlaceAndLeavesOthersAlone(t *testing.T) {
	vm := testMachine()
	for _, c := range []struct {
		target Value
		op     syntax.Token
		b      Value
		want   string
	}{
		{Array([]Value{Int(1)}), syntax.Plus, Int(2), "[1, 2]"},
		{Array([]Value{Int(1)}), syntax.Plus, Array([]Value{Int(2)}), "[1, 2]"},
		{Map(nil), syntax.Plus, Map(map[string]Value{"k": Int(2)}), `#{"k": 2}`},
		{Blob([]byte{1}), syntax.Plus, String("A"), "[0141]"},
		{Blob([]byte{1}), syntax.Plus, Int(258), "[0102]"},
		{String("a"), syntax.Plus, Array([]Value{Char('c')}), `"a[c]"`},
		{Char('a'), syntax.Plus, Char('b'), `"ab"`},
		{Int(7), syntax.LeftShift, Int(1), "14"},
		{Int(7), syntax.Plus, Float(1), "8.0"},
	} {
		before := reprString(c.target)
		other := share(c.target)
		slot := c.target
		if err := assignOp(vm, c.op, &slot, share(c.b)); err != nil {
			t.Errorf("%s %s= %s: %v", before, c.op, reprString(c.b), err)
			continue
		}
		if got := reprString(slot); got != c.want {
			t.Errorf("%s %s= %s gives %s, want %s", before, c.op, reprString(c.b), got, c.want)
		}
		if got := reprString(other); got != before {
			t.Errorf("%s %s= %s changed another copy to %s", before, c.op, reprString(c.b), got)
		}
	}
}

func TestConcatenationIsLimited(t *testing.T) {
	vm := testMachine()
	vm.limits.MaxStringSize, vm.limits.MaxArraySize, vm.limits.MaxMapSize = 3, 2, 1
	for _, c := range []struct{ a, b Value }{
		{String("ab"), String("cd")},
		{String("ab"), Int(100)},
		{Array([]Value{Unit(), Unit()}), Array([]Value{Unit()})},
		{Blob([]byte{1, 2}), Blob([]byte{3})},
		{Map(map[string]Value{"a": Unit()}), Map(map[string]Value{"b": Unit()})},
	} {
		_, err := binary(vm, syntax.Plus, c.a, c.b)
		if e, ok := err.(*Error); !ok || e.Kind != ErrDataTooLarge {
			t.Errorf("%s + %s: %v, want it too large", reprString(c.a), reprString(c.b), err)
		}
	}
}
