package rhai

import (
	"cmp"
	"context"
	"slices"

	"github.com/picloud/picloud/rhai/internal/compile"
	"github.com/picloud/picloud/rhai/syntax"
)

// Program is a compiled script. It is immutable and safe to share; every run
// has a state of its own.
type Program struct {
	linked
	eng    *Engine
	name   string
	script *syntax.Script
	host   *Program // of a fragment: the program it is part of
}

// Name is the name given to Compile.
func (p *Program) Name() string { return p.name }

func (e *Engine) parseOptions() syntax.Options {
	l := e.limits
	return syntax.Options{
		MaxExprDepth: l.MaxExprDepth, MaxFnExprDepth: l.MaxFunctionExprDepth, MaxSourceSize: l.MaxSourceSize,
		MaxStringLen: l.MaxStringSize, MaxArrayLen: l.MaxArraySize, MaxMapLen: l.MaxMapSize,
		MaxFunctions: l.MaxFunctions, Language: e.language, Module: e.hasModule,
	}
}

func (e *Engine) compileOptions() compile.Options {
	return compile.Options{
		General: e.general, NoShadowing: e.language.NoShadowing, MaxVariables: e.limits.MaxVariables,
	}
}

func (e *Engine) hasModule(name string) bool { return e.modules[name] != nil }

// parseError makes the error of a parse one of the engine.
func parseError(err error) *Error {
	e := &Error{Kind: ErrParsing, inner: err}
	if s, ok := err.(*syntax.Error); ok {
		e.subject, e.Position = s.Msg, s.Pos
	} else {
		e.subject = err.Error()
	}
	return e
}

// Compile parses and compiles a source. Name appears in errors of imported
// code. A syntax error is an *Error of kind ErrParsing.
func (e *Engine) Compile(name, source string) (*Program, error) {
	return e.CompileScope(nil, name, source)
}

// CompileScope is Compile of a source that may use the variables of a scope, for engines whose
// language is strict: their scripts use no variable that is unknown when they are compiled.
func (e *Engine) CompileScope(scope *Scope, name, source string) (*Program, error) {
	e.sealed.Store(true)
	opts := e.parseOptions()
	if scope != nil {
		opts.Known = func(name string) bool { return scope.find(name) >= 0 }
	}
	s, err := syntax.Parse(source, opts)
	if err != nil {
		return nil, parseError(err)
	}
	u, err := compile.Script(s, name, e.compileOptions())
	if err != nil {
		return nil, &Error{Kind: ErrParsing, subject: err.Error(), inner: err}
	}
	p := &Program{eng: e, name: name}
	if u.Dynamic {
		p.script = s // f!() compiles the function anew where it is called
	}
	p.link(u)
	return p, nil
}

// Import is an import statement of a script.
type Import struct {
	Path     string
	Position Position
}

// Imports are the import statements whose path is a literal text, in the order
// of the source. What others import is known only when they run.
func (p *Program) Imports() []Import {
	var list []Import
	for _, i := range p.unit.Imports {
		list = append(list, Import{Path: i.Path, Position: i.Pos})
	}
	slices.SortFunc(list, func(a, b Import) int {
		return cmp.Or(cmp.Compare(a.Position.Line, b.Position.Line), cmp.Compare(a.Position.Col, b.Position.Col))
	})
	return list
}

// RunOption changes one run.
type RunOption struct {
	limits *Limits
	stats  *Stats
	inputs bool
}

// RunLimits replaces the engine's limits for this run.
func RunLimits(l Limits) RunOption { return RunOption{limits: &l} }

// RunMetered is RunLimits and RunStats in one, for who runs many programs: both are used where
// they are, and must stay until the run ends.
func RunMetered(l *Limits, st *Stats) RunOption { return RunOption{limits: l, stats: st} }

// RunInputs leaves the scope as it is: the run takes its variables from there and brings none
// back. The body's variables can then be given up at their last use, so that `a = f(a)` need not copy.
func RunInputs() RunOption { return RunOption{inputs: true} }

// RunStats writes what the run used to st when it ends, also after an error.
func RunStats(st *Stats) RunOption { return RunOption{stats: st} }

func (p *Program) configure(opts []RunOption) (c RunOption) {
	c.limits = &p.eng.limits
	for i := range opts {
		o := &opts[i]
		if o.limits != nil {
			c.limits = o.limits
		}
		if o.stats != nil {
			c.stats = o.stats
		}
		c.inputs = c.inputs || o.inputs
	}
	return c
}

