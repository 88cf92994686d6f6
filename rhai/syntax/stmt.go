package syntax

// parseStmt parses a statement without the semicolon after it. It returns nil
// for an empty statement and for the definition of a function.
func (p *parser) parseStmt(c context) Stmt {
	pos := p.tok.pos
	c.pos = pos
	switch p.tok.kind {
	case EOF:
		return nil
	case SemiColon:
		p.next()
		return nil
	case LeftBrace:
		return p.parseBlock(p.up(c))
	case Fn, Private:
		p.parseFn(c)
		return nil
	case If:
		return p.parseIf(p.up(c))
	case Switch:
		return p.parseSwitch(p.up(c))
	case While, Loop, Do, For:
		if p.opts.NoLooping {
			break
		}
		return p.parseLoop(p.up(c))
	case Continue, Break:
		if p.opts.NoLooping {
			break
		}
		if c.flags&inLoop == 0 {
			p.fail(LoopBreak, "Break statement should only be used inside a loop", pos)
		}
		if p.accept(Continue) {
			return &ContinueStmt{At: pos}
		}
		p.next()
		return &BreakStmt{At: pos, Value: p.parseOptional(c)}
	case Return:
		p.next()
		return &ReturnStmt{At: pos, Value: p.parseOptional(c)}
	case Throw:
		p.next()
		return &ThrowStmt{At: pos, Value: p.parseOptional(c)}
	case Try:
		return p.parseTry(p.up(c))
	case Let, Const:
		return p.parseVar(p.up(c), false)
	case Import:
		return p.parseImport(p.up(c))
	case Export:
		if c.flags&inGlobal == 0 {
			p.fail(WrongExport, "Export statement can only appear at global level", pos)
		}
		return p.parseExport(p.up(c))
	}
	return p.parseExprStmt(p.up(c))
}

// parseOptional parses the value after break, return or throw, or returns nil
// if the current token cannot begin one.
func (p *parser) parseOptional(c context) Expr {
	c = p.up(c)
	if c.level >= c.max {
		return nil
	}
	switch p.tok.kind {
	case Pipe:
		if p.caseExpr > 0 {
			return nil
		}
	case LeftBrace, While, Loop, Do, For:
		if p.loneExpr {
			return nil
		}
	case Int, Float, Char, String, InterpolatedString, Identifier, ReservedWord, LeftParen, LeftBracket,
		UnitToken, MapStart, Plus, Minus, Bang, Or, ExclusiveRange, InclusiveRange, True, False, If, Switch, illegal:
	default:
		return nil
	}
	return p.parseExpr(c)
}

// parseExprStmt parses an expression or an assignment.
func (p *parser) parseExprStmt(c context) Stmt {
	c.pos = p.tok.pos
	x := p.parseExpr(c)
	op := p.tok.kind
	if op != Assign {
		if _, ok := op.BaseOp(); !ok {
			return &ExprStmt{X: x}
		}
	}
	pos := p.next()
	c.pos = pos
	y := p.parseExpr(c)
	p.checkAssign(x, op, pos)
	p.noteAssign(x, op, y)
	return &AssignStmt{At: pos, Op: op, Target: x, Value: y}
}

// checkAssign fails if x cannot be assigned to.
func (p *parser) checkAssign(x Expr, op Token, pos Pos) {
	invalid := func(pos Pos) { p.fail(AssignmentToInvalidLHS, "Expression cannot be assigned to", pos) }
	switch t := x.(type) {
	case *This:
		return
	case *Variable:
		if len(t.Namespace) == 0 {
			if v, _ := p.find(t.Name); v != nil && v.constant {
				p.fail(AssignmentToConstant, "Cannot assign to constant "+t.Name, t.At)
			}
		}
		return
	case *Chain:
		for i := range t.Links {
			if t.Links[i].Kind == LinkMethod {
				invalid(t.Links[i].NamePos)
			}
		}
		switch t.Root.(type) {
		case *Variable, *This:
		default:
			invalid(t.Root.Pos())
		}
		return
	case *Logical:
		if op == Assign {
			p.fail(BadInput, "Possibly a typo of '=='?", pos)
		}
	}
	if IsConstant(x) {
		p.fail(AssignmentToConstant, "Cannot assign to a constant value", x.Start())
	}
	invalid(x.Pos())
}

