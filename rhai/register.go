package rhai

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// FnOption describes a function that NewFn, RegisterFn or Fn0 to Fn3 make.
type FnOption func(*Native)

// Doc sets what the function does, in Markdown.
func Doc(text string) FnOption { return func(n *Native) { n.Doc = text } }

// Example sets a runnable script that shows the function.
func Example(script string) FnOption { return func(n *Native) { n.Example = script } }

// ParamNames names the parameters for documentation and errors.
func ParamNames(names ...string) FnOption {
	return func(n *Native) {
		if len(names) != len(n.Params) {
			panic(fmt.Sprintf("rhai: %s has %d parameters, not %d", n.Name, len(n.Params), len(names)))
		}
		for i, name := range names {
			n.Params[i].Name = name
		}
	}
}

// Effects sets what the function does beyond reading its arguments.
func Effects(e Effect) FnOption { return func(n *Native) { n.Effects = e } }

// RegisterFn adds a Go function that scripts call by name; see [NewFn]. It
// panics if f cannot be called from scripts, or after the first Compile.
func (e *Engine) RegisterFn(name string, f any, opts ...FnOption) *Engine {
	e.Register(NewFn(name, f, opts...))
	return e
}

// NewFn makes a native of any Go function. Its leading parameter may be a
// context.Context (that of the run) or a *Call; they are not arguments of the
// script. The others, and the result, convert as in [Fn0]. The function
// returns nothing, a result, an error, or a result and an error.
//
// A parameter *T, where T is a type made with [NewType], writes the receiver
// in place if it is the first. Elsewhere it points to a copy, or is nil for ().
//
// NewFn panics if f is no such function: if it has ... parameters, for which a slice serves, returns more than that, or if a
// parameter or result is, or holds, what has no script value: a channel, a function, a complex number or a map whose keys are no strings.
// The signatures that occur most are called without reflection.
func NewFn(name string, f any, opts ...FnOption) *Native {
	if n := fastFn(name, f, opts); n != nil {
		return n
	}
	if call, ok := f.(func(*Call) (Value, error)); ok {
		panic(fmt.Sprintf("rhai: %s: make a Native for %T, which does not tell its parameters", name, call))
	}
	fv := reflect.ValueOf(f)
	if fv.Kind() != reflect.Func || fv.IsNil() {
		panic(fmt.Sprintf("rhai: %s: %T is not a function", name, f))
	}
	t := fv.Type()
	if t.IsVariadic() {
		panic(fmt.Sprintf("rhai: %s: functions with ... cannot be called from scripts; let it take a slice, for which scripts pass an array", name))
	}
	r := &reflected{fn: fv, out: t.NumOut()}
	for i := range t.NumIn() {
		in := t.In(i)
		switch {
		case i == 0 && in == callType:
			r.lead = leadCall
		case i == 0 && in == contextType:
			r.lead = leadContext
		default:
			r.in = append(r.in, in)
		}
	}
	r.result(name, t)
	params := make([]Param, len(r.in))
	var effects Effect
	for i, in := range r.in {
		if i == 0 && pointsToHost(in) {
			r.inPlace = true
			effects |= Mutates
			in = in.Elem()
		}
		mustConvert(name, "parameter", in)
		params[i] = paramFor(name, in)
	}
	return newTyped(name, params, r.returns, append([]FnOption{Effects(effects)}, opts...), r.call)
}

// pointsToHost reports whether t is *T for a T made with NewType, and no type made with it itself.
func pointsToHost(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && hostTypeOf(t) == nil && hostTypeOf(t.Elem()) != nil
}

var (
	callType    = reflect.TypeFor[*Call]()
	contextType = reflect.TypeFor[context.Context]()
)

const (
	leadNone = iota
	leadCall
	leadContext
)

// reflected calls a Go function by reflection.
type reflected struct {
	fn      reflect.Value
	in      []reflect.Type // without the leading context or call
	lead    int
	out     int
	fails   bool // the last result is an error
	inPlace bool // the first parameter points at the receiver
	returns string
}

// result checks what the function returns.
func (r *reflected) result(name string, t reflect.Type) {
	if n := t.NumOut(); n > 0 && t.Out(n-1) == errorType {
		r.fails = true
		r.out--
	}
	switch r.out {
	case 0:
		r.returns = "()"
	case 1:
		mustConvert(name, "result", t.Out(0))
		r.returns = typeDoc(t.Out(0))
	default:
		panic(fmt.Sprintf("rhai: %s returns %d values; one and an error are the most", name, t.NumOut()))
	}
}

func (r *reflected) call(c *Call) (Value, error) {
	args := make([]reflect.Value, 0, len(r.in)+1)
	switch r.lead {
	case leadCall:
		args = append(args, reflect.ValueOf(c))
	case leadContext:
		args = append(args, reflect.ValueOf(c.Context()))
	}
	var receiver reflect.Value
	for i, t := range r.in {
		if i == 0 && r.inPlace {
			receiver = reflect.New(t.Elem())
			receiver.Elem().Set(reflect.ValueOf(c.Arg(0).host().v))
			args = append(args, receiver)
			continue
		}
		p := reflect.New(t).Elem()
		if err := c.decodeArg(i, p); err != nil {
			return Value{}, err
		}
		args = append(args, p)
	}
	out := r.fn.Call(args)
	if r.inPlace {
		// The place was made unique before the call, so the object is ours.
		c.This().untag().host().v = receiver.Elem().Interface()
	}
	if r.fails {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return Value{}, hostError(err)
		}
	}
	if r.out == 0 {
		return Value{}, nil
	}
	return (&encoder{call: c}).encode(out[0].Interface())
}

