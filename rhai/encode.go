package rhai

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"time"
)

// ValueOf converts a Go value to a Rhai value:
//
//	nil, nil pointers, slices and maps   ()
//	bool, string, floats                 the same
//	integers                             i64; an unsigned one must fit
//	time.Duration                        f64, in seconds
//	time.Time                            string, RFC 3339 with nanoseconds
//	error                                its text; the value thrown for an *Error
//	[]byte, [N]byte                      blob
//	slices, arrays                       array
//	maps with string keys                object map
//	structs                              object map of the exported fields
//	values of a type made with NewType   that type
//	encoding.TextMarshaler               string
//	pointers and interfaces              what they point to
//
// A field is named by its `rhai` tag, else by its `json` tag, else by its Go
// name; "-" leaves it out and the option omitempty leaves out zero values.
// Fields of embedded structs without a tag count as fields of the outer one.
// Functions, channels, complex numbers, integers that do not fit, and data
// deeper than 1,000 levels (so also cycles) give an error.
func ValueOf(v any) (Value, error) { return (&encoder{}).encode(v) }

// encoder converts Go values. With a call it charges their memory to the run.
type encoder struct {
	call *Call
	path []string
	hops int // pointers on the way, which a cycle may consist of
}

func (e *encoder) encode(v any) (Value, error) {
	switch v := v.(type) {
	case nil:
		return Value{}, nil
	case Value:
		return share(v), nil
	case bool:
		return Bool(v), nil
	case int64:
		return Int(v), nil
	case int:
		return Int(int64(v)), nil
	case float64:
		return Float(v), nil
	case string:
		return e.string(v)
	}
	return e.reflect(reflect.ValueOf(v), 0)
}

func (e *encoder) alloc(bytes int64) error {
	if e.call == nil {
		return nil
	}
	return e.call.Alloc(int(bytes))
}

func (e *encoder) string(s string) (Value, error) {
	if e.call != nil {
		return e.call.String(s)
	}
	return String(s), nil
}

func (e *encoder) fail(format string, args ...any) error {
	return fmt.Errorf("cannot convert %s%s to a script value", fmt.Sprintf(format, args...), pathText(e.path))
}

var (
	valueType         = reflect.TypeFor[Value]()
	timeType          = reflect.TypeFor[time.Time]()
	durationType      = reflect.TypeFor[time.Duration]()
	errorType         = reflect.TypeFor[error]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

func (e *encoder) reflect(v reflect.Value, depth int) (Value, error) {
	if depth >= maxDepth {
		return Value{}, e.fail("data nested deeper than %d levels", maxDepth)
	}
	t := v.Type()
	if h := hostTypeOf(t); h != nil {
		if err := e.alloc(64); err != nil {
			return Value{}, err
		}
		return Host(h, v.Interface()), nil
	}
	switch t {
	case valueType:
		return share(v.Interface().(Value)), nil
	case timeType:
		return e.string(v.Interface().(time.Time).Format(time.RFC3339Nano))
	case durationType:
		return Float(time.Duration(v.Int()).Seconds()), nil
	}
	if k := t.Kind(); (k == reflect.Pointer || k == reflect.Interface) && v.IsNil() {
		return Value{}, nil
	}
	if t.Kind() == reflect.Interface { // what it holds may be a nil pointer
		return e.reflect(v.Elem(), depth)
	}
	if pointsToHost(t) { // whatever else a *T implements
		return e.reflect(v.Elem(), depth)
	}
	if t.Implements(errorType) {
		err := v.Interface().(error)
		if re, ok := err.(*Error); ok && re.Kind == ErrRuntime {
			return share(re.Value), nil
		}
		return e.string(err.Error())
	}
	if k := t.Kind(); k != reflect.Pointer && !t.Implements(textMarshalerType) && reflect.PointerTo(t).Implements(textMarshalerType) {
		p := reflect.New(t) // such as a big.Int, whose methods are the pointer's
		p.Elem().Set(v)
		v, t = p, p.Type()
	}
	if t.Implements(textMarshalerType) {
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return Value{}, e.fail("%s (%v)", t, err)
		}
		return e.string(string(text))
	}
	switch t.Kind() {
	case reflect.Bool:
		return Bool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if v.Uint() > math.MaxInt64 {
			return Value{}, e.fail("%d, which is more than an i64 holds,", v.Uint())
		}
		return Int(int64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return Float(v.Float()), nil
	case reflect.String:
		return e.string(v.String())
	case reflect.Pointer:
		if e.hops++; e.hops > maxDepth {
			return Value{}, e.fail("data behind more than %d pointers", maxDepth)
		}
		x, err := e.reflect(v.Elem(), depth)
		e.hops--
		return x, err
	case reflect.Slice:
		if v.IsNil() {
			return Value{}, nil
		}
		return e.list(v, depth)
	case reflect.Array:
		return e.list(v, depth)
	case reflect.Map:
		return e.mapping(v, depth)
	case reflect.Struct:
		return e.structure(v, depth)
	}
	return Value{}, e.fail("a %s", t)
}

func (e *encoder) list(v reflect.Value, depth int) (Value, error) {
	n := v.Len()
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if err := e.alloc(blobHead + sizeClass(int64(n))); err != nil {
			return Value{}, err
		}
		b := make([]byte, n)
		reflect.Copy(reflect.ValueOf(b), v)
		return Blob(b), nil
	}
	if err := e.alloc(arrayBytes(n)); err != nil {
		return Value{}, err
	}
	elems := make([]Value, n)
	for i := range elems {
		e.path = append(e.path, "["+strconv.Itoa(i)+"]")
		x, err := e.reflect(v.Index(i), depth+1)
		if err != nil {
			return Value{}, err
		}
		e.path = e.path[:len(e.path)-1]
		elems[i] = x
	}
	return Array(elems), nil
}

func (e *encoder) mapping(v reflect.Value, depth int) (Value, error) {
	if v.IsNil() {
		return Value{}, nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return Value{}, e.fail("a map with keys of type %s", v.Type().Key())
	}
	if err := e.alloc(mapBytes(v.Len())); err != nil {
		return Value{}, err
	}
	keys := v.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	m := make(map[string]Value, len(keys))
	for _, k := range keys {
		e.path = append(e.path, "."+k.String())
		x, err := e.reflect(v.MapIndex(k), depth+1)
		if err != nil {
			return Value{}, err
		}
		e.path = e.path[:len(e.path)-1]
		m[k.String()] = x
	}
	return Map(m), nil
}

func (e *encoder) structure(v reflect.Value, depth int) (Value, error) {
	fields := fieldsOf(v.Type())
	if err := e.alloc(mapBytes(len(fields))); err != nil {
		return Value{}, err
	}
	m := make(map[string]Value, len(fields))
	for i := range fields {
		f := &fields[i]
		x, err := v.FieldByIndexErr(f.index)
		if err != nil || f.omitEmpty && x.IsZero() {
			continue // behind a nil embedded pointer, or empty
		}
		e.path = append(e.path, "."+f.name)
		if m[f.name], err = e.reflect(x, depth+1); err != nil {
			return Value{}, err
		}
		e.path = e.path[:len(e.path)-1]
	}
	return Map(m), nil
}
