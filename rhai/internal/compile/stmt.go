package compile

import (
	"math"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// stmt compiles a statement; its value goes to the fresh register dst, or nowhere if dst is -1.
func (c *fn) stmt(s syntax.Stmt, dst int) {
	next := c.next
	switch s := s.(type) {
	case *syntax.Block:
		c.block(s, dst)
	case *syntax.ExprStmt:
		c.exprStmt(s, dst)
	case *syntax.VarStmt:
		c.varStmt(s)
		c.void(dst, s.At)
		return // the variable keeps its register
	case *syntax.AssignStmt:
		c.assign(s)
		c.void(dst, s.At)
	case *syntax.IfStmt:
		c.ifStmt(s, dst)
	case *syntax.WhileStmt:
		c.while(s, dst)
	case *syntax.DoStmt:
		c.do(s, dst)
	case *syntax.ForStmt:
		c.forStmt(s, dst)
	case *syntax.SwitchStmt:
		c.switchStmt(s, dst)
	case *syntax.BreakStmt:
		c.breakStmt(s)
	case *syntax.ContinueStmt:
		l := c.loops[len(c.loops)-1]
		c.cutImports(l, s.At)
		l.continues = append(l.continues, c.emit(bytecode.Jmp, 0, 0, 0, 0, s.At))
	case *syntax.ReturnStmt:
		r := c.temp(1)
		if s.Value == nil {
			c.void(r, s.At)
		} else if p, ok := c.plain(s.Value); ok && !c.main && !c.fragment {
			r = p
		} else {
			c.expr(s.Value, r, true)
		}
		c.emit(c.retOp(), r, 0, 0, 0, s.At)
	case *syntax.ThrowStmt:
		r := c.temp(1)
		if s.Value == nil {
			c.emit(bytecode.LoadUnit, r, 0, 0, 0, s.At)
		} else {
			c.expr(s.Value, r, true)
		}
		c.emit(bytecode.Throw, r, 0, 0, 0, s.At)
	case *syntax.TryStmt:
		c.try(s, dst)
	case *syntax.ImportStmt:
		c.importStmt(s)
		c.void(dst, s.At)
	case *syntax.ExportStmt:
		c.export(s.Name, s.Alias)
		c.void(dst, s.At)
	}
	c.next = next
}

func (c *fn) void(dst int, pos syntax.Pos) {
	if dst >= 0 {
		c.emit(bytecode.LoadUnit, dst, 0, 0, 0, pos)
	}
}

func (c *fn) exprStmt(s *syntax.ExprStmt, dst int) {
	if b, ok := s.X.(*syntax.StmtExpr); ok {
		if e := single(b.Stmt); e != nil {
			c.exprStmt(&syntax.ExprStmt{X: e}, dst)
			return
		}
		c.stmt(b.Stmt, dst)
		return
	}
	if dst >= 0 {
		c.expr(s.X, dst, true)
		return
	}
	if l, ok := s.X.(*syntax.Logical); ok && l.Op == syntax.DoubleQuestion {
		if y, ok := l.Y.(*syntax.StmtExpr); ok {
			r, _ := c.operand(l.X, false)
			j := c.emit(bytecode.JNotUnit, r, 0, 0, 0, l.At)
			c.stmt(y.Stmt, -1)
			c.patch(j)
			return
		}
	}
	c.operand(s.X, false)
}

// block compiles { … } with a scope of its own.
func (c *fn) block(b *syntax.Block, dst int) {
	n, next, far := len(c.vars), c.next, c.far
	frame := c.frame
	c.frame = n
	imp, dyn := -1, -1
	if c.hasImport(b.Stmts) {
		imp = c.temp(1)
		c.emit(bytecode.ImpMark, imp, 0, 0, 0, b.At)
	}
	if c.facts.dynamic {
		dyn = c.temp(1)
		c.emit(bytecode.DynMark, dyn, 0, 0, 0, b.At)
	}
	c.depth++
	if len(b.Stmts) == 0 {
		c.void(dst, b.At)
	}
	for i, s := range b.Stmts {
		if i == len(b.Stmts)-1 {
			c.stmt(s, dst)
		} else {
			c.stmt(s, -1)
		}
	}
	c.depth--
	if imp >= 0 {
		c.emit(bytecode.ImpCut, imp, 0, 0, 0, b.End)
	}
	if dyn >= 0 {
		c.emit(bytecode.DynCut, dyn, 0, 0, 0, b.End)
	}
	c.frame = frame
	c.cut(n)
	c.next, c.far = next, far
}

// define puts the value in register r (reserved for it when near) in scope.
func (c *fn) define(n *syntax.Name, slot bytecode.Slot, constant bool) {
	if c.main && c.depth == 1 && !c.fragment {
		c.TopVars = append(c.TopVars, bytecode.TopVar{
			Name: n.Name, Slot: slot, Const: constant, PC: int32(c.here()),
		})
	}
	c.push(variable{name: n.Name, slot: slot, constant: constant, evals: c.evals})
}

func (c *fn) varStmt(s *syntax.VarStmt) {
	slot := c.local()
	r := int(slot.Reg)
	next := c.next
	if slot.Far {
		r = c.temp(1)
	}
	if s.Value == nil {
		c.emit(bytecode.LoadUnit, r, 0, 0, 0, s.At)
	} else {
		c.expr(s.Value, r, true)
	}
	if c.main && c.NoShadowing {
		c.Lets = append(c.Lets, bytecode.Let{Name: s.Name.Name, Pos: s.At})
	}
	if i := c.index[s.Name.Name]; i > 0 && c.fragment && c.NoShadowing && int(i) <= c.site && !c.vars[i-1].outer { // one from outside may not be there: see DynSet
		c.fail("ErrorVariableExists", s.Name.Name, s.At)
	}
	if i := int(c.index[s.Name.Name]) - 1; i < c.frame || i < 0 {
		c.checkVariables(1, s.At)
	}
	if s.Const && c.depth == 1 && (c.top || c.globals && c.main && c.defines) {
		c.emit(bytecode.SetConst, r, 0, 0, c.name(s.Name.Name), s.At)
	}
	if c.facts.captured[&s.Name] {
		slot.Cell = true
		c.emit(bytecode.NewCell, r, 0, 0, 0, s.At)
	}
	if slot.Far {
		c.emit(bytecode.StoreFar, r, 0, 0, slot.Reg, s.At)
	}
	c.next = next
	if c.fragment && c.depth == 1 {
		c.dyn++
		c.emit(bytecode.DynSet, r, lend(!s.Const), lend(!c.inner), c.dynSite(s.Name), s.At)
		return
	}
	c.define(&s.Name, slot, s.Const)
	if s.Export {
		c.export(s.Name, nil)
	}
}

func (c *fn) dynSite(n syntax.Name) int32 {
	c.Vars = append(c.Vars, bytecode.VarSite{Name: n.Name, Pos: n.Pos})
	return int32(len(c.Vars) - 1)
}

func (c *fn) export(n syntax.Name, alias *syntax.Name) {
	v := c.lookup(n.Name)
	if v == nil && !c.fragment && !c.dynamic(v) {
		c.fail("ErrorVariableNotFound", n.Name, n.Pos)
		return
	}
	name := n.Name
	if alias != nil {
		name = alias.Name
	}
	c.place(&syntax.Variable{At: n.Pos, Name: n.Name}, -1)
	c.emit(bytecode.Export, 0, 0, 0, c.name(name), n.Pos)
}

func (c *fn) importStmt(s *syntax.ImportStmt) {
	if path, ok := s.Path.(*syntax.StringLit); ok {
		c.Imports = append(c.Imports, bytecode.Importing{Path: path.Value, Pos: s.At})
	}
	r := c.temp(1)
	c.expr(s.Path, r, true)
	name := ""
	if s.Alias != nil {
		name = s.Alias.Name
	}
	c.emit(bytecode.Import, r, 0, 0, c.name(name), s.At)
	c.alt(startPos(s.Path))
}

// assign compiles x = y and x op= y.
func (c *fn) assign(s *syntax.AssignStmt) {
	op, isOp := s.Op.BaseOp()
	if !isOp {
		op = syntax.Assign
	}
	switch t := s.Target.(type) {
	case *syntax.Chain:
		c.assignChain(s, t, op)
	case *syntax.This:
		v := c.temp(1)
		c.emit(bytecode.PThis, 0, 0, 0, c.name(""), t.At)
		c.expr(s.Value, v, true)
		c.emit(bytecode.PThis, 0, 0, 0, c.name(""), t.At)
		c.assignPlace(v, op, s)
	case *syntax.Variable:
		c.assignVar(s, t, op)
	}
}

func (c *fn) assignPlace(v int, op syntax.Token, s *syntax.AssignStmt) {
	if op == syntax.Assign {
		c.emit(bytecode.OpTo0, 0, v, 0, 0, s.At)
	} else {
		c.emit(bytecode.OpTo0, 0, v, 0, int32(op), s.At)
	}
}

var assignArith = map[syntax.Token][2]bytecode.Op{
	syntax.Plus:     {bytecode.AddTo, bytecode.AddI},
	syntax.Minus:    {bytecode.SubTo, bytecode.SubI},
	syntax.Multiply: {bytecode.MulTo, bytecode.MulI},
	syntax.Modulo:   {0, bytecode.ModI},
}

func (c *fn) assignVar(s *syntax.AssignStmt, t *syntax.Variable, op syntax.Token) {
	r, ok := c.plain(t)
	if !ok || c.isConst(t) {
		v := c.temp(1)
		c.expr(s.Value, v, true)
		if d := c.lookup(t.Name); (d == nil || d.outer) && len(t.Namespace) == 0 {
			if _, ok := c.byName[t.Name]; ok {
				c.fail("ErrorAssignmentToConstant", t.Name, t.At)
				return
			}
		}
		if len(t.Namespace) > 0 { // what is in a module is constant
			c.expr(t, c.temp(1), true)
			c.fail("ErrorAssignmentToConstant", t.Name, t.At)
			return
		}
		c.place(t, -1)
		c.assignPlace(v, op, s)
		return
	}
	if op == syntax.Assign {
		switch x := s.Value.(type) {
		case *syntax.Binary, *syntax.UnitLit, *syntax.BoolLit, *syntax.IntLit, *syntax.FloatLit,
			*syntax.CharLit, *syntax.StringLit, *syntax.Variable:
			c.into(x, r, true)
		default:
			if call, ok := x.(*syntax.Call); ok {
				c.lastUses(call, t.Name)
			}
			v := c.temp(1)
			c.expr(s.Value, v, true)
			c.emit(bytecode.Move, r, v, 0, 0, s.At)
		}
		return
	}
	ops := assignArith[op]
	if y, ok := c.immediate(s.Value).(*syntax.IntLit); ok && ops[1] != 0 && y.Value >= math.MinInt32 && y.Value <= math.MaxInt32 {
		c.emit(ops[1], r, r, 1, int32(y.Value), s.At)
		return
	}
	v, _ := c.operand(s.Value, false)
	if ops[0] != 0 && !c.General {
		c.emit(ops[0], r, v, 0, int32(op), s.At)
		return
	}
	c.emit(bytecode.OpTo, r, v, 0, int32(op), s.At)
}
