package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is what the scanner found last.
type token struct {
	kind  Token
	pos   Pos
	text  string // name, string contents or reserved symbol
	int   int64
	float float64
	char  rune
	err   *Error // kind illegal
	doc   string // doc-comments right before a Fn or Private token
}

// scanner cuts a valid UTF-8 source into tokens. Columns count characters: the
// byte offset in the line less adj, the bytes of the line that do not count.
type scanner struct {
	src       string
	off       int
	line      uint32
	lineStart int
	white     int // for the formatter: where the white space ends that a line begins with
	adj       int
	noUnary   bool   // the last token ends an operand: + and - are operators
	json      bool   // translate the tokens of a JSON text
	words     *words // what is different in the language, nil if nothing is
	doc       strings.Builder
	moduleDoc strings.Builder
}

func (s *scanner) init(src string) {
	s.src = src
	s.line = 1
}

// posAt is the position of the byte at off, which is on the current line.
func (s *scanner) posAt(off int) Pos {
	return Pos{Line: s.line, Col: uint32(off - s.lineStart - s.adj + 1)}
}

// newLine starts a line at the current offset.
func (s *scanner) newLine() {
	s.line++
	s.lineStart = s.off
	s.adj = 0
}

func (s *scanner) at(i int) byte {
	if i < len(s.src) {
		return s.src[i]
	}
	return 0
}

const (
	classOther = iota
	classSpace
	classNewLine
	classLetter // letters and _
	classDigit
)

var byteClass = func() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = classLetter, classLetter
	}
	t['_'] = classLetter
	for c := '0'; c <= '9'; c++ {
		t[c] = classDigit
	}
	t[' '], t['\t'], t['\r'], t['\f'], t['\n'] = classSpace, classSpace, classSpace, classSpace, classNewLine
	return t
}()

func isLetter(b byte) bool   { return b != '_' && byteClass[b] == classLetter }
func isDigit(b byte) bool    { return byteClass[b] == classDigit }
func isNameByte(b byte) bool { return byteClass[b] >= classLetter }

// next scans the next token into t.
func (s *scanner) next(t *token) {
	s.scan(t)
	if s.json {
		jsonToken(t)
	}
	s.noUnary = !beforeUnary[t.kind]
	if s.words != nil {
		s.words.change(t)
	}
}

// nextText continues a back-quoted string after the } of an interpolation.
func (s *scanner) nextText(t *token) {
	s.scanQuoted(t, '`', Pos{}, true)
	s.noUnary = !beforeUnary[t.kind]
}

func (s *scanner) scan(t *token) {
	if s.doc.Len() > 0 {
		s.doc.Reset()
	}
	src := s.src
	for {
		if s.off >= len(src) {
			t.kind = EOF
			t.pos = s.posAt(len(src))
			return
		}
		c := src[s.off]
		switch byteClass[c] {
		case classSpace:
			s.off++
			continue
		case classNewLine:
			s.off++
			s.newLine()
			continue
		case classLetter:
			s.scanName(t)
			return
		case classDigit:
			s.scanNumber(t, s.off, s.posAt(s.off), false)
			return
		}
		if c == '/' {
			switch s.at(s.off + 1) {
			case '/':
				s.lineComment()
				continue
			case '*':
				s.blockComment()
				continue
			}
		}
		s.scanSymbol(t, c)
		return
	}
}

func (s *scanner) scanName(t *token) {
	start := s.off
	i := start + 1
	for i < len(s.src) && isNameByte(s.src[i]) {
		i++
	}
	s.off = i
	name := s.src[start:i]
	t.pos = s.posAt(start)
	t.text = name
	if len(name) <= 10 {
		if k := keyword(name); k != 0 {
			t.kind = k
			if k == Fn || k == Private {
				t.doc = s.doc.String()
			}
			return
		}
		if reserved, _, _ := reservedWord(name); reserved {
			t.kind = ReservedWord
			return
		}
	}
	if name[0] == '_' && !IsIdentifier(name) {
		s.illegal(t, "Variable name is not proper: '"+name+"'", t.pos)
		return
	}
	t.kind = Identifier
}

func (s *scanner) illegal(t *token, msg string, pos Pos) {
	t.kind = illegal
	t.pos = pos
	t.err = &Error{Kind: BadInput, Msg: msg, Pos: pos}
}

