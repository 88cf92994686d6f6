package rhai

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// Any returns the value as plain Go: nil, bool, int64, float64, string (also
// for a char), []byte, []any, map[string]any, or the Go value of a host type.
// Ranges, function pointers and timestamps stay a Value.
func (v Value) Any() any {
	v = v.untag().deref()
	switch v.Kind() {
	case KindUnit:
		return nil
	case KindBool:
		return v.bool()
	case KindInt:
		return v.int()
	case KindFloat:
		return v.float()
	case KindChar:
		return string(v.char())
	case KindString:
		return v.str()
	case KindBlob:
		return append([]byte{}, v.blob().b...)
	case KindArray:
		elems, _ := v.AsArray()
		list := make([]any, len(elems))
		for i, e := range elems {
			list[i] = e.Any()
		}
		return list
	case KindMap:
		m := make(map[string]any, v.Len())
		v.EachEntry(func(key string, e Value) bool {
			m[key] = e.Any()
			return true
		})
		return m
	case KindHost:
		return v.host().v
	}
	return share(v)
}

// Decode converts the value to the Go variable that into points to. It is the
// inverse of [ValueOf]; furthermore
//
//   - () sets pointers, interfaces, slices and maps to nil;
//   - a value of a type made with NewType[T] fits a T, and a *T, which then points to a copy;
//   - an i64 fits a float variable, and an integer variable that is large enough; an f64 a float32 likewise;
//   - a char fits a string, a rune or an integer variable;
//   - a number, in seconds, fits a time.Duration;
//   - an any variable gets what Any returns, a Value variable the value itself;
//   - map keys without a struct field, and fields without a key, are left alone.
//
// Whatever else does not fit is an error that names the place in the data.
func (v Value) Decode(into any) error {
	p := reflect.ValueOf(into)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("rhai: Decode needs a pointer to a variable, not %T", into)
	}
	return (&decoder{}).decode(v, p.Elem())
}

type decoder struct{ path []string }

func (d *decoder) mismatch(v Value, t reflect.Type) error {
	return fmt.Errorf("%s does not fit %s%s", kindName(v), t, pathText(d.path))
}

// kindName names the type of a value in an error.
func kindName(v Value) string {
	if h, t, ok := v.AsHost(); ok {
		if t == nil {
			return fmt.Sprintf("%T", h)
		}
		return t.Name
	}
	switch v.Kind() {
	case KindUnit:
		return "()"
	case KindBool:
		return "bool"
	case KindInt:
		return "i64 " + strconv.FormatInt(v.untag().int(), 10)
	case KindFloat:
		return "f64"
	case KindChar:
		return "char"
	case KindTimestamp:
		return "timestamp"
	case KindString:
		return "string"
	case KindArray:
		return "array"
	case KindMap:
		return "map"
	case KindBlob:
		return "blob"
	case KindRange:
		return "range"
	}
	return "Fn"
}

var textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()

