package compile

import (
	"math"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// operand returns a register that holds the value of x: the variable's own
// register when x is a plain local, else a temporary. With keep, a temporary's value is
// marked as kept; without, it is only borrowed until the next write.
func (c *fn) operand(x syntax.Expr, keep bool) (reg int, own bool) {
	if r, ok := c.plain(x); ok {
		return r, true
	}
	t := c.temp(1)
	c.expr(x, t, keep)
	return t, false
}

// plain returns the register of x when x is a local variable in a near
// register that is neither a cell nor of unknown definition.
func (c *fn) plain(x syntax.Expr) (int, bool) {
	v, ok := x.(*syntax.Variable)
	if !ok || len(v.Namespace) > 0 {
		return 0, false
	}
	d := c.lookup(v.Name)
	if d == nil || c.dynamic(d) || d.outer || d.slot.Far || d.slot.Cell {
		return 0, false
	}
	return int(d.slot.Reg), true
}

// dynamic reports whether an eval may have defined a newer variable of the name.
func (c *fn) dynamic(v *variable) bool {
	if !c.facts.dynamic || c.evals == 0 {
		return false
	}
	return v == nil || v.evals < c.evals
}

// left compiles the left operand of an operator whose right operand is y.
func (c *fn) left(x, y syntax.Expr) int {
	if simple(y) {
		r, _ := c.operand(x, false)
		return r
	}
	t := c.temp(1)
	c.expr(x, t, true)
	return t
}

// expr evaluates x into the fresh register dst.
func (c *fn) expr(x syntax.Expr, dst int, keep bool) {
	n := len(c.pending)
	c.pending = append(c.pending, uint8(dst))
	c.into(x, dst, keep)
	c.pending = c.pending[:n]
	for i, p := range c.pending {
		if int(p) == dst {
			c.pending[i] = 255 // the first part of what goes there has been written
		}
	}
}

// into evaluates x into dst, which may be a variable that x reads: it is written last.
func (c *fn) into(x syntax.Expr, dst int, keep bool) {
	next := c.next
	switch x := x.(type) {
	case *syntax.UnitLit:
		c.emit(bytecode.LoadUnit, dst, 0, 0, 0, x.At)
	case *syntax.BoolLit:
		b := 0
		if x.Value {
			b = 1
		}
		c.emit(bytecode.LoadBool, dst, b, 0, 0, x.At)
	case *syntax.IntLit:
		if x.Value >= math.MinInt32 && x.Value <= math.MaxInt32 {
			c.emit(bytecode.LoadInt, dst, 0, 0, int32(x.Value), x.At)
		} else {
			c.emit(bytecode.LoadK, dst, 0, 0, c.constant(c.literal(x)), x.At)
		}
	case *syntax.FloatLit, *syntax.CharLit, *syntax.StringLit:
		c.emit(bytecode.LoadK, dst, 0, 0, c.constant(c.literal(x)), x.Pos())
	case *syntax.Interpolation:
		c.interpolation(x, dst)
	case *syntax.ArrayLit:
		c.array(x, dst)
	case *syntax.MapLit:
		c.mapLit(x, dst)
	case *syntax.Variable:
		c.variable(x, dst, keep)
	case *syntax.This:
		c.emit(bytecode.GetThis, dst, 0, lend(keep), 0, x.At)
	case *syntax.Call:
		c.call(x, dst)
	case *syntax.Unary:
		r, _ := c.operand(x.X, false)
		op := bytecode.Neg
		switch x.Op {
		case syntax.Bang:
			op = bytecode.Not
		case syntax.Plus:
			op = bytecode.Pos
		}
		c.emit(op, dst, r, 0, 0, x.At)
	case *syntax.Binary:
		if k := c.fold(x); k != nil {
			c.into(k, dst, keep)
		} else {
			c.binary(x, dst)
		}
	case *syntax.Logical:
		c.logical(x, dst, keep)
	case *syntax.Chain:
		c.chain(x, dst, keep)
	case *syntax.Closure:
		c.makeClosure(x, dst)
	case *syntax.StmtExpr:
		if e := single(x.Stmt); e != nil {
			c.expr(e, dst, keep)
		} else {
			c.stmt(x.Stmt, dst)
		}
	}
	c.next = next
}

func lend(keep bool) int {
	if keep {
		return 0
	}
	return 1
}

func (c *fn) move(dst, src int, pos syntax.Pos) {
	if dst != src {
		c.emit(bytecode.Move, dst, src, 0, 0, pos)
	}
}

// fail emits an error that is known now.
func (c *fn) fail(kind, text string, pos syntax.Pos) {
	c.Fails = append(c.Fails, bytecode.Failure{Kind: kind, Text: text, Pos: pos})
	c.emit(bytecode.Fail, 0, 0, 0, int32(len(c.Fails)-1), pos)
}

func (c *fn) varSite(x *syntax.Variable) int32 {
	s := bytecode.VarSite{Name: x.Name, Pos: x.At, NSPos: x.Start(), Index: c.name(x.Name)}
	for _, n := range x.Namespace {
		s.Namespace = append(s.Namespace, n.Name)
	}
	if len(x.Namespace) == 0 {
		if v := c.lookup(x.Name); v != nil {
			s.Static, s.Slot, s.Const, s.Outer = true, v.slot, v.constant, v.outer
		}
	}
	c.Vars = append(c.Vars, s)
	return int32(len(c.Vars) - 1)
}

// variable reads a name.
func (c *fn) variable(x *syntax.Variable, dst int, keep bool) {
	if len(x.Namespace) == 1 && x.Namespace[0].Name == "global" {
		c.emit(bytecode.GetConst, dst, 0, 0, c.varSite(x), x.Start())
		return
	}
	if len(x.Namespace) > 0 {
		c.emit(bytecode.ModVar, dst, 0, 0, c.varSite(x), x.Start())
		return
	}
	v := c.lookup(x.Name)
	if v == nil || v.outer {
		if i, ok := c.byName[x.Name]; ok {
			c.emit(bytecode.LoadK, dst, 0, 0, c.constant(bytecode.Const{Kind: bytecode.FnConst, Int: int64(i)}), x.At)
			return
		}
	}
	if c.dynamic(v) || (v == nil && c.fragment) {
		c.emit(bytecode.DynGet, dst, 0, 0, c.varSite(x), x.At)
		return
	}
	if v == nil {
		c.fail("ErrorVariableNotFound", x.Name, x.At)
		return
	}
	c.taking = c.takes[x]
	c.read(v, dst, keep, x.At)
	c.taking = false
}

// read loads a variable in scope.
func (c *fn) read(v *variable, dst int, keep bool, pos syntax.Pos) {
	r := int(v.slot.Reg)
	if v.slot.Far {
		if !v.slot.Cell && !v.outer {
			c.emit(bytecode.LoadFar, dst, lend(keep), 0, v.slot.Reg, pos)
			return
		}
		c.emit(bytecode.LoadFar, dst, 1, 0, v.slot.Reg, pos)
		r = dst
	}
	if v.outer {
		c.emit(bytecode.Check, r, 0, 0, c.name(v.name), pos)
	}
	switch {
	case v.slot.Cell:
		c.emit(bytecode.CellGet, dst, r, lend(keep), 0, pos)
	case keep && c.taking:
		c.emit(bytecode.Take, dst, r, 0, 0, pos)
	case keep:
		c.emit(bytecode.Copy, dst, r, 0, 0, pos)
	default:
		c.move(dst, r, pos)
	}
}

// base gives n consecutive registers, of which the first is dst when dst is
// the topmost one.
func (c *fn) base(dst, n int) int {
	if dst == c.next-1 {
		if n > 1 {
			c.temp(n - 1)
		}
		return dst
	}
	return c.temp(max(n, 1))
}

func (c *fn) interpolation(x *syntax.Interpolation, dst int) {
	const chunk = 32
	n := min(len(x.Segments), chunk)
	a := c.base(dst, n)
	i, have := 0, 0
	for i < len(x.Segments) {
		s := x.Segments[i]
		if b, ok := s.(*syntax.StmtExpr); ok {
			if e := single(b.Stmt); e != nil {
				s = e
			}
		}
		c.expr(s, a+have, true)
		have++
		i++
		if have == chunk && i < len(x.Segments) {
			c.emit(bytecode.Interp, a, 0, 0, int32(have), x.At)
			have = 1
		}
	}
	c.emit(bytecode.Interp, a, 0, 0, int32(have), x.At)
	c.move(dst, a, x.At)
}

func (c *fn) array(x *syntax.ArrayLit, dst int) {
	if syntax.IsConstant(x) && !hasClosure(x) {
		c.emit(bytecode.LoadK, dst, 0, 0, c.constant(c.literal(x)), x.At)
		return
	}
	const chunk = 24
	n := len(x.Items)
	first := min(n, chunk)
	a := c.base(dst, first+1)
	for i := 0; i < first; i++ {
		c.expr(x.Items[i], a+i, true)
	}
	c.emit(bytecode.Array, a, 0, 0, int32(first), x.At)
	for _, e := range x.Items[first:] {
		c.expr(e, a+1, true)
		c.emit(bytecode.Push, a, a+1, 0, 0, e.Pos())
	}
	c.move(dst, a, x.At)
}

func hasClosure(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Closure:
		return true
	case *syntax.ArrayLit:
		for _, e := range x.Items {
			if hasClosure(e) {
				return true
			}
		}
	case *syntax.MapLit:
		for i := range x.Entries {
			if hasClosure(x.Entries[i].Value) {
				return true
			}
		}
	}
	return false
}

