package fpmath

import (
	"math"
	"math/big"
	"sync"
)

// reduce returns x - n*pi/2 in [-pi/4, pi/4] and n mod 4.
func reduce(x float64) (dd, int) {
	if math.Abs(x) < 0.78 {
		return dd{x, 0}, 0
	}
	if math.Abs(x) > 1<<20 {
		return reduceBig(x)
	}
	n := math.Floor(x/(math.Pi/2) + 0.5)
	// pi/2 in three parts: n has at most 21 bits and the first two have 32 each, so n*p is exact.
	const (
		p1 = 0x1.921fb544p+0
		p2 = 0x1.0b4611a6p-34
		p3 = 0x1.3198a2e037073p-69
	)
	r := twoSum(x-float64(n*p1), -float64(n*p2))
	r = r.sub(twoProd(n, p3)).addf(-float64(n * p4))
	return r, int(n) & 3
}

// p4 is what remains of pi/2 after the three parts of reduce.
const p4 = 0x1.129024e088a67p-123

// halfPi is pi/2 to 1,300 bits, computed once by Machin's formula for the rare huge argument.
var halfPi = sync.OnceValue(func() *big.Float {
	const bits = 1400
	arctan := func(inv int64) *big.Int { // arctan(1/inv) scaled by 2**bits
		one := new(big.Int).Lsh(big.NewInt(1), bits)
		term := one.Div(one, big.NewInt(inv))
		sum := new(big.Int).Set(term)
		sq := big.NewInt(inv * inv)
		for n := int64(3); term.Sign() != 0; n += 2 {
			term.Div(term, sq)
			d := new(big.Int).Div(term, big.NewInt(n))
			if n%4 == 3 {
				sum.Sub(sum, d)
			} else {
				sum.Add(sum, d)
			}
		}
		return sum
	}
	pi4 := new(big.Int).Mul(arctan(5), big.NewInt(4))
	pi4.Sub(pi4, arctan(239))
	f := new(big.Float).SetPrec(1300).SetInt(pi4)
	return f.SetMantExp(f, 1-bits)
})

func reduceBig(x float64) (dd, int) {
	v := new(big.Float).SetPrec(1300).SetFloat64(x)
	q := new(big.Float).SetPrec(1300).Quo(v, halfPi())
	if q.Sign() >= 0 {
		q.Add(q, big.NewFloat(0.5))
	} else {
		q.Sub(q, big.NewFloat(0.5))
	}
	n, _ := q.Int(nil) // towards zero, so this rounds q half away from it
	nf := new(big.Float).SetPrec(1300).SetInt(n)
	v.Sub(v, nf.Mul(nf, halfPi()))
	hi, _ := v.Float64()
	lo, _ := new(big.Float).SetPrec(1300).Sub(v, big.NewFloat(hi)).Float64()
	quadrant := int(new(big.Int).And(n, big.NewInt(3)).Int64()) // And of a negative works in two's complement
	return dd{hi, lo}, quadrant
}

// sincosReduced returns sin r and cos r for |r| <= 0.79.
func sincosReduced(r dd) (sin, cos dd) {
	r2 := r.mul(r)
	// sin: 13 terms leave 0.79**27/27! < 2**-102; cos alike
	s := ddOne
	for n := 26; n >= 2; n -= 2 {
		s = ddOne.sub(s.mul(r2).mul(inverses[n]).mul(inverses[n+1]))
	}
	c := ddOne
	for n := 27; n >= 1; n -= 2 {
		c = ddOne.sub(c.mul(r2).mul(inverses[n]).mul(inverses[n+1]))
	}
	return s.mul(r), c
}

func sincos(x float64) (sin, cos dd) {
	r, quadrant := reduce(x)
	s, c := sincosReduced(r)
	switch quadrant {
	case 1:
		return c, s.neg()
	case 2:
		return s.neg(), c.neg()
	case 3:
		return c.neg(), s
	}
	return s, c
}

// Sin returns the sine of x radians.
func Sin(x float64) float64 {
	switch {
	case x == 0 || math.IsNaN(x):
		return x
	case math.IsInf(x, 0):
		return math.NaN()
	case math.Abs(x) < 0x1p-27:
		return math.FMA(float64(x*x)*x, -1.0/6, x)
	}
	s, _ := sincos(x)
	return s.value()
}

// Cos returns the cosine of x radians.
func Cos(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return math.NaN()
	}
	_, c := sincos(x)
	return c.value()
}

// Tan returns the tangent of x radians.
func Tan(x float64) float64 {
	switch {
	case x == 0 || math.IsNaN(x):
		return x
	case math.IsInf(x, 0):
		return math.NaN()
	case math.Abs(x) < 0x1p-27:
		return math.FMA(float64(x*x)*x, 1.0/3, x)
	}
	s, c := sincos(x)
	return s.div(c).value()
}

