package fpmath

import (
	"math"
	"math/bits"
)

// Mod returns the exact remainder of x/y with the sign of x. It works on integers, eleven bits of quotient at a time,
// since the standard library's loop of one bit takes microseconds for operands far apart.
func Mod(x, y float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsNaN(y) || math.IsInf(x, 0) || y == 0:
		return math.NaN()
	case math.Abs(x) < math.Abs(y) || math.IsInf(y, 0):
		return x
	}
	mx, ex := parts(x)
	my, ey := parts(y)
	r := mx % my
	for n := ex - ey; n > 0; {
		s := min(n, 11)
		r = r << s % my
		n -= s
	}
	return math.Copysign(math.Ldexp(float64(r), ey), x)
}

// parts returns |x| as m * 2**e with a significand of exactly 53 bits.
func parts(x float64) (m uint64, e int) {
	b := math.Float64bits(x)
	m, e = b&(1<<52-1), int(b>>52&0x7ff)
	if e > 0 {
		return m | 1<<52, e - 1075
	}
	shift := bits.LeadingZeros64(m) - 11
	return m << shift, -1074 - shift
}
