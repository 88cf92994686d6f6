package syntax

import "strconv"

// parseExpr parses an expression.
func (p *parser) parseExpr(c context) Expr {
	c.pos = p.tok.pos
	c = p.up(c)
	return p.parseBinary(c, 1, p.parseUnary(c))
}

// parseUnary parses an operand with its signs.
func (p *parser) parseUnary(c context) Expr {
	c.pos = p.tok.pos
	switch p.tok.kind {
	case Minus:
		pos := p.next()
		switch x := p.parseUnary(p.up(c)).(type) {
		case *IntLit:
			if x.Value == -x.Value && x.Value != 0 {
				return &FloatLit{At: pos, Value: -float64(x.Value)}
			}
			return &IntLit{At: pos, Value: -x.Value}
		case *FloatLit:
			return &FloatLit{At: pos, Value: -x.Value}
		default:
			return &Unary{At: pos, Op: Minus, X: x}
		}
	case Plus:
		pos := p.next()
		switch x := p.parseUnary(p.up(c)).(type) {
		case *IntLit, *FloatLit:
			return x
		default:
			return &Unary{At: pos, Op: Plus, X: x}
		}
	case Bang:
		pos := p.next()
		return &Unary{At: pos, Op: Bang, X: p.parseUnary(p.up(c))}
	case Pipe:
		if p.caseExpr > 0 {
			p.failUnexpected()
		}
	}
	return p.parsePrimary(c)
}

// operator returns the precedence of the current token, 0 if it is no binary
// operator, and fails on a reserved symbol.
func (p *parser) operator() uint8 {
	if p.tok.kind == ReservedWord && !IsIdentifier(p.tok.text) {
		p.fail(UnknownOperator, "Unknown operator: '"+p.tok.text+"'", p.tok.pos)
	}
	if p.tok.kind == CustomOperator {
		return p.opts.Operators[p.tok.text]
	}
	return p.tok.kind.precedence()
}

// parseBinary parses the operators after x that bind tighter than parent.
func (p *parser) parseBinary(c context, parent uint8, x Expr) Expr {
	c.pos = x.Pos()
	for {
		op := p.tok.kind
		if op == Pipe && p.caseExpr > 0 {
			return x
		}
		prec := p.operator()
		if prec < parent || prec == parent && op != PowerOf {
			return x
		}
		p.mark(markBinary)
		name := p.tok.text
		pos := p.next()
		y := p.parseRight(c, op)
		next := p.operator()
		if prec == next && op == PowerOf || prec < next {
			y = p.parseBinary(p.up(c), prec, y)
		}
		c = p.upAt(c, pos)

		switch op {
		case And, Or:
			p.checkBool(x)
			p.checkBool(y)
			fallthrough
		case DoubleQuestion:
			at := pos
			if l, ok := x.(*Logical); ok && l.Op == op {
				at = l.At // the reference keeps a run of one operator as one node
			}
			x = &Logical{At: at, Op: op, X: x, Y: y}
		case CustomOperator:
			x = &Call{At: pos, Name: name, Args: []Expr{x, y}}
		default:
			x = &Binary{At: pos, Op: op, X: x, Y: y}
		}
	}
}

// parseRight parses the right operand of op, its tighter operators excluded.
func (p *parser) parseRight(c context, op Token) Expr {
	switch op {
	case DoubleQuestion:
		switch p.tok.kind {
		case Break, Continue, Return, Throw:
			return &StmtExpr{Stmt: p.parseStmt(c)}
		}
	case ExclusiveRange, InclusiveRange:
		switch p.tok.kind {
		case RightBracket, RightParen, RightBrace, Comma, SemiColon, DoubleArrow:
			return &UnitLit{At: p.tok.pos}
		}
	}
	return p.parseUnary(c)
}

// checkBool fails if x can never be a bool.
func (p *parser) checkBool(x Expr) Expr {
	if t := literalKind(x); t != "" && t != "a boolean" {
		p.fail(MismatchedType, "Expecting a boolean expression, not "+t, x.Start())
	}
	return x
}

