package rhai

import (
	"strings"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/internal/compile"
	"github.com/picloud/picloud/rhai/syntax"
)

// dynVar is a variable that an eval defined in the frame around it.
type dynVar struct {
	name     string
	cell     *cellObj
	constant bool
	block    bool  // ends with a block
	at       int32 // where the body was: before and after which variables of its own this one is
}

// fragmentKey names compiled code of an eval site.
type fragmentKey struct {
	site *bytecode.EvalSite
	text string
}

// compileCost is charged for compiling a fragment, beside what its length costs.
const compileCost = 1000

// Fragments that are kept to be found again.
const (
	maxFragments     = 64
	maxFragmentBytes = 1 << 20
)

// eval executes R[A] = eval(R[A]).
func (vm *machine) eval(in *bytecode.Ins) bool {
	site := vm.fn.prog.unit.Evals[in.D]
	x := vm.regs[in.A].untag()
	if !x.isString() {
		return vm.failAt(errMismatch("string", internalTypeName(x)), site.ArgPos)
	}
	text := strings.TrimSpace(x.str())
	if text == "" {
		vm.regs[in.A] = Value{}
		return true
	}
	if err := vm.charge(int64(len(text)) / 4); err != nil {
		return vm.fail(err)
	}
	fn := vm.fragments[fragmentKey{site, text}]
	if fn == nil {
		if err := vm.payCompile(len(text)); err != nil {
			return vm.fail(err)
		}
		var err *Error
		if fn, err = vm.fragment(site, text); err != nil {
			err.Trace = append(err.Trace, CallSite{Function: "eval", Position: site.ArgPos})
			vm.err = err
			return false
		}
	}
	return vm.enterFragment(fn, in.A)
}

// payCompile charges for compiling n bytes of text.
func (vm *machine) payCompile(n int) error {
	if err := vm.charge(compileCost + 4*int64(n)); err != nil {
		return err
	}
	return vm.alloc(fragmentBytes(n))
}

// fragment compiles the text of an eval.
func (vm *machine) fragment(site *bytecode.EvalSite, text string) (*funcProto, *Error) {
	s, err := syntax.Parse(text, vm.eng.parseOptions())
	if err != nil {
		return nil, parseError(err)
	}
	if len(s.Functions) > 0 || s.Closures > 0 {
		e := parseError(&syntax.Error{
			Kind: syntax.WrongFnDefinition,
			Msg:  "Function definitions must be at global level and cannot be inside a block or another function",
		})
		e.noFill = true
		return nil, e
	}
	u, err := compile.Fragment(s.Body, "eval", vm.fn.prog.name, site, nil, 0, vm.eng.compileOptions())
	if err != nil {
		return nil, &Error{Kind: ErrSystem, inner: err}
	}
	fn := vm.linkFragment(u)
	fn.prog.weight = fragmentBytes(len(text))
	vm.keepFragment(fragmentKey{site, strings.Clone(text)}, fn)
	return fn, nil
}

// fragmentBytes is the charge of a compiled fragment whose text has n bytes.
func fragmentBytes(n int) int64 { return 4096 + 64*int64(n) }

// keepFragment keeps a fragment to be found again; when there are many or large ones, the others are forgotten.
func (vm *machine) keepFragment(key fragmentKey, fn *funcProto) {
	if vm.fragments == nil || len(vm.fragments) >= maxFragments || vm.fragmentBytes+fn.prog.weight > maxFragmentBytes {
		vm.fragments, vm.fragmentBytes = map[fragmentKey]*funcProto{}, 0
	}
	vm.fragments[key] = fn
	vm.fragmentBytes += fn.prog.weight
}

// linkFragment links code that runs within a function of the current program.
func (vm *machine) linkFragment(u *bytecode.Unit) *funcProto {
	p := &Program{eng: vm.eng, name: vm.fn.prog.name}
	p.host = vm.fn.prog
	if p.host.host != nil {
		p.host = p.host.host
	}
	p.link(u)
	return p.body
}

