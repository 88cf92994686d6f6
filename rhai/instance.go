package rhai

import "context"

// Instance runs the body once and keeps the state, so that functions of the
// script can be called. It belongs to one goroutine at a time.
func (p *Program) Instance(ctx context.Context, scope *Scope, opts ...RunOption) (*Instance, error) {
	c := p.configure(opts)
	vm := p.eng.start(ctx, c.limits)
	vm.watch(ctx)
	vm.ownEnv = true
	var imports []importSlot
	v, err := p.body0(vm, scope, !c.inputs, func() { imports = append(imports, vm.imports...) })
	vm.imports = imports
	if c.stats != nil {
		*c.stats = vm.stats()
	}
	vm.unwatch()
	if err != nil {
		vm.stop()
		return nil, err
	}
	return &Instance{vm: vm, prog: p, value: v}, nil
}

// Instance is a program whose body has run.
type Instance struct {
	vm    *machine
	prog  *Program
	value Value
}

// Value is the value of the body.
func (in *Instance) Value() Value { return in.value }

// Stats is what the instance has used so far.
func (in *Instance) Stats() Stats { return in.vm.stats() }

// Close gives the instance's memory back; it must not be used afterwards.
func (in *Instance) Close() {
	if in.vm != nil {
		in.vm.stop()
		in.vm = nil
	}
}

// Func prepares calls of a script function; any arity.
func (in *Instance) Func(name string) *Func { return &Func{in: in, name: name} }

// Func is a function of an Instance.
type Func struct {
	in    *Instance
	name  string
	proto *funcProto
}

// Exists reports whether the script defines the function with that many parameters.
func (f *Func) Exists(arity int) bool { return f.in.prog.byName[fnKey{f.name, arity}] != nil }

// Call calls the function. Operations and memory count towards the instance's
// limits from its start on. The call ends with ErrTerminated when ctx is done; what ended it ends no
// later call. The arguments are given away. It allocates nothing of its own.
func (f *Func) Call(ctx context.Context, args ...Value) (v Value, err error) {
	vm := f.in.vm
	if err := vm.ready(); err != nil {
		return Value{}, err
	}
	if f.proto == nil || f.proto.arity() != len(args) {
		f.proto = f.in.prog.byName[fnKey{f.name, len(args)}]
		if f.proto == nil {
			return Value{}, newError(ErrFunctionNotFound, callSignature(f.name, args))
		}
	}
	vm.cancelled.Store(false)
	vm.watch(ctx)
	defer vm.unwatch()
	defer border(vm, &err)
	if vm.ended() {
		return Value{}, vm.terminated()
	}
	return vm.invokeProto(f.proto, nil, args, Position{})
}

// Call calls a function pointer or closure that the script made: the value of its body, what a function returned, or what it gave
// to a function of the host. It counts and ends as [Func.Call] does, and what the closure captured lives as long as it. A closure
// belongs to the instance in which it was made; called by another one it is an error of kind ErrMismatchDataType, as anything is that is no
// function. A pointer by name alone means the function of that name here.
func (in *Instance) Call(ctx context.Context, fn Value, args ...Value) (v Value, err error) {
	vm := in.vm
	if err := vm.ready(); err != nil {
		return Value{}, err
	}
	fn = fn.untag().deref()
	if fn.kind() != KindFn {
		return Value{}, errMismatch("Fn", typeName(fn))
	}
	if !vm.owns(fn.fn()) {
		return Value{}, errMismatch("a function of this instance", "a function of another script or run")
	}
	vm.cancelled.Store(false)
	vm.watch(ctx)
	defer vm.unwatch()
	defer border(vm, &err)
	if vm.ended() {
		return Value{}, vm.terminated()
	}
	return vm.invoke(fn, nil, args, Position{})
}

// ready reports why an instance cannot be called.
func (vm *machine) ready() error {
	switch {
	case vm == nil:
		return &Error{Kind: ErrSystem, subject: "the instance is closed"}
	case vm.broken:
		return &Error{Kind: ErrSystem, subject: "the instance is unusable after a panic"}
	case vm.fp > 0:
		return &Error{Kind: ErrSystem, subject: "the instance is running; a host function calls back by Call.Invoke"}
	}
	return nil
}

// owns reports whether a function pointer was made by this machine, or has nothing of the run that made it.
func (vm *machine) owns(f *fnObj) bool {
	if f.proto == nil {
		return true
	}
	p := f.proto.prog
	if p.host != nil { // an eval's
		p = p.host
	}
	env := vm.envOf(p)
	return env != nil && (f.env == nil || f.env == env)
}
