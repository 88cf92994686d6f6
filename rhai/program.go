package rhai

import (
	"context"
)

// Program is a compiled script. It is immutable and safe to share; every run
// has a state of its own.
type Program struct {
	eng  *Engine
	name string
}

// Name is the name given to Compile.
func (p *Program) Name() string { return p.name }

// Compile parses and compiles a source. Name appears in errors of imported
// code. A syntax error is an *Error of kind ErrParsing.
func (e *Engine) Compile(name, source string) (*Program, error) {
	e.sealed.Store(true)
	return nil, newError(ErrSystem, "the compiler is not linked")
}

// runConfig is what RunOptions set.
type runConfig struct {
	limits *Limits
	stats  *Stats
}

// RunOption changes one run.
type RunOption func(*runConfig)

// RunLimits replaces the engine's limits for this run.
func RunLimits(l Limits) RunOption { return func(c *runConfig) { c.limits = &l } }

// RunStats writes what the run used to st when it ends, also after an error.
func RunStats(st *Stats) RunOption { return func(c *runConfig) { c.stats = st } }

// Run runs the script's body and returns its value. Scope may be nil. The run
// ends with ErrTerminated when ctx is done. One goroutine per call.
func (p *Program) Run(ctx context.Context, scope *Scope, opts ...RunOption) (Value, error) {
	return Value{}, newError(ErrSystem, "the machine is not linked")
}

// Instance runs the body once and keeps the state, so that functions of the
// script can be called. It belongs to one goroutine at a time.
func (p *Program) Instance(ctx context.Context, scope *Scope, opts ...RunOption) (*Instance, error) {
	return nil, newError(ErrSystem, "the machine is not linked")
}

// Instance is a program whose body has run.
type Instance struct {
	vm *machine
}

// Value is the value of the body.
func (in *Instance) Value() Value { return Value{} }

// Stats is what the instance has used so far.
func (in *Instance) Stats() Stats { return Stats{} }

// Close gives the instance's memory back; it must not be used afterwards.
func (in *Instance) Close() {}

// Func prepares calls of a script function; any arity.
func (in *Instance) Func(name string) *Func { return &Func{in: in, name: name} }

// Func is a function of an Instance.
type Func struct {
	in   *Instance
	name string
}

// Exists reports whether the script defines the function with that many parameters.
func (f *Func) Exists(arity int) bool { return false }

// Call calls the function. Operations and memory count towards the instance's
// limits from the start of the call.
func (f *Func) Call(ctx context.Context, args ...Value) (Value, error) {
	return Value{}, newError(ErrFunctionNotFound, f.name)
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
func (p *Program) Functions() []FnInfo { return nil }

// Freeze makes the value immutable, deeply, so that goroutines may share it.
// It returns the value.
func (v Value) Freeze() Value {
	freeze(v, 0)
	return v
}

func freeze(v Value, depth int) {
	if v.p == nil || v.p.flags&flagFrozen != 0 || depth > maxDepth {
		return
	}
	v.p.flags |= flagShared | flagFrozen
	switch v.p.kind {
	case KindArray:
		for _, e := range v.arr().v {
			freeze(e, depth+1)
		}
	case KindMap:
		for it := v.mp().iter(); ; {
			_, e, ok := it.next()
			if !ok {
				break
			}
			freeze(*e, depth+1)
		}
	case KindFn:
		for _, e := range v.fn().curry {
			freeze(e, depth+1)
		}
	case kindTagged:
		freeze(v.tagged().v, depth+1)
	}
}
