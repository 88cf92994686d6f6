// Package compile turns syntax trees into bytecode. It resolves names to
// registers, decides which variables are cells and computes the charges of
// loops and calls from the tree as written.
package compile

import (
	"fmt"
	"math"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

const (
	maxLocals = 180 // near registers for variables; more go to far slots
	maxRegs   = 250

	maxVisible = 1 << 20 // variables described to the evals of a unit
)

// fnKey names a script function.
type fnKey struct {
	name  string
	arity int
}

// unit is the state of compiling one source.
type unit struct {
	*bytecode.Unit
	fns      map[fnKey]int
	byName   map[string]int // first function of the name
	typed    map[string]bool
	names    map[string]int32
	consts   map[any]int32
	globals  bool // some function or closure mentions global::
	defines  bool // there are functions or closures
	fragment bool
	visible  int // variables described to the evals of the unit
	Options
}

// Options say how code is made. What it is charged stays the same.
type Options struct {
	NoShadowing  bool // a source must not define what is visible outside of it
	MaxVariables int  // that are visible in one function; 0: no limit

	General bool // make general instructions only: no immediates, joint instructions or folded constants
}

// failure aborts compilation; only limits of the machine raise it.
type failure struct{ err error }

// Script compiles a parsed source. The only errors are limits of the machine,
// such as a call with more arguments than a frame has registers.
func Script(s *syntax.Script, source string, o Options) (u *bytecode.Unit, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.err
		}
	}()
	c := newUnit(source, o)
	c.declareFunctions(s.Functions)
	body := &fn{unit: c, f: &bytecode.Func{}, main: true}
	body.facts = analyze(nil, s.Body)
	c.globals = c.globals || body.facts.global
	c.Dynamic = c.Dynamic || body.facts.dynamic
	defs := make([]*fn, len(s.Functions))
	for i, d := range s.Functions {
		fc := &fn{unit: c, f: c.Funcs[i], facts: analyze(d.Params, d.Body.Stmts)}
		c.globals = c.globals || fc.facts.global
		c.Dynamic = c.Dynamic || fc.facts.dynamic
		c.HasImports = c.HasImports || fc.facts.imports
		fc.f.UsesThis = fc.facts.this
		defs[i] = fc
	}
	c.HasImports = c.HasImports || body.facts.imports
	c.defines = len(defs) > 0 || len(body.facts.closures) > 0
	c.globals = c.globals || mentionsGlobal(body.facts.closures)
	for _, fc := range defs {
		c.globals = c.globals || mentionsGlobal(fc.facts.closures)
	}
	for i, d := range s.Functions {
		defs[i].function(d, 0)
	}
	c.Body = body.f
	body.body(s)
	c.trim()
	return c.Unit, nil
}

// trim gives back what growing left over: programs are kept by the thousand.
func (u *unit) trim() {
	u.Body.Trim()
	u.Body.NestHandlers()
	for _, f := range u.Funcs {
		f.Trim()
		f.NestHandlers()
	}
	u.Calls = append(make([]bytecode.CallSite, 0, len(u.Calls)), u.Calls...)
	u.Consts = append(make([]bytecode.Const, 0, len(u.Consts)), u.Consts...)
}

func newUnit(source string, o Options) *unit {
	return &unit{
		Options: o,
		Unit:    &bytecode.Unit{Source: source},
		fns:     map[fnKey]int{},
		byName:  map[string]int{},
		typed:   map[string]bool{},
		names:   map[string]int32{},
		consts:  map[any]int32{},
	}
}

func (u *unit) declareFunctions(defs []*syntax.FnDef) {
	for i, d := range defs {
		params := make([]string, len(d.Params))
		for j, p := range d.Params {
			params[j] = p.Name
		}
		u.Funcs = append(u.Funcs, &bytecode.Func{
			Index: i, Name: d.Name, ThisType: d.ThisType, Params: params, Private: d.Private,
			Doc: d.Doc, Empty: len(d.Body.Stmts) == 0,
		})
		if d.ThisType != "" {
			u.typed[d.Name] = true
			continue
		}
		u.fns[fnKey{d.Name, len(d.Params)}] = i
		if _, ok := u.byName[d.Name]; !ok {
			u.byName[d.Name] = i
		}
	}
	for i, d := range defs {
		if _, ok := u.byName[d.Name]; !ok {
			u.byName[d.Name] = i
		}
	}
}

func (u *unit) name(s string) int32 {
	if i, ok := u.names[s]; ok {
		return i
	}
	i := int32(len(u.Names))
	u.Names = append(u.Names, s)
	u.names[s] = i
	return i
}

type fnConst int

