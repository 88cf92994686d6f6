package fpmath

import "math"

// expdd returns e**x for |x| <= 800 as a significand and a binary exponent.
func expdd(x dd) (dd, int) {
	k := math.Floor(x.hi/math.Ln2 + 0.5)
	r := x.sub(ddLn2.mulf(k))
	return expm1Reduced(r).addf(1), int(k)
}

// expm1Reduced returns e**r - 1 for |r| <= 0.36. Working on the difference to one keeps the relative
// precision of small results.
func expm1Reduced(r dd) dd {
	const halvings = 5
	r = r.scale(1.0 / (1 << halvings))
	// Taylor on |r| <= 0.0113: 14 terms leave 0.0113**15/15! < 2**-137.
	t := r.mul(inverses[14]).addf(1)
	for n := 13; n >= 2; n-- {
		t = t.mul(r).mul(inverses[n]).addf(1)
	}
	t = t.mul(r)
	for range halvings { // (1+t)**2 - 1 = 2t + t**2
		t = t.scale(2).add(t.mul(t))
	}
	return t
}

// ldexp rounds a*2**k once. Only subnormal results need care: there hi and lo are added on the coarser grid.
func (a dd) ldexp(k int) float64 {
	v := a.value()
	if e := math.Ilogb(v) + k; v == 0 || e >= -1022 {
		return math.Ldexp(v, k)
	}
	// Bring both parts next to the subnormal grid by a sum that rounds at its bit.
	const grid = 1.5 * (1 << 52)
	shift := k + 1074 // one unit is the smallest subnormal
	hi, lo := math.Ldexp(a.hi, shift), math.Ldexp(a.lo, shift)
	s := twoSum(grid, hi)
	units := s.hi - grid
	rest := s.lo + lo // what the first sum left over, at most half a unit
	switch {
	case rest > 0.5, rest == 0.5 && math.Mod(units, 2) != 0:
		units++
	case rest < -0.5, rest == -0.5 && math.Mod(units, 2) != 0:
		units--
	}
	return math.Ldexp(units, -1074)
}

// Exp returns e**x.
func Exp(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x > 709.79:
		return math.Inf(1)
	case x < -745.2:
		return 0
	case x == 0:
		return 1
	}
	m, k := expdd(dd{x, 0})
	return m.ldexp(k)
}

// expm1dd returns e**x - 1 for |x| <= 40.
func expm1dd(x dd) dd {
	if math.Abs(x.hi) <= 0.34 {
		return expm1Reduced(x)
	}
	m, k := expdd(x)
	return m.scale(math.Ldexp(1, k)).addf(-1)
}

// Expm1 returns e**x - 1, accurate for small x.
func Expm1(x float64) float64 {
	switch {
	case x == 0 || math.IsNaN(x) || math.IsInf(x, 1) || math.Abs(x) < 0x1p-54:
		return x
	case x > 40:
		return Exp(x)
	case x < -40:
		return -1
	}
	return expm1dd(dd{x, 0}).value()
}
