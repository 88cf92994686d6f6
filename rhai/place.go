package rhai

import (
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// A place is a variable, element or property that a chain reads, changes or
// passes as `this`. Walking a chain records its steps, so that the containers
// on the way are copied only if something is written in the end.

// pathStep is one step from a container to an element.
type pathStep struct {
	container *Value
	index     Value      // of an array, map, … or of an indexer
	field     *fieldSite // of a property
	temp      *Value     // the element was computed: a write goes back through a setter
}

// rootReg makes a register the current place.
func (vm *machine) rootReg(r uint8) {
	vm.place = &vm.regs[r]
	vm.placeCell, vm.placeRO = nil, false
	vm.path = vm.path[:0]
}

// rootPlace executes PReg, PFar, PCell and PThis.
func (vm *machine) rootPlace(in *bytecode.Ins) bool {
	vm.path = vm.path[:0]
	vm.placeCell = nil
	vm.placeRO = in.B == 1
	vm.placeName, vm.placePos = in.D, vm.pos()
	switch in.Op {
	case bytecode.PReg:
		vm.place = &vm.regs[in.A]
		if in.B == 2 {
			vm.placeRO = vm.outerConst(int(in.A))
		}
	case bytecode.PFar:
		vm.place = &vm.ext.far[in.D]
		vm.placeName = int32(in.A) | int32(in.C)<<8
		if in.B == 2 {
			vm.placeRO = vm.outerConst(farOuter + int(in.D))
		}
	case bytecode.PCell:
		c := vm.regs[in.A].cell()
		if c.flags&flagLocked != 0 {
			return vm.dataRace()
		}
		vm.place, vm.placeCell = &c.v, c
		if in.B == 2 {
			vm.placeRO = c.flags&flagConstant != 0
		}
	case bytecode.PThis:
		if vm.ext == nil || vm.ext.this == nil {
			return vm.fail(newError(ErrUnboundThis, ""))
		}
		vm.place, vm.placeRO = vm.ext.this, vm.ext.readOnly
	}
	return true
}

// farOuter is where the far slots begin in the list of constant outside variables.
const farOuter = 256

// outerIndex is where an outside variable is in that list.
func outerIndex(s bytecode.Slot) int {
	if s.Far {
		return farOuter + int(s.Reg)
	}
	return int(s.Reg)
}

// outerConst reports whether the outside variable in a register, or in a far slot, is constant.
func (vm *machine) outerConst(i int) bool { return i < len(vm.outer) && vm.outer[i] }

// step moves the place to an element.
func (vm *machine) step(s pathStep, next *Value) {
	s.container = vm.place
	vm.path = append(vm.path, s)
	vm.place = next
}

// stepTemp moves the place to a computed value.
func (vm *machine) stepTemp(s pathStep, v Value) {
	t := new(Value)
	*t = v
	s.temp = t
	vm.step(s, t)
}

// stepIndex moves the place to element i.
func (vm *machine) stepIndex(i Value) bool {
	c := vm.place.untag()
	switch c.kind() {
	case KindArray:
		n, ok := vm.arrayIndex(c.arr(), i)
		if !ok {
			return false
		}
		vm.step(pathStep{index: Int(int64(n))}, &c.arr().v[n])
		return true
	case KindMap:
		i = i.untag()
		if !i.isString() {
			return vm.fail(errMismatch("string", internalTypeName(i)))
		}
		if err := vm.payKey(i); err != nil {
			return vm.fail(err)
		}
		if s := c.mp().slot(i.str()); s != nil {
			vm.step(pathStep{index: i}, s)
			return true
		}
		vm.stepTemp(pathStep{index: i}, Value{})
		return !vm.eng.strictMaps || vm.missing(i.str())
	}
	v, ok := vm.indexed(vm.place, i)
	if ok {
		vm.stepTemp(pathStep{index: i}, v)
	}
	return ok
}

// stepField moves the place to a property.
func (vm *machine) stepField(f *fieldSite) bool {
	c := vm.place.untag()
	if c.kind() == KindMap {
		if s := vm.mapField(c.mp(), f); s != nil {
			vm.step(pathStep{field: f}, s)
			return true
		}
		vm.stepTemp(pathStep{field: f}, Value{})
		return !vm.eng.strictMaps || vm.missing(f.name)
	}
	v, ok := vm.property(vm.place, f)
	if ok {
		vm.stepTemp(pathStep{field: f}, v)
	}
	return ok
}

// own makes the containers on the way to the place unique.
func (vm *machine) own() error {
	for k := range vm.path {
		s := &vm.path[k]
		p := s.container.p
		if p == nil || p.flags&flagShared == 0 || p.kind == KindHost {
			continue
		}
		if err := vm.unique(s.container); err != nil {
			return err
		}
		if s.temp != nil {
			continue
		}
		var next *Value
		switch c := s.container.untag(); {
		case c.kind() == KindArray:
			next = &c.arr().v[s.index.int()]
		case s.field != nil:
			next = c.mp().slot(s.field.name)
		default:
			next = c.mp().slot(s.index.str())
		}
		if k+1 < len(vm.path) {
			vm.path[k+1].container = next
		} else {
			vm.place = next
		}
	}
	return nil
}

// hasTemps reports whether a write must go back through setters.
func (vm *machine) hasTemps() bool {
	for i := range vm.path {
		if vm.path[i].temp != nil {
			return true
		}
	}
	return false
}

// writeBack hands changed computed values back to where they came from. The path is given
// since setters may walk one of their own.
func (vm *machine) writeBack(path []pathStep) bool {
	for k := len(path) - 1; k >= 0; k-- {
		s := &path[k]
		if s.temp == nil || s.container.untag().kind() == KindMap {
			continue // what is done to a property that a map lacks is lost
		}
		vm.place, vm.path = s.container, nil
		var ok bool
		if s.field != nil {
			ok = vm.storeProperty(s.container, s.field.name, *s.temp)
		} else {
			ok = vm.storeIndexed(s.container, s.index, *s.temp)
		}
		if !ok {
			if k := vm.err.Kind; k == ErrDotExpr || k == ErrIndexingType || k == ErrFunctionNotFound {
				vm.err = nil // read-only: there is nowhere to put it
				continue
			}
			return false
		}
	}
	return true
}

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