// constant returns the index of a constant; equal scalars share one.
func (u *unit) constant(k bytecode.Const) int32 {
	var key any
	switch k.Kind {
	case bytecode.IntConst:
		key = k.Int
	case bytecode.FloatConst:
		key = [1]uint64{math.Float64bits(k.Float)}
	case bytecode.CharConst:
		key = rune(k.Int)
	case bytecode.StringConst:
		key = k.Str
	case bytecode.FnConst:
		key = fnConst(k.Int)
	}
	if key != nil {
		if i, ok := u.consts[key]; ok {
			return i
		}
	}
	i := int32(len(u.Consts))
	u.Consts = append(u.Consts, k)
	if key != nil {
		u.consts[key] = i
	}
	return i
}

// literal gives the constant of an expression for which syntax.IsConstant holds.
func (u *unit) literal(x syntax.Expr) bytecode.Const {
	switch x := x.(type) {
	case *syntax.BoolLit:
		k := bytecode.Const{Kind: bytecode.BoolConst}
		if x.Value {
			k.Int = 1
		}
		return k
	case *syntax.IntLit:
		return bytecode.Const{Kind: bytecode.IntConst, Int: x.Value}
	case *syntax.FloatLit:
		return bytecode.Const{Kind: bytecode.FloatConst, Float: x.Value}
	case *syntax.CharLit:
		return bytecode.Const{Kind: bytecode.CharConst, Int: int64(x.Value)}
	case *syntax.StringLit:
		return bytecode.Const{Kind: bytecode.StringConst, Str: x.Value}
	case *syntax.ArrayLit:
		k := bytecode.Const{Kind: bytecode.ArrayConst, Elems: make([]bytecode.Const, len(x.Items))}
		for i, e := range x.Items {
			k.Elems[i] = u.literal(e)
		}
		return k
	case *syntax.MapLit:
		k := bytecode.Const{Kind: bytecode.MapConst}
		for i := range x.Entries {
			k.Keys = append(k.Keys, x.Entries[i].Key.Name)
			k.Elems = append(k.Elems, u.literal(x.Entries[i].Value))
		}
		return k
	case *syntax.Closure:
		return bytecode.Const{Kind: bytecode.FnConst, Int: int64(u.closure(x, nil))}
	case *syntax.Call: // Fn("name") as a case of a switch
		return bytecode.Const{Kind: bytecode.FnNameConst, Str: x.Args[0].(*syntax.StringLit).Value}
	case *syntax.Binary:
		if r, ok := syntax.LiteralRange(x); ok {
			k := bytecode.Const{Kind: bytecode.RangeConst, Elems: []bytecode.Const{
				{Kind: bytecode.IntConst, Int: r.Low}, {Kind: bytecode.IntConst, Int: r.High},
			}}
			if r.Inclusive {
				k.Int = 1
			}
			return k
		}
	}
	return bytecode.Const{}
}

// closure compiles the function of a closure and returns its index.
// constants tells which of the captured variables are constant; nil if none is.
func (u *unit) closure(x *syntax.Closure, constants []bool) int {
	i := len(u.Funcs)
	f := &bytecode.Func{
		Index: i, Name: x.Fn.Name, Closure: true, Captures: len(x.Captures),
		Empty: len(x.Fn.Body.Stmts) == 0,
	}
	u.Funcs = append(u.Funcs, f)
	params := make([]syntax.Name, 0, len(x.Captures)+len(x.Fn.Params))
	params = append(append(params, x.Captures...), x.Fn.Params...)
	for _, p := range params {
		f.Params = append(f.Params, p.Name)
	}
	d := *x.Fn
	d.Params = params
	fc := &fn{unit: u, f: f, facts: analyze(params, d.Body.Stmts)}
	u.globals = u.globals || fc.facts.global
	u.Dynamic = u.Dynamic || fc.facts.dynamic
	f.UsesThis = fc.facts.this
	fc.constants = constants
	fc.function(&d, len(x.Captures))
	return i
}

// variable is a name in scope.
type variable struct {
	name     string
	slot     bytecode.Slot
	constant bool
	outer    bool  // from outside the body: may be undefined
	again    bool  // defined again in the same block
	evals    int   // number of evals passed when it was declared
	hides    int32 // 1 + index of the variable that this one hides
}

// fn is the state of compiling one function.
type fn struct {
	*unit
	f         *bytecode.Func
	facts     *facts
	constants []bool // by captured variable
	main      bool
	top       bool // a fragment of an eval at the top level of the body
	inner     bool // a fragment of an eval in a block

	vars       []variable
	index      map[string]int32 // 1 + index of the innermost variable of a name
	outer      []variable       // main: variables expected from outside
	outerIndex map[string]int
	next       int // first free register
	far        int // first free far slot
	loops      []*loop
	tries      int // try statements around the code being made
	taking     bool
	pending    []uint8                   // destinations of the expressions being evaluated
	takes      map[*syntax.Variable]bool // arguments that are the last use of a variable
	depth      int                       // of blocks; 1 is the top level of the body
	frame      int                       // first variable of the current block
	site       int                       // of a fragment: the variables that it found
	dyn        int                       // of a fragment: the variables that it leaves behind
	evals      int                       // evals passed on the way: they may have redefined names
}

