package rhai

import (
	"reflect"
	"strings"
	"sync"
)

// field is a struct field as scripts see it.
type field struct {
	name      string
	index     []int
	omitEmpty bool
}

var fieldCache sync.Map // reflect.Type → []field

// fieldsOf lists the fields of a struct type. Of two with one name the less
// deeply embedded counts, then the first.
func fieldsOf(t reflect.Type) []field {
	if f, ok := fieldCache.Load(t); ok {
		return f.([]field)
	}
	var fields []field
	at := map[string]int{}
	collectFields(t, nil, map[reflect.Type]bool{}, func(f field) {
		if i, ok := at[f.name]; ok {
			if len(f.index) < len(fields[i].index) {
				fields[i] = f
			}
			return
		}
		at[f.name] = len(fields)
		fields = append(fields, f)
	})
	f, _ := fieldCache.LoadOrStore(t, fields)
	return f.([]field)
}

func collectFields(t reflect.Type, index []int, above map[reflect.Type]bool, add func(field)) {
	if above[t] {
		return
	}
	above[t] = true
	defer delete(above, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("rhai")
		if !tagged {
			tag = sf.Tag.Get("json")
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" {
			continue
		}
		at := append(append([]int(nil), index...), i)
		if sf.Anonymous && name == "" {
			inner := sf.Type
			if inner.Kind() == reflect.Pointer && sf.IsExported() {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && hostTypeOf(inner) == nil && inner != timeType {
				collectFields(inner, at, above, add)
				continue
			}
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			name = sf.Name
		}
		add(field{name: name, index: at, omitEmpty: hasOption(options, "omitempty")})
	}
}

func hasOption(options, want string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// pathText says where in nested data something is: " at .a[2]".
func pathText(path []string) string {
	if len(path) == 0 {
		return ""
	}
	if len(path) > 20 {
		path = append(append(append([]string(nil), path[:10]...), "…"), path[len(path)-10:]...)
	}
	return " at " + strings.Join(path, "")
}
