package rhai

import (
	"unicode/utf8"
)

// assignOp is `target op= b`. The target is the variable, element or property itself; arrays, maps,
// blobs and strings grow in place where nobody else sees them. b is kept when an array takes it, so the
// caller has marked it shared.
func assignOp(vm *machine, op binOp, target *Value, b Value) error {
	slot := target
	if slot.p != nil && slot.p.kind == kindTagged {
		if err := vm.unique(slot); err != nil {
			return err
		}
		slot = &slot.tagged().v
	}
	if vm.eng != nil && vm.eng.dispatch {
		if ok, err := vm.callAssign(op.String()+"=", slot, b); ok || err != nil {
			return err
		}
		if done, err := vm.overloadAssign(op, slot, b.untag().deref().untag()); done || err != nil {
			return err
		}
	}
	if op == binAdd {
		if done, err := vm.appendTo(slot, b); done || err != nil {
			return err
		}
	}
	if slot.kind() == KindHost || b.Kind() == KindHost {
		if ok, err := vm.callAssign(op.String()+"=", slot, b); ok || err != nil {
			return err
		}
	}
	v, err := binary(vm, op, *slot, b)
	if err != nil {
		return err
	}
	*slot = v
	return nil
}

// overloadAssign is `target op= y` where operators can be overloaded: what the language has for op= itself goes before
// a function that is registered for op.
func (vm *machine) overloadAssign(op binOp, slot *Value, y Value) (done bool, err error) {
	var v Value
	switch k := slot.kind(); {
	case k == y.kind() && (k == KindInt || k == KindFloat || k == KindBool):
		v, done, err = vm.binarySame(op, k, *slot, y)
	case k == y.kind() && k == KindString && op == binAdd:
		return false, nil // grows in place
	}
	if !done && err == nil {
		v, done, err = vm.callOverload(op.String(), slot.untag(), y)
	}
	if done && err == nil {
		*slot = v
	}
	return done, err
}

// appendTo handles the += that grow their target.
func (vm *machine) appendTo(slot *Value, b Value) (done bool, err error) {
	y := b.untag().deref().untag()
	switch slot.kind() {
	case KindString:
		var s string
		switch y.kind() {
		case KindUnit:
			return true, nil
		case KindString:
			s = y.str()
		case KindChar:
			s = string(y.char())
		default:
			if s, err = vm.textOperand(y); err != nil {
				return true, err
			}
		}
		v, err := vm.appendString(*slot, s)
		if err == nil {
			*slot = v
		}
		return true, err
	case KindChar:
		return y.isString() && y.strLen() == 0, nil // with an empty text it stays a character
	case KindArray:
		if y.kind() == KindArray {
			return true, vm.appendArray(slot, y.arr())
		}
		if err := vm.unique(slot); err != nil {
			return true, err
		}
		return true, vm.push(slot.arr(), b.deref())
	case KindMap:
		if y.kind() == KindMap {
			if err := vm.unique(slot); err != nil {
				return true, err
			}
			return true, vm.mixin(slot.mp(), y.mp())
		}
	case KindBlob:
		var more []byte
		switch y.kind() {
		case KindInt:
			more = []byte{byte(y.int())}
		case KindChar:
			more = utf8.AppendRune(nil, y.char())
		case KindString:
			more = []byte(y.str())
		case KindBlob:
			more = y.blob().b
		default:
			return false, nil
		}
		return true, vm.appendBytes(slot, more)
	}
	return false, nil
}

// appendArray appends the elements of y to the array in slot, which may be y itself.
func (vm *machine) appendArray(slot *Value, y *arrayObj) error {
	elems := y.v
	if len(elems) == 0 {
		return nil
	}
	if err := vm.charge(int64(len(elems)) >> 4); err != nil {
		return err
	}
	if err := vm.unique(slot); err != nil {
		return err
	}
	a := slot.arr()
	if err := vm.checkArray(len(a.v) + len(elems)); err != nil {
		return err
	}
	if err := vm.grow(a, len(elems)); err != nil {
		return err
	}
	if y.depth > 1 {
		for _, e := range elems {
			share(e)
		}
	}
	a.v = append(a.v, elems...)
	a.depth = max(a.depth, y.depth)
	return nil
}

// appendBytes appends to the blob in slot.
func (vm *machine) appendBytes(slot *Value, more []byte) error {
	if err := vm.charge(int64(len(more)) >> 6); err != nil {
		return err
	}
	if err := vm.unique(slot); err != nil {
		return err
	}
	o := slot.blob()
	if err := vm.checkArray(len(o.b) + len(more)); err != nil {
		return err
	}
	if err := vm.growBlob(o, len(more)); err != nil {
		return err
	}
	o.b = append(o.b, more...)
	return nil
}