// loop is a loop around the code being made.
type loop struct {
	dst       int // where break values go, -1 for nowhere
	breaks    []int
	continues []int
	mark      int // register with the depth of imports at the start, -1 if none
}

func (c *fn) emit(op bytecode.Op, a, b, cc int, d int32, pos syntax.Pos) int {
	c.f.Code = append(c.f.Code, bytecode.Ins{Op: op, A: uint8(a), B: uint8(b), C: uint8(cc), D: d})
	c.f.Pos = append(c.f.Pos, pos)
	c.f.Top = append(c.f.Top, uint8(c.next))
	if len(c.pending) > 0 && op.Calls() {
		c.f.Pending = append(c.f.Pending, bytecode.Unwritten{
			PC: int32(len(c.f.Code) - 1), Regs: append([]uint8(nil), c.pending...),
		})
	}
	return len(c.f.Code) - 1
}

// alt records the second position of the last instruction.
func (c *fn) alt(pos syntax.Pos) {
	c.f.Alt = append(c.f.Alt, bytecode.PosAt{PC: int32(len(c.f.Code) - 1), Pos: pos})
}

// altLink records where the link of an assignment is.
func (c *fn) altLink(pos syntax.Pos) {
	c.f.Links = append(c.f.Links, bytecode.PosAt{PC: int32(len(c.f.Code) - 1), Pos: pos})
}

func (c *fn) here() int { return len(c.f.Code) }

// patch makes the jump at i come here.
func (c *fn) patch(i int) { c.f.Code[i].D = int32(c.here() - i - 1) }

func (c *fn) patchAll(list []int) {
	for _, i := range list {
		c.patch(i)
	}
}

// back emits a charged jump back to target.
func (c *fn) back(target, cost int, pos syntax.Pos) {
	cost = min(cost, 1<<24-1)
	i := c.emit(bytecode.Loop, cost&0xff, cost>>8&0xff, cost>>16, 0, pos)
	c.f.Code[i].D = int32(target - i - 1)
}

// temp reserves n consecutive registers and returns the first.
func (c *fn) temp(n int) int {
	r := c.next
	c.next += n
	if c.next > maxRegs {
		panic(failure{fmt.Errorf("expression too complex: it needs more than %d registers", maxRegs)})
	}
	c.f.NRegs = max(c.f.NRegs, c.next)
	return r
}

// local reserves a place for a variable: near while there is room.
func (c *fn) local() bytecode.Slot {
	if c.next < maxLocals {
		return bytecode.Slot{Reg: int32(c.temp(1))}
	}
	s := bytecode.Slot{Reg: int32(c.far), Far: true}
	c.far++
	c.f.NFar = max(c.f.NFar, c.far)
	return s
}

// push puts a variable in scope.
func (c *fn) push(v variable) {
	if c.index == nil {
		c.index = map[string]int32{}
	}
	v.hides = c.index[v.name]
	if i := int(v.hides) - 1; i >= c.frame {
		c.vars[i].again = true
	}
	c.vars = append(c.vars, v)
	c.index[v.name] = int32(len(c.vars))
}

// checkVariables refuses, in the code at this place, n further variables if those are too many.
func (c *fn) checkVariables(n int, pos syntax.Pos) {
	if c.MaxVariables <= 0 {
		return
	}
	n += c.dyn
	for i := range c.vars {
		if !c.vars[i].again {
			n++
		}
	}
	if n > c.MaxVariables {
		c.fail("ErrorTooManyVariables", "", pos)
	}
}

// cut ends the scope of all variables but the first n.
func (c *fn) cut(n int) {
	for i := len(c.vars) - 1; i >= n; i-- {
		c.index[c.vars[i].name] = c.vars[i].hides
	}
	c.vars = c.vars[:n]
}

// lookup finds a variable in scope.
func (c *fn) lookup(name string) *variable {
	if i := c.index[name]; i > 0 {
		return &c.vars[i-1]
	}
	if i, ok := c.outerIndex[name]; ok && c.main {
		return &c.outer[i]
	}
	return nil
}

// function compiles a script function or closure.
func (c *fn) function(d *syntax.FnDef, captures int) {
	c.f.Cost = 1 + int64(c.facts.total)/8
	for i := range d.Params {
		p := &d.Params[i]
		slot := bytecode.Slot{Reg: int32(c.temp(1))}
		switch {
		case i < captures:
			slot.Cell = true
		case c.facts.captured[p]:
			slot.Cell = true
			c.emit(bytecode.NewCell, int(slot.Reg), 0, 0, 0, p.Pos)
		}
		c.push(variable{name: p.Name, slot: slot, constant: i < len(c.constants) && c.constants[i]})
	}
	c.checkVariables(0, d.Pos)
	c.frame = len(c.vars)
	mark := c.importMark(d.Body.Stmts, d.Pos)
	c.tail(d.Body.Stmts, mark)
}

