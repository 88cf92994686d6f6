package rhai

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai/syntax"
)

// binOp is a binary operator. In the order of tokens arithmetic comes first, then comparisons, then ranges.
type binOp = syntax.Token

const (
	binAdd       = syntax.Plus
	binSub       = syntax.Minus
	binMul       = syntax.Multiply
	binDiv       = syntax.Divide
	binMod       = syntax.Modulo
	binPow       = syntax.PowerOf
	binShl       = syntax.LeftShift
	binShr       = syntax.RightShift
	binAnd       = syntax.Ampersand
	binOr        = syntax.Pipe
	binXor       = syntax.XOr
	binEq        = syntax.Equal
	binNe        = syntax.NotEqual
	binLt        = syntax.Less
	binLe        = syntax.LessEqual
	binGt        = syntax.Greater
	binGe        = syntax.GreaterEqual
	binRange     = syntax.ExclusiveRange
	binRangeIncl = syntax.InclusiveRange
)

// compares reports whether op is a comparison.
func compares(op binOp) bool { return op >= binEq && op <= binGe }

// binary applies an operator to operands of any types: first what is built in, then functions registered
// under the operator's symbol. Errors carry no position.
func binary(vm *machine, op binOp, a, b Value) (Value, error) {
	if op == syntax.In || op == syntax.NotIn {
		v, err := vm.contains(b, a)
		if op == syntax.NotIn && err == nil {
			v = Bool(!v.bool())
		}
		return v, err
	}
	x, y := a.untag().deref().untag(), b.untag().deref().untag()
	if vm.eng != nil && vm.eng.dispatch && op < binRange {
		if v, ok, err := vm.callOverload(op.String(), x, y); ok || err != nil {
			return v, err
		}
	}
	kx, ky := x.kind(), y.kind()
	if kx == ky {
		if v, ok, err := vm.binarySame(op, kx, x, y); ok || err != nil {
			return v, err
		}
	} else if v, ok, err := vm.binaryMixed(op, kx, ky, x, y); ok || err != nil {
		return v, err
	}
	if v, ok, err := vm.callOverload(op.String(), x, y); ok || err != nil {
		return v, err
	}
	return Value{}, errNoOperator(op.String(), x, y)
}

func errNoOperator(name string, args ...Value) *Error {
	return newError(ErrFunctionNotFound, callSignature(name, args))
}

// callSignature is a function's name and the types it was called with, as "Function not found" writes them.
func callSignature(name string, args []Value) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteString(" (")
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(signatureName(a))
	}
	b.WriteByte(')')
	return b.String()
}

// binarySame handles operands of the same kind.
func (vm *machine) binarySame(op binOp, k Kind, x, y Value) (v Value, ok bool, err error) {
	switch k {
	case KindInt:
		switch {
		case op <= binXor:
			r, err := arithInt(op, x.int(), y.int())
			return Int(r), true, err
		case op >= binRange:
			v, err := vm.newRange(x.int(), y.int(), op == binRangeIncl)
			return v, true, err
		}
		return Bool(compareSame(op, x, y)), true, nil
	case KindFloat:
		switch {
		case op <= binPow:
			return Float(arithFloat(op, x.float(), y.float())), true, nil
		case compares(op):
			return Bool(compareSame(op, x, y)), true, nil
		}
	case KindBool:
		switch {
		case compares(op):
			return Bool(compareSame(op, x, y)), true, nil
		case op == binAnd:
			return Bool(x.bool() && y.bool()), true, nil
		case op == binOr:
			return Bool(x.bool() || y.bool()), true, nil
		case op == binXor:
			return Bool(x.bool() != y.bool()), true, nil
		}
	case KindChar:
		if op == binAdd {
			v, err := vm.concat(string(x.char()), string(y.char()))
			return v, true, err
		}
		return Bool(compares(op) && compareSame(op, x, y)), compares(op), nil
	case KindString:
		switch {
		case op == binAdd:
			v, err := vm.concat(x.str(), y.str())
			return v, true, err
		case op == binSub:
			v, err := vm.removeAll(x, y)
			return v, true, err
		case compares(op):
			if err := vm.charge(int64(min(x.strLen(), y.strLen())) >> 6); err != nil {
				return Value{}, true, err
			}
			return Bool(compareSame(op, x, y)), true, nil
		}
	case KindUnit:
		return Bool(op == binEq), compares(op), nil
	case KindTimestamp:
		switch {
		case compares(op):
			return Bool(compareSame(op, x, y)), true, nil
		case op == binSub:
			return Float(float64(x.int()-y.int()) / 1e9), true, nil
		}
	case KindArray, KindMap, KindBlob:
		return vm.binaryContainers(op, k, x, y)
	case KindRange:
		p, q := x.rng(), y.rng()
		if p.inclusive != q.inclusive { // two types to the language
			return Bool(true), op == binNe, nil
		}
		if op == binEq || op == binNe {
			return Bool((p.from == q.from && p.to == q.to) == (op == binEq)), true, nil
		}
	case KindHost:
		if compares(op) && x.host().typ != y.host().typ {
			return Bool(op == binNe), true, nil
		}
	}
	return Value{}, false, nil
}