// parseBlock parses a block of statements in braces.
func (p *parser) parseBlock(c context) *Block {
	return p.parseBlockThen(c, func() { p.next() })
}

// parseBlockThen parses a block and consumes its } by calling end.
func (p *parser) parseBlockThen(c context, end func()) *Block {
	if p.tok.kind != LeftBrace {
		p.failLex()
		p.failMissing(LeftBrace, "to start a statement block", p.tok.pos)
	}
	b := &Block{}
	p.mark(markBlock)
	b.At = p.next()
	c = p.upAt(c, b.At)
	if c.flags&inExpr != 0 {
		b.Stmts = []Stmt{p.parseExprStmt(c)}
		if p.tok.kind != RightBrace {
			p.failLex()
			p.failMissing(LeftBrace, "to start a statement block", p.tok.pos)
		}
		b.End = p.tok.pos
		end()
		return b
	}
	frame, imports := p.state.frame, len(p.imports)
	p.state.frame = int32(len(p.stack))
	c.flags &^= inGlobal
	for p.tok.kind != RightBrace {
		if p.tok.kind == EOF {
			p.failMissing(RightBrace, "to terminate this block", p.tok.pos)
		}
		p.markStmt()
		stmt := p.parseStmt(c)
		if stmt == nil {
			continue
		}
		b.Stmts = append(b.Stmts, stmt)
		switch {
		case p.tok.kind == RightBrace:
		case p.tok.kind == SemiColon:
			p.next()
		case !selfTerminated(stmt):
			p.failLex()
			p.failMissing(SemiColon, "to terminate this statement", p.tok.pos)
		}
	}
	b.End = p.tok.pos
	end()
	p.rewind(int(p.state.frame))
	p.state.frame, p.imports = frame, p.imports[:imports]
	return b
}

// parseVar parses let or const; the current token is that keyword.
func (p *parser) parseVar(c context, export bool) *VarStmt {
	s := &VarStmt{Const: p.tok.kind == Const, Export: export}
	s.At = p.next()
	c.pos = s.At
	s.Name = p.varName()
	if p.opts.NoShadowing {
		if v, _ := p.find(s.Name.Name); v != nil {
			p.fail(VariableExists, "Variable already defined: "+s.Name.Name, s.Name.Pos)
		}
	}
	if p.notes != nil {
		p.defining = append(p.defining, s.Name.Name)
	}
	if p.accept(Assign) {
		s.Value = p.parseExpr(p.up(c))
	}
	name := s.Name.Name
	if p.notes != nil {
		p.defining = p.defining[:len(p.defining)-1]
		p.noteValue(name, s.Value)
	}
	if p.notes != nil && p.fnDepth == 0 && !p.state.closure {
		p.notes.Globals[name] = s.Const
	}
	if v, i := p.find(name); v != nil && i >= p.state.frame && !v.exported {
		v.constant = s.Const
	} else {
		p.push(name, s.Const)
	}
	if export {
		p.stack[len(p.stack)-1].exported = true
	}
	return s
}

func (p *parser) parseImport(c context) Stmt {
	s := &ImportStmt{}
	s.At = p.tok.pos
	c = p.upAt(c, s.At)
	p.next()
	s.Path = p.parseExpr(c)
	if p.accept(As) {
		n := p.varName()
		s.Alias = &n
		p.imports = append(p.imports, n.Name)
		if p.notes != nil {
			p.notes.Imports[n.Name] = true
		}
	} else if p.notes != nil {
		p.notes.Imports[""] = true
	}
	return s
}

func (p *parser) parseExport(c context) Stmt {
	pos := p.next()
	c.pos = pos
	if p.tok.kind == Let || p.tok.kind == Const {
		return p.parseVar(p.up(c), true)
	}
	s := &ExportStmt{At: pos, Name: p.varName()}
	if p.accept(As) {
		n := p.varName()
		s.Alias = &n
	}
	if v, _ := p.find(s.Name.Name); v != nil {
		v.exported = true
	}
	return s
}

