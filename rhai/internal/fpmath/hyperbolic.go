package fpmath

import "math"

// Log1p returns log(1+x), accurate for small x.
func Log1p(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1) || x == 0:
		return x
	case x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	case math.Abs(x) < 0x1p-54:
		return x
	case math.Abs(x) < 0.4:
		return log1pdd(dd{x, 0}).value()
	}
	return logdd(twoSum(1, x)).value()
}

// The hyperbolic functions are composed as the C library composes them, and their inverses as Rust's standard library does, so that the
// last digit is mostly the reference's.

// Sinh returns the hyperbolic sine of x.
func Sinh(x float64) float64 {
	a, h := math.Abs(x), math.Copysign(0.5, x)
	switch {
	case x == 0 || math.IsNaN(x) || math.IsInf(x, 0) || a < 0x1p-28:
		return x
	case a < 1:
		t := Expm1(a)
		return h * (float64(2*t) - float64(t*t)/(t+1))
	case a < 22:
		t := Expm1(a)
		return h * (t + t/(t+1))
	case a < 709:
		return h * Exp(a)
	}
	w := Exp(a / 2)
	return float64(h*w) * w
}

// Cosh returns the hyperbolic cosine of x.
func Cosh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return x
	case a < 0.5*math.Ln2:
		t := Expm1(a)
		w := 1 + t
		return 1 + float64(t*t)/(w+w)
	case a < 22:
		t := Exp(a)
		return float64(0.5*t) + 0.5/t
	case a < 709:
		return 0.5 * Exp(a)
	}
	w := Exp(a / 2)
	return float64(0.5*w) * w
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x float64) float64 {
	a := math.Abs(x)
	z := 1.0
	switch {
	case x == 0 || math.IsNaN(x) || a < 0x1p-55:
		return x
	case a >= 22:
	case a >= 1:
		z = 1 - 2/(Expm1(2*a)+2)
	default:
		t := Expm1(-2 * a)
		z = -t / (t + 2)
	}
	return math.Copysign(z, x)
}

// Asinh returns the inverse hyperbolic sine of x.
func Asinh(x float64) float64 {
	a := math.Abs(x)
	inv := 1 / a
	return math.Copysign(Log1p(a+a/(Hypot(1, inv)+inv)), x)
}

// Acosh returns the inverse hyperbolic cosine of x, NaN below one.
func Acosh(x float64) float64 {
	if x < 1 {
		return math.NaN()
	}
	return Log(x + float64(math.Sqrt(x-1)*math.Sqrt(x+1)))
}

// Atanh returns the inverse hyperbolic tangent of x, NaN outside [-1, 1].
func Atanh(x float64) float64 {
	return 0.5 * Log1p(float64(2*x)/(1-x))
}
