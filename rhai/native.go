package rhai

import (
	"context"
)

// Effect says what a native function does with its arguments. Reading and
// returning fresh values needs no flag.
type Effect uint8

const (
	// Stores: the function keeps or returns an argument, or a part of one.
	// The caller marks every argument shared before the call.
	Stores Effect = 1 << iota
	// Mutates: the function writes its receiver through Call.This. The caller
	// makes the receiver unique before the call and passes a pointer to the
	// variable, element or property itself.
	Mutates
	// NonPure: the function is refused on a constant receiver although it does
	// not write it (the reference takes `&mut` without the pure mark).
	// Mutates implies it.
	NonPure
	// CallsBack: the function may run script code through Call.Invoke.
	CallsBack
	// Volatile: the result depends on more than the arguments (time, randomness,
	// output); never folded at compile time.
	Volatile
)

// TypeSet is a set of kinds that a parameter accepts.
type TypeSet uint32

// Parameter types. Combine them with |.
const (
	TUnit      TypeSet = 1 << KindUnit
	TBool      TypeSet = 1 << KindBool
	TInt       TypeSet = 1 << KindInt
	TFloat     TypeSet = 1 << KindFloat
	TChar      TypeSet = 1 << KindChar
	TTimestamp TypeSet = 1 << KindTimestamp
	TString    TypeSet = 1 << KindString
	TArray     TypeSet = 1 << KindArray
	TMap       TypeSet = 1 << KindMap
	TBlob      TypeSet = 1 << KindBlob
	TRange     TypeSet = 1 << KindRange
	TFn        TypeSet = 1 << KindFn
	THost      TypeSet = 1 << KindHost
	TAny       TypeSet = 1<<numKinds - 1
)

// Param is a parameter of a native function.
type Param struct {
	Name string
	Type TypeSet
	Host *HostType // with THost: only this type
	// TypeName overrides how the type is written in documentation.
	TypeName string
}

// Native is a function written in Go that scripts can call. A Native must not
// change after it is registered.
type Native struct {
	// Name as scripts write it. A property getter is "get$name", a setter
	// "set$name", indexers "index$get$" and "index$set$". Operators use their symbol.
	Name    string
	Params  []Param
	Effects Effect
	Fn      func(*Call) (Value, error)

	Returns    string // type of the result, for documentation
	Doc        string // Markdown
	Example    string // a runnable script
	Deprecated string // what to use instead; empty if not deprecated

	hooked bool // registered by the host: calls go through its hook
}

// Call is one call of a native function: what it gets and how it reaches the
// engine. It is valid until the function returns and must not be kept.
type Call struct {
	vm     *machine
	args   []Value
	this   *Value
	native *Native
	pos    Position
	held   int64 // bytes charged by Alloc until the call returns
	room   [3]Value
}

// Args are the arguments, the receiver of a method call first. They are
// borrowed: unless the function is registered with Stores, a value that is kept or returned
// must be fresh or come from a copy. The slice is not to be written.
func (c *Call) Args() []Value { return c.args }

// Arg is argument i, without its tag.
func (c *Call) Arg(i int) Value { return c.args[i].untag() }

// Len is the number of arguments.
func (c *Call) Len() int { return len(c.args) }

// This is the place of the first argument: the variable, element or property
// itself when the function is registered with Mutates (already unique, so it
// may be written in place or replaced), else a temporary.
func (c *Call) This() *Value { return c.this }

// Position is where the script makes the call.
func (c *Call) Position() Position { return c.pos }

// Name is the function's name as registered.
func (c *Call) Name() string { return c.native.Name }

// Context is the context of the run; a native that waits watches it.
func (c *Call) Context() context.Context { return c.vm.context() }

// Charge counts n operations of work, before doing it.
func (c *Call) Charge(n int) error { return c.vm.charge(int64(n)) }

// Alloc counts bytes of memory, before allocating them. They stay counted until the function
// returns; a Value that is still reachable then is found by the next census.
func (c *Call) Alloc(bytes int) error {
	if err := c.vm.alloc(int64(bytes)); err != nil {
		return err
	}
	c.held += int64(bytes)
	return nil
}

// String makes a string within the limits of the run.
func (c *Call) String(s string) (Value, error) { return c.vm.newString(s) }

// Invoke calls a function pointer or closure with the arguments.
func (c *Call) Invoke(fn Value, args ...Value) (Value, error) {
	return c.vm.invoke(fn, nil, args, c.pos)
}

// InvokeMethod calls a function pointer or closure with `this` bound to a
// place; the function may change it.
func (c *Call) InvokeMethod(fn Value, this *Value, args ...Value) (Value, error) {
	return c.vm.invoke(fn, this, args, c.pos)
}

// invokeExtra is how builtins call predicates and mappers: `this` is bound, args are passed, and
// when the function has other parameters, `this` is moved to argument number
// move (-1: never) or extras are appended, as the reference does.
func (c *Call) invokeExtra(fn Value, this *Value, args, extras []Value, move int) (Value, error) {
	return c.vm.invokeExtra(c.native.Name, fn, this, args, extras, move, c.pos)
}

// HostType describes a Go type to scripts: its name and what copying,
// printing and measuring its values means. Methods, getters, setters and
// indexers are natives whose first parameter has THost and this type.
type HostType struct {
	Name  string // what type_of answers and error texts say
	Doc   string
	clone func(any) any    // deep copy before a write to a shared value; nil: reference semantics
	size  func(any) int64  // bytes behind the value; nil: not counted
	print func(any) string // to_string; nil: the name
	debug func(any) string // debug form; nil: as print
	raw   func(any) string // form in uncaught values; nil: as debug
	iter  func(c *machine, v any) (func() (Value, bool, error), error)

	// The same as calls, for types of the host: through its hook, and with a name where they panic.
	printFn, debugFn, cloneFn *Native
	hooked                    bool // so are the steps of a loop
}

// Host wraps a Go value of a registered type.
func Host(t *HostType, v any) Value {
	h := &hostObj{hdr: hdr{kind: KindHost, depth: 1}, typ: t, v: v}
	return Value{p: &h.hdr}
}

// AsHost returns the Go value and its type, and whether the value is one.
func (v Value) AsHost() (any, *HostType, bool) {
	v = v.untag()
	if v.kind() != KindHost {
		return nil, nil, false
	}
	h := v.host()
	return h.v, h.typ, true
}
