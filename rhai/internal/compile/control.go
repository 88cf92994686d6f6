package compile

import (
	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

func (c *fn) ifStmt(s *syntax.IfStmt, dst int) {
	skip := c.jump(s.Cond, false)
	c.block(s.Then, dst)
	if s.Else == nil && dst < 0 {
		c.patchAll(skip)
		return
	}
	end := c.emit(bytecode.Jmp, 0, 0, 0, 0, s.At)
	c.patchAll(skip)
	if s.Else == nil {
		c.void(dst, s.At)
	} else {
		c.stmt(s.Else, dst)
	}
	c.patch(end)
}

// enter starts a loop.
func (c *fn) enter(dst int) *loop {
	l := &loop{dst: dst, mark: -1}
	if c.HasImports && c.facts.imports {
		l.mark = c.temp(1)
		c.emit(bytecode.ImpMark, l.mark, 0, 0, 0, syntax.Pos{})
	}
	c.loops = append(c.loops, l)
	return l
}

func (c *fn) leave() { c.loops = c.loops[:len(c.loops)-1] }

func (c *fn) cutImports(l *loop, pos syntax.Pos) {
	if l.mark >= 0 {
		c.emit(bytecode.ImpCut, l.mark, 0, 0, 0, pos)
	}
}

func (c *fn) breakStmt(s *syntax.BreakStmt) {
	l := c.loops[len(c.loops)-1]
	switch {
	case s.Value == nil:
		c.void(l.dst, s.At)
	case l.dst >= 0:
		t := c.temp(1)
		c.expr(s.Value, t, true)
		c.move(l.dst, t, s.At)
	default:
		c.operand(s.Value, false)
	}
	c.cutImports(l, s.At)
	l.breaks = append(l.breaks, c.emit(bytecode.Jmp, 0, 0, 0, 0, s.At))
}

func (c *fn) loopCost(s syntax.Node) int { return 1 + c.facts.nodes[s]/8 }

func (c *fn) while(s *syntax.WhileStmt, dst int) {
	l := c.enter(dst)
	start := c.here()
	var exit []int
	if s.Cond != nil {
		exit = c.jump(s.Cond, false)
	}
	c.block(s.Body, -1)
	c.patchAll(l.continues)
	c.back(start, c.loopCost(s), s.At)
	c.patchAll(exit)
	c.void(dst, s.At)
	c.patchAll(l.breaks)
	c.leave()
}

// do compiles do … while; continue goes to the start without the condition.
func (c *fn) do(s *syntax.DoStmt, dst int) {
	l := c.enter(dst)
	start := c.here()
	c.block(s.Body, -1)
	exit := c.jump(s.Cond, s.Until)
	c.patchAll(l.continues)
	c.back(start, c.loopCost(s), s.At)
	c.patchAll(exit)
	c.void(dst, s.At)
	c.patchAll(l.breaks)
	c.leave()
}

func (c *fn) forStmt(s *syntax.ForStmt, dst int) {
	n, next, far := len(c.vars), c.next, c.far
	it := c.temp(2)
	if b, ok := s.Iter.(*syntax.Binary); ok && (b.Op == syntax.ExclusiveRange || b.Op == syntax.InclusiveRange) {
		c.expr(b.X, it, true)
		c.expr(b.Y, it+1, true)
		incl := 0
		if b.Op == syntax.InclusiveRange {
			incl = 1
		}
		c.emit(bytecode.IterRange, it, incl, 0, 0, b.At)
		c.alt(startPos(s.Iter))
	} else {
		c.expr(s.Iter, it, true)
		c.emit(bytecode.IterInit, it, it, 0, 0, startPos(s.Iter))
	}
	if s.Counter != nil {
		c.checkVariables(2, s.Var.Pos)
	} else {
		c.checkVariables(1, s.Var.Pos)
	}
	l := c.enter(dst)
	var counter bytecode.Slot
	count := -1
	if s.Counter != nil {
		count = c.temp(2)
		c.emit(bytecode.LoadInt, count, 0, 0, -1, s.At)
		counter = c.loopVar(s.Counter, count+1)
	}
	value := c.temp(1)
	slot := c.loopVar(&s.Var, value)
	toNext := c.emit(bytecode.Jmp, 0, 0, 0, 0, s.At)
	start := c.here()
	cost := c.loopCost(s)
	if cost > 255 { // the rest of what ForNext has no room for
		c.back(start+1, cost-255, s.At)
	}
	if s.Counter != nil {
		c.emit(bytecode.AddI, count, count, 0, 1, s.At)
		c.emit(bytecode.Move, count+1, count, 0, 0, s.At)
		c.storeLoopVar(counter, count+1, s.Counter.Pos)
	}
	c.storeLoopVar(slot, value, s.Var.Pos)
	c.block(s.Body, -1)
	c.patchAll(l.continues)
	c.patch(toNext)
	i := c.emit(bytecode.ForNext, it, value, min(cost, 255), 0, startPos(s.Iter))
	c.f.Code[i].D = int32(start - i - 1)
	c.void(dst, s.At)
	c.patchAll(l.breaks)
	c.leave()
	c.cut(n)
	c.next, c.far = next, far
}

// loopVar declares a variable of a for loop: the register itself, or one cell for the whole loop.
func (c *fn) loopVar(n *syntax.Name, reg int) bytecode.Slot {
	slot := bytecode.Slot{Reg: int32(reg)}
	if c.facts.captured[n] {
		slot = bytecode.Slot{Reg: int32(c.temp(1)), Cell: true}
		c.emit(bytecode.LoadUnit, int(slot.Reg), 0, 0, 0, n.Pos)
		c.emit(bytecode.NewCell, int(slot.Reg), 0, 0, 0, n.Pos)
	}
	c.push(variable{name: n.Name, slot: slot, evals: c.evals})
	return slot
}

func (c *fn) storeLoopVar(slot bytecode.Slot, reg int, pos syntax.Pos) {
	if slot.Cell {
		c.emit(bytecode.CellSet, int(slot.Reg), reg, 0, 0, pos)
	}
}

func (c *fn) switchStmt(s *syntax.SwitchStmt, dst int) {
	x := c.temp(3)
	c.expr(s.X, x, false)
	sw := bytecode.SwitchSite{
		Arms: make([]int32, len(s.Arms)), Guarded: make([]bool, len(s.Arms)),
	}
	for _, k := range s.Cases {
		sw.Values = append(sw.Values, c.literal(k.Value))
		sw.Arm = append(sw.Arm, int32(k.Arm))
	}
	for _, r := range s.Ranges {
		sw.Ranges = append(sw.Ranges, bytecode.SwitchRange{
			Low: r.Low, High: r.High, Inclusive: r.Inclusive, Arm: int32(r.Arm),
		})
	}
	for i := range s.Arms {
		if s.Arms[i].Cond != nil {
			sw.Guarded[i], sw.AnyGuard = true, true
		}
	}
	site := int32(len(c.Switches))
	c.Switches = append(c.Switches, sw)
	c.emit(bytecode.Switch, x, x+1, 0, site, startPos(s.X))
	var ends []int
	for i := range s.Arms {
		arm := &s.Arms[i]
		c.Switches[site].Arms[i] = int32(c.here())
		if arm.Cond != nil {
			ok := c.jump(arm.Cond, true)
			c.emit(bytecode.SwNext, x, x+1, 0, site, arm.Pos)
			c.patchAll(ok)
		}
		n, next, far := len(c.vars), c.next, c.far
		c.stmt(arm.Body, dst)
		c.cut(n)
		c.next, c.far = next, far
		ends = append(ends, c.emit(bytecode.Jmp, 0, 0, 0, 0, arm.Pos))
	}
	none := int32(c.here())
	if s.Default >= 0 {
		none = c.Switches[site].Arms[s.Default]
	}
	c.Switches[site].Default = none
	if s.Default < 0 || sw.AnyGuard {
		c.Switches[site].None = int32(c.here())
		c.void(dst, s.At)
	}
	c.patchAll(ends)
}

// try gives the value of the body, or () after a catch.
func (c *fn) try(s *syntax.TryStmt, dst int) {
	n, next, far := len(c.vars), c.next, c.far
	imp := -1
	if c.HasImports {
		imp = c.temp(1)
		c.emit(bytecode.ImpMark, imp, 0, 0, 0, s.At)
	}
	dyn := -1
	if c.facts.dynamic {
		dyn = c.temp(1)
		c.emit(bytecode.DynMark, dyn, 0, 0, 0, s.At)
	}
	err := c.temp(1)
	c.tries++
	start := c.here()
	c.block(s.Body, dst)
	stop := c.here()
	end := c.emit(bytecode.Jmp, 0, 0, 0, 0, s.At)
	target := c.here()
	h := bytecode.Handler{Start: int32(start), End: int32(stop), Target: int32(target), Reg: uint8(err)}
	if imp >= 0 {
		c.emit(bytecode.ImpCut, imp, 0, 0, 0, s.At)
	}
	if dyn >= 0 {
		c.emit(bytecode.DynCut, dyn, 0, 0, 0, s.At)
	}
	if s.Var != nil {
		c.checkVariables(1, s.Var.Pos)
		v := c.temp(1)
		c.emit(bytecode.Catch, v, err, 0, 0, s.Var.Pos)
		slot := bytecode.Slot{Reg: int32(v)}
		if c.facts.captured[s.Var] {
			slot.Cell = true
			c.emit(bytecode.NewCell, v, 0, 0, 0, s.Var.Pos)
		}
		c.push(variable{name: s.Var.Name, slot: slot, evals: c.evals})
	}
	from := c.here()
	c.block(s.Catch, -1)
	c.tries--
	c.void(dst, s.At)
	c.f.Handlers = append(c.f.Handlers, h, bytecode.Handler{
		Start: int32(from), End: int32(c.here()), Reg: uint8(err), Rethrow: true,
	})
	c.patch(end)
	c.cut(n)
	c.next, c.far = next, far
}
