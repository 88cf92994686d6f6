package rhai

import "strings"

// fnObj is a function pointer or closure. Captured variables are cells at the
// front of curry.
type fnObj struct {
	hdr
	name  string
	proto *funcProto // the script function it is linked to; nil: looked up by name at each call
	curry []Value
	env   *environment // the module a linked function belongs to
	typed string       // type of `this` for a typed method, else ""
}

// newFn makes a function pointer by name.
func (vm *machine) newFn(name string) (Value, error) {
	if err := vm.alloc(80 + strBytes(len(name))); err != nil {
		return Value{}, err
	}
	f := &fnObj{hdr: hdr{kind: KindFn, depth: 1}, name: strings.Clone(name)}
	return Value{p: &f.hdr}, nil
}

// curryFn returns f with more arguments fixed; they are kept.
func (vm *machine) curryFn(f *fnObj, args []Value) (Value, error) {
	if err := vm.alloc(80 + sizeClass(int64(len(f.curry)+len(args))*valueSize)); err != nil {
		return Value{}, err
	}
	g := *f
	g.hdr = hdr{kind: KindFn, depth: f.depth}
	g.curry = make([]Value, 0, len(f.curry)+len(args))
	g.curry = append(append(g.curry, f.curry...), args...)
	for _, a := range args {
		share(a)
		if err := g.deepen(a.deref()); err != nil {
			return Value{}, err
		}
	}
	return Value{p: &g.hdr}, nil
}

// FnName is the name of a function pointer.
func (v Value) FnName() (string, bool) {
	v = v.untag()
	if v.kind() != KindFn {
		return "", false
	}
	return v.fn().name, true
}

// isAnonymous reports whether the function is a closure.
func (f *fnObj) isAnonymous() bool { return isClosureName(f.name) }