func (vm *machine) binaryContainers(op binOp, k Kind, x, y Value) (v Value, ok bool, err error) {
	switch {
	case op == binEq || op == binNe:
		if k == KindBlob {
			if err := vm.charge(int64(len(x.blob().b)) >> 6); err != nil {
				return Value{}, true, err
			}
			return Bool(compareSame(op, x, y)), true, nil
		}
		eq, err := equal(vm, x, y)
		return Bool(eq == (op == binEq)), true, err
	case op != binAdd:
		return Value{}, false, nil
	}
	switch k {
	case KindArray:
		v, err = vm.concatArrays(x.arr(), y.arr())
	case KindBlob:
		v, err = vm.concatBytes(x.blob().b, y.blob().b)
	default:
		v, err = vm.mergeMaps(x.mp(), y.mp())
	}
	return v, true, err
}

// binaryMixed handles operands of different kinds.
func (vm *machine) binaryMixed(op binOp, kx, ky Kind, x, y Value) (v Value, ok bool, err error) {
	numeric := (kx == KindInt || kx == KindFloat) && (ky == KindInt || ky == KindFloat)
	switch {
	case numeric:
		f, g := asNumber(x), asNumber(y)
		switch {
		case op <= binPow:
			return Float(arithFloat(op, f, g)), true, nil
		case compares(op):
			return Bool(compareFloat(op, f, g)), true, nil
		}
		return Value{}, false, nil
	case compares(op):
		switch {
		case kx == KindChar && ky == KindString:
			return Bool(relation(op, compareCharString(x.char(), y.str()))), true, nil
		case kx == KindString && ky == KindChar:
			return Bool(relation(op, -compareCharString(y.char(), x.str()))), true, nil
		case kx == KindBlob && ky == KindChar: // the one pair of types the reference does not compare
			return Value{}, false, nil
		}
		return Bool(op == binNe), true, nil
	case kx == KindTimestamp && (op == binAdd || op == binSub) && (ky == KindInt || ky == KindFloat):
		return vm.moveTimestamp(op, x.int(), y)
	case op == binAdd:
		return vm.addMixed(kx, ky, x, y)
	case op == binSub && kx == KindString && ky == KindChar:
		v, err := vm.replaceAll(x, string(y.char()), "")
		return v, true, err
	case op == binRange || op == binRangeIncl:
		switch {
		case kx == KindInt && ky == KindUnit:
			v, err = vm.newRange(x.int(), math.MaxInt64, op == binRangeIncl)
		case kx == KindUnit && ky == KindInt:
			v, err = vm.newRange(0, y.int(), op == binRangeIncl)
		default:
			return Value{}, false, nil
		}
		return v, true, err
	}
	return Value{}, false, nil
}

func asNumber(v Value) float64 {
	if v.isInt() {
		return float64(v.int())
	}
	return v.float()
}

// addMixed is + where one side is a text: the other side is printed. Blobs join texts as UTF-8.
func (vm *machine) addMixed(kx, ky Kind, x, y Value) (v Value, ok bool, err error) {
	switch {
	case kx == KindString && ky == KindUnit:
		return x, true, nil
	case kx == KindUnit && ky == KindString:
		return y, true, nil
	case kx == KindBlob && ky == KindChar:
		v, err = vm.concatBytes(x.blob().b, utf8.AppendRune(nil, y.char()))
		return v, true, err
	case kx == KindString:
		s, err := vm.textOperand(y)
		if err == nil {
			v, err = vm.concat(x.str(), s)
		}
		return v, true, err
	case ky == KindString:
		s, err := vm.textOperand(x)
		if err == nil {
			v, err = vm.concat(s, y.str())
		}
		return v, true, err
	}
	return Value{}, false, nil
}

// textOperand is what a value adds to a string. It is to be copied at once.
func (vm *machine) textOperand(v Value) (string, error) {
	vm.scratch = vm.scratch[:0]
	if s, ok := vm.scalarText(v); ok {
		return s, nil
	}
	if v.kind() == KindBlob {
		b := v.blob().b
		if err := vm.charge(int64(len(b)) >> 4); err != nil {
			return "", err
		}
		if err := vm.alloc(int64(3 * len(b))); err != nil {
			return "", err
		}
		return lossyUTF8(b), nil
	}
	return vm.display(v)
}

