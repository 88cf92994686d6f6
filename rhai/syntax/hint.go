package syntax

import (
	"slices"
	"strings"
)

// hinter looks for what may help after a parse error: mostly habits that people bring along from other languages. It
// judges by tokens, so that what stands in texts and comments does not count. Where it is not sure it says nothing.
type hinter struct {
	src     string
	err     *Error
	list    []hintToken
	i       int   // of the token that the error is at; len(list) if it is none of them
	open    []int // the brackets that are open before it
	comment Pos   // of a comment that does not end
}

// hintToken is a token with its place in the source.
type hintToken struct {
	kind    Token
	text    string
	pos     Pos
	off     int
	newLine bool // it is the first of its line
}

// Hint returns what may help where the mistake is a common one, or "". It is one line without a full stop.
func (e *Error) Hint() string {
	switch e.Kind {
	case ExprTooDeep, TooManyFunctions, LiteralTooLarge, SourceTooLarge:
		return ""
	}
	if !e.Pos.IsValid() || e.src == "" {
		return ""
	}
	h := hinter{src: e.src, err: e}
	if !h.read() {
		return ""
	}
	for _, rule := range hintRules {
		if s := rule(&h); s != "" {
			return s
		}
	}
	return ""
}

// The bounds of what Hint reads: bytes before the error's token, and tokens from there on.
const (
	hintReach = 256 << 10
	hintAhead = 200
)

// hintRules are asked in order; what is sure by a few tokens comes before what is sure by the message only. They are set
// by init since a rule may ask for a parse.
var hintRules []func(*hinter) string

func init() {
	hintRules = []func(*hinter) string{
		(*hinter).text, (*hinter).loop, (*hinter).reserved, (*hinter).symbol, (*hinter).word, (*hinter).wordBefore,
		(*hinter).colon, (*hinter).assign, (*hinter).kind, (*hinter).bracket, (*hinter).end,
	}
}

// read cuts the source into tokens up to some after the error's. It returns false if the error is too far away.
func (h *hinter) read() bool {
	var s scanner
	s.init(h.src)
	s.words = h.err.words
	var nested []int // the braces that are open in each interpolation
	h.i = -1
	for {
		var l lexeme
		s.gap(&l)
		for k := range l.comments {
			if c := &l.comments[k]; c.open {
				off := len(strings.TrimRight(h.src, " \t\r\n\f")) - len(c.text)
				h.comment = Pos{Line: uint32(1 + strings.Count(h.src[:off], "\n"))}
			}
		}
		t := token{}
		off := s.off
		s.next(&t)
		n, text := len(h.list), h.src[off:s.off]
		if t.kind == ReservedWord {
			text = t.text
		}
		h.list = append(h.list, hintToken{kind: t.kind, text: text, pos: t.pos, off: off, newLine: n > 0 && l.breaks() > 0})
		if t.pos == h.err.Pos && h.i < 0 {
			h.i = n
		}
		if h.i < 0 && off > hintReach || h.i >= 0 && n > h.i+hintAhead {
			break
		}
		switch t.kind {
		case InterpolatedString:
			nested = append(nested, 0)
		case LeftBrace, MapStart:
			if len(nested) > 0 {
				nested[len(nested)-1]++
			}
		case RightBrace:
			if len(nested) == 0 {
				break
			}
			if nested[len(nested)-1]--; nested[len(nested)-1] == 0 {
				s.nextText(&t)
				if t.kind == String {
					nested = nested[:len(nested)-1]
				}
			}
		}
		if t.kind == EOF || t.kind == illegal {
			break
		}
	}
	if h.i < 0 {
		h.i = len(h.list)
		if s.off > hintReach {
			return false
		}
	}
	for i := range h.list[:min(h.i, len(h.list))] {
		switch h.list[i].kind {
		case LeftBrace, MapStart, LeftParen, LeftBracket, QuestionBracket:
			h.open = append(h.open, i)
		case RightBrace, RightParen, RightBracket:
			if len(h.open) > 0 {
				h.open = h.open[:len(h.open)-1]
			}
		}
	}
	return true
}

var noToken = hintToken{kind: EOF}

// at is the token n places from the error's; beyond the ends it is one of kind EOF.
func (h *hinter) at(n int) *hintToken {
	if i := h.i + n; i >= 0 && i < len(h.list) {
		return &h.list[i]
	}
	return &noToken
}

// name is the text of the token n places from the error's if it is an identifier, or "".
func (h *hinter) name(n int) string {
	if t := h.at(n); t.kind == Identifier {
		return t.text
	}
	return ""
}

// inside is the innermost bracket that is open, or a token of kind EOF; before is the one before it.
func (h *hinter) inside() (bracket, before *hintToken) {
	if len(h.open) == 0 {
		return &noToken, &noToken
	}
	i := h.open[len(h.open)-1]
	if i == 0 {
		return &h.list[i], &noToken
	}
	return &h.list[i], &h.list[i-1]
}

// statement reports whether one of the tokens is before the error's in its statement, outside of brackets that are closed.
func (h *hinter) statement(kinds ...Token) bool {
	depth := 0
	for n := -1; ; n-- {
		t := h.at(n)
		switch t.kind {
		case EOF, SemiColon:
			return false
		case RightBrace:
			if depth == 0 && h.at(n+1).newLine {
				return false
			}
			depth++
		case RightParen, RightBracket:
			depth++
		case LeftParen, LeftBracket, QuestionBracket, MapStart:
			depth = max(0, depth-1)
		case LeftBrace:
			if depth == 0 {
				return false
			}
			depth--
		default:
			if depth == 0 && slices.Contains(kinds, t.kind) {
				return true
			}
		}
	}
}

// begins reports whether the token n places away is the first of a statement.
func (h *hinter) begins(n int) bool {
	switch h.at(n - 1).kind {
	case EOF, SemiColon, LeftBrace, RightBrace:
		return true
	}
	return false
}

// operand reports whether an operand can begin with the token n places away.
func (h *hinter) operand(n int) bool {
	switch h.at(n).kind {
	case Int, Float, Char, String, InterpolatedString, Identifier, True, False, LeftParen, LeftBracket, MapStart, Bang, UnitToken:
		return true
	}
	return false
}

// ends reports whether an operand can end with the token n places away.
func (h *hinter) ends(n int) bool {
	switch h.at(n).kind {
	case Int, Float, Char, String, InterpolatedString, Identifier, True, False, RightParen, RightBracket, RightBrace, UnitToken:
		return true
	}
	return false
}

// opener is the index of the bracket that the token at index i closes, or -1.
func (h *hinter) opener(i int) int {
	depth := 0
	for ; i >= 0; i-- {
		switch h.list[i].kind {
		case RightBrace, RightParen, RightBracket:
			depth++
		case LeftBrace, MapStart, LeftParen, LeftBracket, QuestionBracket:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
