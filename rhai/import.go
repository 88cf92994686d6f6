package rhai

import (
	"errors"
	"strings"
	"unsafe"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// importSlot is an import that is visible now; the latest of a name counts.
type importSlot struct {
	name string
	mod  *Module         // a module of the host, or
	inst *moduleInstance // a script
}

// moduleInstance is a script that was imported: its body has run.
type moduleInstance struct {
	env  *environment
	vars map[string]Value
}

// exportVar is a variable that a body has exported.
type exportVar struct {
	name  string
	place *Value
}

// doImport executes `import R[A] as …`.
func (vm *machine) doImport(in *bytecode.Ins) bool {
	pos := vm.altPos()
	x := vm.regs[in.A].untag()
	if !x.isString() {
		return vm.failAt(errMismatch("string", internalTypeName(x)), pos)
	}
	if m := vm.limits.MaxModules; m > 0 && vm.modules >= m {
		return vm.fail(newError(ErrTooManyModules, ""))
	}
	path := x.str()
	if vm.eng.resolver == nil {
		return vm.failAt(newError(ErrModuleNotFound, path), pos)
	}
	got, err := vm.eng.resolver.Resolve(vm.context(), vm.eng, path, vm.fn.prog.name)
	if errors.Is(err, ErrNoModule) {
		return vm.failAt(newError(ErrModuleNotFound, path), pos)
	}
	if err != nil {
		if e, ok := vm.nativeError(err).(*Error); ok && e.Kind == ErrTerminated {
			return vm.failAt(e, pos)
		}
		return vm.failAt(&Error{Kind: ErrInModule, subject: path, inner: err}, pos)
	}
	if m, ok := got.(*Module); ok && m == nil {
		got = nil
	} else if p, ok := got.(*Program); ok && p == nil {
		got = nil
	}
	slot := importSlot{name: vm.fn.prog.unit.Names[in.D]}
	switch m := got.(type) {
	case *Module:
		slot.mod = m
	case *Program:
		inst, err := vm.instantiate(m, path, pos)
		if err != nil && err.Kind != ErrParsing && !err.catchable() {
			return vm.failAt(err, pos) // a limit of the run, whichever source reached it
		}
		if err != nil {
			return vm.failAt(&Error{Kind: ErrInModule, subject: path, inner: err}, pos)
		}
		slot.inst = inst
	default:
		return vm.failAt(newError(ErrModuleNotFound, path), pos)
	}
	vm.modules++
	vm.imports = append(vm.imports, slot) // without a name, too: its methods are visible
	return true
}

// moveExports follows the variables of a body to their new place.
func (vm *machine) moveExports(from, to []Value) {
	if len(from) == 0 {
		return
	}
	for i := range vm.exports {
		e := &vm.exports[i]
		at := uintptr(unsafe.Pointer(e.place)) - uintptr(unsafe.Pointer(&from[0]))
		if k := at / unsafe.Sizeof(from[0]); k < uintptr(len(from)) {
			e.place = &to[k]
		}
	}
}

// importStep is a script whose body runs because it is imported.
type importStep struct {
	path string
	prog *Program
	env  *environment // of who imports it, and the variables that evals defined there
	dyn  []dynVar
}

// cycle names the imports that lead from a script to itself: "a imports b imports a".
func (vm *machine) cycle(from int, path string) string {
	var b strings.Builder
	for _, s := range vm.importing[from:] {
		b.WriteString(s.path + " imports ")
	}
	return b.String() + path
}

// cyclic is the error for the import of a script whose body is running.
func (vm *machine) cyclic(p *Program, path string) *Error {
	for i, s := range vm.importing {
		if s.prog == p {
			return errMessage("scripts cannot import one another in a circle: %s", vm.cycle(i, path))
		}
	}
	return errMessage("scripts cannot import one another in a circle: %s imports %s", path, vm.cycle(0, path)) // the script that runs
}

// endless is the error for imports that are nested too deep: in a circle, as a rule, of which a resolver that compiles a script
// anew each time makes ever new programs.
func (vm *machine) endless(p *Program, path string) *Error {
	for i := len(vm.importing) - 1; i >= 0; i-- {
		if s := vm.importing[i]; s.path == path && s.prog.name == p.name {
			return newError(ErrStackOverflow, "scripts import one another in a circle: "+vm.cycle(i, path))
		}
	}
	return newError(ErrStackOverflow, "")
}

// instantiate runs the body of an imported script once per run.
func (vm *machine) instantiate(p *Program, path string, pos Position) (*moduleInstance, *Error) {
	inst, loaded := vm.loaded[p]
	if loaded && inst == nil || p == vm.main.prog {
		return nil, vm.cyclic(p, path).at(pos)
	}
	if loaded {
		return inst, nil
	}
	if vm.loaded == nil {
		vm.loaded = map[*Program]*moduleInstance{}
	}
	vm.loaded[p] = nil
	vm.wide = max(vm.wide, p.wide)
	inst = &moduleInstance{env: &environment{prog: p}, vars: map[string]Value{}}
	exports, imports, env, dyn := vm.exports, vm.imports, vm.env, vm.dyn
	vm.exports, vm.imports, vm.env, vm.dyn = nil, nil, inst.env, nil
	adj := vm.fn.nregs
	keep, out := vm.keep, vm.out
	vm.out = false
	vm.keep = func() { // before the registers are given up
		for _, e := range vm.exports {
			inst.vars[e.name] = share(*e.place)
		}
		inst.env.imports = append([]importSlot(nil), vm.imports...)
	}
	vm.natives++
	var err *Error
	if vm.natives >= maxNatives || len(vm.frames) <= vm.fp+2 {
		err = vm.endless(p, path).at(pos)
	} else {
		vm.importing = append(vm.importing, importStep{path, p, env, dyn})
		_, err = vm.runBody(p, adj)
		vm.importing = cutSlice(vm.importing, len(vm.importing)-1)
	}
	vm.natives--
	vm.keep, vm.out = keep, out
	vm.exports, vm.imports, vm.env, vm.dyn = exports, imports, env, dyn
	if err != nil && err.Kind != ErrExit { // exit() ends the body, and what it exported by then is there
		delete(vm.loaded, p)
		return nil, err
	}
	vm.loaded[p] = inst
	return inst, nil
}

// undefineOuter marks the variables that a body, whose frame is current, expects from outside as missing.
func (vm *machine) undefineOuter(p *Program) {
	for _, o := range p.unit.Outer {
		if o.Slot.Far {
			continue
		}
		v := &vm.stack[vm.base+int(o.Slot.Reg)]
		*v = Value{p: &vUndef}
		if o.Slot.Cell {
			c := &cellObj{hdr: hdr{kind: kindCell}, v: *v}
			*v = Value{p: &c.hdr}
		}
	}
}

// findModule finds what a namespace means: an import or a module of the engine. The slot is empty if that has no such module in it.
func (vm *machine) findModule(ns []string) (importSlot, bool) {
	var slot importSlot
	found := false
	for i := len(vm.imports) - 1; i >= 0; i-- {
		if vm.imports[i].name == ns[0] {
			slot, found = vm.imports[i], true
			break
		}
	}
	if !found {
		m := vm.eng.modules[ns[0]]
		if m == nil {
			return slot, false
		}
		slot = importSlot{name: ns[0], mod: m}
	}
	for _, n := range ns[1:] {
		switch {
		case slot.mod != nil:
			m := slot.mod.sub(n)
			if m == nil {
				return importSlot{}, true
			}
			slot = importSlot{name: n, mod: m}
		default:
			ok := false
			for i := len(slot.inst.env.imports) - 1; i >= 0; i-- {
				if slot.inst.env.imports[i].name == n {
					slot, ok = slot.inst.env.imports[i], true
					break
				}
			}
			if !ok {
				return importSlot{}, true
			}
		}
	}
	return slot, true
}

// callQualified executes ns::f(…).
func (vm *machine) callQualified(site *callSite, args []Value, a int, place *Value, ro bool) bool {
	slot, ok := vm.findModule(site.Namespace)
	path := strings.Join(site.Namespace, "::")
	if !ok {
		return vm.failAt(newError(ErrModuleNotFound, path), site.NSPos)
	}
	if slot.inst != nil {
		fn := slot.inst.env.prog.byName[fnKey{site.Name, len(args)}]
		if fn == nil || fn.f.Private {
			return vm.failAt(newError(ErrFunctionNotFound, callSignature(path+"::"+site.Name, args)), site.Pos)
		}
		if fn.f.Empty {
			vm.regs[a] = Value{}
			return true
		}
		for _, v := range args {
			share(v)
		}
		if err := vm.enter(fn, a, 0); err != nil {
			return vm.failAt(err, site.Pos)
		}
		vm.setEnv(&fnObj{env: slot.inst.env})
		return true
	}
	var fn *Native
	if slot.mod != nil {
		fn = choose(slot.mod.funcs[fnKey{site.Name, len(args)}], args)
	}
	if fn == nil {
		return vm.failAt(newError(ErrFunctionNotFound, callSignature(path+"::"+site.Name, args)), site.Pos)
	}
	v, err := vm.callNative(fn, args, place, ro, site.Lent, site.Pos)
	if err != nil {
		return vm.failAt(err, site.Pos)
	}
	vm.regs[a] = v
	return true
}

// moduleVar executes R[A] = ns::name.
func (vm *machine) moduleVar(in *bytecode.Ins) bool {
	site := &vm.fn.prog.unit.Vars[in.D]
	slot, ok := vm.findModule(site.Namespace)
	path := strings.Join(site.Namespace, "::")
	if !ok {
		return vm.failAt(newError(ErrModuleNotFound, path), site.NSPos)
	}
	var v Value
	switch ok = false; {
	case slot.mod != nil:
		v, ok = slot.mod.variable(site.Name)
	case slot.inst != nil:
		v, ok = slot.inst.vars[site.Name]
	}
	if !ok {
		return vm.failAt(newError(ErrVariableNotFound, path+"::"+site.Name), site.NSPos)
	}
	vm.regs[in.A] = v
	return true
}

// getConst executes R[A] = global::name.
func (vm *machine) getConst(in *bytecode.Ins) bool {
	site := &vm.fn.prog.unit.Vars[in.D]
	v, ok := vm.env.consts[site.Name]
	if !ok {
		return vm.failAt(newError(ErrVariableNotFound, "global::"+site.Name), site.NSPos)
	}
	vm.regs[in.A] = share(v)
	return true
}
