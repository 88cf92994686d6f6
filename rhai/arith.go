package rhai

import (
	"math"
	"math/bits"

	"github.com/picloud/picloud/rhai/internal/fpmath"
)

// Integer arithmetic is checked: what does not fit 64 bits is an error, never a wrapped result.

func addInt(x, y int64) (int64, error) {
	s := x + y
	if (s > x) != (y > 0) && y != 0 {
		return 0, errArithmetic("Addition overflow: %d + %d", x, y)
	}
	return s, nil
}

func subInt(x, y int64) (int64, error) {
	d := x - y
	if (d < x) != (y > 0) && y != 0 {
		return 0, errArithmetic("Subtraction overflow: %d - %d", x, y)
	}
	return d, nil
}

func mulInt(x, y int64) (int64, error) {
	p, ok := mulChecked(x, y)
	if !ok {
		return 0, errArithmetic("Multiplication overflow: %d * %d", x, y)
	}
	return p, nil
}

func mulChecked(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	switch {
	case hi != 0:
		return 0, false
	case (x < 0) != (y < 0):
		return int64(-lo), lo <= 1<<63
	}
	return int64(lo), lo < 1<<63
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func divInt(x, y int64) (int64, error) {
	switch {
	case y == 0:
		return 0, errArithmetic("Division by zero: %d / %d", x, y)
	case y == -1 && x == math.MinInt64:
		return 0, errArithmetic("Division overflow: %d / %d", x, y)
	}
	return x / y, nil
}

func modInt(x, y int64) (int64, error) {
	if y == 0 || y == -1 && x == math.MinInt64 {
		return 0, errArithmetic("Modulo division by zero or overflow: %d %% %d", x, y)
	}
	return x % y, nil
}

func powInt(x, y int64) (int64, error) {
	if y < 0 {
		return 0, errArithmetic("Integer raised to a negative power: %d ** %d", x, y)
	}
	if y <= math.MaxUint32 {
		if p, ok := powChecked(x, y); ok {
			return p, nil
		}
	}
	return 0, errArithmetic("Exponential overflow: %d ** %d", x, y)
}

func powChecked(x, y int64) (int64, bool) {
	r := int64(1)
	for {
		var ok bool
		if y&1 != 0 {
			if r, ok = mulChecked(r, x); !ok {
				return 0, false
			}
		}
		if y >>= 1; y == 0 {
			return r, true
		}
		if x, ok = mulChecked(x, x); !ok {
			return 0, false
		}
	}
}

// shlInt shifts out all bits for 64 and more, and to the right for a negative count.
func shlInt(x, y int64) int64 {
	if y < 0 {
		return shrInt(x, negCount(y))
	}
	return x << uint64(y)
}

// shrInt keeps the sign, and shifts to the left for a negative count.
func shrInt(x, y int64) int64 {
	if y < 0 {
		return shlInt(x, negCount(y))
	}
	return x >> uint64(y)
}

func negCount(y int64) int64 {
	if y == math.MinInt64 {
		return math.MaxInt64
	}
	return -y
}

func negInt(x int64) (int64, error) {
	if x == math.MinInt64 {
		return 0, errArithmetic("Negation overflow: -%d", x)
	}
	return -x, nil
}

// arithInt applies an arithmetic or bit operator.
func arithInt(op binOp, x, y int64) (r int64, err error) {
	switch op {
	case binAdd:
		return addInt(x, y)
	case binSub:
		return subInt(x, y)
	case binMul:
		return mulInt(x, y)
	case binDiv:
		return divInt(x, y)
	case binMod:
		return modInt(x, y)
	case binPow:
		return powInt(x, y)
	case binShl:
		return shlInt(x, y), nil
	case binShr:
		return shrInt(x, y), nil
	case binAnd:
		return x & y, nil
	case binOr:
		return x | y, nil
	}
	return x ^ y, nil
}

// arithFloat applies `+ - * / % **`.
func arithFloat(op binOp, x, y float64) float64 {
	switch op {
	case binAdd:
		return x + y
	case binSub:
		return x - y
	case binMul:
		return float64(x * y) // rounded here, lest it is fused with an addition that follows
	case binDiv:
		return x / y
	case binMod:
		return fpmath.Mod(x, y)
	}
	return fpmath.Pow(x, y)
}