// removeAll is string minus string. An empty left side gives the right side, as the reference has it.
func (vm *machine) removeAll(x, y Value) (Value, error) {
	switch {
	case y.strLen() == 0:
		return x, nil
	case x.strLen() == 0:
		return y, nil
	}
	return vm.replaceAll(x, y.str(), "")
}

// replaceAll returns s with every occurrence of find replaced, charging before it builds the result.
func (vm *machine) replaceAll(s Value, find, with string) (Value, error) {
	text := s.str()
	n := strings.Count(text, find)
	if err := vm.charge(int64(len(text))>>6 + int64(n)); err != nil {
		return Value{}, err
	}
	if n == 0 {
		return s, nil
	}
	// It is built in place, but charged for as an intermediate text and its copy.
	size := len(text) + n*(len(with)-len(find))
	if err := vm.checkString(size); err != nil {
		return Value{}, err
	}
	if err := vm.alloc(2 * strBytes(size)); err != nil {
		return Value{}, err
	}
	if size == 0 {
		return String(""), nil
	}
	o := newStrObj(size)
	room := o.room()[:0]
	for i := range n {
		if i%pollEvery == pollEvery-1 {
			if err := vm.poll(); err != nil {
				return Value{}, err
			}
		}
		at := strings.Index(text, find)
		if find == "" && i > 0 { // before each character, and at the end
			_, at = utf8.DecodeRuneInString(text)
		}
		room = append(append(room, text[:at]...), with...)
		text = text[at+len(find):]
	}
	copy(o.room()[len(room):], text)
	o.len = uint32(size)
	v := strValue(o, size, false)
	return strValue(o, size, isASCII(v.str())), nil
}

func (vm *machine) newRange(from, to int64, inclusive bool) (Value, error) {
	if err := vm.alloc(32); err != nil {
		return Value{}, err
	}
	return Range(from, to, inclusive), nil
}

func (vm *machine) concatArrays(x, y *arrayObj) (Value, error) {
	switch {
	case len(y.v) == 0:
		return share(x.value()), nil
	case len(x.v) == 0:
		return share(y.value()), nil
	}
	n := len(x.v) + len(y.v)
	if err := vm.charge(int64(n) >> 4); err != nil {
		return Value{}, err
	}
	r, err := vm.newArray(n)
	if err != nil {
		return Value{}, err
	}
	r.v = append(append(r.v, x.v...), y.v...)
	if r.depth = max(x.depth, y.depth); r.depth > 1 {
		for _, e := range r.v {
			share(e)
		}
	}
	return r.value(), nil
}

func (vm *machine) concatBytes(x, y []byte) (Value, error) {
	if err := vm.charge(int64(len(x)+len(y)) >> 6); err != nil {
		return Value{}, err
	}
	r, err := vm.newBlob(len(x) + len(y))
	if err != nil {
		return Value{}, err
	}
	copy(r.b, x)
	copy(r.b[len(x):], y)
	return r.value(), nil
}

func (vm *machine) mergeMaps(x, y *mapObj) (Value, error) {
	switch {
	case y.len() == 0:
		return share(x.value()), nil
	case x.len() == 0:
		return share(y.value()), nil
	}
	r, err := vm.copyMap(x)
	if err != nil {
		return Value{}, err
	}
	return r.value(), vm.mixin(r, y)
}

// mixin sets every key of y in the unique map x.
func (vm *machine) mixin(x, y *mapObj) error {
	if err := vm.charge(int64(y.len()) >> 1); err != nil {
		return err
	}
	for it := y.iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return nil
		}
		if err := vm.setKey(x, k, share(*v)); err != nil {
			return err
		}
	}
}

// unary applies a prefix operator: - + !.
func unary(vm *machine, op syntax.Token, a Value) (Value, error) {
	x := a.untag().deref().untag()
	switch k := x.kind(); {
	case op == syntax.Minus && k == KindInt:
		r, err := negInt(x.int())
		return Int(r), err
	case op == syntax.Minus && k == KindFloat:
		return Float(-x.float()), nil
	case op == syntax.Plus && (k == KindInt || k == KindFloat):
		return x, nil
	case op == syntax.Bang && k == KindBool:
		return Bool(!x.bool()), nil
	}
	name := op.String()
	if v, ok, err := vm.callOverload(name, x); ok || err != nil {
		return v, err
	}
	return Value{}, errNoOperator(name, x)
}

