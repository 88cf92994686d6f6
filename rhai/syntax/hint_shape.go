package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text knows what goes wrong within a text or with a single character.
func (h *hinter) text() string {
	msg := h.err.Msg
	switch {
	case msg == "Open string is not terminated":
		if h.i < len(h.list) {
			switch h.src[h.at(0).off] {
			case '"':
				return "a text between double quotes ends on its line; between backticks it can go on"
			case '\'':
				return hintTexts
			}
		}
	case msg == "Invalid character: ''":
		return `a text without characters is written ""`
	case strings.HasPrefix(msg, "Invalid character: '"):
		return hintTexts
	case strings.HasPrefix(msg, "Invalid escape sequence: '"):
		return `a backslash begins an escape: write \\ for itself, or the text between backticks, where it has no meaning`
	case strings.HasPrefix(msg, "Unexpected '"):
		r, _ := utf8.DecodeRuneInString(msg[len("Unexpected '"):])
		if r < utf8.RuneSelf || h.at(0).kind != illegal {
			return ""
		}
		switch {
		case strings.ContainsRune("“”„‘’‚«»", r):
			return "texts stand between straight quotes: \"…\""
		case r == 0xfeff:
			return "this is a byte order mark (U+FEFF), which cannot be seen: save the text without it"
		case unicode.IsSpace(r) || r == 0x200b:
			return fmt.Sprintf("this is a special space (U+%04X): write an ordinary one", r)
		case r == '–' || r == '—' || r == '−':
			return "this is a dash: the minus sign is -"
		case r == '≠':
			return "write !="
		case r == '≤':
			return "write <="
		case r == '≥':
			return "write >="
		case unicode.IsLetter(r):
			return "names consist of the letters a to z and A to Z, digits and _"
		}
	}
	return ""
}

// loop knows the loops of other languages.
func (h *hinter) loop() string {
	t := h.at(0)
	counting := h.at(-1).kind == For || h.at(-1).kind == LeftParen && h.at(-2).kind == For
	switch {
	case counting && (t.kind == Let || t.kind == Const || t.text == "var"):
		return hintFor
	case counting && t.kind == SemiColon:
		return "an endless loop is written loop { … }"
	case strings.HasPrefix(h.err.Msg, "Expecting an iterable value, not a number") && t.kind == Int:
		return "a range counts: 0.." + t.text
	case strings.Contains(h.err.Msg, "after the iteration variable"):
		switch {
		case t.kind == Assign, t.kind == Identifier && h.at(1).kind == Assign:
			return hintFor
		case t.kind == In && h.at(-2).kind == LeftParen:
			return "it is written without parentheses: for x in list { … }"
		case t.kind == Identifier && t.text == "of":
			return hintEach
		case t.kind == Comma:
			return "two variables stand in parentheses: for (item, index) in list { … }"
		}
	}
	return ""
}

// symbol knows operators that others have.
func (h *hinter) symbol() string {
	t, before, next := h.at(0), h.at(-1), h.at(1)
	adjacent := func(a, b *hintToken) bool { return a.off+len(a.text) == b.off }
	if t.kind == ReservedWord {
		switch t.text {
		case "++", "--":
			op := "x " + t.text[:1] + "= 1"
			if (before.kind == Identifier || before.kind == RightBracket) && adjacent(before, t) || next.kind == Identifier && adjacent(t, next) {
				return "write " + op
			}
		case "#":
			if next.kind != LeftBracket || next.newLine {
				return "comments begin with //"
			}
		case "#!":
			if t.pos == (Pos{Line: 1, Col: 1}) {
				return "the first line is for a shell: leave it out here"
			}
		case "$":
			switch {
			case (next.kind == String || next.kind == InterpolatedString || next.kind == illegal) && adjacent(t, next):
				return hintBackticks
			case next.kind == Identifier && adjacent(t, next):
				return "names are written without $"
			}
		case "?":
			for n := 1; ; n++ {
				switch x := h.at(n); {
				case x.kind == Colon:
					return "there is no ?: operator; if is an expression: if a { b } else { c }"
				case x.kind == EOF || x.kind == SemiColon || x.newLine:
					return ""
				}
			}
		case "...":
			if bracket, _ := h.inside(); bracket.kind == LeftBracket || bracket.kind == MapStart {
				return "arrays are joined with +, and so are object maps: a + b"
			}
		}
		return ""
	}
	switch {
	case t.kind == illegal && strings.HasPrefix(h.src[t.off:], "->"):
		if h.statement(Fn) {
			return "functions declare no type of their result: fn f(a) { … }"
		}
	case t.kind == DoubleArrow && h.err.Kind == MissingToken:
		if h.statement(If, While) {
			return ">= compares"
		}
		return hintClosure
	case t.kind == Greater && before.kind == Less && adjacent(before, t):
		return "values that differ are found by !="
	case t.kind == Less && before.kind == Assign && adjacent(before, t):
		return "write <="
	case t.kind == Assign && before.kind == DoubleQuestion && adjacent(before, t):
		return "write x = x ?? y"
	case t.kind == Period && next.kind == Int && adjacent(t, next) && h.err.Kind == BadInput:
		return "a number begins with a digit: 0." + next.text
	case t.kind == String && before.kind == Period:
		return "texts are joined with +"
	case t.kind == Multiply && before.kind == Import:
		return hintImport
	}
	return ""
}