func (p *parser) parseTry(c context) Stmt {
	s := &TryStmt{At: p.tok.pos}
	c = p.upAt(c, s.At)
	p.next()
	s.Body = p.parseBlock(c)
	if !p.accept(Catch) {
		p.failMissing(Catch, "for the 'try' statement", p.tok.pos)
	}
	n := len(p.stack)
	if p.accept(LeftParen) {
		v := p.varName()
		s.Var = &v
		if !p.accept(RightParen) {
			p.failMissing(RightParen, "to enclose the catch variable", p.tok.pos)
		}
		p.noteValue(v.Name, nil)
		p.push(v.Name, false)
	}
	s.Catch = p.parseBlock(c)
	p.rewind(n)
	return s
}

// parseFn parses the definition of a function; the current token is fn or private.
func (p *parser) parseFn(c context) {
	start := p.tok.pos
	fn := &FnDef{Doc: p.tok.doc}
	if p.accept(Private) {
		fn.Private = true
	}
	if p.tok.kind != Fn {
		p.failMissing(Fn, "following 'private'", p.tok.pos)
	}
	if c.flags&inGlobal == 0 {
		p.fail(WrongFnDefinition, "Function definitions must be at global level and cannot be inside a block or another function", start)
	}
	fn.Pos = p.tok.pos
	p.countFunction(fn.Pos)
	saved := p.enter(false)
	caseExpr := p.caseExpr
	p.next()

	c = p.up(context{pos: fn.Pos, max: depthLimit(p.opts.MaxFnExprDepth, DefaultFnExprDepth), flags: inFn})
	p.parseFnName(fn)
	p.mark(markGlue)
	switch p.tok.kind {
	case LeftParen:
		p.next()
		if !p.accept(RightParen) {
			p.parseParams(fn, RightParen, "to close the parameters list of function '"+fn.Name+"'",
				"to separate the parameters of function '"+fn.Name+"'")
		}
	case UnitToken:
		p.next()
	default:
		p.fail(FnMissingParams, "Expecting parameters for function "+fn.Name, p.tok.pos)
	}
	if p.tok.kind != LeftBrace {
		p.fail(FnMissingBody, "Expecting body statement block for function "+fn.Name, p.tok.pos)
	}
	p.caseExpr = 0
	p.fnDepth++
	fn.Body = p.parseBlock(c)
	p.fnDepth--
	p.caseExpr = caseExpr
	p.leave(saved)

	key := fnKey{fn.ThisType, fn.Name, len(fn.Params)}
	if p.fns[key] {
		p.failDuplicateFn(fn)
	}
	p.fns[key] = true
	p.fnNames[fn.Name] = true
	p.functions = append(p.functions, fn)
}

// parseFnName parses `name` or `type.name`.
func (p *parser) parseFnName(fn *FnDef) {
	t := p.tok
	p.next()
	switch {
	case p.tok.kind == Period && (t.kind == Identifier || t.kind == String):
		fn.ThisType = t.text
		switch t.text {
		case "int":
			fn.ThisType = "i64"
		case "float":
			fn.ThisType = "f64"
		}
		p.next()
		t = p.tok
		p.next()
	case t.kind == String:
		p.failMissing(Period, "after the type name for 'this'", p.tok.pos)
	}
	switch {
	case t.kind == ReservedWord:
		p.failReserved(t.text, t.pos)
	case t.kind == CustomOperator && IsFunctionName(t.text):
	case t.kind != Identifier:
		p.fail(FnMissingName, "Expecting function name in function declaration", t.pos)
	}
	fn.Name, fn.NamePos = t.text, t.pos
}

func (p *parser) failDuplicateFn(fn *FnDef) {
	n := "no parameters"
	switch len(fn.Params) {
	case 0:
	case 1:
		n = "1 parameter"
	default:
		n = itoa(len(fn.Params)) + " parameters"
	}
	p.fail(FnDuplicatedDefinition, "Function "+fn.Name+" with "+n+" already exists", fn.Pos)
}