// moveTimestamp adds seconds to a point in time or subtracts them.
func (vm *machine) moveTimestamp(op binOp, ns int64, by Value) (Value, bool, error) {
	const perSecond = 1_000_000_000
	verb, name := "adding", "add"
	if op == binSub {
		verb, name = "subtracting", "subtract"
	}
	var delta int64
	ok := true
	switch {
	case by.isInt():
		delta, ok = mulChecked(by.int(), perSecond)
	case by.isFloat():
		s := by.float()
		if math.Abs(s) > math.MaxInt64 {
			return Value{}, true, errArithmetic("Integer overflow for timestamp %s: %s", name, rustFloat(math.Abs(s)))
		}
		ms := math.Trunc(float64(s * 1000)) // the reference counts milliseconds
		if ms != ms {                       // not a number: no time
			ms = 0
		}
		if ok = math.Abs(ms) < math.MaxInt64/1e6; ok {
			delta = int64(ms) * 1_000_000
		}
	default:
		return Value{}, false, nil
	}
	r := ns
	var err error
	if ok {
		if op == binAdd {
			r, err = addInt(ns, delta)
		} else {
			r, err = subInt(ns, delta)
		}
	}
	if !ok || err != nil {
		return Value{}, true, errArithmetic("Timestamp overflow when %s %s second(s)", verb, secondsText(by))
	}
	return timestamp(r), true, nil
}

func secondsText(v Value) string {
	if v.isFloat() {
		return rustFloat(v.float())
	}
	return strconv.FormatInt(v.int(), 10)
}

// contains is the `in` operator with its sides exchanged.
func (vm *machine) contains(container, item Value) (Value, error) {
	c, x := container.untag().deref().untag(), item.untag().deref().untag()
	kx := x.kind()
	switch c.kind() {
	case KindString:
		if err := vm.charge(int64(c.strLen()) >> 6); err != nil {
			return Value{}, err
		}
		switch kx {
		case KindString:
			return Bool(strings.Contains(c.str(), x.str())), nil
		case KindChar:
			return Bool(strings.ContainsRune(c.str(), x.char())), nil
		}
	case KindMap:
		if kx == KindString {
			if err := vm.payKey(x); err != nil {
				return Value{}, err
			}
			return Bool(c.mp().slot(x.str()) != nil), nil
		}
	case KindRange:
		if kx == KindInt {
			return Bool(inRange(c.rng(), x.int())), nil
		}
	case KindArray:
		i, err := vm.indexOf(c.arr(), x, 0)
		return Bool(i >= 0), err
	case KindBlob:
		if kx == KindInt {
			if err := vm.charge(int64(len(c.blob().b)) >> 6); err != nil {
				return Value{}, err
			}
			return Bool(bytes.IndexByte(c.blob().b, byte(x.int())) >= 0), nil
		}
	}
	if v, ok, err := vm.callOverload("contains", c, x); ok || err != nil {
		return v, err
	}
	return Value{}, errNoOperator("contains", c, x)
}

func inRange(r *rangeObj, i int64) bool {
	return i >= r.from && (i < r.to || r.inclusive && i == r.to)
}

// indexOf finds the first element equal to x from start on; -1 if there is none.
func (vm *machine) indexOf(a *arrayObj, x Value, start int) (int, error) {
	for i := start; i < len(a.v); i++ {
		if err := vm.charge(1); err != nil {
			return -1, err
		}
		e := a.v[i]
		eq, err := equal(vm, e, x)
		if err != nil {
			if notComparable(err) && typeName(e) != typeName(x) {
				continue
			}
			return -1, err
		}
		if eq {
			return i, nil
		}
	}
	return -1, nil
}

// callOverload calls the function that the host registered for an operator and operands of these types. ok is false if there is
// none.
func (vm *machine) callOverload(name string, args ...Value) (v Value, ok bool, err error) {
	if vm.eng == nil {
		return Value{}, false, nil
	}
	for _, n := range vm.eng.overloads(name, len(args)) {
		if n.accepts(args) {
			v, err = vm.callOperatorFn(n, args, &args[0])
			return v, true, err
		}
	}
	return Value{}, false, nil
}

func (vm *machine) callOperatorFn(n *Native, args []Value, this *Value) (Value, error) {
	return vm.callNative(n, args, this, false, ^uint64(0), vm.pos())
}

// callAssign calls the function registered for an op-assignment.
func (vm *machine) callAssign(name string, slot *Value, b Value) (ok bool, err error) {
	if vm.eng == nil {
		return false, nil
	}
	args := []Value{*slot, b}
	for _, n := range vm.eng.overloads(name, 2) {
		if n.accepts(args) {
			_, err = vm.callOperatorFn(n, args, slot)
			return true, err
		}
	}
	return false, nil
}
