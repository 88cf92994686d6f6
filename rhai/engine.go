package rhai

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/rhai/syntax"
)

// Engine compiles scripts and says what they can call. It is set up first and
// sealed by its first Compile; after that it never changes and is safe for use
// by many goroutines.
type Engine struct {
	limits     Limits
	language   syntax.Language
	dispatch   bool     // operators of built-in types can be overloaded
	strictMaps bool     // a missing property is an error
	funcs      registry // registered by the host, over the standard library
	order      []*Native
	modules    map[string]*Module
	resolver   Resolver
	print      func(ctx context.Context, text string, pos Position)
	debug      func(ctx context.Context, text, source string, pos Position)
	hook       HostHook
	clock      Clock
	general    bool
	collect    bool
	variables  map[string]*HostType // of the scopes, for Check; nil: not known
	sealed     atomic.Bool
}

// Option configures an Engine.
type Option func(*Engine)

// NewEngine returns an engine with the standard library.
func NewEngine(opts ...Option) *Engine {
	e := &Engine{
		funcs:   registry{},
		modules: map[string]*Module{},
		clock:   systemClock{},
	}
	for _, o := range opts {
		o(e)
	}
	return e
}

// WithLimits sets the limits of every compilation and run.
func WithLimits(l Limits) Option { return func(e *Engine) { e.limits = l } }

// WithLanguage changes what scripts may be written in: it turns forms of expressions, keywords and
// symbols off, adds operators, and makes variables strict. An operator calls the function of its name,
// which the host registers, or for an identifier also the script. It panics if the language cannot be.
func WithLanguage(l syntax.Language) Option {
	if err := l.Check(); err != nil {
		panic("rhai: " + err.Error())
	}
	return func(e *Engine) { e.language = l }
}

// OverloadOperators lets functions that the host registers under the symbol of an operator replace
// the operator for built-in types, which makes all operators slower. Without it such functions apply to other types only.
func OverloadOperators() Option { return func(e *Engine) { e.dispatch, e.general = true, true } }

// StrictMaps makes it an error to read a property or an index that an object map does not have, instead of ().
func StrictMaps() Option { return func(e *Engine) { e.strictMaps = true } }

// WithPrint sets what print does. The context is that of the run. Without it, print does nothing.
func WithPrint(f func(ctx context.Context, text string, pos Position)) Option {
	return func(e *Engine) { e.print = f }
}

// WithDebug sets what debug does. Without it, debug does nothing.
func WithDebug(f func(ctx context.Context, text, source string, pos Position)) Option {
	return func(e *Engine) { e.debug = f }
}

// WithoutOptimizer makes and runs general code only: slower, with the same results and the same charges. It is for
// finding out whether an optimisation is at fault.
func WithoutOptimizer() Option { return func(e *Engine) { e.general = true } }

// WithCollection runs Go's garbage collector at each census of a run's memory: the process then holds little more than the
// limits of its runs, at the price of time where memory is short.
func WithCollection() Option { return func(e *Engine) { e.collect = true } }

// HostHook surrounds every call of a function that the host registered: it
// sees the arguments and decides whether next runs. Metering, recording and replay rest on it.
//
// What a [Type] sets for all its values is such a function, too, when a script makes it run: "print$" and "debug$"
// return the text, "clone$" the copy, and "next$", the step of a loop, an array of the element, or () after the last.
// Properties are "get$name" and "set$name", indexers "index$get$" and "index$set$".
type HostHook func(c *Call, next func(*Call) (Value, error)) (Value, error)

// WithHostHook sets the hook around host functions.
func WithHostHook(h HostHook) Option { return func(e *Engine) { e.hook = h } }

// Clock is where timestamp() and sleep() get their time from.
type Clock interface {
	// Now is the time of a run.
	Now(ctx context.Context) time.Time
	// Sleep waits; it returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// WithClock replaces the system's clock.
func WithClock(c Clock) Option { return func(e *Engine) { e.clock = c } }

type systemClock struct{}

var clockStart = time.Now()

// Now is monotonic within the process.
func (systemClock) Now(context.Context) time.Time { return clockStart.Add(time.Since(clockStart)) }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Importable is what `import` can bring in: a *Program or a *Module.
type Importable interface{ importable() }

func (*Module) importable()  {}
func (*Program) importable() {}

// ErrNoModule is what a Resolver returns for a path it does not know.
var ErrNoModule = errors.New("rhai: no such module")

// Resolver finds what `import "path"` means. From is the name of the
// importing source. Implementations cache compiled programs; they are called by many goroutines.
type Resolver interface {
	Resolve(ctx context.Context, eng *Engine, path, from string) (Importable, error)
}

// WithResolver sets how imports are found. Without it every import fails.
func WithResolver(r Resolver) Option { return func(e *Engine) { e.resolver = r } }

// StaticResolver resolves paths from a fixed table.
type StaticResolver map[string]Importable

// Resolve implements Resolver.
func (r StaticResolver) Resolve(_ context.Context, _ *Engine, path, _ string) (Importable, error) {
	if m, ok := r[path]; ok {
		return m, nil
	}
	return nil, ErrNoModule
}

func (e *Engine) mustBeOpen(what string) {
	if e.sealed.Load() {
		panic("rhai: " + what + " after the engine's first Compile")
	}
}

// Register adds functions that scripts call by name. A function with the name and parameter
// types of an earlier one replaces it. It panics if no script can write the name, and after the first Compile.
func (e *Engine) Register(fns ...*Native) {
	e.mustBeOpen("Register")
	for _, f := range fns {
		e.mustFunction(f)
		f.hooked = true
		e.funcs.add(f)
		e.order = append(e.order, f)
	}
}

// RegisterModule makes m reachable as `name::item`. A module with the name of an earlier one replaces it.
// It panics if no script can write the name, and after the first Compile.
func (e *Engine) RegisterModule(m *Module) {
	e.mustBeOpen("RegisterModule")
	mustName("module", m.name)
	if m.name == "global" {
		panic(`rhai: "global" cannot be the name of a module: scripts write global:: before their own constants`)
	}
	e.modules[m.name] = m
}

// Functions are the functions registered by the host in order, for documentation.
func (e *Engine) Functions() []*Native { return e.order }

// StandardFunctions are the functions of the standard library in order.
func StandardFunctions() []*Native { return coreNatives() }

// Modules are the registered modules by name.
func (e *Engine) Modules() []*Module {
	names := make([]string, 0, len(e.modules))
	for n := range e.modules {
		names = append(names, n)
	}
	sortStrings(names)
	ms := make([]*Module, len(names))
	for i, n := range names {
		ms[i] = e.modules[n]
	}
	return ms
}

// Limits are the limits the engine was made with.
func (e *Engine) Limits() Limits { return e.limits }

var coreRegistry = sync.OnceValue(func() registry {
	r := registry{}
	for _, f := range coreNatives() {
		r.add(f)
	}
	return r
})

// getters are the functions that read the property of a value that is no map.
func (e *Engine) getters(name string) []*Native { return e.overloads("get$"+name, 1) }

// overloads are the functions of that name and arity: the host's, then the library's.
func (e *Engine) overloads(name string, arity int) []*Native {
	k := fnKey{name, arity}
	core := coreRegistry()[k]
	own := e.funcs[k]
	switch {
	case len(own) == 0:
		return core
	case len(core) == 0:
		return own
	}
	return append(append(make([]*Native, 0, len(own)+len(core)), own...), core...)
}
