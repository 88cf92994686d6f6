package rhai

import (
	"math"
	"strconv"
	"strings"

	"github.com/picloud/picloud/rhai/internal/fpmath"
)

// float1 is a function of one float that costs a few operations; huge angles cost more.
func float1(f func(float64) float64) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		x := c.float(0)
		cost := 4
		if math.Abs(x) > 1<<20 {
			cost = 256
		}
		if err := c.Charge(cost); err != nil {
			return Value{}, err
		}
		return Float(f(x)), nil
	}
}

func float2(f func(x, y float64) float64) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		if err := c.Charge(8); err != nil {
			return Value{}, err
		}
		return Float(f(c.float(0), c.float(1))), nil
	}
}

// float0 is a function of one float that is as cheap as an operator.
func float0(f func(float64) float64) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) { return Float(f(c.float(0))), nil }
}

func floatTest(f func(float64) bool) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) { return Bool(f(c.float(0))), nil }
}

var mathBuiltins = []builtin{
	{"sin(x: f64) -> f64", "Returns the sine of an angle in radians.", `sin(0.0) // 0.0`, 0, float1(fpmath.Sin)},
	{"cos(x: f64) -> f64", "Returns the cosine of an angle in radians.", `cos(0.0) // 1.0`, 0, float1(fpmath.Cos)},
	{"tan(x: f64) -> f64", "Returns the tangent of an angle in radians.", `tan(0.0) // 0.0`, 0, float1(fpmath.Tan)},
	{"sinh(x: f64) -> f64", "Returns the hyperbolic sine.", `sinh(0.0) // 0.0`, 0, float1(fpmath.Sinh)},
	{"cosh(x: f64) -> f64", "Returns the hyperbolic cosine.", `cosh(0.0) // 1.0`, 0, float1(fpmath.Cosh)},
	{"tanh(x: f64) -> f64", "Returns the hyperbolic tangent.", `tanh(0.0) // 0.0`, 0, float1(fpmath.Tanh)},
	{"asin(x: f64) -> f64", "Returns the arc sine in radians.", `asin(1.0) // 1.5707963267948966`, 0, float1(fpmath.Asin)},
	{"acos(x: f64) -> f64", "Returns the arc cosine in radians.", `acos(1.0) // 0.0`, 0, float1(fpmath.Acos)},
	{"atan(x: f64) -> f64", "Returns the arc tangent in radians.", `atan(1.0) // 0.7853981633974483`, 0, float1(fpmath.Atan)},
	{
		"atan(x: f64, y: f64) -> f64", "Returns the arc tangent of x/y in radians, in the quadrant that the signs give.", `atan(1.0, -1.0) // 2.356194490192345`, 0,
		float2(fpmath.Atan2),
	},
	{"asinh(x: f64) -> f64", "Returns the inverse hyperbolic sine.", `asinh(0.0) // 0.0`, 0, float1(fpmath.Asinh)},
	{"acosh(x: f64) -> f64", "Returns the inverse hyperbolic cosine.", `acosh(1.0) // 0.0`, 0, float1(fpmath.Acosh)},
	{"atanh(x: f64) -> f64", "Returns the inverse hyperbolic tangent.", `atanh(0.0) // 0.0`, 0, float1(fpmath.Atanh)},
	{"hypot(x: f64, y: f64) -> f64", "Returns the hypotenuse of a right triangle with the given sides.", `hypot(3.0, 4.0) // 5.0`, 0, float2(fpmath.Hypot)},
	{"sqrt(x: f64) -> f64", "Returns the square root.", `sqrt(16.0) // 4.0`, 0, float0(math.Sqrt)},
	{"exp(x: f64) -> f64", "Returns e raised to the power of x.", `exp(0.0) // 1.0`, 0, float1(fpmath.Exp)},
	{"ln(x: f64) -> f64", "Returns the natural logarithm.", `ln(1.0) // 0.0`, 0, float1(fpmath.Log)},
	{"log(x: f64) -> f64", "Returns the decimal logarithm.", `log(1000.0) // 3.0`, 0, float1(fpmath.Log10)},
	{
		"log(x: f64, base: f64) -> f64", "Returns the logarithm to a base.", `log(8.0, 2.0) // 3.0`, 0,
		float2(func(x, base float64) float64 { return fpmath.Log(x) / fpmath.Log(base) }),
	},
	{"E() -> f64", "Returns Euler's number.", `E() // 2.718281828459045`, 0, func(*Call) (Value, error) { return Float(math.E), nil }},
	{"PI() -> f64", "Returns the number π.", `PI() // 3.141592653589793`, 0, func(*Call) (Value, error) { return Float(math.Pi), nil }},
	{
		"to_radians(x: f64) -> f64", "Converts degrees to radians.", `180.0.to_radians() // 3.141592653589793`, 0,
		float0(func(x float64) float64 { return x * (math.Pi / 180) }),
	},
	{
		"to_degrees(x: f64) -> f64", "Converts radians to degrees.", `PI().to_degrees() // 180.0`, 0,
		float0(func(x float64) float64 { return x * (180 / math.Pi) }),
	},
	{"floor|get$floor(x: f64) -> f64", "Rounds down to a whole number.", `(-1.5).floor() // -2.0`, 0, float0(math.Floor)},
	{"ceiling|get$ceiling(x: f64) -> f64", "Rounds up to a whole number.", `1.2.ceiling() // 2.0`, 0, float0(math.Ceil)},
	{"round|get$round(x: f64) -> f64", "Rounds to the nearest whole number, halves away from zero.", `2.5.round() // 3.0`, 0, float0(math.Round)},
	{"int|get$int(x: f64) -> f64", "Cuts off the fraction.", `(-1.5).int() // -1.0`, 0, float0(math.Trunc)},
	{
		"fraction|get$fraction(x: f64) -> f64", "Returns the fraction.", `2.5.fraction() // 0.5`, 0,
		float0(func(x float64) float64 { return x - math.Trunc(x) }),
	},
	{"is_nan|get$is_nan(x: f64) -> bool", "Tells whether the value is not a number.", `(0.0/0.0).is_nan() // true`, 0, floatTest(math.IsNaN)},
	{
		"is_finite|get$is_finite(x: f64) -> bool", "Tells whether the number is finite.", `1.0.is_finite() // true`, 0,
		floatTest(func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }),
	},
	{
		"is_infinite|get$is_infinite(x: f64) -> bool", "Tells whether the number is infinite.", `(1.0/0.0).is_infinite() // true`, 0,
		floatTest(func(x float64) bool { return math.IsInf(x, 0) }),
	},

	{"to_int(x: i64|f64|char) -> i64", "Converts to an integer: a float loses its fraction, a character gives its code.", `1.9.to_int() // 1`, 0, libToInt},
	{
		"to_float(x: i64|f64) -> f64", "Converts to a float.", `3.to_float() // 3.0`, 0,
		func(c *Call) (Value, error) { return Float(asNumber(c.Arg(0))), nil },
	},
	{
		"parse_int(text: string) -> i64", "Reads a decimal integer.", `parse_int("123") // 123`, 0,
		func(c *Call) (Value, error) { return libParseInt(c, 10) },
	},
	{
		"parse_int(text: string, radix: i64) -> i64", "Reads an integer in a radix of 2 to 36.", `parse_int("ff", 16) // 255`, 0,
		func(c *Call) (Value, error) { return libParseInt(c, c.int(1)) },
	},
	{"parse_float(text: string) -> f64", "Reads a float.", `parse_float("123.5") // 123.5`, 0, libParseFloat},
	{"to_hex(x: i64) -> string", "Writes the number in hexadecimal, negative ones in two's complement.", `to_hex(255) // "ff"`, 0, radixText(16)},
	{"to_octal(x: i64) -> string", "Writes the number in octal, negative ones in two's complement.", `to_octal(8) // "10"`, 0, radixText(8)},
	{"to_binary(x: i64) -> string", "Writes the number in binary, negative ones in two's complement.", `to_binary(5) // "101"`, 0, radixText(2)},
}

