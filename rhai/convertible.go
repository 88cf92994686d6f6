package rhai

import (
	"fmt"
	"reflect"
)

// allowedTypes is what a function that scripts call may take and return.
const allowedTypes = "bool, integers, floats, string, []byte, time.Time, time.Duration, error, rhai.Value, any, types made with NewType, " +
	"and slices, arrays, maps with string keys, structs and pointers of these"

// mustConvert panics if values of a type in a function's signature can never be converted: with what is wrong, and what
// is allowed.
func mustConvert(function, what string, t reflect.Type) {
	if part, ok := unconvertible(t, map[reflect.Type]bool{}); ok {
		where := t.String()
		if part != t {
			where += ", which holds a " + part.String() + ","
		}
		panic(fmt.Sprintf("rhai: %s: a %s of type %s has no script value; allowed are %s", function, what, where, allowedTypes))
	}
}

// unconvertible finds the part of a type that has no script value, as [ValueOf] and [Value.Decode] convert.
func unconvertible(t reflect.Type, seen map[reflect.Type]bool) (reflect.Type, bool) {
	if seen[t] || hostTypeOf(t) != nil || t == valueType || t == timeType || t.Implements(errorType) ||
		t.Implements(textMarshalerType) || reflect.PointerTo(t).Implements(textMarshalerType) ||
		reflect.PointerTo(t).Implements(textUnmarshalerType) {
		return nil, false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return t, true
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return t, true
		}
		return unconvertible(t.Elem(), seen)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return unconvertible(t.Elem(), seen)
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			if part, bad := unconvertible(t.FieldByIndex(f.index).Type, seen); bad {
				return part, true
			}
		}
	}
	return nil, false // an interface holds what it holds
}