// colon knows what other languages write with one.
func (h *hinter) colon() string {
	if h.at(0).kind != Colon {
		return ""
	}
	bracket, _ := h.inside()
	before := h.at(-1).kind
	switch {
	case strings.HasPrefix(h.err.Msg, "Expecting '=>'"):
		return "an arm of switch is written 1 => …,"
	case before == Identifier && (h.at(-2).kind == Let || h.at(-2).kind == Const):
		return hintNoTypes
	case strings.Contains(h.err.Msg, "to separate the parameters"):
		return hintNoTypes
	case strings.Contains(h.err.Msg, "to separate the arguments") && before == Identifier && bracket.kind == LeftParen &&
		(h.at(-2) == bracket || h.at(-2).kind == Comma):
		return "arguments have no names: pass them in order, or an object map #{ a: 1 }"
	case (before == Identifier || before == String) && h.at(-2).kind == LeftBrace && h.at(-2) == bracket:
		switch h.at(-3).kind {
		case Assign, LeftParen, Comma, Return, LeftBracket, Colon, Throw, DoubleArrow, DoubleQuestion:
			return hintMap
		}
	}
	return ""
}

// assign knows = where it does not assign.
func (h *hinter) assign() string {
	if strings.HasPrefix(h.err.Msg, "Possibly a typo of '=='") {
		return hintCompare
	}
	if h.at(0).kind != Assign || h.err.Kind != MissingToken {
		return ""
	}
	bracket, callee := h.inside()
	switch {
	case strings.Contains(h.err.Msg, "to follow the property"):
		return hintMap
	case strings.Contains(h.err.Msg, "to separate the parameters"):
		return "parameters have no default values: define fn f(a) besides fn f(a, b)"
	case h.statement(If, While, Until):
		return hintCompare
	case strings.Contains(h.err.Msg, "to separate the arguments") && h.at(-1).kind == Identifier && callee.kind == Identifier &&
		(h.at(-2) == bracket || h.at(-2).kind == Comma):
		return "arguments have no names: pass them in order, or an object map #{ a: 1 }"
	case h.statement(Assign) && bracket.kind != LeftParen && bracket.kind != LeftBracket:
		return "an assignment has no value: give each its own statement"
	}
	return ""
}

// kind knows what the error says by itself.
func (h *hinter) kind() string {
	t := h.at(0)
	switch h.err.Kind {
	case AssignmentToConstant:
		if h.err.Msg == "Cannot assign to a constant value" {
			return "left of = stands a variable, a property or an element; == compares"
		}
		return "a constant keeps its value: define it with let instead of const"
	case VariableUndefined:
		return "define it with let before it is used; functions do not see the variables outside of them"
	case LoopBreak:
		if h.err.closure {
			return "a closure is a function of its own, which return ends; to leave a loop early write it with for"
		}
	case WrongFnDefinition:
		return "move it to the top level of the script, or define a closure: let f = |x| x + 1;"
	case FnMissingBody:
		if t.kind != EOF {
			return hintBraces
		}
	case FnMissingParams:
		return "parentheses are needed without parameters, too: fn f() { … }"
	case VariableExpected:
		if k := h.at(-1).kind; (k == Let || k == Const) && (t.kind == LeftParen || t.kind == LeftBracket || t.kind == LeftBrace || t.kind == MapStart) {
			return "let defines one variable: take values apart one by one"
		}
	}
	return ""
}

