package rhai

import (
	"github.com/picloud/picloud/rhai/internal/bytecode"
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