// Run runs the script's body and returns its value. Scope may be nil. The run
// ends with ErrTerminated when ctx is done, and does nothing if it is done already; the error wraps the
// context's error and its cause. A script cannot catch it, also when a host function returns the context's error.
// One goroutine per call.
func (p *Program) Run(ctx context.Context, scope *Scope, opts ...RunOption) (Value, error) {
	c := p.configure(opts)
	vm := p.eng.start(ctx, c.limits)
	vm.watch(ctx)
	v, err := p.body0(vm, scope, !c.inputs, nil)
	if c.stats != nil {
		*c.stats = vm.stats()
	}
	vm.unwatch()
	vm.stop()
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// body0 runs the body as the first frame of a machine. With out, the scope gets its variables. End is called
// before that frame ends.
func (p *Program) body0(vm *machine, scope *Scope, out bool, end func()) (v Value, err error) {
	if scope != nil {
		for _, l := range p.unit.Lets {
			if scope.find(l.Name) >= 0 {
				return Value{}, newError(ErrVariableExists, l.Name).at(l.Pos)
			}
		}
	}
	defer border(vm, &err)
	if vm.ended() {
		return Value{}, vm.terminated()
	}
	vm.env = &p.env
	if p.ownEnv || vm.ownEnv {
		vm.env = &environment{prog: p}
	}
	vm.main = vm.env
	vm.wide = p.wide
	vm.scope, vm.out, vm.keep = scope, out && scope != nil, end
	p.scopeIn(vm, scope)
	value, e := vm.runBody(p, 0)
	vm.out, vm.keep = false, nil
	if e != nil {
		if e.Kind == ErrExit {
			return e.Value, nil
		}
		return Value{}, e
	}
	return value, nil
}

// scopeIn copies the outside variables that the body mentions to its registers.
func (p *Program) scopeIn(vm *machine, scope *Scope) {
	if vm.out {
		for _, t := range p.unit.TopVars {
			if !t.Slot.Far {
				vm.stack[t.Slot.Reg] = Value{p: &vUndef}
			}
		}
	}
	vm.undefineOuter(p)
	if scope == nil {
		return
	}
	for _, o := range p.unit.Outer {
		if i := scope.find(o.Name); i >= 0 && !o.Slot.Far {
			v := share(scope.vars[i].value)
			if o.Slot.Cell {
				c := vm.stack[o.Slot.Reg].cell()
				c.v = v
				if scope.vars[i].constant {
					c.flags |= flagConstant
				}
			} else {
				vm.stack[o.Slot.Reg] = v
			}
			if scope.vars[i].constant {
				vm.markConst(int(o.Slot.Reg))
			}
		}
	}
}

// markConst notes that an outside variable is constant.
func (vm *machine) markConst(i int) {
	for len(vm.outer) <= i {
		vm.outer = append(vm.outer, false)
	}
	vm.outer[i] = true
}

// farIn is scopeIn for the variables that have no register, which exist once the body's frame does.
func (p *Program) farIn(vm *machine, scope *Scope) {
	far := vm.ext.far
	for _, t := range p.unit.TopVars {
		if t.Slot.Far {
			far[t.Slot.Reg] = Value{p: &vUndef}
		}
	}
	for _, o := range p.unit.Outer {
		if !o.Slot.Far {
			continue
		}
		v := Value{p: &vUndef}
		var flags uint8
		if scope != nil {
			if i := scope.find(o.Name); i >= 0 {
				v = share(scope.vars[i].value)
				if scope.vars[i].constant {
					vm.markConst(farOuter + int(o.Slot.Reg))
					flags = flagConstant
				}
			}
		}
		if o.Slot.Cell {
			c := &cellObj{hdr: hdr{kind: kindCell, flags: flags}, v: v}
			v = Value{p: &c.hdr}
		}
		far[o.Slot.Reg] = v
	}
}

// scopeOut copies changed and new variables back. It runs before the body's frame ends.
func (p *Program) scopeOut(vm *machine, scope *Scope) {
	for _, o := range p.unit.Outer {
		if i := scope.find(o.Name); i >= 0 && !scope.vars[i].constant {
			place := &vm.stack[min(int(o.Slot.Reg), len(vm.stack)-1)]
			if o.Slot.Far {
				place = &vm.ext.far[o.Slot.Reg]
			}
			scope.vars[i].value = share(place.deref())
		}
	}
	n := newVars{scope: scope, index: map[newVar]int{}}
	dyn := vm.dyn
	for _, t := range p.unit.TopVars {
		if vm.pc <= int(t.PC) {
			continue // the body ended before: the register holds whatever was there
		}
		for len(dyn) > 0 && dyn[0].at <= t.PC {
			n.dynamic(&dyn[0])
			dyn = dyn[1:]
		}
		place := &vm.stack[min(int(t.Slot.Reg), len(vm.stack)-1)]
		if t.Slot.Far {
			place = &vm.ext.far[t.Slot.Reg]
		}
		if v := place.deref(); v.p != &vUndef {
			n.add(newVar{t.Name, 0}, scopeVar{t.Name, share(v), t.Const})
		}
	}
	for i := range dyn {
		n.dynamic(&dyn[i])
	}
}

// newVars are the variables that a run adds to its scope, in order of their definition. Another definition of a name by
// the same source, the body or one eval, takes the place of the one before.
type newVars struct {
	scope *Scope
	index map[newVar]int
}

type newVar struct {
	name string
	eval int32
}

func (n *newVars) add(k newVar, v scopeVar) {
	if i, ok := n.index[k]; ok {
		n.scope.vars[i] = v
		return
	}
	n.index[k] = len(n.scope.vars)
	n.scope.vars = append(n.scope.vars, v)
}

func (n *newVars) dynamic(d *dynVar) {
	if d.block {
		return // the run ended within the block
	}
	n.add(newVar{d.name, d.at}, scopeVar{d.name, share(d.cell.v), d.constant})
}

// stats is what the run has used so far.
func (vm *machine) stats() Stats {
	return Stats{Operations: vm.operations(), PeakMemory: max(vm.peak, min(vm.used, vm.maxMemory))}
}

// FnInfo describes a function that a script defines.
type FnInfo struct {
	Name    string
	Params  []string
	Doc     string
	Private bool
	This    string // type of `this` for a typed method
}

// Functions are the functions the script defines, in order.
func (p *Program) Functions() []FnInfo {
	var fns []FnInfo
	for _, f := range p.unit.Funcs {
		if !f.Closure {
			fns = append(fns, FnInfo{Name: f.Name, Params: f.Params, Doc: f.Doc, Private: f.Private, This: f.ThisType})
		}
	}
	return fns
}
