package rhai

import (
	"strconv"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// Calls that are made while the run loop goes on in the called function.

// callByName executes a call that is not known to be of a script function.
func (vm *machine) callByName(in *bytecode.Ins, place *Value) bool {
	site := &vm.fn.prog.calls[in.D]
	a, n := int(in.A), int(in.C)
	args := vm.stack[vm.base+a : vm.base+a+n]
	ro := false
	if place != nil {
		args[0] = *place
		ro = vm.placeRO
		if c := vm.placeCell; c != nil && c.flags&flagCaptured != 0 {
			share(args[0])
			place = nil
		} else if ro && (vm.ext == nil || place != vm.ext.this) {
			share(args[0]) // a constant from outside, or of an eval: the function gets a copy
			place, ro = nil, false
		}
	}
	if site.Namespace != nil {
		return vm.callQualified(site, args, a, place, ro)
	}
	if site.script != nil {
		for _, v := range args {
			share(v)
		}
		return vm.callScript(site.script, a)
	}
	fn := choose(site.plain, args)
	if fn == nil {
		return vm.failAt(newError(ErrFunctionNotFound, callSignature(site.Name, args)), site.Pos)
	}
	v, err := vm.callNative(fn, args, place, ro, site.Lent, site.Pos)
	if err != nil {
		return vm.failAt(err, site.Pos)
	}
	vm.regs[a] = v
	return true
}

// callScript starts a script function without `this`.
func (vm *machine) callScript(fn *funcProto, a int) bool {
	if fn.f.Empty {
		vm.regs[a] = Value{}
		return true
	}
	if err := vm.enter(fn, a, 0); err != nil {
		return vm.fail(err)
	}
	return true
}

// method executes a method call on the current place.
func (vm *machine) method(in *bytecode.Ins) bool {
	site := &vm.fn.prog.calls[in.D]
	a, n := int(in.A), int(in.C)
	args := vm.stack[vm.base+a : vm.base+a+n+1]
	v := vm.place.untag()
	switch site.builtin {
	case methodCall:
		return vm.methodCall(site, v, args, a)
	case methodCurry:
		if v.kind() != KindFn {
			return vm.failAt(errMismatch("Fn", typeName(v)), site.Pos)
		}
		f, err := vm.curryFn(v.fn(), args[1:])
		if err != nil {
			return vm.failAt(err, site.Pos)
		}
		args[0] = f
		return true
	case methodIsShared:
		if n == 0 {
			args[0] = Bool(vm.placeCell != nil && vm.placeCell.flags&flagCaptured != 0 && len(vm.path) == 0)
			return true
		}
	case methodTypeOf:
		if n == 0 {
			args[0] = String(typeName(v))
			return true
		}
	}
	if v.kind() == KindMap {
		if f, ok := v.mp().get(site.Name); ok && f.Kind() == KindFn {
			return vm.callFn(f.untag().fn(), args[1:], a, true, site.Pos)
		}
	}
	if site.typed {
		if fn := vm.fn.prog.typed[typedKey{typeName(v), site.Name, n}]; fn != nil {
			return vm.callMethod(fn, args[1:], a, site.Pos)
		}
	}
	if len(vm.imports) > 0 {
		if fn := vm.importedMethod(typedKey{typeName(v), site.Name, n}); fn != nil {
			return vm.callMethod(fn, args[1:], a, site.Pos)
		}
	}
	if site.script != nil {
		return vm.callMethod(site.script, args[1:], a, site.Pos)
	}
	args[0] = *vm.place
	fn := choose(site.natives, args)
	if fn == nil {
		return vm.failAt(newError(ErrFunctionNotFound, callSignature(site.Name, args)), site.Pos)
	}
	return vm.nativeMethod(fn, args, a, site.Lent<<1, site.Pos)
}

// callMethod starts a script function with the current place as `this`.
func (vm *machine) callMethod(fn *funcProto, args []Value, a int, pos Position) bool {
	if fn.f.Empty {
		vm.regs[a] = Value{}
		return true
	}
	for _, v := range args {
		share(v)
	}
	if len(vm.path) > 0 && vm.hasTemps() {
		return vm.callMethodTemp(fn, args, a, pos)
	}
	place, cell, ro := vm.place, vm.placeCell, vm.placeRO
	if cell != nil && cell.flags&flagLocked != 0 {
		return vm.dataRace()
	}
	if !ro {
		if err := vm.own(); err != nil {
			return vm.failAt(err, pos)
		}
		place = vm.place
		vm.deepenPath()
	}
	copy(vm.stack[vm.base+a:vm.base+a+len(args)], args)
	if err := vm.enterThis(fn, a, place, ro, cell); err != nil {
		return vm.failAt(err, pos)
	}
	if !ro {
		vm.keepPath()
	}
	if fn.prog != vm.env.prog {
		vm.setEnv(&fnObj{proto: fn})
	}
	return true
}

// importedMethod finds a typed method in the imported scripts, and in those that they import; the latest
// import counts.
func (vm *machine) importedMethod(k typedKey) *funcProto {
	for i := len(vm.imports) - 1; i >= 0; i-- {
		if inst := vm.imports[i].inst; inst != nil {
			if fn := inst.method(k, 0); fn != nil {
				return fn
			}
		}
	}
	return nil
}

func (m *moduleInstance) method(k typedKey, depth int) *funcProto {
	if fn := m.env.prog.typed[k]; fn != nil && !fn.f.Private {
		return fn
	}
	for i := len(m.env.imports) - 1; i >= 0 && depth < maxImportDepth; i-- {
		if inst := m.env.imports[i].inst; inst != nil {
			if fn := inst.method(k, depth+1); fn != nil {
				return fn
			}
		}
	}
	return nil
}

// maxImportDepth bounds the search in imports of imports.
const maxImportDepth = 16

// enterThis starts a script function with `this`.
func (vm *machine) enterThis(fn *funcProto, a int, this *Value, ro bool, cell *cellObj) *Error {
	if err := vm.enter(fn, a, 0); err != nil {
		return err
	}
	f := &vm.frames[vm.fp-1]
	if f.flags&frameExtended == 0 {
		if cell == nil {
			return nil
		}
		f.flags |= frameExtended
		x := vm.newExt()
		x.imports, x.dyn = len(vm.imports), len(vm.dyn)
	}
	x := vm.ext
	x.this, x.readOnly = this, ro
	if cell != nil {
		cell.flags |= flagLocked
		x.locked = cell
	}
	return nil
}

// keepPath remembers in the frame of a method how it came to `this`.
func (vm *machine) keepPath() {
	if len(vm.path) > 0 && vm.frames[vm.fp-1].flags&frameExtended != 0 {
		vm.ext.path = append(vm.ext.path, vm.path...)
	}
}

// callMethodTemp runs a script method on a computed value and writes it back.
func (vm *machine) callMethodTemp(fn *funcProto, args []Value, a int, pos Position) bool {
	steps, place := append([]pathStep(nil), vm.path...), vm.place
	v, err := vm.invokeProto(fn, place, args, pos)
	if e := settle(steps, place); e != nil {
		err = e
	}
	if err != nil {
		return vm.failAt(err, pos)
	}
	vm.regs[a] = v
	return vm.writeBack(steps)
}

// methodCall is x.call(…): of a function pointer, or of another value with
// the function pointer as first argument.
func (vm *machine) methodCall(site *callSite, v Value, args []Value, a int) bool {
	if v.kind() == KindFn {
		return vm.callFn(v.fn(), args[1:], a, false, site.Pos)
	}
	if len(args) == 1 {
		return vm.failAt(errMismatch("Fn", typeName(v)), site.Pos)
	}
	f := args[1].untag()
	if f.kind() != KindFn {
		return vm.failAt(errMismatch("Fn", typeName(f)), site.ArgPos[0])
	}
	if c := vm.placeCell; c != nil {
		for i, k := range f.fn().curry {
			if k.p == &c.hdr {
				e := newError(ErrDataRace, "argument #"+strconv.Itoa(i+1)+" of function '"+f.fn().name+"'")
				e.noFill = true
				return vm.fail(e)
			}
		}
	}
	return vm.callFn(f.fn(), args[2:], a, true, site.Pos)
}

// callFn calls a function pointer with curried and further arguments; the result goes to register a. With bind,
// the current place is `this` (or the first argument of a native).
func (vm *machine) callFn(f *fnObj, args []Value, a int, bind bool, pos Position) bool {
	for _, v := range args {
		share(v)
	}
	n := len(f.curry) + len(args)
	if fn := vm.scriptFor(f, n); fn != nil {
		if fn.f.Empty {
			vm.regs[a] = Value{}
			return true
		}
		if bind && len(vm.path) > 0 && vm.hasTemps() {
			all := append(append([]Value(nil), f.curry...), args...)
			return vm.callMethodTemp(fn, all, a, pos)
		}
		place, cell, ro := vm.place, vm.placeCell, vm.placeRO
		if bind && !ro {
			if cell != nil && cell.flags&flagLocked != 0 {
				return vm.dataRace()
			}
			if err := vm.own(); err != nil {
				return vm.failAt(err, pos)
			}
			place = vm.place
			vm.deepenPath()
		}
		to := vm.stack[vm.base+a : vm.base+a+n]
		copy(to[len(f.curry):], args)
		copy(to, f.curry)
		vm.shareCurry(to, f, fn)
		var err *Error
		if bind {
			if err = vm.enterThis(fn, a, place, ro, cell); err == nil && !ro {
				vm.keepPath()
			}
		} else {
			err = vm.enter(fn, a, 0)
		}
		if err != nil {
			return vm.failAt(err, pos)
		}
		vm.setEnv(f)
		return true
	}
	if bind {
		if fn := vm.typedFor(*vm.place, f, n); fn != nil {
			all := append([]Value(nil), f.curry...)
			for i := range all {
				all[i] = share(all[i].deref())
			}
			return vm.callMethod(fn, append(all, args...), a, pos)
		}
	}
	var all []Value
	if bind {
		all = append(all, *vm.place)
	}
	for _, v := range f.curry {
		all = append(all, share(v.deref()))
	}
	all = append(all, args...)
	fn := choose(vm.eng.overloads(f.name, len(all)), all)
	if fn == nil {
		return vm.failAt(newError(ErrFunctionNotFound, callSignature(f.name, all)), pos)
	}
	if bind {
		place, cell := vm.place, vm.placeCell
		if fn.Effects&Mutates != 0 {
			for _, v := range all[1:] {
				share(v)
			}
			if err := vm.own(); err != nil {
				return vm.failAt(err, pos)
			}
			place = vm.place
			vm.deepenPath()
		}
		var steps []pathStep
		if fn.Effects&Mutates != 0 {
			steps = append(steps, vm.path...)
		}
		v, err := vm.callNativeOn(cell, fn, all, place, vm.placeRO, ^uint64(0), pos)
		if e := settle(steps, place); e != nil {
			err = e
		}
		if err != nil {
			return vm.failAt(err, pos)
		}
		vm.regs[a] = v
		return true
	}
	v, err := vm.callNative(fn, all, nil, false, ^uint64(0), pos)
	if err != nil {
		return vm.failAt(err, pos)
	}
	vm.regs[a] = v
	return true
}

// shareCurry marks curried values, which stay with the pointer; where the function takes no cell it gets
// the cell's content.
func (vm *machine) shareCurry(to []Value, f *fnObj, fn *funcProto) {
	for i := range f.curry {
		if i >= fn.f.Captures {
			to[i] = to[i].deref()
		}
		share(to[i])
	}
}
