package rhai

// setEnv makes the module that f belongs to current for its frame.
func (vm *machine) setEnv(f *fnObj) {
	env := f.env
	if p := vm.fn.prog; env == nil && p != vm.env.prog {
		env = vm.envOf(p)
	}
	if env == nil || env == vm.env {
		return
	}
	if vm.frames[vm.fp-1].flags&frameExtended == 0 {
		vm.frames[vm.fp-1].flags |= frameExtended
		x := vm.newExt()
		x.imports, x.dyn = len(vm.imports), len(vm.dyn)
	}
	vm.ext.setEnv, vm.ext.env = true, vm.env
	vm.env = env
	vm.imports = append(vm.imports, env.imports...)
}

// envOf is the module that a program is in this run.
func (vm *machine) envOf(p *Program) *environment {
	if vm.main != nil && vm.main.prog == p {
		return vm.main
	}
	if inst := vm.loaded[p]; inst != nil {
		return inst.env
	}
	return nil
}

// typedFor is the method that a pointer means for the type of a value.
func (vm *machine) typedFor(this Value, f *fnObj, n int) *funcProto {
	k := typedKey{typeName(this.untag()), f.name, n}
	if fn := vm.env.prog.typed[k]; fn != nil {
		return fn
	}
	if len(vm.imports) > 0 {
		return vm.importedMethod(k)
	}
	return nil
}

// scriptFor is the script function that a pointer means for n arguments.
func (vm *machine) scriptFor(f *fnObj, n int) *funcProto {
	if f.proto != nil {
		if f.proto.arity() == n && f.proto.f.ThisType == "" {
			return f.proto
		}
		if fn := f.proto.prog.byName[fnKey{f.name, n}]; fn != nil {
			return fn
		}
		return nil
	}
	fn := vm.env.prog.byName[fnKey{f.name, n}]
	if fn == nil && len(vm.importing) == 0 { // a function that the running script named and gave to an imported one
		fn = vm.main.prog.byName[fnKey{f.name, n}]
	}
	return fn
}
