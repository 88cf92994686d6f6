package executor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// misfits are the functions that say which argument of a call does not fit, where
// the engine would only say that there is no function for such arguments: one for
// each name and number of parameters. They take anything, so calls that fit never
// come to them.
func misfits(prefix string, functions []*rhai.Native) []*rhai.Native {
	type key struct {
		name  string
		arity int
	}
	groups := map[key][]*rhai.Native{}
	var order []key
	for _, f := range functions {
		k := key{f.Name, len(f.Params)}
		if strings.Contains(f.Name, "$") || len(f.Params) == 0 {
			continue
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], f)
	}
	var list []*rhai.Native
	for _, k := range order {
		group := groups[k]
		if slices.ContainsFunc(group, takesAnything) || prefix == "" && slices.ContainsFunc(group, isMethod) {
			continue
		}
		n := &rhai.Native{Name: k.name, Effects: rhai.Volatile, Fn: func(c *rhai.Call) (rhai.Value, error) {
			return rhai.Value{}, throw(misfit(prefix, group, c))
		}}
		for range k.arity {
			n.Params = append(n.Params, anyParam("value"))
		}
		list = append(list, n)
	}
	return list
}

func takesAnything(f *rhai.Native) bool {
	return !slices.ContainsFunc(f.Params, func(p rhai.Param) bool { return p.Type != rhai.TAny || p.Host != nil })
}

// ofModule registers what says that arguments do not fit a module's functions.
func ofModule(m *rhai.Module) *rhai.Module {
	return m.Register(misfits(m.Name()+"::", m.Functions())...)
}

// global is the same for functions without a module. Those that the library has,
// too, stay as they are.
func global(functions []*rhai.Native) []*rhai.Native {
	library := map[string]bool{}
	for _, f := range rhai.StandardFunctions() {
		library[f.Name] = true
	}
	return slices.DeleteFunc(misfits("", functions), func(f *rhai.Native) bool { return library[f.Name] })
}

// misfit says which argument does not fit any of the functions: of those that fit
// best, the first one that is wrong.
func misfit(prefix string, group []*rhai.Native, c *rhai.Call) string {
	most, at := -1, 0
	var expected []string
	var names, signatures []string
	for _, f := range group {
		fitting, wrong := 0, -1
		for i := range f.Params {
			if fits(&f.Params[i], c.Arg(i)) {
				fitting++
			} else if wrong < 0 {
				wrong = i
			}
		}
		if fitting > most {
			most, at, expected, names = fitting, wrong, nil, nil
		}
		if fitting == most && wrong == at {
			if name := f.Params[wrong].Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
			for _, s := range kindsOf(&f.Params[wrong]) {
				if !slices.Contains(expected, s) {
					expected = append(expected, s)
				}
			}
		}
		shown := *f
		shown.Name, shown.Returns = prefix+f.Name, ""
		signatures = append(signatures, shown.Signature())
	}
	what := "the " + strings.ReplaceAll(names[0], "_", " ")
	switch {
	case len(names) > 1:
		what = fmt.Sprintf("argument %d", at+1)
	case len(names[0]) < 3:
		what = "the argument " + names[0]
	}
	return prefix + group[0].Name + ": " + what + " must be " + alternatives(expected) + ", this is " + kindOf(c.Arg(at)) +
		"; the call is " + alternatives(signatures)
}

// alternatives writes "a, b or c".
func alternatives(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

func fits(p *rhai.Param, v rhai.Value) bool {
	if p.Type&(1<<v.Kind()) == 0 {
		return false
	}
	return p.Host == nil || v.Kind() != rhai.KindHost || v.TypeName() == p.Host.Name
}

// kindNames are the kinds of values in words.
var kindNames = map[rhai.Kind]string{
	rhai.KindUnit: "()", rhai.KindBool: "true or false", rhai.KindInt: "an integer", rhai.KindFloat: "a floating-point number", rhai.KindChar: "a char",
	rhai.KindTimestamp: "a timestamp", rhai.KindString: "a text", rhai.KindArray: "an array", rhai.KindMap: "a map", rhai.KindBlob: "a blob",
	rhai.KindRange: "a range", rhai.KindFn: "a function",
}

func kindOf(v rhai.Value) string {
	switch v.Kind() {
	case rhai.KindHost:
		return withArticle(v.TypeName())
	case rhai.KindBool:
		if b, _ := v.AsBool(); b {
			return "true"
		}
		return "false"
	}
	return kindNames[v.Kind()]
}

// kindsOf are what a parameter takes, in words.
func kindsOf(p *rhai.Param) (list []string) {
	for k := rhai.KindUnit; k < rhai.KindHost; k++ {
		if p.Type&(1<<k) != 0 {
			list = append(list, kindNames[k])
		}
	}
	if p.Type&rhai.THost != 0 && p.Host != nil {
		list = append(list, withArticle(p.Host.Name))
	}
	return list
}

func withArticle(name string) string {
	if name != "" && strings.ContainsRune("AEIOUaeiou", rune(name[0])) || strings.HasPrefix(name, "Http") { // aitch
		return "an " + name
	}
	return "a " + name
}
