package rhai

import (
	"unicode/utf8"
	"unsafe"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// Reading elements and properties: of arrays, maps, blobs, texts, the bits of integers, and of what the host has.

func (vm *machine) arrayIndex(a *arrayObj, i Value) (int, bool) {
	i = i.untag()
	if !i.isInt() {
		return 0, vm.fail(errMismatch("i64", internalTypeName(i)))
	}
	n, ok := element(len(a.v), i.int())
	if !ok {
		return 0, vm.fail(errBounds(ErrArrayBounds, len(a.v), i.int()))
	}
	return n, true
}

// quick finds a property where it was last time, by the address of its key.
func (m *mapObj) quick(f *fieldSite) *Value {
	if i := uint(f.cache.Load()); i < uint(len(m.keys)) {
		if k := m.keys[i]; len(k) == len(f.name) && unsafe.StringData(k) == unsafe.StringData(f.name) {
			return &m.vals[i]
		}
	}
	return nil
}

// mapField finds a property in a map and remembers where.
func (vm *machine) mapField(m *mapObj, f *fieldSite) *Value {
	if i := int(f.cache.Load()); uint(i) < uint(len(m.keys)) && m.keys[i] == f.name {
		return &m.vals[i]
	}
	if m.big != nil {
		return m.slot(f.name)
	}
	i, ok := search(m.keys, f.name)
	if !ok {
		return nil
	}
	if i != int(f.cache.Load()) {
		f.cache.Store(int32(i))
	}
	if m.own && m.flags&flagFrozen == 0 {
		m.keys[i] = f.name // next time it is found by address
	}
	return &m.vals[i]
}

// index executes R[A] = R[B][R[C]].
func (vm *machine) index(in *bytecode.Ins) bool {
	c := &vm.regs[in.B]
	v, ok := vm.indexed(c, vm.regs[in.C])
	if ok {
		vm.regs[in.A] = v
	}
	return ok
}

// indexed reads an element; it is borrowed from arrays and maps.
func (vm *machine) indexed(place *Value, i Value) (Value, bool) {
	c := place.untag()
	i = i.untag()
	switch c.kind() {
	case KindArray:
		n, ok := vm.arrayIndex(c.arr(), i)
		if !ok {
			return Value{}, false
		}
		return c.arr().v[n], true
	case KindMap:
		if !i.isString() {
			return Value{}, vm.fail(errMismatch("string", internalTypeName(i)))
		}
		if err := vm.payKey(i); err != nil {
			return Value{}, vm.fail(err)
		}
		v, ok := c.mp().get(i.str())
		return v, ok || !vm.eng.strictMaps || vm.missing(i.str())
	case KindBlob:
		b := c.blob().b
		if !i.isInt() {
			return Value{}, vm.fail(errMismatch("i64", internalTypeName(i)))
		}
		n, ok := element(len(b), i.int())
		if !ok {
			return Value{}, vm.fail(errBounds(ErrArrayBounds, len(b), i.int()))
		}
		return Int(int64(b[n])), true
	case KindString:
		return vm.stringIndex(c, i)
	case KindInt:
		return vm.bitIndex(c.int(), i)
	}
	args := []Value{c, i}
	for _, n := range vm.eng.overloads("index$get$", 2) {
		if n.accepts(args) {
			v, err := vm.callNative(n, args, place, false, 0, vm.altPos())
			if err != nil {
				return Value{}, vm.failAt(err, vm.altPos())
			}
			return v, true
		}
	}
	return Value{}, vm.failAt(newError(ErrIndexingType, typeName(c)+" ["+typeName(i)+"]"), vm.altPos())
}

// stringIndex reads a character or a range of characters.
func (vm *machine) stringIndex(s, i Value) (Value, bool) {
	if i.isInt() {
		off, size, ok := vm.charAt(s, i.int())
		if !ok {
			return Value{}, false
		}
		r, _ := utf8.DecodeRuneInString(s.str()[off : off+size])
		return Char(r), true
	}
	if i.kind() != KindRange {
		return Value{}, vm.fail(errMismatch("i64", internalTypeName(i)))
	}
	from, to, ok := vm.sliceBounds(s, i.rng())
	if !ok {
		return Value{}, false
	}
	v, err := vm.newString(s.str()[byteOffset(s, from):byteOffset(s, to)])
	if err != nil {
		return Value{}, vm.fail(err)
	}
	return v, true
}

// charAt finds character i: its byte offset and size.
func (vm *machine) charAt(s Value, i int64) (off, size int, ok bool) {
	if s.isASCIIStr() {
		n := s.strLen()
		k, ok := element(n, i)
		if !ok {
			return 0, 0, vm.fail(errBounds(ErrStringBounds, n, i))
		}
		return k, 1, true
	}
	n, ok, err := vm.seek(s, i)
	if err != nil {
		return 0, 0, vm.fail(err)
	}
	if !ok {
		return 0, 0, vm.fail(errBounds(ErrStringBounds, n, i))
	}
	_, size = utf8.DecodeRuneInString(s.str()[vm.cursor.off:])
	return vm.cursor.off, size, true
}

// sliceBounds gives the characters that a range selects, within the string.
func (vm *machine) sliceBounds(s Value, r *rangeObj) (from, to int, ok bool) {
	n := s.charLen()
	if n == 0 {
		return 0, 0, true
	}
	clampIndex := func(i int64, strict bool) (int64, bool) {
		if i >= 0 {
			return i, true
		}
		if i += int64(n); i >= 0 {
			return i, true
		}
		return 0, !strict
	}
	start, ok := clampIndex(r.from, true)
	if !ok {
		return 0, 0, vm.fail(errBounds(ErrStringBounds, n, r.from))
	}
	end, _ := clampIndex(r.to, false)
	if r.inclusive {
		if end < start {
			end = start
		} else if end > start || (start == 0 && end >= int64(n)-1) {
			end = min(end, int64(n)-1) + 1
		} else {
			end = start
		}
	}
	start, end = min(start, int64(n)), min(end, int64(n))
	return int(start), int(max(end, start)), true
}

// bitIndex reads a bit or a range of bits.
func (vm *machine) bitIndex(x int64, i Value) (Value, bool) {
	if i.isInt() {
		bit, ok := element(64, i.int())
		if !ok {
			return Value{}, vm.fail(errBounds(ErrBitFieldBounds, 64, i.int()))
		}
		return Bool(uint64(x)>>bit&1 != 0), true
	}
	if i.kind() != KindRange {
		return Value{}, vm.fail(errMismatch("i64", internalTypeName(i)))
	}
	shift, mask, ok := vm.bitRange(i.rng())
	if !ok {
		return Value{}, false
	}
	return Int((x & mask) >> shift), true
}

// bitRange gives the bits that a range selects.
func (vm *machine) bitRange(r *rangeObj) (shift int, mask int64, ok bool) {
	bad := func(i int64) (int, int64, bool) {
		return 0, 0, vm.fail(errBounds(ErrBitFieldBounds, 64, i))
	}
	if r.from < 0 || r.from > 63 {
		return bad(r.from)
	}
	from, end := int(r.from), r.to
	if r.inclusive {
		if end == 1<<63-1 {
			end = 63
		}
		if end < 0 || end > 63 {
			return bad(end)
		}
		end++
	} else {
		if end == 1<<63-1 {
			end = 64
		}
		if end < 0 || end > 64 {
			return bad(end)
		}
	}
	n := int(end) - from
	switch {
	case n <= 0:
		return 0, 0, true
	case n == 64:
		return 0, -1, true
	}
	return from, int64((uint64(1)<<n - 1) << from), true
}

// fieldOf executes R[A] = R[B].name.
func (vm *machine) fieldOf(in *bytecode.Ins) bool {
	f := &vm.fn.prog.fields[in.D]
	c := vm.regs[in.B].untag()
	if c.kind() == KindMap {
		if c.rawMap().lacks(f.name) {
			vm.regs[in.A] = Value{}
			return !vm.eng.strictMaps || vm.missing(f.name)
		}
		if s := vm.mapField(c.mp(), f); s != nil {
			vm.regs[in.A] = *s
			return true
		}
		vm.regs[in.A] = Value{}
		return !vm.eng.strictMaps || vm.missing(f.name)
	}
	v, ok := vm.property(&vm.regs[in.B], f)
	if ok {
		vm.regs[in.A] = v
	}
	return ok
}

// missing fails for a key that a map does not have, with [StrictMaps].
func (vm *machine) missing(name string) bool {
	return vm.fail(newError(ErrPropertyNotFound, name))
}

// property calls the getter of a value that is no map.
func (vm *machine) property(place *Value, f *fieldSite) (Value, bool) {
	name := f.name
	if len(f.get) > 0 {
		args := vm.callRoom(1)
		args[0] = *place
		if n := choose(f.get, args); n != nil {
			v, err := vm.callNative(n, args, place, false, 0, vm.pos())
			args[0] = Value{}
			if err != nil {
				return Value{}, vm.fail(err)
			}
			return v, true
		}
	}
	args := []Value{*place, String(name)}
	for _, n := range vm.eng.overloads("index$get$", 2) {
		if n.accepts(args) {
			v, err := vm.callNative(n, args, place, false, 0, vm.altPos())
			if err != nil {
				return Value{}, vm.failAt(err, vm.altPos())
			}
			return v, true
		}
	}
	return Value{}, vm.fail(newError(ErrDotExpr, "Unknown property '"+name+
		"' - a getter is not registered for type '"+typeName(*place)+"'"))
}