// enterFragment runs a fragment on the registers of the current frame.
func (vm *machine) enterFragment(fn *funcProto, a uint8) bool {
	vm.budget -= fn.cost
	if vm.budget < 0 {
		if err := vm.refill(); err != nil {
			return vm.fail(err)
		}
	}
	if vm.fp >= len(vm.frames)-1 {
		return vm.fail(newError(ErrStackOverflow, ""))
	}
	if fn.nfar > len(vm.ext.far) {
		if err := vm.alloc(sizeClass(int64(fn.nfar) * valueSize)); err != nil {
			return vm.fail(err)
		}
	}
	f := &vm.frames[vm.fp]
	vm.fp++
	f.fn, f.pc, f.adj, f.flags, f.base = vm.fn, int32(vm.pc), a, frameFragment, int32(vm.base)
	if fn.nfar > len(vm.ext.far) {
		far := make([]Value, fn.nfar)
		copy(far, vm.ext.far)
		vm.moveExports(vm.ext.far, far)
		vm.ext.far = far
	}
	vm.fn, vm.pc = fn, 0
	vm.wide = max(vm.wide, fn.nregs)
	return true
}

// fragRet ends a fragment.
func (vm *machine) fragRet(v Value) bool {
	vm.leave()
	vm.regs[vm.frames[vm.fp].adj] = v
	return true
}

// callerFn executes R[A] = f!(R[A], …).
func (vm *machine) callerFn(in *bytecode.Ins) bool {
	site := &vm.fn.prog.calls[in.D]
	p := vm.fn.prog
	if p.host != nil {
		p = p.host
	}
	n := int(in.C)
	args := vm.stack[vm.base+int(in.A) : vm.base+int(in.A)+n]
	name := site.Name
	if name == "call" && n > 0 && args[0].isFn() && len(args[0].fn().curry) == 0 {
		// call!(f, …): the function that f points to runs in this scope.
		name = args[0].fn().name
		n--
	}
	var def *syntax.FnDef
	if p.script != nil {
		for _, d := range p.script.Functions {
			if d.Name == name && len(d.Params) == n && d.ThisType == "" {
				def = d
			}
		}
	}
	if def == nil {
		if site.Name == "call" {
			return vm.special(in)
		}
		return vm.callByName(in, nil)
	}
	if n < len(args) {
		copy(args, args[1:])
	}
	key := fragmentKey{site.Caller, name}
	fn := vm.fragments[key]
	if fn == nil {
		if err := vm.charge(compileCost); err != nil {
			return vm.failAt(err, site.Pos)
		}
		params := def.Params
		if params == nil {
			params = []syntax.Name{}
		}
		u, err := compile.Fragment(def.Body.Stmts, def.Name, p.name, site.Caller, params, int(in.A), vm.eng.compileOptions())
		if err != nil {
			return vm.failAt(&Error{Kind: ErrSystem, inner: err}, site.Pos)
		}
		fn = vm.linkFragment(u)
		fn.prog.weight = fragmentBytes(8 * u.Nodes)
		if err := vm.alloc(fn.prog.weight); err != nil {
			return vm.failAt(err, site.Pos)
		}
		vm.keepFragment(key, fn)
	}
	return vm.enterFragment(fn, in.A)
}

// dynFrom is where the variables of the current function start.
func (vm *machine) dynFrom() int {
	if vm.ext != nil {
		return vm.ext.dyn
	}
	return 0
}

func (vm *machine) dynamic(name string) *dynVar {
	for i := len(vm.dyn) - 1; i >= vm.dynFrom(); i-- {
		if vm.dyn[i].name == name {
			return &vm.dyn[i]
		}
	}
	return nil
}

// slotPlace is where a variable of the frame lives.
func (vm *machine) slotPlace(s bytecode.Slot) (place *Value, cell *cellObj) {
	if s.Far {
		place = &vm.ext.far[s.Reg]
	} else {
		place = &vm.regs[s.Reg]
	}
	if s.Cell {
		cell = place.cell()
		return &cell.v, cell
	}
	return place, nil
}

// dynFind makes the variable of a site the current place.
func (vm *machine) dynFind(site *bytecode.VarSite) bool {
	vm.path = vm.path[:0]
	vm.placeCell, vm.placeRO, vm.placePos = nil, false, vm.pos()
	vm.placeName = site.Index
	if d := vm.dynamic(site.Name); d != nil {
		vm.place, vm.placeRO = &d.cell.v, d.constant
		return true
	}
	if site.Static {
		vm.place, vm.placeCell = vm.slotPlace(site.Slot)
		vm.placeRO = site.Const || site.Outer && vm.outerConst(outerIndex(site.Slot))
		if vm.place.p != &vUndef {
			return true
		}
	}
	if v := vm.outside(site); v != nil {
		vm.place, vm.placeRO = &v.value, v.constant
		return true
	}
	return vm.failAt(newError(ErrVariableNotFound, site.Name), site.Pos)
}

