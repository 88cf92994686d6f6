package syntax

import (
	"math"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// condition parses a condition, which cannot begin with a block.
func (p *parser) condition(c context) Expr {
	p.checkNoBlock()
	x := p.checkBool(p.parseExpr(c))
	if p.tok.kind == Assign {
		p.fail(BadInput, "Possibly a typo of '=='?", p.tok.pos)
	}
	return x
}

func (p *parser) checkNoBlock() {
	if p.tok.kind == LeftBrace {
		p.fail(ExprExpected, "Expecting a boolean expression", p.tok.pos)
	}
}

func (p *parser) parseIf(c context) *IfStmt {
	s := &IfStmt{At: p.tok.pos}
	c = p.upAt(c, s.At)
	p.next()
	s.Cond = p.condition(c)
	s.Then = p.parseBlock(c)
	if p.accept(Else) {
		if p.tok.kind == If {
			s.Else = p.parseIf(c)
		} else {
			s.Else = p.parseBlock(c)
		}
	}
	return s
}

// parseLoop parses while, loop, do and for.
func (p *parser) parseLoop(c context) Stmt {
	pos := p.tok.pos
	kind := p.tok.kind
	c = p.up(c)
	p.next()
	switch kind {
	case While, Loop:
		s := &WhileStmt{At: pos}
		if kind == While {
			s.Cond = p.condition(c)
		}
		c.pos = pos
		c.flags |= inLoop
		s.Body = p.parseBlock(c)
		return s
	case Do:
		c.pos = pos
		body := c
		body.flags |= inLoop
		s := &DoStmt{At: pos, Body: p.parseBlock(body)}
		switch p.tok.kind {
		case While:
		case Until:
			s.Until = true
		default:
			p.failMissing(While, "for the do statement", p.tok.pos)
		}
		p.mark(markTail)
		p.next()
		s.Cond = p.condition(c)
		return s
	}
	c.pos = pos
	return p.parseFor(c)
}

// parseFor parses what follows `for`, whose place is c.pos.
func (p *parser) parseFor(c context) Stmt {
	s := &ForStmt{At: c.pos}
	if p.accept(LeftParen) {
		s.Var = p.varName()
		if !p.accept(Comma) {
			p.failMissing(Comma, "after the iteration variable name", p.tok.pos)
		}
		n := p.varName()
		s.Counter = &n
		if n.Name == s.Var.Name {
			p.fail(DuplicatedVariable, "Duplicated variable name: "+n.Name, n.Pos)
		}
		if !p.accept(RightParen) {
			p.failMissing(RightParen, "to close the iteration variable", p.tok.pos)
		}
	} else {
		s.Var = p.varName()
	}
	p.expect(In, "after the iteration variable")
	p.checkNoBlock()
	s.Iter = p.parseExpr(c)
	switch s.Iter.(type) {
	case *StringLit, *Interpolation, *ArrayLit, *Closure:
	default:
		if t := literalKind(s.Iter); t != "" {
			p.fail(MismatchedType, "Expecting an iterable value, not "+t, s.Iter.Start())
		}
	}
	n := len(p.stack)
	if s.Counter != nil {
		p.push(s.Counter.Name, false)
		p.noteValue(s.Counter.Name, nil)
	}
	p.push(s.Var.Name, false)
	p.noteValue(s.Var.Name, nil)
	c.flags |= inLoop
	s.Body = p.parseBlock(c)
	p.rewind(n)
	return s
}

func (p *parser) parseSwitch(c context) Stmt {
	const why = "to end this switch block"
	s := &SwitchStmt{At: p.tok.pos, Default: -1}
	c = p.upAt(c, s.At)
	p.next()
	s.X = p.parseExpr(c)
	p.mark(markSwitch)
	p.expect(LeftBrace, "to start a switch block")
	var defaultPos Pos
	for {
		pos := p.tok.pos
		var values []Expr
		arm := SwitchArm{Pos: pos}
		p.mark(markItem)
		switch {
		case p.tok.kind == RightBrace:
			p.next()
			return s
		case p.tok.kind == EOF:
			p.failMissing(RightBrace, why, pos)
		case s.Default >= 0:
			p.fail(WrongSwitchDefaultCase, "Default switch case must be the last", defaultPos)
		case p.tok.kind == Underscore:
			defaultPos = p.next()
			if p.tok.kind == If {
				p.fail(WrongSwitchCaseCondition, "This switch case cannot have a condition", p.tok.pos)
			}
			s.Default = len(s.Arms)
		default:
			for {
				p.caseExpr++
				p.inCase++
				values = append(values, p.parseExpr(c))
				p.caseExpr--
				p.inCase--
				if !p.accept(Pipe) {
					break
				}
			}
			if p.accept(If) {
				arm.Cond = p.condition(c)
			}
		}
		p.expect(DoubleArrow, "in this switch case")
		if c.flags&inExpr != 0 {
			arm.Body = &ExprStmt{X: p.parseExpr(c)}
		} else {
			arm.Body = p.parseStmt(c)
		}
		needComma := !selfTerminated(arm.Body)
		if arm.Body == nil {
			arm.Body = asBlock(nil, p.tok.pos)
		}
		s.Arms = append(s.Arms, arm)
		for _, v := range values {
			p.addCase(s, v)
		}
		switch p.tok.kind {
		case Comma:
			p.next()
		case RightBrace:
		case EOF:
			p.failMissing(RightParen, why, p.tok.pos)
		default:
			p.failLex()
			if needComma {
				p.failMissing(Comma, "to separate the items in this switch block", p.tok.pos)
			}
		}
	}
}

// addCase adds a value of the last arm.
func (p *parser) addCase(s *SwitchStmt, v Expr) {
	arm := len(s.Arms) - 1
	if r, ok := LiteralRange(v); ok {
		if r.Low < r.High || r.Inclusive && r.Low == r.High {
			r.Arm = arm
			s.Ranges = append(s.Ranges, r)
		}
	} else if !isCaseValue(v) {
		p.fail(ExprExpected, "Expecting a literal expression", v.Start())
	} else if len(s.Ranges) > 0 {
		switch v.(type) {
		case *IntLit, *FloatLit:
			p.fail(WrongSwitchIntegerCase, "Numeric switch case cannot follow a range case", v.Start())
		}
	}
	s.Cases = append(s.Cases, SwitchCase{Value: v, Arm: arm})
}

// isCaseValue reports whether v is known without running the script.
func isCaseValue(v Expr) bool {
	if c, ok := v.(*Call); ok && c.Name == "Fn" && len(c.Args) == 1 && len(c.Namespace) == 0 {
		name, ok := c.Args[0].(*StringLit)
		return ok && IsFunctionName(name.Value)
	}
	return IsConstant(v)
}

// LiteralRange returns the range that v writes, if both ends are integers or open.
func LiteralRange(v Expr) (r SwitchRange, ok bool) {
	b, ok := v.(*Binary)
	if !ok || b.Op != ExclusiveRange && b.Op != InclusiveRange {
		return r, false
	}
	r.Inclusive = b.Op == InclusiveRange
	_, fromUnit := b.X.(*UnitLit)
	switch x := b.X.(type) {
	case *IntLit:
		r.Low = x.Value
	case *UnitLit:
	default:
		return r, false
	}
	switch y := b.Y.(type) {
	case *IntLit:
		r.High = y.Value
	case *UnitLit:
		r.High = math.MaxInt64
		return r, !fromUnit
	default:
		return r, false
	}
	return r, true
}
