package rhai

import (
	"sync/atomic"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// funcProto is a script function ready to run. It is immutable.
type funcProto struct {
	code  []bytecode.Ins
	k     []Value
	funcs []*funcProto
	cost  int64
	nregs int
	nfar  int
	prog  *Program
	f     *bytecode.Func
	ext   bool // needs an extended frame
}

func (fn *funcProto) arity() int { return len(fn.f.Params) }

// linked is what a unit of code becomes.
type linked struct {
	unit       *bytecode.Unit
	body       *funcProto
	funcs      []*funcProto
	k          []Value
	calls      []callSite
	fields     []fieldSite
	switches   []switchTable
	shapes     []bytecode.Shape
	byName     map[fnKey]*funcProto
	anyArity   map[string]*funcProto
	typed      map[typedKey]*funcProto
	typedNames map[fnKey]bool // names of typed methods
	wide       int            // most registers of a function
	env        environment    // of runs that put nothing into theirs
	ownEnv     bool           // runs need an environment of their own
	weight     int64          // of a fragment: its charge, in bytes
}

type typedKey struct {
	this, name string
	arity      int
}

// callSite is a call by name: who may answer it.
type callSite struct {
	*bytecode.CallSite
	script  *funcProto // of that name with Args parameters
	typed   bool       // some typed method has the name
	natives []*Native  // with the receiver, if it is a method
	plain   []*Native  // method sites: with Args parameters; call sites: as natives
	builtin builtinMethod
}

// fieldSite is a property: its name and where it was last found.
type fieldSite struct {
	name  string
	key   Value
	cache atomic.Int32
	get   []*Native // getters of host types
}

// builtinMethod names the methods that the machine answers itself.
type builtinMethod uint8

const (
	noBuiltin builtinMethod = iota
	methodCall
	methodCurry
	methodIsShared
	methodTypeOf
)

func (p *Program) link(u *bytecode.Unit) {
	p.unit = u
	p.env.prog, p.ownEnv = p, u.Dynamic
	if h := p.host; h != nil {
		p.byName, p.anyArity, p.typed, p.typedNames = h.byName, h.anyArity, h.typed, h.typedNames
		p.funcs = make([]*funcProto, len(u.Funcs))
		for i := range u.Funcs {
			p.funcs[i] = &funcProto{}
		}
	} else {
		p.declare(u)
	}
	p.linkCode(u)
}

// declare makes the table of the functions that a unit defines.
func (p *Program) declare(u *bytecode.Unit) {
	p.byName = map[fnKey]*funcProto{}
	p.anyArity = map[string]*funcProto{}
	p.funcs = make([]*funcProto, len(u.Funcs))
	for i, f := range u.Funcs {
		p.funcs[i] = &funcProto{}
		if !f.Closure && f.ThisType == "" {
			p.byName[fnKey{f.Name, len(f.Params)}] = p.funcs[i]
			if p.anyArity[f.Name] == nil {
				p.anyArity[f.Name] = p.funcs[i]
			}
		}
		if f.ThisType != "" {
			if p.anyArity[f.Name] == nil {
				p.anyArity[f.Name] = p.funcs[i]
			}
			if p.typed == nil {
				p.typed, p.typedNames = map[typedKey]*funcProto{}, map[fnKey]bool{}
			}
			p.typed[typedKey{f.ThisType, f.Name, len(f.Params)}] = p.funcs[i]
			p.typedNames[fnKey{f.Name, len(f.Params)}] = true
		}
	}
}

func (p *Program) linkCode(u *bytecode.Unit) {
	p.k = make([]Value, len(u.Consts))
	names := map[string]Value{}
	for i := range u.Consts {
		if u.Consts[i].Kind == bytecode.StringConst {
			p.k[i] = p.settle(p.constant(&u.Consts[i], nil))
			names[u.Consts[i].Str] = p.k[i]
		}
	}
	for i := range u.Consts {
		if u.Consts[i].Kind != bytecode.StringConst {
			p.k[i] = p.settle(p.constant(&u.Consts[i], names))
		}
	}
	for i, f := range u.Funcs {
		*p.funcs[i] = *p.proto(f)
	}
	p.body = p.proto(u.Body)
	p.wide = p.body.nregs
	for _, f := range p.funcs {
		p.wide = max(p.wide, f.nregs)
	}
	p.wide += 8 // arguments of a callback
	p.linkCalls(u)
	p.calls = make([]callSite, len(u.Calls))
	for i := range u.Calls {
		p.linkCall(&p.calls[i], &u.Calls[i])
	}
	p.fields = make([]fieldSite, len(u.Fields))
	for i, n := range u.Fields {
		p.fields[i].name = n
		p.fields[i].get = p.eng.getters(n)
		if k, ok := names[n]; ok {
			p.fields[i].key = k
			p.fields[i].name = k.str()
		}
	}
	p.shapes = u.Shapes
	for i := range p.shapes {
		for j, k := range p.shapes[i].Keys {
			if v, ok := names[k]; ok {
				p.shapes[i].Keys[j] = v.str() // one copy of each key: found by address
			}
		}
	}
	p.switches = make([]switchTable, len(u.Switches))
	for i := range u.Switches {
		p.switches[i].build(p, &u.Switches[i])
	}
}

// linkCalls sends calls of functions that need an extended frame the longer way.
func (p *Program) linkCalls(u *bytecode.Unit) {
	fix := func(code []bytecode.Ins) {
		for i := range code {
			p.ownEnv = p.ownEnv || code[i].Op == bytecode.SetConst
			if in := &code[i]; in.Op == bytecode.Call && p.funcs[in.D].ext {
				in.Op = bytecode.CallFn
			}
		}
	}
	fix(u.Body.Code)
	for _, f := range u.Funcs {
		fix(f.Code)
	}
}

func (p *Program) proto(f *bytecode.Func) *funcProto {
	return &funcProto{
		code: f.Code, k: p.k, funcs: p.funcs, cost: f.Cost, nregs: f.NRegs, nfar: f.NFar,
		prog: p, f: f, ext: f.UsesThis || f.NFar > 0 || f.Empty,
	}
}

// settle makes a constant ready for use: those of a program are never written, those of a fragment belong to the run like
// other data, of which the run may keep any number.
func (p *Program) settle(v Value) Value {
	if p.host != nil {
		return share(v)
	}
	return v.Freeze()
}

// constant makes a value; the keys of maps are those of names where possible, so that they are found by address.
func (p *Program) constant(k *bytecode.Const, names map[string]Value) Value {
	switch k.Kind {
	case bytecode.BoolConst:
		return Bool(k.Int != 0)
	case bytecode.IntConst:
		return Int(k.Int)
	case bytecode.FloatConst:
		return Float(k.Float)
	case bytecode.CharConst:
		return Char(rune(k.Int))
	case bytecode.StringConst:
		return String(k.Str)
	case bytecode.ArrayConst:
		elems := make([]Value, len(k.Elems))
		for i := range k.Elems {
			elems[i] = p.constant(&k.Elems[i], names)
		}
		return Array(elems)
	case bytecode.MapConst:
		m := &mapObj{hdr: hdr{kind: KindMap, depth: 1}, own: true}
		for i := range k.Elems {
			v := p.constant(&k.Elems[i], names)
			if d := valueDepth(v); d >= int(m.depth) {
				m.depth = around(d)
			}
			key := k.Keys[i]
			if n, ok := names[key]; ok {
				key = n.str()
			}
			m.put(key, v)
		}
		m.own = false
		return m.value()
	case bytecode.RangeConst:
		return Range(k.Elems[0].Int, k.Elems[1].Int, k.Int != 0)
	case bytecode.FnNameConst:
		f := &fnObj{hdr: hdr{kind: KindFn, depth: 1}, name: k.Str}
		return Value{p: &f.hdr}
	case bytecode.FnConst:
		f := &fnObj{hdr: hdr{kind: KindFn, depth: 1}, name: p.unit.Funcs[k.Int].Name, proto: p.funcs[k.Int]}
		return Value{p: &f.hdr}
	}
	return Value{}
}

func (p *Program) linkCall(s *callSite, b *bytecode.CallSite) {
	s.CallSite = b
	if len(b.Namespace) > 0 {
		return
	}
	s.script = p.byName[fnKey{b.Name, b.Args}]
	s.plain = p.eng.overloads(b.Name, b.Args)
	s.natives = p.eng.overloads(b.Name, b.Args+1)
	s.typed = p.typedNames[fnKey{b.Name, b.Args}]

	switch b.Name {
	case "call":
		s.builtin = methodCall
	case "curry":
		s.builtin = methodCurry
	case "is_shared":
		s.builtin = methodIsShared
	case "type_of":
		s.builtin = methodTypeOf
	}
}
