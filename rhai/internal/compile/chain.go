package compile

import (
	"math"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// linkRegs says where a link's index, or a method's result and arguments, are.
type linkRegs struct {
	reg  int
	site int32
}

// chain evaluates root.a[b].f(c)… All arguments come first, then the root.
func (c *fn) chain(x *syntax.Chain, dst int, keep bool) {
	first := c.method(x.Links, 0)
	if first < 0 {
		c.readChain(x, dst, keep)
		return
	}
	root := x.Root
	room := -1
	if !c.isPlace(root) {
		room = c.temp(1) // below the registers of the calls, which may have it as `this`
	}
	receiver := -1
	var regs []linkRegs
	if c.argsAfter(x.Links, first) {
		if c.method(x.Links, first+1) >= 0 {
			receiver = c.temp(1)
		}
		regs = c.linkArgsBelow(x)
	} else {
		regs = c.linkArgs(x, dst)
	}
	var ends []int
	last := -1 // register of the latest method's result
	for i := 0; i < len(x.Links); {
		m := c.method(x.Links, i)
		if m < 0 {
			c.readLinks(x.Links[i:], regs[i:], last, dst, &ends, keep)
			last = dst
			break
		}
		l := &x.Links[m]
		a, n := regs[m].reg, len(l.Args)
		if last >= 0 && receiver >= 0 {
			c.emit(bytecode.Move, receiver, last, 0, 0, l.Pos)
			last = receiver
		}
		if i == m && !l.Optional {
			if last >= 0 {
				c.emit(bytecode.Method, a, last, n, regs[m].site, l.NamePos)
			} else if r, ok := c.plain(root); ok && !c.isConst(root) && !c.General {
				c.emit(bytecode.Method, a, r, n, regs[m].site, l.NamePos)
			} else {
				c.place(root, room)
				c.emit(bytecode.MethodP, a, 0, n, regs[m].site, l.NamePos)
			}
		} else {
			if last >= 0 {
				c.emit(bytecode.PReg, last, 0, 0, 0, l.Pos)
			} else {
				c.place(root, room)
			}
			c.walk(x.Links[i:m], regs[i:m], dst, &ends)
			if l.Optional {
				ends = append(ends, c.emit(bytecode.PJUnit, dst, 0, 0, 0, l.Pos))
			}
			c.emit(bytecode.MethodP, a, 0, n, regs[m].site, l.NamePos)
		}
		c.alt(l.Pos)
		last = a
		i = m + 1
	}
	c.move(dst, last, x.Pos())
	c.patchAll(ends)
}

// method is the index of the first method link from i on, or -1.
func (c *fn) method(links []syntax.Link, i int) int {
	for ; i < len(links); i++ {
		if links[i].Kind == syntax.LinkMethod {
			return i
		}
	}
	return -1
}

// argsAfter reports whether a link after the first method has an index or arguments. A method's frame begins
// at its register, so theirs must then be below it.
func (c *fn) argsAfter(links []syntax.Link, first int) bool {
	for i := first + 1; i < len(links); i++ {
		if links[i].Index != nil || len(links[i].Args) > 0 {
			return true
		}
	}
	return false
}

// linkArgsBelow is linkArgs with the registers of later links below those of earlier ones.
func (c *fn) linkArgsBelow(x *syntax.Chain) []linkRegs {
	regs := make([]linkRegs, len(x.Links))
	for i := len(x.Links) - 1; i >= 0; i-- {
		switch l := &x.Links[i]; l.Kind {
		case syntax.LinkIndex:
			regs[i].reg = c.temp(1)
		case syntax.LinkMethod:
			regs[i].reg = c.temp(1 + len(l.Args))
		}
	}
	for i := range x.Links {
		l := &x.Links[i]
		switch l.Kind {
		case syntax.LinkIndex:
			c.expr(l.Index, regs[i].reg, true)
		case syntax.LinkMethod:
			for j, arg := range l.Args {
				c.expr(arg, regs[i].reg+1+j, true)
			}
			regs[i].site = c.addSite(c.methodSite(l))
		}
	}
	return regs
}

// linkArgs evaluates the indexes and method arguments of a chain.
func (c *fn) linkArgs(x *syntax.Chain, dst int) []linkRegs {
	regs := make([]linkRegs, len(x.Links))
	root := simple(x.Root) // it comes after the arguments and must not change what they borrow
	for i := range x.Links {
		l := &x.Links[i]
		switch l.Kind {
		case syntax.LinkIndex:
			if root && c.laterSimple(x.Links[i+1:]) {
				regs[i].reg, _ = c.operand(l.Index, false)
			} else {
				regs[i].reg = c.temp(1)
				c.expr(l.Index, regs[i].reg, true)
			}
		case syntax.LinkMethod:
			var a int
			if dst >= 0 {
				a = c.base(dst, 1+len(l.Args))
				dst = -1
			} else {
				a = c.temp(1 + len(l.Args))
			}
			later := root && c.laterSimple(x.Links[i+1:])
			for j, arg := range l.Args {
				c.expr(arg, a+1+j, !(later && allSimple(l.Args[j+1:])))
			}
			regs[i].reg = a
			site := c.methodSite(l)
			regs[i].site = c.addSite(site)
		}
	}
	return regs
}

func (c *fn) laterSimple(links []syntax.Link) bool {
	for i := range links {
		if links[i].Index != nil && !simple(links[i].Index) {
			return false
		}
		if !allSimple(links[i].Args) {
			return false
		}
	}
	return true
}

// readChain evaluates a chain of indexes and properties.
func (c *fn) readChain(x *syntax.Chain, dst int, keep bool) {
	regs := c.linkArgs(x, -1)
	var ends []int
	links := x.Links
	var root int
	if t, ok := x.Root.(*syntax.This); ok && !c.General && links[0].Kind == syntax.LinkProperty && !links[0].Optional {
		root = dst
		if len(links) > 1 {
			root = c.temp(1)
		}
		c.emit(bytecode.FldThis, root, 0, 0, c.field(links[0].Name), links[0].NamePos)
		c.alt(links[0].Pos)
		c.altLink(t.At)
		links, regs = links[1:], regs[1:]
	} else {
		root, _ = c.operand(x.Root, false)
	}
	c.readLinks(links, regs, root, dst, &ends, keep)
	c.patchAll(ends)
}

// readLinks reads along links from the register cur into dst.
func (c *fn) readLinks(links []syntax.Link, regs []linkRegs, cur, dst int, ends *[]int, keep bool) {
	for i := range links {
		l := &links[i]
		if l.Optional {
			j := c.emit(bytecode.JNotUnit, cur, 0, 0, 0, l.Pos)
			c.emit(bytecode.LoadUnit, dst, 0, 0, 0, l.Pos)
			*ends = append(*ends, c.emit(bytecode.Jmp, 0, 0, 0, 0, l.Pos))
			c.patch(j)
		}
		out := dst
		if i < len(links)-1 {
			out = c.temp(1)
		}
		if l.Kind == syntax.LinkIndex {
			c.emit(bytecode.Index, out, cur, regs[i].reg, 0, startPos(l.Index))
		} else {
			c.emit(bytecode.Field, out, cur, 0, c.field(l.Name), l.NamePos)
		}
		c.alt(l.Pos)
		cur = out
	}
	if keep {
		c.emit(bytecode.Share, dst, 0, 0, 0, syntax.Pos{})
	}
}

// field adds a property site with a cache slot of its own.
func (c *fn) field(name string) int32 {
	c.constant(bytecode.Const{Kind: bytecode.StringConst, Str: name})
	c.Fields = append(c.Fields, name)
	return int32(len(c.Fields) - 1)
}

// place makes the root of a chain the current place. Room is a register for a
// root that is no variable; -1 for a new one.
func (c *fn) place(root syntax.Expr, room int) {
	switch x := root.(type) {
	case *syntax.This:
		c.emit(bytecode.PThis, 0, 0, 0, c.name(""), x.At)
		return
	case *syntax.Variable:
		if len(x.Namespace) > 0 {
			break
		}
		v := c.lookup(x.Name)
		if v == nil || v.outer {
			if _, ok := c.byName[x.Name]; ok {
				break
			}
		}
		if c.dynamic(v) || (v == nil && c.fragment) {
			c.emit(bytecode.DynPlace, 0, 0, 0, c.varSite(x), x.At)
			return
		}
		if v == nil {
			c.fail("ErrorVariableNotFound", x.Name, x.At)
			return
		}
		c.placeVar(v, x.At)
		return
	}
	t := room
	if t < 0 {
		t = c.temp(1)
	}
	c.expr(root, t, true)
	b, name, pos := 0, "", root.Pos()
	if v, ok := root.(*syntax.Variable); ok && len(v.Namespace) > 0 {
		b, name, pos = 1, v.Name, v.Start() // what is in a module is constant
	}
	c.emit(bytecode.PReg, t, b, 0, c.name(name), pos)
}

// isPlace reports whether the root of a chain is a place of its own: `this` or a variable.
func (c *fn) isPlace(root syntax.Expr) bool {
	switch x := root.(type) {
	case *syntax.This:
		return true
	case *syntax.Variable:
		if len(x.Namespace) > 0 {
			return false
		}
		if v := c.lookup(x.Name); v == nil || v.outer {
			_, fn := c.byName[x.Name]
			return !fn
		}
		return true
	}
	return false
}

func (c *fn) placeVar(v *variable, pos syntax.Pos) {
	b := 0
	switch {
	case v.constant:
		b = 1
	case v.outer:
		b = 2
	}
	name := c.name(v.name)
	r := int(v.slot.Reg)
	if v.slot.Far {
		if !v.slot.Cell && !v.outer {
			c.placeFar(v, b, name, pos)
			return
		}
		r = c.temp(1)
		c.emit(bytecode.LoadFar, r, 1, 0, v.slot.Reg, pos)
		if v.outer {
			c.emit(bytecode.Check, r, 0, 0, name, pos)
		}
		if !v.slot.Cell {
			c.placeFar(v, b, name, pos)
			return
		}
		c.emit(bytecode.PCell, r, b, 0, name, pos)
		return
	}
	if v.outer {
		c.emit(bytecode.Check, r, 0, 0, name, pos)
	}
	op := bytecode.PReg
	if v.slot.Cell {
		op = bytecode.PCell
	}
	c.emit(op, r, b, 0, name, pos)
}

// placeFar emits PFar, which has its name in two bytes: it names the constant in an error.
func (c *fn) placeFar(v *variable, b int, name int32, pos syntax.Pos) {
	if name > math.MaxUint16 {
		name = 0
	}
	c.emit(bytecode.PFar, int(name&0xff), b, int(name>>8), v.slot.Reg, pos)
}

// walk moves the current place along index and property links.
func (c *fn) walk(links []syntax.Link, regs []linkRegs, dst int, ends *[]int) {
	for i := range links {
		l := &links[i]
		if l.Optional {
			*ends = append(*ends, c.emit(bytecode.PJUnit, dst, 0, 0, 0, l.Pos))
		}
		if l.Kind == syntax.LinkIndex {
			c.emit(bytecode.PIdx, regs[i].reg, 0, 0, 0, startPos(l.Index))
		} else {
			c.emit(bytecode.PFld, 0, 0, 0, c.field(l.Name), l.NamePos)
		}
		c.alt(l.Pos)
	}
}

// assignChain stores value in the last link of a chain; op is the plain operator of
// an op-assignment, or Assign.
func (c *fn) assignChain(s *syntax.AssignStmt, x *syntax.Chain, op syntax.Token) {
	var v int
	if op == syntax.Assign || !simple(x) {
		v = c.temp(1)
		c.expr(s.Value, v, true)
	} else {
		v, _ = c.operand(s.Value, false)
	}
	regs := c.linkArgs(x, -1)
	n := len(x.Links) - 1
	last := &x.Links[n]
	assignOp := 0
	if op != syntax.Assign {
		assignOp = int(op)
	}
	if n == 0 && !last.Optional && !c.General {
		if r, ok := c.plain(x.Root); ok && !c.isConst(x.Root) {
			switch {
			case last.Kind == syntax.LinkIndex && assignOp == 0:
				c.emit(bytecode.SetIdx, r, regs[0].reg, v, 0, startPos(last.Index))
			case last.Kind == syntax.LinkIndex:
				c.emit(bytecode.OpIdx, r, regs[0].reg, v, int32(op), startPos(last.Index))
			case assignOp == 0:
				c.emit(bytecode.SetFld, r, v, 0, c.field(last.Name), last.NamePos)
			default:
				c.emit(bytecode.OpFld, r, v, assignOp, c.field(last.Name), last.NamePos)
			}
			c.altAssign(s, last)
			return
		}
	}
	if !c.General && c.fastAssign(s, x, v, assignOp) {
		return
	}
	var ends []int
	links, lregs := x.Links[:n], regs[:n]
	dst := c.temp(1)
	from := -1
	for i := 0; ; {
		m := c.method(links, i)
		if from >= 0 {
			c.emit(bytecode.PReg, from, 0, 0, c.name(""), x.Pos())
		} else {
			c.place(x.Root, -1)
		}
		if m < 0 {
			c.walk(links[i:], lregs[i:], dst, &ends)
			break
		}
		c.walk(links[i:m], lregs[i:m], dst, &ends)
		l := &links[m]
		if l.Optional {
			ends = append(ends, c.emit(bytecode.PJUnit, dst, 0, 0, 0, l.Pos))
		}
		c.emit(bytecode.MethodP, lregs[m].reg, 0, len(l.Args), lregs[m].site, l.NamePos)
		c.alt(l.Pos)
		from = lregs[m].reg
		i = m + 1
	}
	if last.Optional {
		ends = append(ends, c.emit(bytecode.PJUnit, dst, 0, 0, 0, last.Pos))
	}
	if last.Kind == syntax.LinkIndex {
		c.emit(bytecode.PSetIdx, regs[n].reg, v, assignOp, 0, startPos(last.Index))
	} else {
		c.emit(bytecode.PSetFld, 0, v, assignOp, c.field(last.Name), last.NamePos)
	}
	c.altAssign(s, last)
	c.patchAll(ends)
}

// fastAssign compiles this.name op= v, this.name = v and variable.name.name op= v with an instruction
// that does it all in the common case, before those that always work. They share the sites, so that
// what the slow ones find the fast one knows.
func (c *fn) fastAssign(s *syntax.AssignStmt, x *syntax.Chain, v, op int) bool {
	for i := range x.Links {
		if x.Links[i].Kind != syntax.LinkProperty || x.Links[i].Optional {
			return false
		}
	}
	last := &x.Links[len(x.Links)-1]
	var site int32
	switch r, plain := c.plain(x.Root); {
	case len(x.Links) == 1:
		t, ok := x.Root.(*syntax.This)
		if !ok {
			return false
		}
		site = c.field(last.Name)
		c.emit(bytecode.OpThis, 0, v, op, site, last.NamePos)
		c.place(t, -1)
	case len(x.Links) == 2 && plain && op != 0 && !c.isConst(x.Root):
		first := &x.Links[0]
		site = c.field(first.Name)
		c.field(last.Name)
		c.emit(bytecode.OpFld2, r, v, op, site, last.NamePos)
		c.emit(bytecode.PReg, r, 0, 0, c.name(""), x.Root.Pos())
		c.emit(bytecode.PFld, 0, 0, 0, site, first.NamePos)
		c.alt(first.Pos)
		site++
	default:
		return false
	}
	c.emit(bytecode.PSetFld, 0, v, op, site, last.NamePos)
	c.altAssign(s, last)
	return true
}

func (c *fn) altAssign(s *syntax.AssignStmt, last *syntax.Link) {
	c.alt(s.At)
	c.altLink(last.Pos)
}
