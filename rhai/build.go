package rhai

import (
	"unsafe"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// makeArray executes R[A] = [R[A], …].
func (vm *machine) makeArray(in *bytecode.Ins) bool {
	n := int(in.D)
	if err := vm.checkArray(n); err != nil {
		return vm.fail(err)
	}
	if err := vm.alloc(arrayBytes(n)); err != nil {
		return vm.fail(err)
	}
	at := vm.base + int(in.A)
	a := &arrayObj{hdr: hdr{kind: KindArray, flags: freshFlags, depth: 1}, v: make([]Value, n)}
	copy(a.v, vm.stack[at:at+n])
	for _, e := range a.v {
		if e.p != nil && e.p.depth >= a.depth {
			if err := a.deepen(e); err != nil {
				return vm.fail(err)
			}
		}
	}
	vm.regs[in.A] = a.value()
	return true
}

// makeMap executes R[A] = #{…} with the values from R[A] on.
func (vm *machine) makeMap(in *bytecode.Ins) bool {
	s := &vm.fn.prog.shapes[in.D]
	n := len(s.Keys)
	if vm.limits.MaxMapSize > 0 && n > vm.limits.MaxMapSize {
		return vm.fail(newError(ErrDataTooLarge, "Size of object map"))
	}
	if err := vm.alloc(shapedBytes(n)); err != nil {
		return vm.fail(err)
	}
	m := newShaped(s.Keys)
	at := vm.base + int(in.A)
	for i, v := range vm.stack[at : at+n] {
		if v.p != nil && v.p.depth >= m.depth {
			if err := m.deepen(v); err != nil {
				return vm.fail(err)
			}
		}
		m.vals[s.Slot[i]] = v
	}
	vm.regs[in.A] = m.value()
	return true
}

// makeClosure executes R[A] = closure, capturing cells.
func (vm *machine) makeClosure(in *bytecode.Ins) bool {
	p := vm.fn.prog
	site := &p.unit.Closures[in.D]
	if err := vm.alloc(80 + sizeClass(int64(len(site.Regs))*valueSize)); err != nil {
		return vm.fail(err)
	}
	fn := p.funcs[site.Func]
	f := &fnObj{hdr: hdr{kind: KindFn, depth: 1}, name: fn.f.Name, proto: fn, env: vm.env}
	f.curry = make([]Value, len(site.Regs))
	for i, s := range site.Regs {
		if s.Far {
			f.curry[i] = vm.ext.far[s.Reg]
		} else {
			f.curry[i] = vm.regs[s.Reg]
		}
		if c := f.curry[i].p; c == nil || c.kind != kindCell {
			// In the body of an f!(): a variable of the caller, whose code knows nothing of the closure.
			share(f.curry[i])
			if !vm.newCell(&f.curry[i]) {
				return false
			}
		}
		f.curry[i].p.flags |= flagCaptured
	}
	vm.regs[in.A] = Value{p: &f.hdr}
	return true
}

// makeRange executes R[A] = R[B]..R[C].
func (vm *machine) makeRange(in *bytecode.Ins) bool {
	op := syntax.ExclusiveRange
	if in.D != 0 {
		op = syntax.InclusiveRange
	}
	return vm.arith(&vm.regs[in.A], op, vm.regs[in.B], vm.regs[in.C])
}

// interpolate executes R[A] = text of D values from R[A] on.
func (vm *machine) interpolate(in *bytecode.Ins) bool {
	held := vm.texts
	err := vm.joinParts(in)
	vm.texts = held
	if err != nil {
		return vm.fail(err)
	}
	return true
}

// joinParts writes the parts of an interpolation one after the other, and all of them together.
func (vm *machine) joinParts(in *bytecode.Ins) error {
	at := vm.base + int(in.A)
	parts := vm.stack[at : at+int(in.D)]
	var room [16]string
	texts := room[:0]
	n := 0
	vm.scratch = vm.scratch[:0]
	for _, v := range parts {
		var t string
		if v.isString() {
			t = v.str()
		} else if s, ok := vm.scalarText(v); ok {
			t = s
		} else {
			var err error
			if t, err = vm.display(v); err != nil {
				return err
			}
			vm.texts += strBytes(len(t)) // alive until they are joined
		}
		n += len(t)
		texts = append(texts, t)
	}
	if err := vm.checkString(n); err != nil {
		return err
	}
	if err := vm.alloc(strBytes(n)); err != nil {
		return err
	}
	o := newStrObj(n)
	r := o.room()
	at = 0
	for _, t := range texts {
		at += copy(r[at:], t)
	}
	o.len = uint32(n)
	vm.regs[in.A] = strValue(o, n, isASCII(unsafe.String(o.data(), n)))
	return nil
}

// special executes the functions that belong to the language.
func (vm *machine) special(in *bytecode.Ins) bool {
	site := &vm.fn.prog.calls[in.D]
	a, n := int(in.A), int(in.C)
	args := vm.stack[vm.base+a : vm.base+a+n]
	x := args[0].untag()
	argPos := site.ArgPos[0]
	switch site.Name {
	case "type_of":
		args[0] = String(typeName(x))
	case "is_shared":
		args[0] = Bool(false)
	case "Fn":
		if !x.isString() {
			return vm.failAt(errMismatch("string", internalTypeName(x)), argPos)
		}
		v, err := vm.fnByName(x.str())
		if err != nil {
			return vm.failAt(err, argPos)
		}
		args[0] = v
	case "call":
		if !x.isFn() {
			return vm.failAt(errMismatch("Fn", typeName(x)), argPos)
		}
		return vm.callFn(x.fn(), args[1:], a, false, site.Pos)
	case "curry":
		if !x.isFn() {
			return vm.failAt(errMismatch("Fn", typeName(x)), argPos)
		}
		f, err := vm.curryFn(x.fn(), args[1:])
		if err != nil {
			return vm.failAt(err, site.Pos)
		}
		args[0] = f
	case "is_def_var":
		if !x.isString() {
			return vm.failAt(errMismatch("string", internalTypeName(x)), argPos)
		}
		args[0] = Bool(vm.isDefined(x.str(), site.Caller))
	case "is_def_fn":
		return vm.isDefFn(args, site)
	}
	return true
}

func (vm *machine) isDefFn(args []Value, site *callSite) bool {
	k := typedKey{}
	rest := args
	if len(args) == 3 {
		if !args[0].isString() {
			return vm.failAt(errMismatch("string", internalTypeName(args[0])), site.Pos)
		}
		k.this = args[0].str()
		rest = args[1:]
	}
	if !rest[0].isString() {
		return vm.failAt(errMismatch("string", internalTypeName(rest[0])), site.Pos)
	}
	if !rest[1].isInt() {
		return vm.failAt(errMismatch("i64", internalTypeName(rest[1])), site.Pos)
	}
	k.name, k.arity = rest[0].str(), int(rest[1].int())
	if k.this != "" {
		args[0] = Bool(vm.env.prog.typed[k] != nil)
	} else {
		args[0] = Bool(vm.env.prog.byName[fnKey{k.name, k.arity}] != nil)
	}
	return true
}

// catch executes R[A] = the value to catch of the error in R[B].
func (vm *machine) catch(in *bytecode.Ins) bool {
	e, ok := vm.regs[in.B].host().v.(*Error)
	if !ok {
		return vm.fail(newError(ErrSystem, "no error to catch"))
	}
	if err := vm.alloc(e.bytes()); err != nil {
		return vm.fail(err)
	}
	if t := e.thrown(); t != nil {
		vm.regs[in.A] = share(t.Value)
		return true
	}
	m := &errorMap{mapObj{hdr: hdr{kind: KindMap, flags: freshFlags, depth: 2}}, lazyError{e, vm.fn.prog.name}}
	m.lazy = &m.made
	vm.regs[in.A] = m.value()
	return true
}

// thrown is the error by which a script threw a value, also through the body of a module it imported; else nil.
func (e *Error) thrown() *Error {
	for e.Kind == ErrInModule {
		inner, ok := e.inner.(*Error)
		if !ok {
			return nil
		}
		e = inner
	}
	if e.Kind == ErrRuntime && e.inner == nil {
		return e
	}
	return nil
}

// lazyError is what a map that describes an error is made of when somebody looks at it.
type lazyError struct {
	err    *Error
	source string // of the code that caught it
}

// errorMap is a map with what it is made of.
type errorMap struct {
	mapObj
	made lazyError
}

// errorBytes is the charge of an error and the map that describes it, texts of the script's own not counted.
const errorBytes = 512

func (e *Error) bytes() int64 {
	n := 3 * (len(e.subject) + len(e.actual))
	if e.Value.isString() {
		n += 2 * min(e.Value.strLen(), maxError)
	}
	if inner, ok := e.inner.(*Error); ok {
		n += int(inner.bytes())
	}
	return errorBytes + int64(n) + 64*int64(len(e.Trace))
}

// fill makes the entries of a map that describes an error.
func (m *mapObj) fill() {
	l := m.lazy
	m.lazy = nil
	o := l.err.caught(l.source).mp()
	m.keys, m.vals, m.own = o.keys, o.vals, true
	l.err = nil
}

// lacks reports whether the map is known, without filling it, to have no such key.
func (m *mapObj) lacks(name string) bool {
	if m.lazy == nil {
		return false
	}
	switch name {
	case "message", "line", "position", "error", "function", "source", "requested", "actual", "length", "index", "variable", "module",
		"property", "type":
		return false
	}
	return true
}

// caught is a map that describes the error.
func (e *Error) caught(source string) Value {
	var m entries
	c := *e
	pos := c.Position
	if n := len(c.Trace); n > 0 {
		c.Trace = append([]CallSite(nil), c.Trace...)
		pos = c.Trace[n-1].Position
		c.Trace[n-1].Position = Position{}
	} else {
		c.Position = Position{}
	}
	m.add("message", String(c.Error()))
	if pos.IsValid() {
		m.add("line", Int(int64(pos.Line)))
		m.add("position", Int(int64(pos.Col)))
	}
	if n := len(e.Trace); n > 0 {
		m.add("error", String(string(ErrInFunctionCall)))
		m.add("function", String(e.Trace[n-1].Function))
		m.add("source", String(e.Trace[n-1].Source))
		return m.value()
	}
	if source != "" {
		m.add("source", String(source))
	}
	m.add("error", String(string(e.Kind)))
	switch e.Kind {
	case ErrFunctionNotFound, ErrNonPureMethod:
		m.add("function", String(e.subject))
	case ErrMismatchDataType, ErrMismatchOutputType:
		m.add("requested", String(e.subject))
		m.add("actual", String(e.actual))
	case ErrArrayBounds, ErrStringBounds, ErrBitFieldBounds:
		m.add("length", Int(int64(e.length)))
		m.add("index", Int(e.index))
	case ErrVariableExists, ErrForbiddenVariable, ErrVariableNotFound, ErrPropertyNotFound, ErrDataRace, ErrAssignmentToConst:
		m.add("variable", String(e.subject))
	case ErrIndexNotFound:
		m.add("index", share(e.Value))
	case ErrInModule, ErrModuleNotFound:
		m.add("module", String(e.subject))
	case ErrDotExpr:
		m.add("property", String(e.subject))
	case ErrIndexingType:
		m.add("type", String(e.subject))
	}
	return m.value()
}

// entries collects the few entries of a map in key order.
type entries struct {
	n    int
	keys [10]string
	vals [10]Value
}

func (m *entries) add(key string, v Value) {
	i := m.n
	for ; i > 0 && m.keys[i-1] > key; i-- {
		m.keys[i], m.vals[i] = m.keys[i-1], m.vals[i-1]
	}
	m.keys[i], m.vals[i] = key, v
	m.n++
}

func (m *entries) value() Value {
	o := newShaped(append([]string(nil), m.keys[:m.n]...))
	copy(o.vals, m.vals[:m.n])
	o.depth, o.own = 2, true
	return o.value()
}
