// Package fpmath computes the elementary functions so that every machine gets the same bits.
//
// The standard library's math package uses assembly for some functions on some architectures, and
// where it is pure Go the compiler may fuse x*y + z on arm64 but not on amd64. A recorded run
// must replay to the same result anywhere, so everything here is built from operations that IEEE 754
// defines exactly: products that are rounded before they are added (float64(x*y)), math.FMA and
// math.Sqrt. Working precision is about 100 bits ("double-double": an unevaluated sum of two
// float64), rounded once at the end; results are correctly rounded but for about one
// argument in 2^40. The hyperbolic functions and the decimal logarithm are composed of them in float64.
package fpmath

import "math"

// dd is the unevaluated sum hi + lo with |lo| <= ulp(hi)/2.
type dd struct{ hi, lo float64 }

// twoSum returns a+b exactly (Knuth).
func twoSum(a, b float64) dd {
	s := a + b
	bb := s - a
	return dd{s, (a - (s - bb)) + (b - bb)}
}

// quickTwoSum returns a+b exactly for |a| >= |b| (Dekker).
func quickTwoSum(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

// twoProd returns a*b exactly.
func twoProd(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func (a dd) add(b dd) dd {
	s := twoSum(a.hi, b.hi)
	t := twoSum(a.lo, b.lo)
	s = quickTwoSum(s.hi, s.lo+t.hi)
	return quickTwoSum(s.hi, s.lo+t.lo)
}

func (a dd) addf(b float64) dd {
	s := twoSum(a.hi, b)
	return quickTwoSum(s.hi, s.lo+a.lo)
}

func (a dd) neg() dd     { return dd{-a.hi, -a.lo} }
func (a dd) sub(b dd) dd { return a.add(b.neg()) }

func (a dd) mul(b dd) dd {
	p := twoProd(a.hi, b.hi)
	lo := p.lo + (float64(a.hi*b.lo) + float64(a.lo*b.hi))
	return quickTwoSum(p.hi, lo)
}

func (a dd) mulf(b float64) dd {
	p := twoProd(a.hi, b)
	return quickTwoSum(p.hi, p.lo+float64(a.lo*b))
}

// scale multiplies by a power of two, which is exact.
func (a dd) scale(p float64) dd { return dd{a.hi * p, a.lo * p} }

func (a dd) div(b dd) dd {
	q1 := a.hi / b.hi
	r := a.sub(b.mulf(q1))
	q2 := r.hi / b.hi
	r = r.sub(b.mulf(q2))
	q3 := r.hi / b.hi
	return quickTwoSum(q1, q2).addf(q3)
}

// sqrt of a positive number.
func (a dd) sqrt() dd {
	if a.hi <= 0 {
		return dd{math.Sqrt(a.hi), 0}
	}
	s := math.Sqrt(a.hi)
	r := a.sub(twoProd(s, s))
	return quickTwoSum(s, r.hi/(2*s))
}

func (a dd) value() float64 { return a.hi + a.lo }

var (
	ddOne = dd{1, 0}
	ddPi  = dd{math.Pi, 1.2246467991473531772e-16}
	ddPi2 = dd{math.Pi / 2, 6.123233995736766036e-17}
	ddLn2 = dd{math.Ln2, 2.319046813846299558e-17}
)

// inverses[n] is 1/n.
var inverses = func() (t [40]dd) {
	for n := 1; n < len(t); n++ {
		t[n] = ddOne.div(dd{float64(n), 0})
	}
	return t
}()
