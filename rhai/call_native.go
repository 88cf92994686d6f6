package rhai

// Calls of functions written in Go.

// callNative calls fn. Args are in registers or a slice of the caller's; place, if not nil, is where the
// first one lives; lent tells which arguments may also be held elsewhere.
func (vm *machine) callNative(fn *Native, args []Value, place *Value, readOnly bool, lent uint64, pos Position) (Value, error) {
	fx := fn.Effects
	if readOnly && fx&(Mutates|NonPure) != 0 {
		return Value{}, newError(ErrNonPureMethod, fn.Name)
	}
	this := place
	if this == nil && len(args) > 0 {
		this = &args[0]
	}
	fn.shareStored(args, lent)
	if fx&Mutates != 0 && this != nil {
		if place == nil && lent&1 != 0 {
			share(args[0]) // no place of its own: what is written is a copy of what others hold
		}
		if err := vm.unique(this); err != nil {
			return Value{}, err
		}
		args[0] = *this
	}
	c := vm.nextCall()
	vm.ncalls++
	c.vm, c.args, c.this, c.native, c.pos, c.held = vm, args, this, fn, pos, 0
	temps := len(vm.temps)
	var v Value
	var err error
	if fn.hooked && vm.eng.hook != nil {
		v, err = vm.eng.hook(c, fn.Fn)
	} else {
		v, err = fn.Fn(c)
	}
	vm.ncalls--
	if len(vm.temps) > temps {
		vm.temps = cutSlice(vm.temps, temps)
	}
	if fx&Mutates != 0 && this != nil {
		syncTag(*this)
	}
	if err != nil {
		if e, ok := err.(*Error); ok && fn.hooked {
			err = e.own()
		}
		return v, vm.nativeError(err)
	}
	if fn.hooked && tooDeep(v) {
		return Value{}, newError(ErrDataTooLarge, "Depth of data")
	}
	return v, nil
}

// nextCall is the record of the call that is made next.
func (vm *machine) nextCall() *Call {
	if vm.ncalls == len(vm.calls) {
		vm.calls = append(vm.calls, &Call{})
	}
	return vm.calls[vm.ncalls]
}

// callRoom is room for the n arguments of the call that is made next, until it returns.
func (vm *machine) callRoom(n int) []Value { return vm.nextCall().room[:n] }

// shareStored marks what the function may keep and others may hold. It comes before the receiver is made unique: an array that is pushed
// into itself is then copied first.
func (f *Native) shareStored(args []Value, lent uint64) {
	if f.Effects&Stores == 0 {
		return
	}
	for i := range args {
		if lent>>min(i, 63)&1 != 0 && (i > 0 || f.Effects&Mutates == 0) {
			share(args[i])
		}
	}
}

// choose finds the overload that takes the arguments.
func choose(list []*Native, args []Value) *Native {
	for _, n := range list {
		if n.accepts(args) {
			return n
		}
	}
	return nil
}

// nativeMethod calls a native with the current place as receiver.
func (vm *machine) nativeMethod(fn *Native, args []Value, a int, lent uint64, pos Position) bool {
	place, cell, path := vm.place, vm.placeCell, len(vm.path) > 0
	if fn.Effects&Mutates != 0 && path {
		for _, v := range args[1:] {
			share(v) // it may contain the place
		}
		if err := vm.own(); err != nil {
			return vm.failAt(err, pos)
		}
		place = vm.place
		vm.deepenPath()
	}
	if !path || fn.Effects&Mutates == 0 {
		v, err := vm.callNativeOn(cell, fn, args, place, vm.placeRO, lent|1, pos)
		if err != nil {
			return vm.failAt(err, pos)
		}
		args[0] = v
		return true
	}
	steps, temps := vm.path, vm.hasTemps()
	if temps || fn.Effects&CallsBack != 0 || fn.hooked { // else the path stays as it is
		steps = append([]pathStep(nil), steps...)
	}
	v, err := vm.callNativeOn(cell, fn, args, place, vm.placeRO, lent|1, pos)
	if e := settle(steps, place); e != nil {
		err = e
	}
	if err != nil {
		return vm.failAt(err, pos)
	}
	args[0] = v
	return !temps || vm.writeBack(steps)
}

// callNativeOn is callNative on a place that may be in a cell: script code that the function runs must not come there.
func (vm *machine) callNativeOn(cell *cellObj, fn *Native, args []Value, place *Value, ro bool, lent uint64, pos Position) (Value, error) {
	if cell == nil || fn.Effects&CallsBack == 0 {
		return vm.callNative(fn, args, place, ro, lent, pos)
	}
	if cell.flags&flagLocked != 0 {
		return Value{}, errDataRace()
	}
	cell.flags |= flagLocked
	v, err := vm.callNative(fn, args, place, ro, lent, pos)
	cell.flags &^= flagLocked
	return v, err
}
