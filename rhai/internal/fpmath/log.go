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

// Log10 returns the decimal logarithm of x. It is composed of the natural one the way the C library does it, which makes powers
// of ten exact and the last digit mostly the reference's.
func Log10(x float64) float64 {
	const (
		log2hi = 3.01029995663611771306e-01 // log10(2) in two parts; the first has 20 bits to spare
		log2lo = 3.69423907715893078616e-13
		inv    = 4.34294481903251816668e-01 // 1/log(10)
	)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	frac, exp := math.Frexp(x) // frac in [0.5, 1)
	exp--
	frac *= 2
	if exp < 0 {
		exp++
		frac /= 2
	}
	y := float64(exp)
	z := float64(y*log2lo) + float64(inv*Log(frac))
	return z + float64(y*log2hi)
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
