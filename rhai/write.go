package rhai

import (
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// Writing elements and properties at the end of a chain.

// writable prepares the place, and the way to it, to be written.
func (vm *machine) writable() bool {
	if vm.placeRO {
		return vm.constantAssigned()
	}
	if c := vm.placeCell; c != nil && c.flags&flagLocked != 0 {
		return vm.dataRace()
	}
	if len(vm.path) > 0 {
		if err := vm.own(); err != nil {
			return vm.fail(err)
		}
	}
	if err := vm.unique(vm.place); err != nil {
		return vm.fail(err)
	}
	return true
}

// setIndex is place[i] = v, or place[i] op= v.
func (vm *machine) setIndex(i, v Value, op syntax.Token) bool {
	if op != 0 {
		share(v) // before the way to the place is made unique: v may contain it
	}
	if c := vm.place.untag(); vm.placeRO && c.kind() == KindArray { // a bad index of a constant is the first error
		if _, ok := vm.arrayIndex(c.arr(), i); !ok {
			return false
		}
	}
	if !vm.writable() {
		return false
	}
	c := vm.place.untag()
	switch c.kind() {
	case KindArray:
		a := c.arr()
		n, ok := vm.arrayIndex(a, i)
		if !ok {
			return false
		}
		if op != 0 {
			if !vm.assign(&a.v[n], op, v, true) {
				return false
			}
			v = a.v[n]
		}
		if valueDepth(v) >= int(a.depth) {
			if err := a.deepen(v); err != nil {
				return vm.fail(err)
			}
		}
		a.v[n] = v
		return vm.finishWrite()
	case KindMap:
		i = i.untag()
		if !i.isString() {
			return vm.fail(errMismatch("string", internalTypeName(i)))
		}
		if err := vm.payKey(i); err != nil {
			return vm.fail(err)
		}
		return vm.setMapKey(c.mp(), i.str(), v, op)
	}
	if k := c.kind(); op != 0 && (k == KindString || k == KindInt || k == KindBlob || k == KindHost) {
		old, ok := vm.indexed(vm.place, i)
		if !ok && k == KindHost && vm.err.Kind == ErrIndexingType { // it cannot be read: as if it were assigned
			vm.err = nil
			return vm.storeIndexed(vm.place, i, v) && vm.finishWrite()
		}
		if !ok {
			return false
		}
		place, path := vm.place, append([]pathStep(nil), vm.path...)
		if !vm.assign(&old, op, v, true) {
			return false
		}
		vm.place, vm.path, v = place, path, old
	}
	return vm.storeIndexed(vm.place, i, v) && vm.finishWrite()
}

// finishWrite tells the containers on the way of a write, and propagates it to computed values among them.
func (vm *machine) finishWrite() bool {
	syncTag(*vm.place)
	if len(vm.path) == 0 {
		return true
	}
	if err := settle(vm.path, vm.place); err != nil {
		return vm.fail(err)
	}
	if !vm.hasTemps() {
		return true
	}
	path := append([]pathStep(nil), vm.path...)
	return vm.writeBack(path)
}

func (vm *machine) setMapKey(m *mapObj, key string, v Value, op syntax.Token) bool {
	if op != 0 {
		s := m.slot(key)
		if s == nil {
			if err := vm.chargeKey(m); err != nil {
				return vm.fail(err)
			}
			if err := vm.alloc(strBytes(len(key))); err != nil {
				return vm.fail(err)
			}
			s = m.insert(strings.Clone(key))
		}
		if !vm.assign(s, op, v, true) {
			return false
		}
		if valueDepth(*s) >= int(m.depth) {
			if err := m.deepen(*s); err != nil {
				return vm.fail(err)
			}
		}
		return vm.finishWrite()
	}
	if err := vm.setKey(m, key, v); err != nil {
		return vm.fail(err)
	}
	return vm.finishWrite()
}

// setField is place.name = v, or place.name op= v.
func (vm *machine) setField(f *fieldSite, v Value, op syntax.Token) bool {
	if op != 0 {
		share(v)
	}
	c := vm.place.untag()
	if c.kind() == KindMap || !vm.placeRO { // setters decide about constants themselves
		if !vm.writable() {
			return false
		}
		c = vm.place.untag()
	}
	if c.kind() == KindMap {
		m := c.mp()
		if s := vm.mapField(m, f); s != nil {
			if op != 0 {
				if !vm.assign(s, op, v, true) {
					return false
				}
				v = *s
			}
			if valueDepth(v) >= int(m.depth) {
				if err := m.deepen(v); err != nil {
					return vm.fail(err)
				}
			}
			*s = v
			return vm.finishWrite()
		}
		return vm.setMapKey(m, f.name, v, op)
	}
	if op != 0 {
		old, ok := vm.property(vm.place, f)
		if !ok {
			return false
		}
		place, path := vm.place, append([]pathStep(nil), vm.path...)
		if !vm.assign(&old, op, v, true) {
			return false
		}
		vm.place, vm.path, v = place, path, old
	}
	return vm.storeProperty(vm.place, f.name, v) && vm.finishWrite()
}

// storeProperty calls the setter of a value that is no map.
func (vm *machine) storeProperty(place *Value, name string, v Value) bool {
	if c := place.untag(); c.kind() == KindMap {
		return vm.setMapKey(c.mp(), name, v, 0)
	}
	args := []Value{*place, v}
	for _, n := range vm.eng.overloads("set$"+name, 2) {
		if n.accepts(args) {
			if _, err := vm.callNative(n, args, place, vm.placeRO, ^uint64(0), vm.pos()); err != nil {
				return vm.fail(err)
			}
			return true
		}
	}
	args = []Value{*place, String(name), v}
	for _, n := range vm.eng.overloads("index$set$", 3) {
		if n.accepts(args) {
			if _, err := vm.callNative(n, args, place, vm.placeRO, ^uint64(0), vm.altPos()); err != nil {
				return vm.fail(err)
			}
			return true
		}
	}
	return vm.fail(newError(ErrDotExpr, "No writable property '"+name+
		"' - a setter is not registered for type '"+typeName(*place)+"' to handle '"+typeName(v)+"'"))
}

// storeIndexed writes an element of a value that is no array or map.
func (vm *machine) storeIndexed(place *Value, i, v Value) bool {
	c := place.untag()
	i = i.untag()
	switch c.kind() {
	case KindArray, KindMap:
		return vm.setIndex(i, v, 0)
	case KindBlob:
		b := c.blob().b
		if !i.isInt() {
			return vm.fail(errMismatch("i64", internalTypeName(i)))
		}
		n, ok := element(len(b), i.int())
		if !ok {
			return vm.fail(errBounds(ErrArrayBounds, len(b), i.int()))
		}
		if v = v.untag(); !v.isInt() {
			return vm.failAt(errMismatch("INT", internalTypeName(v)), vm.altPos())
		}
		b[n] = byte(v.int())
		return true
	case KindInt:
		return vm.storeBits(place, c.int(), i, v.untag())
	case KindString:
		return vm.storeChars(place, c, i, v.untag())
	}
	args := []Value{c, i, v}
	for _, n := range vm.eng.overloads("index$set$", 3) {
		if n.accepts(args) {
			if _, err := vm.callNative(n, args, place, vm.placeRO, ^uint64(0), vm.altPos()); err != nil {
				return vm.failAt(err, vm.altPos())
			}
			return true
		}
	}
	return vm.failAt(newError(ErrIndexingType, typeName(c)+" ["+typeName(i)+"] = "+typeName(v)), vm.linkPos())
}

func (vm *machine) storeBits(place *Value, x int64, i, v Value) bool {
	if i.isInt() {
		bit, ok := element(64, i.int())
		if !ok {
			return vm.fail(errBounds(ErrBitFieldBounds, 64, i.int()))
		}
		if !v.isBool() {
			return vm.failAt(errMismatch("bool", internalTypeName(v)), vm.altPos())
		}
		x &^= 1 << bit
		if v.bool() {
			x |= 1 << bit
		}
		*place = Int(x)
		return true
	}
	if i.kind() != KindRange {
		return vm.fail(errMismatch("i64", internalTypeName(i)))
	}
	shift, mask, ok := vm.bitRange(i.rng())
	if !ok {
		return false
	}
	if !v.isInt() {
		return vm.failAt(errMismatch("integer", internalTypeName(v)), vm.altPos())
	}
	*place = Int(x&^mask | v.int()<<shift&mask)
	return true
}

func (vm *machine) storeChars(place *Value, s, i, v Value) bool {
	var off, end int
	var with string
	if i.isInt() {
		at, size, ok := vm.charAt(s, i.int())
		if !ok {
			return false
		}
		if !v.isChar() {
			return vm.failAt(errMismatch("char", internalTypeName(v)), vm.altPos())
		}
		off, end, with = at, at+size, string(v.char())
	} else {
		if i.kind() != KindRange {
			return vm.fail(errMismatch("i64", internalTypeName(i)))
		}
		from, to, ok := vm.sliceBounds(s, i.rng())
		if !ok {
			return false
		}
		off, end = byteOffset(s, from), byteOffset(s, to)
		if n := int64(s.charLen()); n > 0 { // what is replaced ends with the range, also one that reads as empty or runs backwards
			last := i.rng().to
			if last < 0 {
				last = max(last+n, 0)
			}
			if i.rng().inclusive {
				last = min(last, n-1) + 1
			}
			end = byteOffset(s, int(min(last, n)))
		}
		form := formDisplay
		if shownRaw(v) {
			form = formRaw
		}
		t, err := vm.format(v, form)
		if err != nil {
			return vm.fail(err)
		}
		with = t
	}
	text := s.str()
	if err := vm.charge(int64(len(text)) >> 6); err != nil {
		return vm.fail(err)
	}
	if err := vm.alloc(strBytes(len(text) + len(with) + max(0, off-end))); err != nil {
		return vm.fail(err)
	}
	n, err := vm.newString(text[:off] + with + text[end:])
	if err != nil {
		return vm.fail(err)
	}
	*place = n
	return true
}
