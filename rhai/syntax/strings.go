package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const unterminated = "Open string is not terminated"

// scanQuoted scans a string or character whose quote is term, from the current
// offset. pos is the place of the opening quote. With text it continues a
// back-quoted string after an interpolation, and the token's place is that of
// its first character.
//
// Back-quoted strings know no escapes but \${, span lines and interpolate;
// double-quoted ones may continue on the next line after a backslash.
func (s *scanner) scanQuoted(t *token, term byte, pos Pos, text bool) {
	verbatim := term == '`'
	startCol := int(pos.Col)
	src := s.src
	from := s.off // start of the piece that is not in buf yet
	var buf []byte
	cut := func(end int) { // the piece ends; the next begins wherever from is set
		buf = append(buf, src[from:end]...)
	}
	end := 0
	first := Pos{}
	skip := 0 // on a continued line, white space left of this column is dropped
	kind := String
	if term == '\'' {
		kind = Char
	}
	fail := func(msg string, p Pos) { s.illegal(t, msg, p) }

loop:
	for {
		if s.off >= len(src) {
			p := pos
			if text {
				p = first
			}
			fail(unterminated, p)
			return
		}
		c := src[s.off]
		if verbatim {
			if c == '$' && s.at(s.off+1) == '{' {
				kind = InterpolatedString
				end = s.off
				s.off++
				break loop
			}
			if c == '\\' && s.at(s.off+1) == '$' && s.at(s.off+2) == '{' {
				cut(s.off)
				s.off++
				from = s.off
				s.adj++
				if first == (Pos{}) {
					first = s.posAt(s.off)
				}
				s.off++
				continue
			}
		}
		if c == term {
			if s.at(s.off+1) != term {
				end = s.off
				s.off++
				break loop
			}
			// Doubled: one quote.
			cut(s.off)
			s.off++
			from = s.off
			if first == (Pos{}) {
				first = s.posAt(s.off)
			}
			s.off++
			skip = 0
			continue
		}
		if first == (Pos{}) {
			first = s.posAt(s.off)
		}
		switch {
		case c == '\r' && s.at(s.off+1) == '\n':
			cut(s.off)
			s.off++
			from = s.off
		case c == '\n':
			if !verbatim {
				fail(unterminated, pos)
				return
			}
			s.off++
			s.newLine()
		case c == '\\' && !verbatim:
			cut(s.off)
			s.off++
			if s.off >= len(src) {
				fail(unterminated, pos)
				return
			}
			e := src[s.off]
			escPos := s.posAt(s.off)
			switch e {
			case 'n', 'r', 't', '\\', term:
				b := e
				switch e {
				case 'n':
					b = '\n'
				case 'r':
					b = '\r'
				case 't':
					b = '\t'
				}
				buf = append(buf, b)
				s.off++
				from = s.off
			case 'x', 'u', 'U':
				r, ok := s.hexEscape(t, e)
				if !ok {
					return
				}
				buf = utf8.AppendRune(buf, r)
				from = s.off
			case '\r', '\n':
				if e == '\r' && s.at(s.off+1) == '\n' {
					s.off++
				}
				if src[s.off] == '\n' {
					if term == '\'' {
						fail(unterminated, pos)
						return
					}
					s.off++
					s.newLine()
					from = s.off
					skip = startCol + 1
					break
				}
				fallthrough
			default:
				r, _ := utf8.DecodeRuneInString(src[s.off:])
				fail("Invalid escape sequence: '\\"+string(r)+"'", escPos)
				return
			}
		case skip > 0:
			r, w := utf8.DecodeRuneInString(src[s.off:])
			if unicode.IsSpace(r) && int(s.posAt(s.off).Col) < skip {
				cut(s.off)
				s.off += w
				s.adj += w - 1
				from = s.off
			} else {
				skip = 0
			}
		default:
			s.off++
			if c >= utf8.RuneSelf && !utf8.RuneStart(c) {
				s.adj++
			}
		}
	}
	t.pos = pos
	if text {
		t.pos = first
	}
	value := src[from:end]
	if len(buf) > 0 {
		value = string(append(buf, value...))
	}
	if kind == Char {
		r, w := utf8.DecodeRuneInString(value)
		if w != len(value) {
			fail("Invalid character: '"+value+"'", pos)
			return
		}
		t.char = r
	}
	t.kind, t.text = kind, value
}

// hexEscape scans \xNN, \uNNNN or \UNNNNNNNN; off is at the letter.
func (s *scanner) hexEscape(t *token, letter byte) (rune, bool) {
	n := 2
	switch letter {
	case 'u':
		n = 4
	case 'U':
		n = 8
	}
	seq := []byte{'\\', letter}
	bad := func(off int) (rune, bool) {
		s.illegal(t, "Invalid escape sequence: '"+string(seq)+"'", s.posAt(off))
		return 0, false
	}
	s.off++
	var v uint32
	for range n {
		if s.off >= len(s.src) {
			return bad(s.off - 1)
		}
		c := s.src[s.off]
		var d byte
		switch {
		case isDigit(c):
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		default:
			r, w := utf8.DecodeRuneInString(s.src[s.off:])
			seq = utf8.AppendRune(seq, r)
			at := s.off
			s.off += w
			return bad(at)
		}
		seq = append(seq, c)
		v = v*16 + uint32(d)
		s.off++
	}
	if v > unicode.MaxRune || v >= 0xD800 && v < 0xE000 {
		return bad(s.off - 1)
	}
	return rune(v), true
}

// scanRaw scans #"…"# with any number of #; off is at the first.
func (s *scanner) scanRaw(t *token, pos Pos) {
	start := s.off
	for s.at(s.off) == '#' {
		s.off++
	}
	hashes := s.src[start:s.off]
	if s.off >= len(s.src) {
		s.illegal(t, unterminated, pos)
		return
	}
	if s.src[s.off] != '"' {
		r, w := utf8.DecodeRuneInString(s.src[s.off:])
		s.off += w
		s.illegal(t, "Unexpected '"+string(r)+"'", pos)
		return
	}
	s.off++
	from := s.off
	end := strings.Index(s.src[from:], `"`+hashes)
	if end < 0 {
		s.off = len(s.src)
		s.illegal(t, unterminated, pos)
		return
	}
	end += from
	for s.off < end {
		c := s.src[s.off]
		s.off++
		if c == '\n' {
			s.newLine()
		} else if !utf8.RuneStart(c) {
			s.adj++
		}
	}
	s.off = end + 1 + len(hashes)
	t.kind, t.text, t.pos = String, s.src[from:end], pos
}
