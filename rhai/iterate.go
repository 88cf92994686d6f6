package rhai

import (
	"unicode/utf8"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// iterObj is the state of a for loop over something other than integers.
type iterObj struct {
	hdr
	over Value
	i    int
	next func() (Value, bool, error)
}

// iterRange executes a loop over R[A]..R[A+1].
func (vm *machine) iterRange(in *bytecode.Ins) bool {
	x, y := vm.regs[in.A].untag(), vm.regs[in.A+1].untag()
	if x.isInt() && y.isInt() {
		vm.iterInts(in.A, x.int(), y.int(), in.B != 0)
		return true
	}
	op := syntax.ExclusiveRange
	if in.B != 0 {
		op = syntax.InclusiveRange
	}
	v, err := binary(vm, op, x, y)
	if err != nil {
		return vm.fail(err)
	}
	return vm.iterate(in.A, v, vm.altPos())
}

// iterInts prepares the registers for ForNext: the value before the first, and the end.
func (vm *machine) iterInts(a uint8, from, to int64, inclusive bool) {
	if inclusive && to >= from {
		if to == 1<<63-1 {
			o := &iterObj{hdr: hdr{kind: kindIter}, next: intsToMax(from)}
			vm.regs[a] = Value{p: &o.hdr}
			return
		}
		to++
	}
	if to <= from || from == -1<<63 {
		if to > from {
			o := &iterObj{hdr: hdr{kind: kindIter}, next: intsFrom(from, to)}
			vm.regs[a] = Value{p: &o.hdr}
			return
		}
		from, to = 0, 0
	}
	vm.regs[a] = Int(from - 1)
	vm.regs[a+1] = Int(to)
}

func intsToMax(from int64) func() (Value, bool, error) {
	i, done := from, false
	return func() (Value, bool, error) {
		if done {
			return Value{}, false, nil
		}
		v := i
		done = i == 1<<63-1
		i++
		return Int(v), true, nil
	}
}

func intsFrom(from, to int64) func() (Value, bool, error) {
	i := from
	return func() (Value, bool, error) {
		if i >= to {
			return Value{}, false, nil
		}
		i++
		return Int(i - 1), true, nil
	}
}

// iterInit executes R[A], R[A+1] = iteration over R[B].
func (vm *machine) iterInit(in *bytecode.Ins) bool {
	return vm.iterate(in.A, vm.regs[in.B].untag(), vm.pos())
}

func (vm *machine) iterate(a uint8, v Value, pos Position) bool {
	if err := vm.alloc(96); err != nil {
		return vm.fail(err)
	}
	o := &iterObj{hdr: hdr{kind: kindIter}, over: v}
	switch v.kind() {
	case KindRange:
		r := v.rng()
		vm.iterInts(a, r.from, r.to, r.inclusive)
		return true
	case KindArray, KindBlob:
		share(v)
	case KindString:
	case KindHost:
		t := v.host().typ
		if t == nil || t.iter == nil {
			return vm.failAt(newError(ErrFor, ""), pos)
		}
		if t.hooked {
			o.next = vm.steps(v)
			break
		}
		next, err := t.iter(vm, v.host().v)
		if err != nil {
			return vm.failAt(err, pos)
		}
		o.next = next
	default:
		return vm.failAt(newError(ErrFor, ""), pos)
	}
	vm.regs[a] = Value{p: &o.hdr}
	return true
}

// forNext executes ForNext over anything.
func (vm *machine) forNext(in *bytecode.Ins) bool {
	it := &vm.regs[in.A]
	if err := vm.charge(int64(in.C)); err != nil {
		return vm.fail(err)
	}
	if it.p == &vInt { // the budget had run out
		vm.budget += int64(in.C)
		it.n++
		setInt(&vm.regs[in.B], it.n)
		vm.pc += int(in.D)
		return true
	}
	o := it.iter()
	var v Value
	if o.next != nil {
		var ok bool
		var err error
		if v, ok, err = o.next(); err != nil {
			return vm.fail(err)
		} else if !ok {
			return true
		}
		share(v)
	} else {
		switch o.over.kind() {
		case KindArray:
			a := o.over.arr()
			if o.i >= len(a.v) {
				return true
			}
			v = share(a.v[o.i])
			o.i++
		case KindBlob:
			b := o.over.blob().b
			if o.i >= len(b) {
				return true
			}
			v = Int(int64(b[o.i]))
			o.i++
		case KindString:
			s := o.over.str()
			if o.i >= len(s) {
				return true
			}
			r, n := utf8.DecodeRuneInString(s[o.i:])
			v = Char(r)
			o.i += n
		}
	}
	vm.regs[in.B] = v
	vm.pc += int(in.D)
	return true
}