func (d *decoder) decode(v Value, into reflect.Value) error {
	v = v.untag().deref()
	t := into.Type()
	switch {
	case t == valueType:
		into.Set(reflect.ValueOf(share(v)))
		return nil
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if x := v.Any(); x == nil {
			into.SetZero()
		} else {
			into.Set(reflect.ValueOf(x))
		}
		return nil
	}
	if h, _, ok := v.AsHost(); ok && h != nil {
		if hv := reflect.ValueOf(h); hv.Type().AssignableTo(t) {
			into.Set(hv)
			return nil
		} else if hv.Kind() == reflect.Pointer && !hv.IsNil() && hv.Elem().Type().AssignableTo(t) {
			into.Set(hv.Elem())
			return nil
		}
		if t.Kind() == reflect.Pointer { // to a copy
			return d.pointer(v, into)
		}
		return d.mismatch(v, t)
	}
	if v.IsUnit() {
		switch t.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
			into.SetZero()
			return nil
		}
		if t.Kind() == reflect.Struct && t.NumField() == 0 {
			return nil
		}
		return d.mismatch(v, t)
	}
	if handled, err := d.special(v, into); handled {
		return err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.pointer(v, into)
	case reflect.Bool:
		if v.isBool() {
			into.SetBool(v.bool())
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.int(); v.isInt() && !into.OverflowInt(n) {
			into.SetInt(n)
			return nil
		}
		if v.isChar() && !into.OverflowInt(int64(v.char())) {
			into.SetInt(int64(v.char()))
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n := v.int(); v.isInt() && n >= 0 && !into.OverflowUint(uint64(n)) {
			into.SetUint(uint64(n))
			return nil
		}
	case reflect.Float32, reflect.Float64:
		if v.isFloat() && !into.OverflowFloat(v.float()) {
			into.SetFloat(v.float())
			return nil
		}
		if v.isInt() {
			into.SetFloat(float64(v.int()))
			return nil
		}
	case reflect.String:
		if v.isString() {
			into.SetString(v.str())
			return nil
		}
		if v.isChar() {
			into.SetString(string(v.char()))
			return nil
		}
	case reflect.Slice, reflect.Array:
		return d.list(v, into)
	case reflect.Map:
		return d.mapping(v, into)
	case reflect.Struct:
		return d.structure(v, into)
	}
	return d.mismatch(v, t)
}

// pointer makes the variable that into then points to.
func (d *decoder) pointer(v Value, into reflect.Value) error {
	p := reflect.New(into.Type().Elem())
	if err := d.decode(v, p.Elem()); err != nil {
		return err
	}
	into.Set(p)
	return nil
}

// special handles times, errors and types that read themselves from a text.
func (d *decoder) special(v Value, into reflect.Value) (bool, error) {
	t := into.Type()
	switch t {
	case timeType:
		if !v.isString() {
			return true, d.mismatch(v, t)
		}
		x, err := time.Parse(time.RFC3339Nano, v.str())
		if err != nil {
			return true, fmt.Errorf("string %.40q is not a time such as 2006-01-02T15:04:05Z%s", v.str(), pathText(d.path))
		}
		into.Set(reflect.ValueOf(x))
		return true, nil
	case durationType:
		seconds := 0.0
		switch {
		case v.isFloat():
			seconds = v.float()
		case v.isInt():
			seconds = float64(v.int())
		default:
			return true, d.mismatch(v, t)
		}
		ns := math.Round(seconds * 1e9)
		if !(math.Abs(ns) < 1<<63) {
			return true, fmt.Errorf("%v seconds do not fit a duration%s", seconds, pathText(d.path))
		}
		into.SetInt(int64(ns))
		return true, nil
	case errorType:
		if !v.isString() {
			return true, d.mismatch(v, t)
		}
		into.Set(reflect.ValueOf(errors.New(v.str())))
		return true, nil
	}
	if v.isString() && t.Kind() != reflect.Pointer && into.CanAddr() && reflect.PointerTo(t).Implements(textUnmarshalerType) {
		if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(v.str())); err != nil {
			return true, fmt.Errorf("string %.40q does not fit %s%s: %w", v.str(), t, pathText(d.path), err)
		}
		return true, nil
	}
	return false, nil
}

func (d *decoder) list(v Value, into reflect.Value) error {
	t := into.Type()
	if b, ok := v.AsBlob(); ok && t.Elem().Kind() == reflect.Uint8 {
		if t.Kind() == reflect.Slice {
			into.Set(reflect.MakeSlice(t, len(b), len(b)))
		} else if into.Len() != len(b) {
			return fmt.Errorf("a blob of %d bytes does not fit %s%s", len(b), t, pathText(d.path))
		}
		reflect.Copy(into, reflect.ValueOf(b))
		return nil
	}
	elems, ok := v.AsArray()
	if !ok {
		return d.mismatch(v, t)
	}
	list := into
	if t.Kind() == reflect.Slice {
		list = reflect.MakeSlice(t, len(elems), len(elems))
	} else if into.Len() != len(elems) {
		return fmt.Errorf("an array of %d elements does not fit %s%s", len(elems), t, pathText(d.path))
	}
	for i, e := range elems {
		d.path = append(d.path, "["+strconv.Itoa(i)+"]")
		if err := d.decode(e, list.Index(i)); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
	if t.Kind() == reflect.Slice {
		into.Set(list)
	}
	return nil
}

func (d *decoder) mapping(v Value, into reflect.Value) (err error) {
	t := into.Type()
	if v.Kind() != KindMap || t.Key().Kind() != reflect.String {
		return d.mismatch(v, t)
	}
	m := reflect.MakeMapWithSize(t, v.Len())
	v.EachEntry(func(key string, e Value) bool {
		d.path = append(d.path, "."+key)
		x := reflect.New(t.Elem()).Elem()
		if err = d.decode(e, x); err != nil {
			return false
		}
		d.path = d.path[:len(d.path)-1]
		m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), x)
		return true
	})
	if err == nil {
		into.Set(m)
	}
	return err
}

func (d *decoder) structure(v Value, into reflect.Value) error {
	if v.Kind() != KindMap {
		return d.mismatch(v, into.Type())
	}
	for _, f := range fieldsOf(into.Type()) {
		e, ok := v.Get(f.name)
		if !ok {
			continue
		}
		x, ok := fieldToSet(into, f.index)
		if !ok {
			continue
		}
		d.path = append(d.path, "."+f.name)
		if err := d.decode(e, x); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
	return nil
}

// fieldToSet walks to a field and makes the embedded pointers on the way.
func fieldToSet(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, v.CanSet()
}
