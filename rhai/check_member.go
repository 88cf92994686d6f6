package rhai

import (
	"slices"
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// member looks for a property or method of a value whose type is known. Maps have any: their elements can be functions.
func (c *checker) member(n *syntax.MemberNote) {
	typ, host := c.memberType(n)
	if typ == "" || typ == "map" || c.functions[n.Name] != nil {
		return
	}
	if !n.Method {
		if host == nil && typ == "Fn" || c.has("index$get$", 2, typ, host, TString) {
			return
		}
		if !c.has("get$"+n.Name, 1, typ, host, 0) && !c.has("set$"+n.Name, 2, typ, host, 0) {
			c.warn(n.Pos, "Unknown property '"+n.Name+"' - a getter is not registered for type '"+typ+"'",
				c.suggestMember(n.Name, typ, host, true))
		}
		return
	}
	switch n.Name {
	case "call", "curry", "is_shared", "type_of":
		return
	}
	if len(c.notes.Imports) > 0 || c.has(n.Name, n.Args+1, typ, host, 0) { // what is imported may be called as a method
		return
	}
	hint := ""
	if typ == "i64" && c.has(n.Name, n.Args+1, "f64", nil, 0) {
		hint = floatHint(n.Name)
	} else {
		var arities []int
		for _, a := range c.eng.arities(n.Name) {
			if a > 0 && c.has(n.Name, a, typ, host, 0) {
				arities = append(arities, a-1)
			}
		}
		if hint = takes(n.Name, arities); hint == "" {
			hint = c.suggestMember(n.Name, typ, host, false)
		}
	}
	c.warn(n.Pos, "Function not found: "+n.Name+" of "+typ+" with "+countOf(n.Args, "argument"), hint)
}

// memberType is the type of what a chain begins with, or "".
func (c *checker) memberType(n *syntax.MemberNote) (string, *HostType) {
	if n.Variable == "" {
		return n.Type, nil
	}
	values := c.notes.Values[n.Variable]
	if values == nil {
		if t := c.eng.variables[n.Variable]; t != nil {
			return t.Name, t
		}
		return "", nil
	}
	if c.notes.This || values[""] {
		return "", nil
	}
	typ := ""
	for t := range values {
		switch {
		case t == "+=":
		case typ != "":
			return "", nil
		default:
			typ = t
		}
	}
	if values["+="] && typ != "string" && typ != "array" {
		return "", nil
	}
	return typ, nil
}

// has reports whether a function takes a value of the type first and, unless it is 0, one of second next.
func (c *checker) has(name string, arity int, typ string, host *HostType, second TypeSet) bool {
	for _, f := range c.eng.overloads(name, arity) {
		if f.takesFirst(typ, host) && (second == 0 || f.Params[1].Type&second != 0) {
			return true
		}
	}
	return false
}

// takesFirst reports whether the first parameter accepts a type.
func (f *Native) takesFirst(typ string, host *HostType) bool {
	p := &f.Params[0]
	if host != nil {
		return p.Type&THost != 0 && (p.Host == nil || p.Host == host)
	}
	return p.Type&typeSets[typ] != 0
}

// suggest names the function that a name may stand for, or is "".
func (c *checker) suggest(name string) string {
	return c.guess(guessKey{name: name}, func() string {
		own := make([]string, 0, len(c.functions))
		for s := range c.functions {
			own = append(own, s)
		}
		return didYouMean(nearest(name, own, c.eng.funcs, func(*Native) bool { return true }))
	})
}

// guessKey is what a hint was looked for.
type guessKey struct {
	name, typ string
	host      *HostType
	property  bool
}

// maxLooks bounds the names that are compared with those a source has wrong: one with many functions, or many mistakes, gets
// hints for the first ones.
const maxLooks = 1 << 20

// guess looks for a hint once for each key, while not too many names have been looked at.
func (c *checker) guess(k guessKey, look func() string) string {
	if hint, ok := c.guesses[k]; ok {
		return hint
	}
	if c.looks > maxLooks {
		return ""
	}
	c.looks += len(c.functions) + len(c.eng.funcs) + len(coreRegistry())
	if c.guesses == nil {
		c.guesses = map[guessKey]string{}
	}
	hint := look()
	c.guesses[k] = hint
	return hint
}

// suggestMember is suggest for the members of a type; of a property, what is a method is said to be.
func (c *checker) suggestMember(name, typ string, host *HostType, property bool) string {
	return c.guess(guessKey{name, typ, host, property}, func() string {
		return memberHint(name, c.eng.funcs, property, func(f *Native) bool {
			return len(f.Params) > 0 && f.takesFirst(typ, host)
		})
	})
}

// memberHint names the member that a name may stand for, among the functions that fit, or is "".
func memberHint(name string, funcs registry, property bool, fits func(*Native) bool) string {
	if property && known(name, funcs, fits) {
		return name + " is a method: it is called with ." + name + "(…)"
	}
	near := nearest(name, nil, funcs, fits)
	if near == "" && property {
		var getters []string
		for _, r := range []registry{funcs, coreRegistry()} {
			for k, list := range r {
				if s, ok := strings.CutPrefix(k.name, "get$"); ok && slices.ContainsFunc(list, fits) {
					getters = append(getters, s)
				}
			}
		}
		return didYouMean(nearest(name, getters, nil, nil))
	}
	if near != "" && property && !known("get$"+near, funcs, fits) {
		near += "(…)"
	}
	return didYouMean(near)
}