func radixText(radix int) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) { return c.String(strconv.FormatUint(uint64(c.int(0)), radix)) }
}

func libToInt(c *Call) (Value, error) {
	v := c.Arg(0)
	switch {
	case v.isInt():
		return v, nil
	case v.isChar():
		return Int(int64(v.char())), nil
	}
	f := v.float()
	switch {
	case f > math.MaxInt64 || f < math.MinInt64:
		return Value{}, errArithmetic("Integer overflow: to_int(%s)", rustFloat(f))
	case math.IsNaN(f):
		return Int(0), nil
	case f >= math.MaxInt64: // 2**63 itself saturates
		return Int(math.MaxInt64), nil
	}
	return Int(int64(f)), nil
}

// rustFloat is Rust's own display of a float, never in scientific notation.
func rustFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return string(appendShortest(nil, f, 'f'))
}

func libParseInt(c *Call, radix int64) (Value, error) {
	if radix < 2 || radix > 36 {
		return Value{}, errArithmetic("Invalid radix: '%d'", radix)
	}
	text := c.text(0)
	if err := c.Charge(len(text) >> 4); err != nil {
		return Value{}, err
	}
	if err := c.Alloc(3 * len(text)); err != nil { // of an error that shows it
		return Value{}, err
	}
	n, err := parseInt(strings.TrimSpace(text), int(radix))
	if err != nil {
		return Value{}, errArithmetic("Error parsing integer number '%s': %v", text, err)
	}
	return Int(n), nil
}

func libParseFloat(c *Call) (Value, error) {
	text := c.text(0)
	if err := c.Charge(len(text) >> 4); err != nil {
		return Value{}, err
	}
	if err := c.Alloc(5 * len(text)); err != nil { // also of an error that shows it
		return Value{}, err
	}
	f, err := parseFloat(strings.TrimSpace(text))
	if err != nil {
		return Value{}, errArithmetic("Error parsing floating-point number '%s': %v", text, err)
	}
	return Float(f), nil
}
