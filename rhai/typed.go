package rhai

import (
	"errors"
	"reflect"
)

// Fn0 makes a native of a function without parameters, Fn1 to Fn3 of one with as many as their names say.
//
// They make natives of typed Go functions; scalars and strings convert
// without reflection. Parameters and results convert as [Value.Decode] and
// [ValueOf] do, except that a parameter takes no value of another type: an i64
// is no float64. An error becomes one that scripts can catch; an *Error stays
// what it is. [NewFn] takes any function and reflects at each call.
func Fn0[R any](name string, f func() (R, error), opts ...FnOption) *Native {
	return newTyped(name, nil, resultName[R](name), opts, func(c *Call) (Value, error) {
		r, err := f()
		return results(c, r, err)
	})
}

// Fn1 makes a native of a function with one parameter.
func Fn1[A, R any](name string, f func(A) (R, error), opts ...FnOption) *Native {
	if pointsToHost(reflect.TypeFor[A]()) {
		return NewFn(name, f, opts...)
	}
	return newTyped(name, []Param{paramOf[A](name)}, resultName[R](name), opts, func(c *Call) (Value, error) {
		a, err := argument[A](c, 0)
		if err != nil {
			return Value{}, err
		}
		r, err := f(a)
		return results(c, r, err)
	})
}

// Fn2 makes a native of a function with two parameters.
func Fn2[A, B, R any](name string, f func(A, B) (R, error), opts ...FnOption) *Native {
	if pointsToHost(reflect.TypeFor[A]()) {
		return NewFn(name, f, opts...)
	}
	return newTyped(name, []Param{paramOf[A](name), paramOf[B](name)}, resultName[R](name), opts, func(c *Call) (Value, error) {
		a, err := argument[A](c, 0)
		if err != nil {
			return Value{}, err
		}
		b, err := argument[B](c, 1)
		if err != nil {
			return Value{}, err
		}
		r, err := f(a, b)
		return results(c, r, err)
	})
}

// Fn3 makes a native of a function with three parameters.
func Fn3[A, B, C, R any](name string, f func(A, B, C) (R, error), opts ...FnOption) *Native {
	if pointsToHost(reflect.TypeFor[A]()) {
		return NewFn(name, f, opts...)
	}
	params := []Param{paramOf[A](name), paramOf[B](name), paramOf[C](name)}
	return newTyped(name, params, resultName[R](name), opts, func(c *Call) (Value, error) {
		a, err := argument[A](c, 0)
		if err != nil {
			return Value{}, err
		}
		b, err := argument[B](c, 1)
		if err != nil {
			return Value{}, err
		}
		x, err := argument[C](c, 2)
		if err != nil {
			return Value{}, err
		}
		r, err := f(a, b, x)
		return results(c, r, err)
	})
}

// newTyped makes the native. It needs no Stores: a Value that the Go function
// gets, and may keep, is marked as shared when it is converted.
func newTyped(name string, params []Param, returns string, opts []FnOption, fn func(*Call) (Value, error)) *Native {
	n := &Native{Name: name, Params: params, Returns: returns, Fn: fn}
	for _, o := range opts {
		o(n)
	}
	return n
}

// argument converts argument i; the kinds of scalars were checked by the dispatch.
func argument[A any](c *Call, i int) (a A, err error) {
	v := c.Arg(i)
	switch p := any(&a).(type) {
	case *int64:
		*p = v.int()
	case *int:
		*p = int(v.int())
	case *float64:
		*p = v.float()
	case *bool:
		*p = v.bool()
	case *string:
		if v.isString() {
			*p = v.str()
			return a, nil
		}
		*p = string(v.char())
	case *Value:
		*p = share(v)
	default:
		err = c.decodeArg(i, reflect.ValueOf(&a).Elem())
	}
	return a, err
}

func (c *Call) decodeArg(i int, into reflect.Value) error {
	if err := (&decoder{}).decode(c.args[i], into); err != nil {
		return c.argumentError(i, err)
	}
	return nil
}

// argumentError is the catchable error for an argument of the right kind that does not fit.
func (c *Call) argumentError(i int, err error) error {
	name := c.native.Params[i].Name
	if name == "" {
		name = string(rune('1' + i))
	}
	return errMessage("%s: argument %s: %v", c.Name(), name, err)
}

func results[R any](c *Call, r R, err error) (Value, error) {
	if err != nil {
		return Value{}, hostError(err)
	}
	return (&encoder{call: c}).encode(any(r))
}

// hostError makes an error of a Go function one that scripts can catch.
func hostError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: ErrRuntime, Value: String(err.Error()), inner: err}
}

func paramOf[A any](function string) Param {
	mustConvert(function, "parameter", reflect.TypeFor[A]())
	return paramFor(function, reflect.TypeFor[A]())
}

func resultName[R any](function string) string {
	mustConvert(function, "result", reflect.TypeFor[R]())
	return typeDoc(reflect.TypeFor[R]())
}
