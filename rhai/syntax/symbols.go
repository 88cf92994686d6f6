package syntax

import "unicode/utf8"

// scanSymbol scans a token that begins with neither a letter nor a digit; c is its first byte.
func (s *scanner) scanSymbol(t *token, c byte) {
	pos := s.posAt(s.off)
	t.pos = pos
	n := s.at(s.off + 1)
	start := s.off

	// take consumes w bytes as token k.
	take := func(k Token, w int) {
		t.kind = k
		s.off = start + w
	}
	reserved := func(text string) {
		s.off = start + len(text)
		s.reservedSymbol(t, text)
	}
	// orAssign takes the operator k of width w, or its assignment if = follows.
	orAssign := func(k, assign Token, w int) {
		if s.at(start+w) == '=' {
			take(assign, w+1)
		} else {
			take(k, w)
		}
	}

	switch c {
	case '"', '\'':
		s.off++
		if c == '\'' && n == '\'' {
			s.off++
			s.illegal(t, "Invalid character: ''", pos)
			return
		}
		s.scanQuoted(t, c, pos, false)
	case '`':
		s.off++
		switch n {
		case '\r':
			s.off++
			if s.at(s.off) == '\n' {
				s.off++
			}
			s.newLine()
		case '\n':
			s.off++
			s.newLine()
		}
		s.scanQuoted(t, '`', pos, false)
	case '{':
		take(LeftBrace, 1)
	case '}':
		take(RightBrace, 1)
	case '(':
		switch n {
		case ')':
			take(UnitToken, 2)
		case '*':
			reserved("(*")
		default:
			take(LeftParen, 1)
		}
	case ')':
		take(RightParen, 1)
	case '[':
		take(LeftBracket, 1)
	case ']':
		take(RightBracket, 1)
	case ';':
		take(SemiColon, 1)
	case ',':
		take(Comma, 1)
	case '#':
		switch n {
		case '"', '#':
			s.scanRaw(t, pos)
		case '{':
			take(MapStart, 2)
		case '!':
			s.off++
			s.reservedSymbol(t, "#!")
		case ' ':
			if s.at(start+2) == '{' {
				reserved("# {")
			} else {
				s.off += 2
				s.reservedSymbol(t, "#")
			}
		default:
			reserved("#")
		}
	case '+':
		if n == '+' {
			reserved("++")
		} else {
			orAssign(Plus, PlusAssign, 1)
		}
	case '-':
		switch {
		case isDigit(n) && !s.noUnary:
			s.off++
			s.scanNumber(t, s.off, pos, true)
		case n == '>':
			reserved("->")
		case n == '-':
			reserved("--")
		default:
			orAssign(Minus, MinusAssign, 1)
		}
	case '*':
		switch n {
		case ')':
			reserved("*)")
		case '*':
			orAssign(PowerOf, PowerOfAssign, 2)
		default:
			orAssign(Multiply, MultiplyAssign, 1)
		}
	case '/':
		orAssign(Divide, DivideAssign, 1)
	case '%':
		orAssign(Modulo, ModuloAssign, 1)
	case '^':
		orAssign(XOr, XOrAssign, 1)
	case '.':
		switch {
		case n != '.':
			take(Period, 1)
		case s.at(start+2) == '.':
			reserved("...")
		case s.at(start+2) == '=':
			take(InclusiveRange, 3)
		default:
			take(ExclusiveRange, 2)
		}
	case '=':
		switch {
		case n == '=' && s.at(start+2) == '=':
			reserved("===")
		case n == '=':
			take(Equal, 2)
		case n == '>':
			take(DoubleArrow, 2)
		default:
			take(Assign, 1)
		}
	case ':':
		switch {
		case n == ':' && s.at(start+2) == '<':
			reserved("::<")
		case n == ':':
			take(DoubleColon, 2)
		case n == '=':
			reserved(":=")
		case n == ';':
			reserved(":;")
		default:
			take(Colon, 1)
		}
	case '<':
		switch n {
		case '=':
			take(LessEqual, 2)
		case '-':
			reserved("<-")
		case '<':
			orAssign(LeftShift, LeftShiftAssign, 2)
		case '|':
			reserved("<|")
		default:
			take(Less, 1)
		}
	case '>':
		switch n {
		case '=':
			take(GreaterEqual, 2)
		case '>':
			orAssign(RightShift, RightShiftAssign, 2)
		default:
			take(Greater, 1)
		}
	case '!':
		switch {
		case n == 'i' && s.at(start+2) == 'n' && !isNameByte(s.at(start+3)):
			take(NotIn, 3)
		case n == '=' && s.at(start+2) == '=':
			reserved("!==")
		case n == '=':
			take(NotEqual, 2)
		case n == '.':
			reserved("!.")
		default:
			take(Bang, 1)
		}
	case '|':
		switch n {
		case '|':
			take(Or, 2)
		case '=':
			take(OrAssign, 2)
		case '>':
			reserved("|>")
		default:
			take(Pipe, 1)
		}
	case '&':
		switch n {
		case '&':
			take(And, 2)
		case '=':
			take(AndAssign, 2)
		default:
			take(Ampersand, 1)
		}
	case '?':
		switch n {
		case '.':
			take(Elvis, 2)
		case '?':
			take(DoubleQuestion, 2)
		case '[':
			take(QuestionBracket, 2)
		default:
			reserved("?")
		}
	case '~':
		reserved("~")
	case '@':
		reserved("@")
	case '$':
		reserved("$")
	default:
		r, w := utf8.DecodeRuneInString(s.src[s.off:])
		s.off += w
		s.adj += w - 1
		s.illegal(t, "Unexpected '"+string(r)+"'", pos)
	}
}

// reservedSymbol makes t a reserved symbol, or the error that explains the
// symbol to users of other languages.
func (s *scanner) reservedSymbol(t *token, text string) {
	hint := ""
	if s.words != nil && s.words.operators[text] > 0 {
		t.kind, t.text = ReservedWord, text
		return
	}
	switch text {
	case "===":
		hint = "'===' is not a valid operator. This is not JavaScript! Should it be '=='?"
	case "!==":
		hint = "'!==' is not a valid operator. This is not JavaScript! Should it be '!='?"
	case "->":
		hint = "'->' is not a valid symbol. This is not C or C++!"
	case "<-":
		hint = "'<-' is not a valid symbol. This is not Go! Should it be '<='?"
	case ":=":
		hint = "':=' is not a valid assignment operator. This is not Go or Pascal! Should it be simply '='?"
	case ":;":
		hint = "':;' is not a valid symbol. Should it be '::'?"
	case "::<":
		hint = "'::<>' is not a valid symbol. This is not Rust! Should it be '::'?"
	case "(*", "*)":
		hint = "'(* .. *)' is not a valid comment format. This is not Pascal! Should it be '/* .. */'?"
	case "# {":
		hint = "'#' is not a valid symbol. Should it be '#{'?"
	}
	if hint != "" {
		s.illegal(t, hint, t.pos)
		return
	}
	t.kind, t.text = ReservedWord, text
}