func (c *fn) mapLit(x *syntax.MapLit, dst int) {
	if syntax.IsConstant(x) && !hasClosure(x) {
		c.emit(bytecode.LoadK, dst, 0, 0, c.constant(c.literal(x)), x.At)
		return
	}
	const chunk = 48
	n := len(x.Entries)
	first := min(n, chunk)
	a := c.base(dst, first+1)
	for i := 0; i < first; i++ {
		c.expr(x.Entries[i].Value, a+i, true)
	}
	c.emit(bytecode.Map, a, 0, 0, c.shape(x.Entries[:first]), x.At)
	for i := first; i < n; i++ {
		c.expr(x.Entries[i].Value, a+1, true)
		c.emit(bytecode.MapSet, a, a+1, 0, c.name(x.Entries[i].Key.Name), x.At)
	}
	c.move(dst, a, x.At)
}

// shape sorts the keys of a literal and says where each entry goes.
func (c *fn) shape(entries []syntax.MapEntry) int32 {
	n := len(entries)
	order := make([]int, n)
	for i := range order {
		order[i] = i
		for j := i; j > 0 && entries[order[j]].Key.Name < entries[order[j-1]].Key.Name; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	s := bytecode.Shape{Keys: make([]string, n), Slot: make([]int32, n)}
	for slot, i := range order {
		s.Keys[slot] = entries[i].Key.Name
		s.Slot[i] = int32(slot)
	}
	c.Shapes = append(c.Shapes, s)
	return int32(len(c.Shapes) - 1)
}

func (c *fn) makeClosure(x *syntax.Closure, dst int) {
	constants := make([]bool, len(x.Captures))
	for i, n := range x.Captures {
		v := c.lookup(n.Name)
		constants[i] = v != nil && v.constant
	}
	i := c.closure(x, constants)
	if len(x.Captures) == 0 {
		c.emit(bytecode.LoadK, dst, 0, 0, c.constant(bytecode.Const{Kind: bytecode.FnConst, Int: int64(i)}), x.Pos())
		return
	}
	site := bytecode.ClosureSite{Func: i}
	for _, n := range x.Captures {
		v := c.lookup(n.Name)
		if c.dynamic(v) {
			t := c.temp(1)
			c.emit(bytecode.DynCell, t, 0, 0, c.varSite(&syntax.Variable{At: n.Pos, Name: n.Name}), n.Pos)
			site.Regs = append(site.Regs, bytecode.Slot{Reg: int32(t), Cell: true})
			continue
		}
		if f, ok := c.byName[n.Name]; ok && (v == nil || v.outer) {
			t := c.temp(1)
			c.emit(bytecode.LoadK, t, 0, 0, c.constant(bytecode.Const{Kind: bytecode.FnConst, Int: int64(f)}), n.Pos)
			c.emit(bytecode.NewCell, t, 0, 0, 0, n.Pos)
			site.Regs = append(site.Regs, bytecode.Slot{Reg: int32(t), Cell: true})
			continue
		}
		if v == nil {
			c.fail("ErrorVariableNotFound", n.Name, n.Pos)
			return
		}
		if v.outer {
			t := int(v.slot.Reg)
			if v.slot.Far {
				t = c.temp(1)
				c.emit(bytecode.LoadFar, t, 1, 0, v.slot.Reg, n.Pos)
			}
			c.emit(bytecode.Check, t, 0, 0, c.name(n.Name), n.Pos)
		}
		site.Regs = append(site.Regs, v.slot)
	}
	c.Closures = append(c.Closures, site)
	c.emit(bytecode.Closure, dst, 0, 0, int32(len(c.Closures)-1), x.Pos())
}

var arithmetic = map[syntax.Token][3]bytecode.Op{
	syntax.Plus:     {bytecode.Add, bytecode.AddI, bytecode.AddK},
	syntax.Minus:    {bytecode.Sub, bytecode.SubI, bytecode.SubK},
	syntax.Multiply: {bytecode.Mul, bytecode.MulI, bytecode.MulK},
	syntax.Divide:   {bytecode.Div, 0, bytecode.DivK},
	syntax.Modulo:   {bytecode.Mod, bytecode.ModI, 0},
}

var comparison = map[syntax.Token][3]bytecode.Op{
	syntax.Equal:        {bytecode.Eq, bytecode.JEq, bytecode.JEqK},
	syntax.NotEqual:     {bytecode.Ne, bytecode.JNe, bytecode.JNeK},
	syntax.Less:         {bytecode.Lt, bytecode.JLt, bytecode.JLtK},
	syntax.LessEqual:    {bytecode.Le, bytecode.JLe, bytecode.JLeK},
	syntax.Greater:      {bytecode.Gt, bytecode.JGt, bytecode.JGtK},
	syntax.GreaterEqual: {bytecode.Ge, bytecode.JGe, bytecode.JGeK},
}

// binary evaluates an operator. Dst is written last.
func (c *fn) binary(x *syntax.Binary, dst int) {
	if x.Op == syntax.In || x.Op == syntax.NotIn { // a call of contains with the sides exchanged
		if _, own := c.fns[fnKey{"contains", 2}]; own {
			t := c.temp(1)
			c.call(&syntax.Call{Name: "contains", Args: []syntax.Expr{x.Y, x.X}, At: x.At}, t)
			c.move(dst, t, x.At)
			if x.Op == syntax.NotIn {
				c.emit(bytecode.Not, dst, dst, 0, 0, x.At)
			}
			return
		}
		var rx, ry int
		_, variable := x.Y.(*syntax.Variable)
		_, this := x.Y.(*syntax.This)
		this = this && x.Op == syntax.In && !allSimple([]syntax.Expr{x.X})
		if this { // fails at once where there is none
			c.expr(x.Y, c.temp(1), true)
		}
		if this || variable && x.Op == syntax.In { // read last, see scriptArgs
			rx = c.left(x.X, x.Y)
			ry, _ = c.operand(x.Y, false)
		} else {
			ry = c.left(x.Y, x.X)
			rx, _ = c.operand(x.X, false)
		}
		c.emit(bytecode.Bin, dst, rx, ry, int32(syntax.In), x.At)
		if x.Op == syntax.NotIn {
			c.emit(bytecode.Not, dst, dst, 0, 0, x.At)
		}
		return
	}
	rx := c.left(x.X, x.Y)
	if ops, ok := arithmetic[x.Op]; ok {
		switch y := c.immediate(x.Y).(type) {
		case *syntax.IntLit:
			if ops[1] != 0 && y.Value >= math.MinInt32 && y.Value <= math.MaxInt32 {
				c.emit(ops[1], dst, rx, 0, int32(y.Value), x.At)
				return
			}
		case *syntax.FloatLit:
			if ops[2] != 0 {
				c.emit(ops[2], dst, rx, 0, c.constant(c.literal(y)), x.At)
				return
			}
		}
		ry, _ := c.operand(x.Y, false)
		c.emit(ops[0], dst, rx, ry, 0, x.At)
		return
	}
	ry, _ := c.operand(x.Y, false)
	if ops, ok := comparison[x.Op]; ok {
		c.emit(ops[0], dst, rx, ry, 0, x.At)
		return
	}
	switch x.Op {
	case syntax.ExclusiveRange:
		c.emit(bytecode.Range, dst, rx, ry, 0, x.At)
	case syntax.InclusiveRange:
		c.emit(bytecode.Range, dst, rx, ry, 1, x.At)
	default:
		c.emit(bytecode.Bin, dst, rx, ry, int32(x.Op), x.At)
	}
}

// logical evaluates &&, || or ??.
func (c *fn) logical(x *syntax.Logical, dst int, keep bool) {
	if x.Op == syntax.DoubleQuestion {
		c.expr(x.X, dst, keep)
		j := c.emit(bytecode.JNotUnit, dst, 0, 0, 0, x.At)
		c.expr(x.Y, dst, keep)
		c.patch(j)
		return
	}
	skip := c.jump(x, false)
	c.emit(bytecode.LoadBool, dst, 1, 0, 0, x.At)
	end := c.emit(bytecode.Jmp, 0, 0, 0, 0, x.At)
	c.patchAll(skip)
	c.emit(bytecode.LoadBool, dst, 0, 0, 0, x.At)
	c.patch(end)
}

// jump emits code that jumps when x is the given truth, and else goes on; the
// jumps are to be patched.
func (c *fn) jump(x syntax.Expr, sense bool) []int {
	next := c.next
	defer func() { c.next = next }()
	switch x := x.(type) {
	case *syntax.StmtExpr:
		if e := single(x.Stmt); e != nil {
			return c.jump(e, sense)
		}
	case *syntax.BoolLit:
		if x.Value == sense {
			return []int{c.emit(bytecode.Jmp, 0, 0, 0, 0, x.At)}
		}
		return nil
	case *syntax.Unary:
		if x.Op == syntax.Bang {
			r, _ := c.operand(x.X, false)
			op := bytecode.JT
			if sense {
				op = bytecode.JF
			}
			return []int{c.emit(op, r, 0, 1, 0, x.At)}
		}
	case *syntax.Logical:
		switch {
		case x.Op == syntax.And && !sense, x.Op == syntax.Or && sense:
			a := c.jump(x.X, sense)
			return append(a, c.jump(x.Y, sense)...)
		case x.Op == syntax.And, x.Op == syntax.Or:
			skip := c.jump(x.X, !sense)
			b := c.jump(x.Y, sense)
			c.patchAll(skip)
			return b
		}
	case *syntax.Binary:
		if k := c.fold(x); k != nil {
			return c.jump(k, sense)
		}
		if ops, ok := comparison[x.Op]; ok && !c.General {
			j := c.compareJump(x, ops)
			if !sense {
				return []int{j}
			}
			k := c.emit(bytecode.Jmp, 0, 0, 0, 0, x.At)
			c.patch(j)
			return []int{k}
		}
	}
	r, _ := c.operand(x, false)
	op := bytecode.JF
	if sense {
		op = bytecode.JT
	}
	return []int{c.emit(op, r, 0, 0, 0, x.Pos())}
}

// compareJump emits a jump that is taken when the comparison does not hold.
func (c *fn) compareJump(x *syntax.Binary, ops [3]bytecode.Op) int {
	rx := c.left(x.X, x.Y)
	switch y := c.immediate(x.Y).(type) {
	case *syntax.BoolLit, *syntax.IntLit, *syntax.FloatLit, *syntax.CharLit, *syntax.StringLit:
		if k := c.constant(c.literal(y)); k < 256 {
			return c.emit(ops[2], rx, int(k), 0, 0, x.At)
		}
	}
	ry, _ := c.operand(x.Y, false)
	return c.emit(ops[1], rx, ry, 0, 0, x.At)
}