// atan2dd returns the angle of the point (x, y) for x >= 0, y >= 0, not both zero.
func atan2dd(y, x dd) dd {
	if y.hi > x.hi {
		return ddPi2.sub(atan2dd(x, y))
	}
	// A guess within 1e-5 by a polynomial in t = y/x in [0, 1]; then with (s, c) = (sin, cos) of the guess
	// the remaining angle d has tan d = (y*c - x*s)/(x*c + y*s).
	t := y.hi / x.hi
	t2 := float64(t * t)
	guess := float64(t * (0.99997726 + float64(t2*(-0.33262347+float64(t2*(0.19354346+float64(t2*(-0.11643287+float64(t2*(0.05265332+float64(t2*-0.01172120)))))))))))
	s, c := sincosReduced(dd{guess, 0})
	d := y.mul(c).sub(x.mul(s)).div(x.mul(c).add(y.mul(s)))
	// atan d = d - d**3/3 + d**5/5 - d**7/7
	d2 := d.mul(d)
	e := inverses[5].sub(d2.mul(inverses[7]))
	e = inverses[3].sub(d2.mul(e))
	return d.sub(d.mul(d2).mul(e)).addf(guess)
}

// Atan returns the arc tangent of x.
func Atan(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x == 0 || math.IsNaN(x):
		return x
	case a < 0x1p-27:
		return math.FMA(float64(x*x)*x, -1.0/3, x)
	case a > 0x1p60:
		return math.Copysign(math.Pi/2, x)
	}
	return math.Copysign(atan2dd(dd{a, 0}, ddOne).value(), x)
}

// Atan2 returns the angle of the point (x, y), with the special cases of IEEE 754 (math.Atan2 lists them).
func Atan2(y, x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case y == 0:
		if math.Signbit(x) {
			return math.Copysign(math.Pi, y)
		}
		return y
	case x == 0:
		return math.Copysign(math.Pi/2, y)
	case math.IsInf(x, 0) || math.IsInf(y, 0):
		a := 0.0
		switch {
		case math.IsInf(x, 1) && math.IsInf(y, 0):
			a = math.Pi / 4
		case math.IsInf(x, -1) && math.IsInf(y, 0):
			a = 3 * math.Pi / 4
		case math.IsInf(x, -1):
			a = math.Pi
		case math.IsInf(y, 0):
			a = math.Pi / 2
		}
		return math.Copysign(a, y)
	}
	ay, ax := math.Abs(y), math.Abs(x)
	// Scale both near one, so that no product over- or underflows.
	ey, ex := math.Ilogb(ay), math.Ilogb(ax)
	switch {
	case ey-ex > 100:
		return math.Copysign(math.Pi/2, y)
	case ey-ex < -100 && x < 0:
		return math.Copysign(math.Pi, y)
	case ey-ex < -100:
		return math.Copysign(ay/ax, y)
	}
	k := max(ey, ex)
	a := atan2dd(dd{math.Ldexp(ay, -k), 0}, dd{math.Ldexp(ax, -k), 0})
	if x < 0 {
		a = ddPi.sub(a)
	}
	return math.Copysign(a.value(), y)
}

// Asin returns the arc sine of x, NaN outside [-1, 1].
func Asin(x float64) float64 {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x) || a > 1:
		return math.NaN()
	case a < 0x1p-27:
		return math.FMA(float64(x*x)*x, 1.0/6, x)
	}
	c := twoSum(1, -a).mul(twoSum(1, a)).sqrt()
	return math.Copysign(atan2dd(dd{a, 0}, c).value(), x)
}

// Acos returns the arc cosine of x, NaN outside [-1, 1].
func Acos(x float64) float64 {
	a := math.Abs(x)
	if math.IsNaN(x) || a > 1 {
		return math.NaN()
	}
	if a == 0 {
		return math.Pi / 2
	}
	s := twoSum(1, -a).mul(twoSum(1, a)).sqrt()
	r := atan2dd(s, dd{a, 0})
	if x < 0 {
		r = ddPi.sub(r)
	}
	return r.value()
}

// Hypot returns sqrt(x*x + y*y) without undue overflow.
func Hypot(x, y float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	switch {
	case math.IsInf(x, 0) || math.IsInf(y, 0):
		return math.Inf(1)
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case x == 0 || y == 0:
		return x + y
	}
	if x < y {
		x, y = y, x
	}
	k := math.Ilogb(x)
	if k-math.Ilogb(y) > 60 {
		return x + y
	}
	x, y = math.Ldexp(x, -k), math.Ldexp(y, -k)
	return twoProd(x, x).add(twoProd(y, y)).sqrt().ldexp(k)
}
