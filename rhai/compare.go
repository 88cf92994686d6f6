package rhai

import (
	"bytes"
	"math"
	"strings"
)

// compareFloat applies a comparison operator the way the reference does: numbers whose relative
// difference is within the machine epsilon are equal; NaN and the difference of infinities are never in any relation but !=.
func compareFloat(op binOp, x, y float64) bool {
	scale := 1.0
	if float64(x*y) != 0 {
		scale = maxIgnoringNaN(math.Abs(x), math.Abs(y))
		if scale == 0 { // zero and not a number: the reference finds them equal
			return op == binEq || op == binGe || op == binLe
		}
	}
	const eps = 0x1p-52
	switch op {
	case binEq:
		return math.Abs(x-y)/scale <= eps
	case binNe:
		return math.Abs(x-y)/scale > eps
	case binGt:
		return (x-y)/scale > eps
	case binGe:
		return (x-y)/scale > -eps
	case binLt:
		return (y-x)/scale > eps
	}
	return (y-x)/scale > -eps
}

func maxIgnoringNaN(x, y float64) float64 {
	switch {
	case math.IsNaN(x):
		return y
	case math.IsNaN(y) || x > y:
		return x
	}
	return y
}

// relation turns a three-way comparison into the answer of a comparison operator.
func relation(op binOp, cmp int) bool {
	switch op {
	case binEq:
		return cmp == 0
	case binNe:
		return cmp != 0
	case binLt:
		return cmp < 0
	case binLe:
		return cmp <= 0
	case binGt:
		return cmp > 0
	}
	return cmp >= 0
}

func order[T int64 | uint64 | rune](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// compareCharString compares a character with a string that may have any number of them.
func compareCharString(r rune, s string) int {
	return strings.Compare(string(r), s)
}

// equal is the == operator of the language. Functions are not comparable; that is an error also deep inside
// containers.
func equal(vm *machine, a, b Value) (bool, error) {
	return vm.equalDeep(a, b, 0)
}

func (vm *machine) equalDeep(a, b Value, depth int) (bool, error) {
	a, b = a.untag(), b.untag()
	ka, kb := a.kind(), b.kind()
	if ka == kindCell || kb == kindCell {
		return vm.equalDeep(a.deref(), b.deref(), depth)
	}
	if ka != kb || ka == KindRange || ka == KindHost || ka == KindFn || vm.eng != nil && vm.eng.dispatch && ka != KindArray && ka != KindMap {
		v, err := binary(vm, binEq, a, b)
		return v.isBool() && v.bool(), err
	}
	switch ka {
	case KindString:
		if a.strLen() != b.strLen() {
			return false, nil
		}
		if err := vm.charge(int64(a.strLen()) >> 6); err != nil {
			return false, err
		}
		return a.str() == b.str(), nil
	case KindBlob:
		if err := vm.charge(int64(len(a.blob().b)) >> 6); err != nil {
			return false, err
		}
	case KindArray:
		return vm.equalArrays(a.arr().v, b.arr().v, depth)
	case KindMap:
		return vm.equalMaps(a.mp(), b.mp(), depth)
	}
	return compareSame(binEq, a, b), nil
}

func (vm *machine) equalArrays(x, y []Value, depth int) (bool, error) {
	if len(x) != len(y) {
		return false, nil
	}
	if depth > maxDepth {
		return false, newError(ErrDataTooLarge, "Depth of data")
	}
	// At least one: a value can hold a small array any number of times.
	if err := vm.charge(1 + int64(len(x))>>2); err != nil {
		return false, err
	}
	for i := range x {
		eq, err := vm.equalDeep(x[i], y[i], depth+1)
		if err != nil && notComparable(err) && x[i].Kind() == KindRange && y[i].Kind() == KindRange {
			// a range and an inclusive range: different types, so merely different
			return false, nil
		}
		if err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

func notComparable(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Kind == ErrFunctionNotFound
}

func (vm *machine) equalMaps(x, y *mapObj, depth int) (bool, error) {
	if x.len() != y.len() {
		return false, nil
	}
	if depth > maxDepth {
		return false, newError(ErrDataTooLarge, "Depth of data")
	}
	if err := vm.charge(1 + int64(x.len())>>2); err != nil {
		return false, err
	}
	for it := x.iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return true, nil
		}
		w, ok := y.get(k)
		if !ok {
			return false, nil
		}
		if eq, err := vm.equalDeep(*v, w, depth+1); err != nil || !eq {
			return false, err
		}
	}
}

// compareSame applies a comparison operator to two values of the same scalar kind, strings or blobs.
func compareSame(op binOp, a, b Value) bool {
	switch a.kind() {
	case KindUnit:
		return op == binEq
	case KindBool:
		return relation(op, order(a.n, b.n))
	case KindInt:
		return relation(op, order(a.int(), b.int()))
	case KindFloat:
		return compareFloat(op, a.float(), b.float())
	case KindChar:
		return relation(op, order(a.char(), b.char()))
	case KindTimestamp:
		return relation(op, order(a.int(), b.int()))
	case KindString:
		return relation(op, strings.Compare(a.str(), b.str()))
	}
	return relation(op, bytes.Compare(a.blob().b, b.blob().b))
}

// identical is how a switch compares with its constant cases: equal types and bits, so that 1 is not 1.0 and 0.3 is not
// 0.1+0.2. It needs no machine since the work is bounded by the constant.
func identical(a, b Value) bool {
	a, b = a.untag().deref().untag(), b.untag().deref().untag()
	if a.kind() != b.kind() {
		return false
	}
	switch a.kind() {
	case KindUnit:
		return true
	case KindString:
		return a.str() == b.str()
	case KindBlob:
		return bytes.Equal(a.blob().b, b.blob().b)
	case KindRange:
		p, q := a.rng(), b.rng()
		return p.from == q.from && p.to == q.to && p.inclusive == q.inclusive
	case KindArray:
		x, y := a.arr().v, b.arr().v
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !identical(x[i], y[i]) {
				return false
			}
		}
		return true
	case KindMap:
		return identicalMaps(a.mp(), b.mp())
	case KindFn:
		return a.fn().name == b.fn().name && a.fn().proto == b.fn().proto
	case KindHost:
		return false
	}
	return a.n == b.n
}

func identicalMaps(x, y *mapObj) bool {
	if x.len() != y.len() {
		return false
	}
	for it := x.iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return true
		}
		if w, ok := y.get(k); !ok || !identical(*v, w) {
			return false
		}
	}
}