// literalKind names the type of a literal in errors, or is "".
func literalKind(x Expr) string {
	switch x := x.(type) {
	case *UnitLit:
		return "()"
	case *BoolLit:
		return "a boolean"
	case *IntLit:
		return "a number"
	case *FloatLit:
		return "a floating-point number"
	case *CharLit:
		return "a character"
	case *StringLit, *Interpolation:
		return "a string"
	case *ArrayLit:
		return "an array"
	case *MapLit:
		return "an object map"
	case *Closure:
		if len(x.Captures) == 0 {
			return "Fn"
		}
	}
	return ""
}

// parsePrimary parses an operand and the chain after it.
func (p *parser) parsePrimary(c context) Expr {
	pos := p.tok.pos
	c.pos = pos
	var x Expr
	switch p.tok.kind {
	case EOF:
		p.fail(UnexpectedEOF, "Script is incomplete", pos)
	case UnitToken:
		p.next()
		x = &UnitLit{At: pos}
	case Int:
		x = &IntLit{At: pos, Value: p.tok.int}
		p.next()
	case Float:
		x = &FloatLit{At: pos, Value: p.tok.float}
		p.next()
	case Char:
		x = &CharLit{At: pos, Value: p.tok.char}
		p.next()
	case String:
		x = &StringLit{At: pos, Value: p.tok.text}
		p.next()
	case True, False:
		x = &BoolLit{At: pos, Value: p.tok.kind == True}
		p.next()
	case ExclusiveRange, InclusiveRange:
		x = &IntLit{At: pos}
	case LeftParen:
		p.next()
		x = p.parseExpr(p.up(c))
		p.expect(RightParen, "for a matching ( in this expression")
	case LeftBrace:
		if p.loneExpr || p.opts.NoStmtExpr {
			p.failUnexpected()
		}
		x = &StmtExpr{Stmt: p.parseBlock(p.up(c))}
	case If:
		if p.opts.NoIfExpr {
			p.failUnexpected()
		}
		x = &StmtExpr{Stmt: p.parseIf(p.up(c))}
	case Switch:
		if p.opts.NoSwitchExpr {
			p.failUnexpected()
		}
		x = &StmtExpr{Stmt: p.parseSwitch(p.up(c))}
	case While, Loop, Do, For:
		if p.loneExpr || p.opts.NoLoopExpr || p.opts.NoLooping {
			p.failUnexpected()
		}
		x = &StmtExpr{Stmt: p.parseLoop(p.up(c))}
	case Pipe, Or:
		if p.opts.NoClosures {
			p.failUnexpected()
		}
		x = p.parseClosure(c)
	case InterpolatedString:
		x = p.parseInterpolation(c)
	case LeftBracket:
		x = p.parseArray(p.up(c))
	case MapStart:
		x = p.parseMap(p.up(c))
	case Identifier:
		x = p.parseName()
	case ReservedWord:
		x = p.parseReserved(c)
	default:
		p.failUnexpected()
	}
	return p.parsePostfix(c, x)
}

// parseName parses the first name of a variable or call.
func (p *parser) parseName() Expr {
	x := &Variable{At: p.tok.pos, Name: p.tok.text}
	p.next()
	switch p.tok.kind {
	case LeftParen, UnitToken, Bang, DoubleColon:
	default:
		p.mention(x.Name, x.At)
	}
	return x
}

// parseReserved parses `this`, or a reserved name that may be called.
func (p *parser) parseReserved(c context) Expr {
	name := p.tok.text
	pos := p.next()
	switch p.tok.kind {
	case LeftParen, UnitToken, Bang:
		if _, callable, _ := reservedWord(name); callable {
			return &Variable{At: pos, Name: name}
		}
	}
	if name != "this" {
		p.failReserved(name, pos)
	}
	if c.flags&inFn == 0 {
		p.fail(BadInput, "'this' can only be used in functions", pos)
	}
	return &This{At: pos}
}