// scanNumber scans the number whose first digit is at off; pos is its place, or
// that of the minus sign before it.
func (s *scanner) scanNumber(t *token, start int, pos Pos, negative bool) {
	src := s.src
	i := start + 1
	radix := 0
	separated := false
	fraction := false
	exponent := false
	suffix := "" // ".0" for a trailing period
loop:
	for i < len(src) {
		c := src[i]
		switch {
		case c == '_':
			separated = true
			i++
		case radix == 0 && isDigit(c),
			radix == 16 && (isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'),
			radix == 8 && c >= '0' && c <= '7',
			radix == 2 && (c == '0' || c == '1'):
			i++
		case c == '.' && !fraction && radix == 0:
			n := s.at(i + 1)
			switch {
			case isDigit(n):
				fraction = true
				i++
			case i+1 >= len(src) || n == '_' || n == '.' || isLetter(n):
				break loop
			default:
				// A period that no digit follows: 5. is 5.0.
				fraction = true
				i++
				suffix = "0"
				break loop
			}
		case (c == 'e' || c == 'E') && !exponent && radix == 0:
			n := s.at(i + 1)
			switch {
			case isDigit(n):
				i++
			case n == '+' || n == '-':
				i += 2
			default:
				break loop
			}
			exponent, fraction = true, true
		case radix == 0 && src[start] == '0' && digitsBefore(src[start:i]) && radixOf(c) != 0:
			radix = radixOf(c)
			i++
		default:
			break loop
		}
	}
	s.off = i
	text := src[start:i]
	if separated {
		text = strings.ReplaceAll(text, "_", "")
	}
	text += suffix
	t.pos = pos
	if radix != 0 {
		// A sign before 0x is not understood, as in the reference: the text
		// after two characters is "x10".
		digits := text[2:]
		if negative {
			s.illegal(t, "Invalid number: '"+text[1:]+"'", pos)
			return
		}
		v, err := strconv.ParseUint(digits, radix, 64)
		if err != nil {
			s.illegal(t, "Invalid number: '"+digits+"'", pos)
			return
		}
		t.kind, t.int = Int, int64(v)
		return
	}
	if negative {
		text = "-" + text
	}
	if !fraction {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			t.kind, t.int = Int, v
			return
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && err.(*strconv.NumError).Err != strconv.ErrRange {
		s.illegal(t, "Invalid number: '"+strings.ReplaceAll(text, "E", "e")+"'", pos) // as the reference writes it
		return
	}
	t.kind, t.float = Float, v
}

// digitsBefore reports whether text is a single digit apart from separators.
func digitsBefore(text string) bool {
	for i := 1; i < len(text); i++ {
		if text[i] != '_' {
			return false
		}
	}
	return true
}

func radixOf(c byte) int {
	switch c {
	case 'x', 'X':
		return 16
	case 'o', 'O':
		return 8
	case 'b', 'B':
		return 2
	}
	return 0
}

// lineComment skips a // comment; off is at its first slash.
func (s *scanner) lineComment() {
	start := s.off
	i := start + 2
	for i < len(s.src) && s.src[i] != '\n' && s.src[i] != '\r' {
		i++
	}
	text := s.src[start:i]
	if i < len(s.src) {
		if s.src[i] == '\r' && s.at(i+1) == '\n' {
			i++
		}
		i++
		s.off = i
		s.newLine()
	} else {
		s.off = i
		for j := 0; j < len(text); j++ {
			if !utf8.RuneStart(text[j]) {
				s.adj++
			}
		}
	}
	switch {
	case strings.HasPrefix(text, "//!"):
		if s.moduleDoc.Len() > 0 {
			s.moduleDoc.WriteByte('\n')
		}
		s.moduleDoc.WriteString(text)
	case strings.HasPrefix(text, "///") && !strings.HasPrefix(text, "////"):
		s.addDoc(text)
	}
}

// blockComment skips a /* comment, nested ones included; off is at its slash. It reports whether the comment ends.
func (s *scanner) blockComment() bool {
	start := s.off
	col := int(s.posAt(start).Col)
	s.off += 2
	level := 1
	for level > 0 && s.off < len(s.src) {
		c := s.src[s.off]
		s.off++
		switch {
		case c == '/' && s.at(s.off) == '*':
			s.off++
			level++
		case c == '*' && s.at(s.off) == '/':
			s.off++
			level--
		case c == '\n':
			s.newLine()
		case !utf8.RuneStart(c):
			s.adj++
		}
	}
	text := s.src[start:s.off]
	if strings.HasPrefix(text, "/**") && !strings.HasPrefix(text, "/***") && len(text) > 4 {
		s.addDoc(unindent(text, col-1))
	}
	return level == 0
}

func (s *scanner) addDoc(text string) {
	if s.doc.Len() > 0 {
		s.doc.WriteByte('\n')
	}
	s.doc.WriteString(text)
}

// unindent takes at most n spaces from the lines after the first, as many as all of them have.
func unindent(text string, n int) string {
	if n == 0 || !strings.Contains(text, "\n") {
		return text
	}
	lines := strings.Split(text, "\n")
	for _, l := range lines[1:] {
		n = min(n, len(l)-len(strings.TrimLeft(l, " ")))
	}
	for i := 1; i < len(lines); i++ {
		lines[i] = lines[i][n:]
	}
	return strings.Join(lines, "\n")
}

// jsonToken turns what JSON writes differently into Rhai's tokens.
func jsonToken(t *token) {
	switch t.kind {
	case ReservedWord:
		if t.text == "null" {
			t.kind = UnitToken
		}
	case LeftBrace:
		t.kind = MapStart
	case UnitToken, MapStart:
		improper(t, t.kind.String())
	case InterpolatedString:
		improper(t, "interpolated string")
	}
}

func improper(t *token, symbol string) {
	t.kind = illegal
	t.err = &Error{Kind: BadInput, Msg: "Invalid symbol encountered: '" + symbol + "'", Pos: t.pos}
}
