package rhai

import (
	"fmt"
	"reflect"
	"sync"
)

// Type describes a Go type T to scripts: what type_of answers, how values
// print, and which methods, properties and indexers they have. Set it up
// before the first engine that uses it compiles; then it must not change.
//
// Scripts copy on assignment. If T is a pointer, or has no Clone, the copies
// refer to one Go value; otherwise the first write after a copy clones it.
type Type[T any] struct {
	host *HostType
	fns  []*Native
}

var hostTypes sync.Map // reflect.Type → *HostType

// hostTypeOf is the description of a Go type, or nil.
func hostTypeOf(t reflect.Type) *HostType {
	if h, ok := hostTypes.Load(t); ok {
		return h.(*HostType)
	}
	return nil
}

// NewType describes the Go type T under a name. There is one description of a
// type in a process: it decides how ValueOf converts values of T everywhere,
// and a later one replaces it.
func NewType[T any](name string) *Type[T] {
	t := &Type[T]{host: &HostType{Name: name}}
	hostTypes.Store(reflect.TypeFor[T](), t.host)
	fieldCache.Clear()
	return t
}

// HostType is the description itself, for natives made by hand.
func (t *Type[T]) HostType() *HostType { return t.host }

// Describe sets the documentation, in Markdown.
func (t *Type[T]) Describe(doc string) *Type[T] { t.host.Doc = doc; return t }

// Clone sets how a value is copied before a copy of it is written.
func (t *Type[T]) Clone(f func(T) T) *Type[T] {
	t.host.clone = func(v any) any { return f(v.(T)) }
	return t
}

// MemSize sets how many bytes a value holds, for the memory limit. It is asked
// again at each census and must not run script code.
func (t *Type[T]) MemSize(f func(T) int64) *Type[T] {
	t.host.size = func(v any) int64 { return f(v.(T)) }
	return t
}

// Print sets to_string, and the debug form unless Debug sets that.
func (t *Type[T]) Print(f func(T) string) *Type[T] {
	t.host.print = func(v any) string { return f(v.(T)) }
	return t
}

// Debug sets the debug form.
func (t *Type[T]) Debug(f func(T) string) *Type[T] {
	t.host.debug = func(v any) string { return f(v.(T)) }
	return t
}

// Method adds a function whose first argument, after a context or *Call, is a
// T; see [NewFn]. A *T there, for a T that is no pointer, writes the receiver.
func (t *Type[T]) Method(name string, f any, opts ...FnOption) *Type[T] {
	return t.add(NewFn(name, f, opts...))
}

// Getter adds a property that can be read: f is a func(T) R.
func (t *Type[T]) Getter(name string, f any, opts ...FnOption) *Type[T] {
	return t.add(NewFn("get$"+name, f, opts...))
}

// Setter adds a property that can be written: f is a func(T, V).
func (t *Type[T]) Setter(name string, f any, opts ...FnOption) *Type[T] {
	return t.add(NewFn("set$"+name, f, append([]FnOption{mutates}, opts...)...))
}

// IndexGetter adds `x[i]`: f is a func(T, I) R. Properties without a getter
// come here, too, if I is string.
func (t *Type[T]) IndexGetter(f any, opts ...FnOption) *Type[T] {
	return t.add(NewFn("index$get$", f, opts...))
}

// IndexSetter adds `x[i] = v`: f is a func(T, I, V).
func (t *Type[T]) IndexSetter(f any, opts ...FnOption) *Type[T] {
	return t.add(NewFn("index$set$", f, append([]FnOption{mutates}, opts...)...))
}

// mutates marks a function as one that may not be used on constants.
func mutates(n *Native) { n.Effects |= Mutates }

func (t *Type[T]) add(n *Native) *Type[T] {
	if len(n.Params) == 0 || n.Params[0].Host != t.host {
		panic(fmt.Sprintf("rhai: the first parameter of %s is not a %s", n.Name, t.host.Name))
	}
	t.fns = append(t.fns, n)
	return t
}

// Iterate sets what `for x in value` visits. The function it returns gives the
// next element, and false after the last.
func (t *Type[T]) Iterate(f func(T) func() (Value, bool, error)) *Type[T] {
	t.host.iter = func(_ *machine, v any) (func() (Value, bool, error), error) { return f(v.(T)), nil }
	return t
}

// Functions are the methods, properties and indexers in order.
func (t *Type[T]) Functions() []*Native { return t.fns }

// RegisterType adds the methods, properties and indexers of a *Type. It
// panics after the first Compile.
func (e *Engine) RegisterType(t interface{ Functions() []*Native }) *Engine {
	e.Register(t.Functions()...)
	return e
}
