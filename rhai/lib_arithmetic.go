package rhai

import "math"

var arithmeticBuiltins = []builtin{
	{
		"is_zero|get$is_zero(number: i64|f64) -> bool", "Tells whether the number is zero.", `0.is_zero() // true`, 0,
		func(c *Call) (Value, error) {
			if v := c.Arg(0); v.isFloat() {
				return Bool(v.float() == 0), nil
			}
			return Bool(c.int(0) == 0), nil
		},
	},
	{
		"is_odd|get$is_odd(number: i64) -> bool", "Tells whether the number is odd.", `3.is_odd // true`, 0,
		func(c *Call) (Value, error) { return Bool(c.int(0)&1 != 0), nil },
	},
	{
		"is_even|get$is_even(number: i64) -> bool", "Tells whether the number is even.", `3.is_even // false`, 0,
		func(c *Call) (Value, error) { return Bool(c.int(0)&1 == 0), nil },
	},
	{"abs(number: i64|f64) -> i64|f64", "Returns the absolute value.", `abs(-5) // 5`, 0, libAbs},
	{"sign(number: i64|f64) -> i64", "Returns -1, 0 or 1: the sign of the number.", `sign(-2.5) // -1`, 0, libSign},
	{
		"max(x: i64, y: i64) -> i64", "Returns the larger number.", `max(42, 123) // 123`, 0,
		func(c *Call) (Value, error) { return Int(max(c.int(0), c.int(1))), nil },
	},
	{
		"min(x: i64, y: i64) -> i64", "Returns the smaller number.", `min(42, 123) // 42`, 0,
		func(c *Call) (Value, error) { return Int(min(c.int(0), c.int(1))), nil },
	},
	{
		"max(x: i64|f64, y: i64|f64) -> f64", "Returns the larger number as a float.", `max(1, 2.5) // 2.5`, 0,
		func(c *Call) (Value, error) {
			x, y := asNumber(c.Arg(0)), asNumber(c.Arg(1))
			if x >= y {
				return Float(x), nil
			}
			return Float(y), nil
		},
	},
	{
		"min(x: i64|f64, y: i64|f64) -> f64", "Returns the smaller number as a float.", `min(1, 2.5) // 1.0`, 0,
		func(c *Call) (Value, error) {
			x, y := asNumber(c.Arg(0)), asNumber(c.Arg(1))
			if x <= y {
				return Float(x), nil
			}
			return Float(y), nil
		},
	},
	{
		"max(x: string, y: string) -> string", "Returns the text that sorts last.", `max("a", "b") // "b"`, Stores,
		func(c *Call) (Value, error) { return pickText(c, c.text(0) >= c.text(1)) },
	},
	{
		"min(x: string, y: string) -> string", "Returns the text that sorts first.", `min("a", "b") // "a"`, Stores,
		func(c *Call) (Value, error) { return pickText(c, c.text(0) <= c.text(1)) },
	},
	{
		"max(x: char, y: char) -> char", "Returns the character with the larger code.", `max('a', 'b') // 'b'`, 0,
		func(c *Call) (Value, error) { return Char(max(c.Arg(0).char(), c.Arg(1).char())), nil },
	},
	{
		"min(x: char, y: char) -> char", "Returns the character with the smaller code.", `min('a', 'b') // 'a'`, 0,
		func(c *Call) (Value, error) { return Char(min(c.Arg(0).char(), c.Arg(1).char())), nil },
	},
}

func pickText(c *Call, first bool) (Value, error) {
	if err := c.Charge(min(c.Arg(0).strLen(), c.Arg(1).strLen()) >> 6); err != nil {
		return Value{}, err
	}
	if first {
		return c.Arg(0), nil
	}
	return c.Arg(1), nil
}

func libAbs(c *Call) (Value, error) {
	v := c.Arg(0)
	if v.isFloat() {
		return Float(math.Abs(v.float())), nil
	}
	if v.int() >= 0 {
		return v, nil
	}
	n, err := negInt(v.int())
	return Int(n), err
}

func libSign(c *Call) (Value, error) {
	v := c.Arg(0)
	if v.isInt() {
		return Int(int64(order(v.int(), 0))), nil
	}
	f := v.float()
	switch {
	case math.IsNaN(f):
		return Value{}, errArithmetic("Sign of NaN is undefined")
	case f > 0:
		return Int(1), nil
	case f < 0:
		return Int(-1), nil
	}
	return Int(0), nil
}