// bracket knows what is open, or closed once too often, at the error.
func (h *hinter) bracket() string {
	t := h.at(0)
	bracket, _ := h.inside()
	switch t.kind {
	case EOF:
		if h.i >= len(h.list) {
			return ""
		}
		if h.comment.IsValid() {
			return fmt.Sprintf("the comment that begins in line %d does not end", h.comment.Line)
		}
		return h.unclosed()
	case RightBrace, RightParen, RightBracket:
		switch {
		case bracket.kind == EOF:
			return "nothing is open here: this " + t.text + " is one too many, or its partner is missing"
		case closing(bracket.kind) != t.text:
			return h.stillOpen(bracket)
		}
	case SemiColon, Let, Const, Fn, While, For, Loop, Return, Throw, Import, Export:
		if (bracket.kind == LeftParen || bracket.kind == LeftBracket) && (t.kind == SemiColon || t.newLine) {
			return h.stillOpen(bracket)
		}
	}
	return ""
}

func closing(k Token) string {
	switch k {
	case LeftParen:
		return ")"
	case LeftBracket, QuestionBracket:
		return "]"
	}
	return "}"
}

func (h *hinter) stillOpen(t *hintToken) string {
	return "the " + t.text + " at " + t.pos.String() + " is still open here"
}

// unclosed names a bracket that is open at the end of the source, and the one that by the indentation lacks its partner.
func (h *hinter) unclosed() string {
	if len(h.open) == 0 {
		return ""
	}
	t := &h.list[h.open[len(h.open)-1]]
	text := "the " + t.text + " at " + t.pos.String() + " is not closed"
	var stack []int
	for i := range h.list[:h.i] {
		switch h.list[i].kind {
		case LeftBrace, MapStart, LeftParen, LeftBracket, QuestionBracket:
			stack = append(stack, i)
		case RightBrace, RightParen, RightBracket:
			if len(stack) == 0 {
				return text
			}
			o := &h.list[stack[len(stack)-1]]
			stack = stack[:len(stack)-1]
			c := &h.list[i]
			if c.newLine && o.pos.Line < c.pos.Line && h.indentation(c) < h.indentation(o) {
				return text + "; by the indentation, it is the one at " + o.pos.String() + " that lacks its " + c.text
			}
		}
	}
	return text
}

// indentation is the white space at the beginning of a token's line, in bytes.
func (h *hinter) indentation(t *hintToken) int {
	line := h.src[strings.LastIndexByte(h.src[:t.off], '\n')+1:]
	return len(line) - len(strings.TrimLeft(line, " \t"))
}

// body reports whether what begins with the error's token can be the body of an if or a loop without its braces.
func (h *hinter) body() bool {
	t := h.at(0)
	if !h.operand(0) && !IsKeyword(t.text) && (t.kind != ReservedWord || !IsIdentifier(t.text)) {
		return t.kind == Colon || t.newLine
	}
	for n := 0; n == 0 || !h.at(n).newLine; n++ {
		switch h.at(n).kind {
		case LeftBrace: // the body is there: something is missing before it
			return false
		case SemiColon, EOF:
			return true
		}
	}
	return true
}

// end knows what is missing at the end of a statement or before a block.
func (h *hinter) end() string {
	t := h.at(0)
	switch {
	case h.err.Kind != MissingToken || t.kind == EOF:
	case strings.HasPrefix(h.err.Msg, "Expecting '{' to start a statement block"):
		if h.body() {
			return hintBraces
		}
	case strings.HasPrefix(h.err.Msg, "Expecting ';'"):
		switch t.kind {
		case Let, Const, If, While, For, Loop, Do, Switch, Return, Throw, Try, Import, Export, Fn, Private, Break, Continue:
		case Identifier:
			if !t.newLine {
				return ""
			}
		default:
			return ""
		}
		return "the statement before it lacks its semicolon"
	}
	return ""
}