// parseInterpolation parses a back-quoted string that holds ${…}.
func (p *parser) parseInterpolation(c context) Expr {
	x := &Interpolation{At: p.tok.pos}
	c = p.up(c)
	text := func() {
		if p.tok.text != "" {
			x.Segments = append(x.Segments, &StringLit{At: p.tok.pos, Value: p.tok.text})
		}
	}
	text()
	p.next()
	for {
		b := p.parseBlockThen(c, p.nextText)
		x.Segments = append(x.Segments, &StmtExpr{Stmt: b})
		p.failLex()
		text()
		last := p.tok.kind == String
		p.next()
		if last {
			return x
		}
	}
}

// nextText consumes the } that ends an interpolation and scans on in the string.
func (p *parser) nextText() {
	p.consumed++
	p.scan.nextText(&p.tok)
	if p.opts.MaxStringLen > 0 {
		p.checkString()
	}
}

func (p *parser) parseArray(c context) Expr {
	const why = "to end this array literal"
	x := &ArrayLit{}
	x.At = p.next()
	c.pos = x.At
	for {
		if p.opts.MaxArrayLen > 0 && len(x.Items) >= p.opts.MaxArrayLen {
			p.fail(LiteralTooLarge, "Size of array literal exceeds the maximum limit ("+strconv.Itoa(p.opts.MaxArrayLen)+")", p.tok.pos)
		}
		switch p.tok.kind {
		case RightBracket:
			p.next()
			return x
		case EOF:
			p.failMissing(RightBracket, why, p.tok.pos)
		}
		x.Items = append(x.Items, p.parseExpr(p.up(c)))
		switch p.tok.kind {
		case Comma:
			p.next()
		case RightBracket:
		case EOF:
			p.failMissing(RightBracket, why, p.tok.pos)
		default:
			p.failLex()
			p.failMissing(Comma, "to separate the items of this array literal", p.tok.pos)
		}
	}
}

func (p *parser) parseMap(c context) Expr {
	const why = "to end this object map literal"
	x := &MapLit{}
	x.At = p.next()
	c.pos = x.At
	var seen map[string]bool
	for {
		pos := p.tok.pos
		key := p.tok.text
		switch p.tok.kind {
		case RightBrace:
			p.next()
			return x
		case EOF:
			p.failMissing(RightBrace, why, pos)
		case Identifier, String:
			if p.scan.json && p.tok.kind == Identifier {
				p.fail(PropertyExpected, "Expecting name of a property", pos)
			}
			if p.duplicateKey(x, key, &seen) {
				p.fail(DuplicatedProperty, "Duplicated property for object map literal: "+key, pos)
			}
		case InterpolatedString:
			p.fail(PropertyExpected, "Expecting name of a property", pos)
		case ReservedWord:
			if IsIdentifier(key) {
				p.failReserved(key, pos)
			}
			fallthrough
		default:
			p.failLex()
			if len(x.Entries) == 0 {
				p.failMissing(RightBrace, why, pos)
			}
			p.fail(PropertyExpected, "Expecting name of a property", pos)
		}
		p.next()
		if p.tok.kind != Colon {
			p.failLex()
			p.failMissing(Colon, "to follow the property '"+key+"' in this object map literal", p.tok.pos)
		}
		p.next()
		if p.opts.MaxMapLen > 0 && len(x.Entries) >= p.opts.MaxMapLen {
			p.fail(LiteralTooLarge, "Number of properties in object map literal exceeds the maximum limit ("+strconv.Itoa(p.opts.MaxMapLen)+")", p.tok.pos)
		}
		value := p.parseExpr(p.up(c))
		x.Entries = append(x.Entries, MapEntry{Key: Name{Name: key, Pos: pos}, Value: value})
		switch p.tok.kind {
		case Comma:
			p.next()
		case RightBrace:
		case Identifier:
			p.failMissing(Comma, "to separate the items of this object map literal", p.tok.pos)
		default:
			p.failLex()
			p.failMissing(RightBrace, why, p.tok.pos)
		}
	}
}

// duplicateKey reports whether m has the key, with a set once m is large.
func (p *parser) duplicateKey(m *MapLit, key string, seen *map[string]bool) bool {
	if *seen == nil {
		for i := range m.Entries {
			if m.Entries[i].Key.Name == key {
				return true
			}
		}
		if len(m.Entries) < 16 {
			return false
		}
		*seen = make(map[string]bool)
		for i := range m.Entries {
			(*seen)[m.Entries[i].Key.Name] = true
		}
	}
	if (*seen)[key] {
		return true
	}
	(*seen)[key] = true
	return false
}

