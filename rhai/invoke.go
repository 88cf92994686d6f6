package rhai

import (
	"strconv"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

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
