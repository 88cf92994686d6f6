package syntax

// parsePostfix parses calls, namespaces, indexes, properties and methods after x.
func (p *parser) parsePostfix(c context, x Expr) Expr {
	chain, _ := x.(*Chain)
	for {
		switch p.tok.kind {
		case LeftBracket, QuestionBracket:
			chain = p.parseIndexes(c, x, chain)
			x = chain
		case Period, Elvis:
			// What follows a dot is a level deeper, with all the rest of the chain.
			link := Link{Optional: p.tok.kind == Elvis}
			link.Pos = p.next()
			p.checkProperty()
			c.pos = link.Pos
			c = p.up(c)
			link.Name, link.NamePos = p.tok.text, p.tok.pos
			p.parseMember(c, &link)
			if chain == nil {
				p.noteMember(x, &link)
			}
			chain = extend(chain, x, link)
			x = chain
		case LeftParen, UnitToken, Bang, DoubleColon:
			v, ok := x.(*Variable)
			if !ok {
				return x
			}
			x = p.parseAfterName(c, v)
		default:
			return x
		}
	}
}

// extend adds a link to a chain, or begins one at root.
func extend(chain *Chain, root Expr, link Link) *Chain {
	if chain == nil {
		chain = &Chain{Root: root}
	}
	chain.Links = append(chain.Links, link)
	return chain
}

// checkProperty fails if the current token cannot follow a dot.
func (p *parser) checkProperty() {
	switch p.tok.kind {
	case Identifier:
		return
	case ReservedWord:
		if _, _, method := reservedWord(p.tok.text); method {
			return
		}
		p.failReserved(p.tok.text, p.tok.pos)
	}
	p.fail(PropertyExpected, "Expecting name of a property", p.tok.pos)
}

// parseMember parses a property or method, whose name is the current token.
func (p *parser) parseMember(c context, link *Link) {
	reserved := p.tok.kind == ReservedWord
	name, pos := link.Name, p.next()
	c.pos = pos
	switch p.tok.kind {
	case LeftParen, UnitToken:
		link.Kind = LinkMethod
		link.Args = p.parseArgs(c, name)
		if name == "eval" || name == "Fn" {
			p.fail(BadInput, "'"+name+"' should not be called in method style. Try "+name+"(...);", pos)
		}
		return
	case Bang:
		p.parseBangArgs(c, name)
		p.fail(MalformedCapture, "method-call style does not support running within the caller's scope", pos)
	case DoubleColon:
		p.fail(BadInput, "Invalid symbol encountered: '::'", p.tok.pos)
	}
	if reserved {
		p.failReserved(name, pos)
	}
	link.Kind = LinkProperty
}

// parseAfterName parses a call or a namespace after the name v.
func (p *parser) parseAfterName(c context, v *Variable) Expr {
	switch p.tok.kind {
	case DoubleColon:
		p.next()
		v.Namespace = append(v.Namespace, Name{Name: v.Name, Pos: v.At})
		if word := p.tok.text; p.tok.kind == ReservedWord && (word == "print" || word == "debug") {
			// A module may have functions of these names, as in log::debug("…").
			pos := p.next()
			if p.tok.kind != LeftParen && p.tok.kind != UnitToken {
				p.failReserved(word, pos)
			}
			v.Name, v.At = word, pos
			return v
		}
		n := p.varName()
		v.Name, v.At = n.Name, n.Pos
		switch p.tok.kind {
		case LeftParen, UnitToken, Bang, DoubleColon:
		default:
			p.checkModule(v.Namespace)
			if p.notes != nil {
				p.notes.Paths = append(p.notes.Paths, Use{Name: v.Namespace[0].Name, Pos: v.Namespace[0].Pos})
			}
		}
		return v
	case Bang:
		if len(v.Namespace) > 0 {
			pos := p.next()
			if p.tok.kind == LeftParen || p.tok.kind == UnitToken {
				p.fail(BadInput, "Unexpected '!'", pos)
			}
			p.fail(BadInput, "'!' cannot be used to call module functions", pos)
		}
		c.pos = v.At
		x := &Call{At: v.At, Name: v.Name, Args: p.parseBangArgs(c, v.Name), CallerScope: true}
		p.noteCall(x)
		return x
	}
	c.pos = v.At
	x := &Call{At: v.At, Namespace: v.Namespace, Name: v.Name, Args: p.parseArgs(c, v.Name)}
	p.checkModule(v.Namespace)
	p.noteCall(x)
	return x
}

