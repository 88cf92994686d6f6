package syntax

import "strings"

// lexeme is a token as it stands in the source, with the comments before it.
type lexeme struct {
	kind     Token
	mark     mark
	text     string // of an interpolated string: all of it
	comments []comment
	lines    int // line breaks after the last comment, or after the token before
	match    int // of a bracket: the index of its partner, else -1
	closing  bool
}

// comment is a comment between two tokens.
type comment struct {
	text  string
	lines int // line breaks before it
	col   int // characters before it on its line; -1: not only white space
	line  bool
	open  bool // a block comment that the source ends in
}

// breaks is the number of line breaks between the token before and this one, comments included.
func (l *lexeme) breaks() int {
	n := l.lines
	for i := range l.comments {
		n += l.comments[i].lines + strings.Count(l.comments[i].text, "\n")
	}
	return n
}

// lexemes cuts a source that is known to be right into tokens. The last one is EOF.
func lexemes(src string, marks map[Pos]mark, words *words) []lexeme {
	var s scanner
	s.init(src)
	s.words = words
	var list []lexeme
	for {
		var l lexeme
		s.gap(&l)
		start := s.off
		var t token
		s.next(&t)
		if t.kind == InterpolatedString {
			s.skipInterpolation(&t)
		}
		l.kind, l.mark, l.text, l.match = t.kind, marks[t.pos], src[start:s.off], -1
		if t.kind == InterpolatedString {
			l.kind = String
		}
		if n := len(list); t.kind == RightParen && n > 0 && list[n-1].kind == LeftParen && len(l.comments) == 0 {
			list[n-1].kind, list[n-1].text = UnitToken, "()" // of a call: ( ) is the same
			continue
		}
		list = append(list, l)
		if t.kind == EOF || t.kind == illegal {
			return list
		}
	}
}

// gap consumes white space and comments before the next token.
func (s *scanner) gap(l *lexeme) {
	lines := 0
	for s.off < len(s.src) {
		c := s.src[s.off]
		switch {
		case byteClass[c] == classNewLine:
			lines++
			s.off++
			s.newLine()
			continue
		case byteClass[c] == classSpace:
			s.off++
			continue
		case c != '/' || s.at(s.off+1) != '/' && s.at(s.off+1) != '*':
			l.lines = lines
			return
		}
		start := s.off
		k := comment{lines: lines, col: s.indentOf(start), line: s.at(s.off+1) == '/'}
		lines = 0
		if k.line {
			s.lineComment()
			k.text = strings.TrimRight(s.src[start:s.off], " \t\r\n\f")
			if s.off > 0 && s.lineStart == s.off {
				lines = 1
			}
		} else {
			k.open = !s.blockComment()
			k.text = s.src[start:s.off]
			if k.open {
				k.text = strings.TrimRight(k.text, " \t\r\n\f")
			}
		}
		l.comments = append(l.comments, k)
	}
	l.lines = lines
}

// indentOf is the number of characters before an offset on its line, -1 if one
// of them is not white space.
func (s *scanner) indentOf(off int) int {
	if s.white < s.lineStart || s.white == 0 { // each line is measured once, however many comments it has
		s.white = s.lineStart
		for s.white < len(s.src) && byteClass[s.src[s.white]] == classSpace {
			s.white++
		}
	}
	if s.white < off {
		return -1
	}
	return int(s.posAt(off).Col) - 1
}

// skipInterpolation goes on to the end of a back-quoted string.
func (s *scanner) skipInterpolation(t *token) {
	pos := t.pos
	for t.kind == InterpolatedString {
		depth := 0
		for {
			s.scan(t)
			s.noUnary = !beforeUnary[t.kind]
			switch t.kind {
			case LeftBrace, MapStart:
				depth++
			case RightBrace:
				depth--
			case InterpolatedString:
				s.skipInterpolation(t)
				s.noUnary = true
			case EOF, illegal:
				return
			}
			if depth == 0 {
				break
			}
		}
		s.nextText(t)
	}
	t.kind, t.pos = InterpolatedString, pos
}