// outside finds an outside variable that the body does not mention, for an eval in it: it is not in a register.
func (vm *machine) outside(site *bytecode.VarSite) *scopeVar {
	if site.Static || vm.scope == nil || !vm.inBody() {
		return nil
	}
	i := vm.scope.find(site.Name)
	if i < 0 {
		return nil
	}
	if !vm.scopeUsed && !vm.out {
		vm.scope = &Scope{vars: append([]scopeVar(nil), vm.scope.vars...)} // the host's stays as it is
	}
	vm.scopeUsed = true
	return &vm.scope.vars[i]
}

// inBody reports whether the code that runs is a part of the main body.
func (vm *machine) inBody() bool {
	fn := vm.fn
	for i := vm.fp - 1; i >= 0 && vm.frames[i].flags&frameFragment != 0; i-- {
		fn = vm.frames[i].fn
	}
	return fn == vm.main.prog.body && vm.env == vm.main
}

func (vm *machine) dynGet(in *bytecode.Ins) bool {
	site := &vm.fn.prog.unit.Vars[in.D]
	if vm.dynamic(site.Name) == nil && !site.Static {
		p := vm.fn.prog
		if p.host != nil {
			p = p.host
		}
		if fn := p.anyArity[site.Name]; fn != nil {
			f := &fnObj{hdr: hdr{kind: KindFn, depth: 1}, name: site.Name, proto: fn, env: vm.env}
			vm.regs[in.A] = Value{p: &f.hdr}
			return true
		}
	}
	if !vm.dynFind(site) {
		return false
	}
	vm.regs[in.A] = share(*vm.place)
	return true
}

// bodyPC is where the body is, whose frame is the first.
func (vm *machine) bodyPC() int32 {
	if vm.fp > 1 {
		return vm.frames[1].pc
	}
	return int32(vm.pc)
}

// dynSet defines a variable.
func (vm *machine) dynSet(in *bytecode.Ins) bool {
	if name := vm.fn.prog.unit.Vars[in.D].Name; vm.eng.language.NoShadowing &&
		(vm.dynamic(name) != nil || vm.inBody() && vm.scope != nil && vm.scope.find(name) >= 0) {
		return vm.failAt(newError(ErrVariableExists, name), vm.pos())
	}
	if err := vm.alloc(64); err != nil {
		return vm.fail(err)
	}
	c := &cellObj{hdr: hdr{kind: kindCell}, v: share(vm.regs[in.A])}
	vm.dyn = append(vm.dyn, dynVar{vm.fn.prog.unit.Vars[in.D].Name, c, in.B != 0, in.C != 0, vm.bodyPC()})
	return true
}

func (vm *machine) dynPlace(in *bytecode.Ins) bool {
	return vm.dynFind(&vm.fn.prog.unit.Vars[in.D])
}

// dynCell executes R[A] = cell of a variable, which a closure captures. A constant is captured as a copy: the closure's code
// does not know that it must not change it.
func (vm *machine) dynCell(in *bytecode.Ins) bool {
	site := &vm.fn.prog.unit.Vars[in.D]
	if d := vm.dynamic(site.Name); d != nil && !d.constant {
		vm.regs[in.A] = Value{p: &d.cell.hdr}
		return true
	} else if d == nil && site.Static && site.Slot.Cell {
		if place, cell := vm.slotPlace(site.Slot); place.p != &vUndef {
			vm.regs[in.A] = Value{p: &cell.hdr}
			return true
		}
	}
	return vm.dynGet(in) && vm.newCell(&vm.regs[in.A])
}

// isDefined reports whether a variable of the name exists at a site.
func (vm *machine) isDefined(name string, site *bytecode.EvalSite) bool {
	if vm.dynamic(name) != nil {
		return true
	}
	for i := range site.Vars {
		if v := &site.Vars[i]; v.Name == name {
			place, _ := vm.slotPlace(v.Slot)
			if place.p != &vUndef {
				return true
			}
		}
	}
	return vm.scope != nil && vm.scope.find(name) >= 0 && vm.inBody() // functions see none of it
}