// parseBangArgs parses `!(…)`.
func (p *parser) parseBangArgs(c context, name string) []Expr {
	p.mark(markGlue)
	p.next()
	if p.tok.kind != LeftParen && p.tok.kind != UnitToken {
		p.failMissing(LeftParen, "to start arguments list of function call", p.tok.pos)
	}
	return p.parseArgs(c, name)
}

// parseArgs parses the arguments of a call; the current token is ( or ().
func (p *parser) parseArgs(c context, name string) []Expr {
	p.mark(markGlue)
	if p.tok.kind == UnitToken {
		p.next()
		return nil
	}
	p.next()
	eof := func() {
		p.failMissing(RightParen, "to close the arguments list of this function call '"+name+"'", p.tok.pos)
	}
	switch p.tok.kind {
	case EOF:
		eof()
	case RightParen:
		p.next()
		return nil
	}
	p.failLex()
	c = p.up(c)
	var args []Expr
	for {
		if p.tok.kind != RightParen {
			args = append(args, p.parseExpr(c))
		}
		switch p.tok.kind {
		case RightParen:
			p.next()
			return args
		case Comma:
			p.next()
		case EOF:
			eof()
		default:
			p.failLex()
			p.failMissing(Comma, "to separate the arguments to function call '"+name+"'", p.tok.pos)
		}
	}
}

// parseIndexes parses `[i]`, and further ones right after it, each a level deeper.
func (p *parser) parseIndexes(c context, x Expr, chain *Chain) *Chain {
	check := chain == nil
	for {
		link := Link{Kind: LinkIndex, Optional: p.tok.kind == QuestionBracket}
		p.mark(markGlue)
		link.Pos = p.next()
		c.pos = link.Pos
		c = p.up(c)
		link.Index = p.parseExpr(p.up(c))
		if check {
			p.checkIndex(x, link.Index)
			check = false
		}
		if p.tok.kind != RightBracket {
			p.failLex()
			p.failMissing(RightBracket, "for a matching [ in this index expression", p.tok.pos)
		}
		p.next()
		chain = extend(chain, x, link)
		if p.tok.kind != LeftBracket && p.tok.kind != QuestionBracket {
			return chain
		}
	}
}

// checkIndex fails if a literal is indexed by a literal of the wrong type.
func (p *parser) checkIndex(x, index Expr) {
	what := ""
	switch i := index.(type) {
	case *IntLit:
		what = "a number"
	case *FloatLit:
		what = "a float"
	case *CharLit:
		what = "a character"
	case *UnitLit:
		what = "()"
	case *BoolLit:
		what = "a boolean"
	case *Logical:
		if i.Op == DoubleQuestion {
			return
		}
		what = "a boolean"
	case *StringLit, *Interpolation:
		what = "a string"
	default:
		return
	}
	switch x.(type) {
	case *MapLit:
		if what != "a string" {
			p.fail(MalformedIndexExpr, "Object map expects string index, not "+what, index.Start())
		}
	case *IntLit, *ArrayLit, *StringLit, *Interpolation:
		switch what {
		case "a number":
		case "a string":
			p.fail(MalformedIndexExpr, "Array, string or bit-field expects numeric index, not a string", index.Start())
		default:
			p.fail(MalformedIndexExpr, "Array, string or bit-field expects integer index, not "+what, index.Start())
		}
	}
}