// parseClosure parses an anonymous function.
func (p *parser) parseClosure(c context) Expr {
	pos := p.tok.pos
	p.countFunction(pos)
	p.closures++
	saved := p.enter(true)
	caseExpr := p.caseExpr
	fn := &FnDef{Pos: pos, NamePos: pos, Closure: true, Name: closureName(pos)}
	p.mark(markClosure)

	if p.tok.kind == Or {
		p.next()
	} else {
		p.next()
		if !p.accept(Pipe) {
			p.parseParams(fn, Pipe, "to close the parameters list of anonymous function or closure",
				"to separate the parameters of anonymous function")
		}
	}
	p.caseExpr = 0
	c.flags = inFn | c.flags&inExpr
	fn.Body = asBlock(p.parseStmt(p.up(c)), p.tok.pos)
	p.caseExpr = caseExpr

	captures := p.state.names
	p.leave(saved)
	for _, v := range captures {
		p.mention(v.Name, v.Pos)
	}
	if p.notes != nil {
		p.notes.Closures = append(p.notes.Closures, fn)
	}
	return &Closure{Fn: fn, Captures: captures}
}

// closureName makes the name of a closure from its place, so that names differ
// within a source and stay the same when it is parsed again.
func closureName(pos Pos) string {
	x := uint64(pos.Line)<<32 | uint64(pos.Col)
	// The finalizer of splitmix64, which is a bijection.
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	const digits = "0123456789abcdef"
	name := [21]byte{'a', 'n', 'o', 'n', '$'}
	for i := len(name) - 1; i >= 5; i-- {
		name[i] = digits[x&15]
		x >>= 4
	}
	return string(name[:])
}

// asBlock makes a block of a statement; nil is an empty one.
func asBlock(s Stmt, pos Pos) *Block {
	switch s := s.(type) {
	case nil:
		return &Block{At: pos, End: pos}
	case *Block:
		return s
	}
	return &Block{At: s.Pos(), Stmts: []Stmt{s}}
}

// parseParams parses parameters and the token that closes their list.
func (p *parser) parseParams(fn *FnDef, closing Token, closeWhy, commaWhy string) {
	var seen map[string]bool
	title := fn.Name
	if fn.Closure {
		title = ""
	}
	for {
		pos := p.tok.pos
		switch {
		case p.tok.kind == closing:
			p.next()
			return
		case p.tok.kind == Identifier:
			name := p.tok.text
			duplicate := seen[name]
			if seen == nil {
				for i := range fn.Params {
					duplicate = duplicate || fn.Params[i].Name == name
				}
				if len(fn.Params) == 16 {
					seen = map[string]bool{}
					for i := range fn.Params {
						seen[fn.Params[i].Name] = true
					}
				}
			}
			if duplicate {
				p.fail(FnDuplicatedParam, "Duplicated parameter "+name+" for function "+title, pos)
			}
			if seen != nil {
				seen[name] = true
			}
			p.push(name, false)
			p.noteValue(name, nil)
			fn.Params = append(fn.Params, Name{Name: name, Pos: pos})
			p.next()
		case p.tok.kind == ReservedWord:
			p.failReserved(p.tok.text, pos)
		case standardKeyword[p.tok.kind]:
			p.fail(VariableExpected, "Expecting name of a variable", pos)
		default:
			p.failLex()
			p.failMissing(closing, closeWhy, pos)
		}
		if p.tok.kind == closing {
			p.next()
			return
		}
		p.expect(Comma, commaWhy)
	}
}

// countFunction fails when there are too many functions and closures.
func (p *parser) countFunction(pos Pos) {
	if p.opts.MaxFunctions > 0 && len(p.functions)+p.closures >= p.opts.MaxFunctions {
		p.fail(TooManyFunctions, "Number of functions defined exceeds maximum limit", pos)
	}
}
