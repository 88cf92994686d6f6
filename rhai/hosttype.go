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
// Scripts copy on assignment. The first write after a copy clones the value with
// what Clone sets. Without it, a T that is a pointer, map, slice, interface, channel
// or function stays one Go value for all copies, and any other T is copied as Go copies it.
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
	switch r := reflect.TypeFor[T](); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
	default:
		t.host.clone = func(v any) any { return v } // a write puts another T in its place
	}
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
	t.host.cloneFn = t.host.native("clone$", func(c *Call, v any) (Value, error) { return Host(t.host, f(v.(T))), nil })
	return t
}

// MemSize sets how many bytes a value holds, for the memory limit. It is asked
// again at each census and must not run script code. It is no call that a [HostHook] sees: for a
// run to be repeated it may depend on nothing but the value.
func (t *Type[T]) MemSize(f func(T) int64) *Type[T] {
	t.host.size = func(v any) int64 { return f(v.(T)) }
	return t
}

// Print sets to_string, and the debug form unless Debug sets that.
func (t *Type[T]) Print(f func(T) string) *Type[T] {
	t.host.print = func(v any) string { return f(v.(T)) }
	t.host.printFn = t.host.native("print$", func(c *Call, v any) (Value, error) { return c.String(f(v.(T))) })
	return t
}

// Debug sets the debug form.
func (t *Type[T]) Debug(f func(T) string) *Type[T] {
	t.host.debug = func(v any) string { return f(v.(T)) }
	t.host.debugFn = t.host.native("debug$", func(c *Call, v any) (Value, error) { return c.String(f(v.(T))) })
	return t
}

// Method adds a function whose first argument, after a context or *Call, is a
// T; see [NewFn]. A *T there, for a T that is no pointer, writes the receiver.
//
// An operator is a method of its symbol: "+" with a func(a, b T) T makes a + b and, if there is no "+=", a += b; "-" and "!" with
// one argument are the prefix operators. None follows from another, as in the reference: a type that scripts compare needs each of "==", "!=",
// "<", "<=", ">" and ">=" that they use; `in` and arrays' index_of, contains and dedup need "==". sort takes numbers, texts, characters and
// bools; scripts sort other values by sort(|a, b| …).
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
	t.host.hooked = true
	return t
}

// native makes what the host set for all values of the type a function that is called like others of the host.
func (h *HostType) native(name string, f func(c *Call, v any) (Value, error)) *Native {
	return &Native{
		Name: name, Params: []Param{{Type: THost, Host: h, TypeName: h.Name}}, hooked: true,
		Fn: func(c *Call) (Value, error) { return f(c, c.Arg(0).host().v) },
	}
}

// hostText writes a host value in a run: a call of the host's function if there is one.
func (vm *machine) hostText(v Value, form textForm) (string, error) {
	t := v.host().typ
	if t == nil || vm.eng == nil {
		return hostText(v.host(), form), nil
	}
	fn := t.printFn
	if form != formDisplay && t.debugFn != nil {
		fn = t.debugFn
	}
	if fn == nil || form == formRaw && t.raw != nil {
		return hostText(v.host(), form), nil
	}
	text, err := vm.callNative(fn, []Value{v}, nil, false, 0, vm.pos())
	if err != nil {
		return "", err
	}
	if !text.isString() {
		return "", errOutputMismatch("string", typeName(text))
	}
	return text.str(), nil
}

// cloneHost copies a host value before it is written.
func (vm *machine) cloneHost(v Value) (Value, error) {
	t := v.host().typ
	if vm.eng == nil {
		return Host(t, t.clone(v.host().v)), nil
	}
	size := int64(64)
	if t.size != nil {
		size += max(t.size(v.host().v), 0)
	}
	if err := vm.alloc(size); err != nil {
		return Value{}, err
	}
	if t.cloneFn == nil {
		return Host(t, t.clone(v.host().v)), nil
	}
	c, err := vm.callNative(t.cloneFn, []Value{v}, nil, false, 0, vm.pos())
	if err != nil {
		return Value{}, err
	}
	if c.kind() != KindHost || c.host().typ != t {
		return Value{}, errOutputMismatch(t.Name, typeName(c))
	}
	return Host(t, c.host().v), nil // nobody else's, wherever the hook has it from
}

// steps makes each step of a loop over a host value a call of a function "next$", whose result is an array of the
// element, or () after the last. The loop begins with the first step that is made.
func (vm *machine) steps(v Value) func() (Value, bool, error) {
	t := v.host().typ
	hook := vm.eng.hook != nil
	var next func() (Value, bool, error)
	var element Value // without a hook, nobody looks at the result
	fn := t.native("next$", func(_ *Call, x any) (Value, error) {
		if next == nil {
			var err error
			if next, err = t.iter(vm, x); err != nil {
				return Value{}, err
			}
		}
		e, ok, err := next()
		if err != nil || !ok {
			return Value{}, err
		}
		if !hook {
			element = e
			return Bool(true), nil
		}
		return Array([]Value{e}), nil
	})
	args := []Value{v}
	return func() (Value, bool, error) {
		e, err := vm.callNative(fn, args, nil, false, 0, vm.pos())
		if err != nil || e.IsUnit() {
			return Value{}, false, err
		}
		if !hook {
			return element, true, nil
		}
		list, ok := e.AsArray()
		if !ok || len(list) != 1 {
			return Value{}, false, errOutputMismatch("array", typeName(e))
		}
		return list[0], true, nil
	}
}

// Functions are the methods, properties and indexers in order.
func (t *Type[T]) Functions() []*Native { return t.fns }

// RegisterType adds the methods, properties and indexers of a *Type. It
// panics after the first Compile.
func (e *Engine) RegisterType(t interface{ Functions() []*Native }) *Engine {
	e.Register(t.Functions()...)
	return e
}
