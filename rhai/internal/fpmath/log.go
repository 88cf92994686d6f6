package fpmath

import "math"

// logdd returns the natural logarithm of a finite a > 0.
func logdd(a dd) dd {
	frac, exp := math.Frexp(a.hi)
	if frac < math.Sqrt2/2 {
		frac *= 2
		exp--
	}
	// Bring a into [0.7, 1.42] exactly; the scaling is split because 2**1074 is no float64.
	half := -exp / 2
	m := a.scale(math.Ldexp(1, half)).scale(math.Ldexp(1, -exp-half))
	// First guess by atanh's series, then log m = y + log1p(m*exp(-y) - 1).
	s := (frac - 1) / (frac + 1)
	s2 := float64(s * s)
	y := 2 * float64(s*(1+float64(s2*(1.0/3+float64(s2*(1.0/5+float64(s2*(1.0/7+float64(s2/9))))))))) // error < 1e-9
	if m.hi == 1 && m.lo == 0 {
		return ddLn2.mulf(float64(exp))
	}
	// m*exp(-y) - 1 = (m-1) + m*expm1(-y), which keeps what cancels
	d := m.addf(-1).add(m.mul(expm1Reduced(dd{-y, 0})))
	r := dd{y, 0}.add(log1pSeries(d))
	if exp == 0 {
		return r
	}
	return ddLn2.mulf(float64(exp)).add(r)
}

// log1pSeries returns log(1+d) for |d| < 1e-8.
func log1pSeries(d dd) dd {
	t := inverses[3].sub(d.mul(inverses[4]))
	t = inverses[2].sub(d.mul(t))
	return d.sub(d.mul(d).mul(t))
}

// Log returns the natural logarithm of x.
func Log(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	return logdd(dd{x, 0}).value()
}

var ln10 = logdd(dd{10, 0})

// Log10 returns the decimal logarithm of x.
func Log10(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	return logdd(dd{x, 0}).div(ln10).value()
}

// Asinh returns the inverse hyperbolic sine of x.
func Asinh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x == 0 || math.IsNaN(x) || math.IsInf(x, 0):
		return x
	case a < 0x1p-26:
		return math.FMA(float64(x*x)*x, -1.0/6, x)
	case a > 0x1p60:
		return math.Copysign(logdd(dd{a, 0}).add(ddLn2).value(), x)
	}
	r := twoProd(a, a).addf(1).sqrt()
	if a >= 0.25 {
		return math.Copysign(logdd(r.addf(a)).value(), x)
	}
	// log1p(a + a**2/(1+sqrt(1+a**2)))
	d := twoProd(a, a).div(r.addf(1)).addf(a)
	return math.Copysign(log1pdd(d).value(), x)
}

// log1pdd returns log(1+d) for |d| < 0.4 with small relative error.
func log1pdd(d dd) dd {
	s := d.hi / (2 + d.hi)
	s2 := float64(s * s)
	y := 2 * float64(s*(1+float64(s2*(1.0/3+float64(s2*(1.0/5+float64(s2*(1.0/7+float64(s2/9)))))))))
	e := expm1Reduced(dd{-y, 0})
	// (1+d)*(1+e) - 1
	return dd{y, 0}.add(log1pSeries(d.add(e).add(d.mul(e))))
}

// Acosh returns the inverse hyperbolic cosine of x, NaN below one.
func Acosh(x float64) float64 {
	switch {
	case math.IsNaN(x) || x < 1:
		return math.NaN()
	case x == 1:
		return 0
	case math.IsInf(x, 1):
		return x
	case x > 0x1p60:
		return logdd(dd{x, 0}).add(ddLn2).value()
	}
	t := dd{x, 0}.addf(-1)
	// x - 1 + sqrt((x-1)(x+1))
	d := t.mul(twoSum(x, 1)).sqrt().add(t)
	if d.hi < 0.3 {
		return log1pdd(d).value()
	}
	return logdd(d.addf(1)).value()
}

// Atanh returns the inverse hyperbolic tangent of x, NaN outside [-1, 1].
func Atanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x) || a > 1:
		return math.NaN()
	case x == 0:
		return x
	case a == 1:
		return math.Copysign(math.Inf(1), x)
	case a < 0x1p-26:
		return math.FMA(float64(x*x)*x, 1.0/3, x)
	case a < 0.14: // log1p(2a/(1-a))/2
		d := dd{2 * a, 0}.div(twoSum(1, -a))
		return math.Copysign(log1pdd(d).scale(0.5).value(), x)
	}
	q := twoSum(1, a).div(twoSum(1, -a))
	return math.Copysign(logdd(q).scale(0.5).value(), x)
}

// Pow returns x**y with the special cases of IEEE 754 (math.Pow lists them).
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0):
		return powSpecial(x, y)
	case y == 1:
		return x
	}
	negative := false
	if x < 0 {
		if math.Trunc(y) != y {
			return math.NaN()
		}
		negative = math.Mod(y, 2) != 0
		x = -x
	}
	r := powPositive(x, y)
	if negative {
		return -r
	}
	return r
}

func powPositive(x, y float64) float64 {
	if x == 1 {
		return 1
	}
	l := logdd(dd{x, 0})
	switch e := float64(l.hi * y); {
	case e > 710:
		return math.Inf(1)
	case e < -746:
		return 0
	}
	m, k := expdd(l.mulf(y))
	return m.ldexp(k)
}

// powSpecial handles a zero or infinite operand.
func powSpecial(x, y float64) float64 {
	odd := math.Trunc(y) == y && math.Abs(y) < 0x1p53 && math.Mod(y, 2) != 0
	if math.IsInf(y, 0) {
		a := math.Abs(x)
		switch {
		case a == 1:
			return 1
		case (a > 1) == (y > 0):
			return math.Inf(1)
		}
		return 0
	}
	// x is 0 or infinite, y is finite and not 0
	r := 0.0
	if (x == 0) == (y < 0) {
		r = math.Inf(1)
	}
	if odd {
		return math.Copysign(r, x)
	}
	return r
}