// body compiles the top level of a source.
func (c *fn) body(s *syntax.Script) {
	c.f.Cost = 1
	c.f.UsesThis = true
	c.declareOuter()
	c.tail(s.Body, -1)
	for _, v := range c.outer {
		c.Outer = append(c.Outer, bytecode.Outer{Name: v.name, Slot: v.slot})
	}
}

// declareOuter reserves registers for the names that the body mentions without defining them.
func (c *fn) declareOuter() {
	for _, cells := range [2]bool{true, false} { // what closures capture comes first and is near while there is room
		for _, name := range c.facts.free {
			if _, ok := c.byName[name]; ok || c.facts.outer[name] != cells {
				continue // a bare function name is a function pointer
			}
			slot := c.local()
			slot.Cell = cells
			if c.outerIndex == nil {
				c.outerIndex = map[string]int{}
			}
			c.outerIndex[name] = len(c.outer)
			c.outer = append(c.outer, variable{name: name, slot: slot, outer: true})
		}
	}
}

// tail compiles the statements of a function and returns the last one's value.
func (c *fn) tail(stmts []syntax.Stmt, mark int) {
	c.depth++
	for i, s := range stmts {
		if i < len(stmts)-1 {
			c.stmt(s, -1)
			continue
		}
		c.returnStmtValue(s, mark)
	}
	if len(stmts) == 0 {
		r := c.temp(1)
		c.void(r, syntax.Pos{})
		c.ret(r, mark, syntax.Pos{})
	}
	c.depth--
}

// returnStmtValue compiles the last statement of a function.
func (c *fn) returnStmtValue(s syntax.Stmt, mark int) {
	if e, ok := s.(*syntax.ExprStmt); ok {
		c.returnExpr(e.X, mark, e.X.Pos())
		return
	}
	if i, ok := s.(*syntax.IfStmt); ok && mark < 0 {
		c.returnIf(i)
		return
	}
	r := c.temp(1)
	c.stmt(s, r)
	c.ret(r, mark, s.Pos())
}

// returnIf compiles an if whose branches are the function's result.
func (c *fn) returnIf(s *syntax.IfStmt) {
	skip := c.jump(s.Cond, false)
	c.returnBlock(s.Then)
	c.patchAll(skip)
	switch e := s.Else.(type) {
	case nil:
		r := c.temp(1)
		c.void(r, s.At)
		c.ret(r, -1, s.At)
	case *syntax.Block:
		c.returnBlock(e)
	default:
		c.returnStmtValue(e, -1)
	}
}

func (c *fn) returnBlock(b *syntax.Block) {
	n, next, far := len(c.vars), c.next, c.far
	if c.hasImport(b.Stmts) || c.facts.dynamic {
		r := c.temp(1)
		c.block(b, r)
		c.ret(r, -1, b.At)
	} else {
		c.tail(b.Stmts, -1)
	}
	c.cut(n)
	c.next, c.far = next, far
}

func (c *fn) returnExpr(x syntax.Expr, mark int, pos syntax.Pos) {
	next := c.next
	if call, ok := x.(*syntax.Call); ok && !c.main {
		c.lastUses(call, "")
	}
	r, own := c.operand(x, true)
	if own && (c.main || c.fragment) {
		t := c.temp(1)
		c.emit(bytecode.Copy, t, r, 0, 0, pos)
		r = t
	}
	c.ret(r, mark, pos)
	c.next = next
}

func (c *fn) ret(r, mark int, pos syntax.Pos) {
	if mark >= 0 {
		c.emit(bytecode.ImpCut, mark, 0, 0, 0, pos)
	}
	c.emit(c.retOp(), r, 0, 0, 0, pos)
}

func (c *fn) retOp() bytecode.Op {
	if c.fragment && c.f == c.Body {
		return bytecode.FragRet
	}
	return bytecode.Ret
}

func (c *fn) hasImport(stmts []syntax.Stmt) bool {
	if !c.facts.imports {
		return false
	}
	for _, s := range stmts {
		if _, ok := s.(*syntax.ImportStmt); ok {
			return true
		}
	}
	return false
}

// importMark remembers the imports at the start of a function that imports anywhere.
func (c *fn) importMark(_ []syntax.Stmt, pos syntax.Pos) int {
	if !c.facts.imports {
		return -1
	}
	r := c.temp(1)
	c.emit(bytecode.ImpMark, r, 0, 0, 0, pos)
	return r
}
