package rhai

// Calls of script functions from Go, for which a run loop of its own runs.

// invoke calls a function pointer from a native.
func (vm *machine) invoke(f Value, this *Value, args []Value, pos Position) (Value, error) {
	f = f.untag()
	if f.kind() != KindFn {
		return Value{}, errMismatch("Fn", typeName(f))
	}
	fo := f.fn()
	n := len(fo.curry) + len(args)
	var fn *funcProto
	if this != nil && (fo.proto == nil || fo.proto.f.ThisType != "") {
		fn = vm.typedFor(*this, fo, n) // goes before a function of the name for any type
	}
	if fn == nil {
		fn = vm.scriptFor(fo, n)
	}
	if fn != nil {
		if len(fo.curry) == 0 {
			return vm.invokeIn(fn, fo, this, args, pos)
		}
		var room [8]Value
		all := append(append(room[:0], fo.curry...), args...)
		vm.shareCurry(all, fo, fn)
		return vm.invokeIn(fn, fo, this, all, pos)
	}
	var all []Value
	if this != nil {
		all = append(all, *this)
	}
	for _, v := range fo.curry {
		all = append(all, share(v.deref()))
	}
	all = append(all, args...)
	if this != nil {
		if fn := vm.env.prog.byName[fnKey{fo.name, n}]; fn != nil && fo.proto == nil {
			return vm.invokeIn(fn, fo, this, all[1:], pos)
		}
	}
	native := choose(vm.eng.overloads(fo.name, len(all)), all)
	if native == nil {
		return Value{}, newError(ErrFunctionNotFound, callSignature(fo.name, all)).at(pos)
	}
	v, err := vm.callNative(native, all, this, false, ^uint64(0), pos)
	if err != nil {
		return Value{}, asError(err).at(pos)
	}
	return v, nil
}

func (vm *machine) invokeProto(fn *funcProto, this *Value, args []Value, pos Position) (Value, error) {
	return vm.invokeIn(fn, nil, this, args, pos)
}

// invokeIn runs a script function on the Go stack below a native.
func (vm *machine) invokeIn(fn *funcProto, f *fnObj, this *Value, args []Value, pos Position) (Value, error) {
	if fn.f.Empty {
		return Value{}, nil
	}
	adj := 0
	if vm.fn != nil {
		adj = vm.fn.nregs
	}
	if vm.natives >= maxNatives || len(vm.frames) <= vm.fp+2 {
		return Value{}, newError(ErrStackOverflow, "").at(pos)
	}
	copy(vm.stack[vm.base+adj:vm.base+adj+len(args)], args)
	callbacks, frames := vm.callbacks, vm.frames
	vm.callbacks = vm.ncalls
	vm.frames = frames[:len(frames)-1] // a native counts as a level
	vm.natives++
	var v Value
	var err *Error
	if f == nil && fn.prog != vm.env.prog {
		f = &fnObj{proto: fn}
	}
	if this == nil && !fn.ext && fn.prog == vm.env.prog && (f == nil || f.env == nil || f.env == vm.env) {
		if err = vm.enter(fn, adj, frameEntry); err == nil {
			v, err = vm.finish()
		}
	} else {
		v, err = vm.runThis(fn, f, adj, this)
	}
	vm.natives--
	vm.frames, vm.callbacks = frames, callbacks
	if err != nil {
		return Value{}, err.at(pos)
	}
	return v, nil
}

// finish runs the loop until the entry frame returns.
func (vm *machine) finish() (Value, *Error) {
	if vm.eng.general {
		vm.generalLoop()
	} else {
		vm.loop()
	}
	if err := vm.err; err != nil {
		vm.err = nil
		return Value{}, err
	}
	v := vm.ret
	vm.ret = Value{}
	return v, nil
}

// runThis executes fn with its arguments at register adj until it returns.
func (vm *machine) runThis(fn *funcProto, f *fnObj, adj int, this *Value) (Value, *Error) {
	if err := vm.enterThis(fn, adj, this, false, nil); err != nil {
		return Value{}, err
	}
	vm.frames[vm.fp-1].flags |= frameEntry
	if f != nil {
		vm.setEnv(f)
	}
	return vm.finish()
}

// runBody executes the body of a program whose registers begin at adj.
func (vm *machine) runBody(p *Program, adj int) (Value, *Error) {
	if err := vm.enterThis(p.body, adj, nil, false, nil); err != nil {
		return Value{}, err
	}
	vm.frames[vm.fp-1].flags |= frameEntry | frameBody
	if adj > 0 {
		vm.undefineOuter(p) // only now it is known where the registers are
	}
	if p.body.nfar > 0 {
		scope := vm.scope
		if adj > 0 {
			scope = nil // an imported script sees none
		}
		p.farIn(vm, scope)
	}
	return vm.finish()
}

// invokeExtra calls fn the way builtins call predicates.
func (vm *machine) invokeExtra(caller string, f Value, this *Value, args, extras []Value, move int, pos Position) (Value, error) {
	fo := f.untag()
	if fo.kind() != KindFn {
		return Value{}, errMismatch("Fn", typeName(fo))
	}
	n, e := len(args), len(extras)
	var room [8]Value
	if p := fo.fn().proto; p != nil {
		want := p.arity() - len(fo.fn().curry)
		switch {
		case want == n:
			return vm.invoke(f, this, args, pos)
		case move >= 0 && this != nil && (want == n+1 || want == n+e+1):
			all := append(room[:0], args...)
			if want == n+e+1 {
				all = append(all, extras...)
			}
			all = append(all, Value{})
			copy(all[move+1:], all[move:])
			all[move] = share(*this)
			return vm.invoke(f, nil, all, pos)
		case want == n+e:
			return vm.invoke(f, this, append(append(room[:0], args...), extras...), pos)
		}
	}
	// Try with the arguments, then with this among them, then with the extras.
	try := func(this *Value, all []Value) (Value, error, bool) {
		v, err := vm.invoke(f, this, all, pos)
		if re, ok := err.(*Error); ok && re.Kind == ErrFunctionNotFound && len(re.Trace) == 0 &&
			len(re.subject) > len(fo.fn().name) && re.subject[:len(fo.fn().name)] == fo.fn().name {
			return v, err, false
		}
		return v, err, true
	}
	v, err, done := try(this, args)
	if !done && move >= 0 && this != nil {
		insert := func(all []Value) []Value {
			all = append(all, Value{})
			copy(all[move+1:], all[move:])
			all[move] = share(*this)
			return all
		}
		if v, err, done = try(nil, insert(append(room[:0], args...))); !done {
			v, err, _ = try(nil, insert(append(append(room[:0], args...), extras...)))
		}
	} else if !done {
		v, err, _ = try(this, append(append(room[:0], args...), extras...))
	}
	if err != nil {
		re := asError(err)
		re.Trace = append(re.Trace, CallSite{Function: caller, Position: pos})
		return Value{}, re
	}
	return v, nil
}