// paramFor is the parameter that takes values for a Go type.
func paramFor(function string, t reflect.Type) Param {
	if h := hostTypeOf(t); h != nil {
		return Param{Type: THost, Host: h, TypeName: h.Name}
	}
	p := Param{TypeName: typeDoc(t)}
	switch {
	case t == valueType || t.Kind() == reflect.Interface && t.NumMethod() == 0:
		p.Type = TAny
	case t == timeType, t == errorType:
		p.Type = TString
	case t == durationType:
		p.Type = TFloat | TInt
	case reflect.PointerTo(t).Implements(textUnmarshalerType):
		p.Type = TString
	default:
		p.Type = kindsFor(function, t)
		if t.Kind() == reflect.Pointer {
			p.Host = paramFor(function, t.Elem()).Host
		}
	}
	if p.Type == 0 {
		panic(fmt.Sprintf("rhai: %s: no script value fits a parameter of type %s; allowed are %s", function, t, allowedTypes))
	}
	return p
}

func kindsFor(function string, t reflect.Type) TypeSet {
	switch t.Kind() {
	case reflect.Bool:
		return TBool
	case reflect.Int32:
		return TInt | TChar // rune
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return TInt
	case reflect.Float32, reflect.Float64:
		return TFloat
	case reflect.String:
		return TString | TChar
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return TBlob | TArray
		}
		return TArray
	case reflect.Map, reflect.Struct:
		return TMap
	case reflect.Pointer:
		return paramFor(function, t.Elem()).Type | TUnit
	}
	return 0
}

// typeDoc writes a Go type the way scripts name it.
func typeDoc(t reflect.Type) string {
	if h := hostTypeOf(t); h != nil {
		return h.Name
	}
	switch {
	case t == valueType:
		return "?"
	case t == timeType, t == errorType:
		return "string"
	case t == durationType:
		return "float"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "blob"
		}
		return "array"
	case reflect.Map, reflect.Struct:
		if t.Kind() == reflect.Struct && t.NumField() == 0 {
			return "()"
		}
		return "map"
	case reflect.Pointer:
		return typeDoc(t.Elem())
	}
	return "?"
}

// Signature writes the function as documentation shows it: `name(a: int) -> string`.
func (f *Native) Signature() string {
	var b strings.Builder
	b.WriteString(f.Name + "(")
	for i, p := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		if p.Name != "" {
			b.WriteString(p.Name + ": ")
		}
		b.WriteString(p.typeName())
	}
	b.WriteString(")")
	if f.Returns != "" && f.Returns != "()" {
		b.WriteString(" -> " + f.Returns)
	}
	return b.String()
}

func (p Param) typeName() string {
	switch {
	case p.TypeName != "":
		return p.TypeName
	case p.Type == TAny:
		return "?"
	case p.Host != nil:
		return p.Host.Name
	}
	names := []struct {
		t    TypeSet
		name string
	}{
		{TUnit, "()"},
		{TBool, "bool"},
		{TInt, "int"},
		{TFloat, "float"},
		{TChar, "char"},
		{TTimestamp, "timestamp"},
		{TString, "string"},
		{TArray, "array"},
		{TMap, "map"},
		{TBlob, "blob"},
		{TRange, "range"},
		{TFn, "Fn"},
	}
	var parts []string
	for _, n := range names {
		if p.Type&n.t != 0 {
			parts = append(parts, n.name)
		}
	}
	return strings.Join(parts, "|")
}

// fastFn makes natives of common signatures without reflection; nil for others.
func fastFn(name string, f any, opts []FnOption) *Native {
	switch f := f.(type) {
	case func(int64) int64:
		return Fn1(name, noError1(f), opts...)
	case func(int64, int64) int64:
		return Fn2(name, noError2(f), opts...)
	case func(float64) float64:
		return Fn1(name, noError1(f), opts...)
	case func(float64, float64) float64:
		return Fn2(name, noError2(f), opts...)
	case func(string) string:
		return Fn1(name, noError1(f), opts...)
	case func(string) bool:
		return Fn1(name, noError1(f), opts...)
	case func(string) int64:
		return Fn1(name, noError1(f), opts...)
	case func(string, string) string:
		return Fn2(name, noError2(f), opts...)
	case func(string, string) bool:
		return Fn2(name, noError2(f), opts...)
	case func(string) (string, error):
		return Fn1(name, f, opts...)
	case func(string, string) (string, error):
		return Fn2(name, f, opts...)
	case func(Value) Value:
		return Fn1(name, noError1(f), opts...)
	case func(Value) (Value, error):
		return Fn1(name, f, opts...)
	case func(string, Value) (Value, error):
		return Fn2(name, f, opts...)
	}
	return nil
}

func noError1[A, R any](f func(A) R) func(A) (R, error) {
	return func(a A) (R, error) { return f(a), nil }
}

func noError2[A, B, R any](f func(A, B) R) func(A, B) (R, error) {
	return func(a A, b B) (R, error) { return f(a, b), nil }
}
