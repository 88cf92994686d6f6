package syntax

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Defaults of [Options].
const (
	DefaultExprDepth   = 64
	DefaultFnExprDepth = 32
	DefaultSourceSize  = 16 << 20
	maxDepth           = 2000 // what a parser, a compiler or a printer can recurse on
)

// Options limit what Parse accepts. The zero value means the defaults.
type Options struct {
	// MaxExprDepth bounds the nesting of statements and expressions outside
	// of functions, MaxFnExprDepth inside. A chain of n operators nests n deep
	// and a pair of parentheses 2 deep. 0 means the default of the reference
	// (64 and 32); values over 2,000, and negative ones, mean 2,000.
	MaxExprDepth, MaxFnExprDepth int
	// MaxSourceSize bounds the source in bytes. 0 means 16 MiB, a negative
	// value no limit.
	MaxSourceSize int
	// MaxFunctions bounds the number of functions and closures. 0 means no limit.
	MaxFunctions int
	// Language changes what may be written.
	Language
	// Known reports, for Language.Strict, whether a variable exists outside the source, and Module whether
	// a module does; nil means that none does.
	Known, Module func(name string) bool
	// MaxStringLen (bytes), MaxArrayLen and MaxMapLen bound literals. 0 means no limit.
	MaxStringLen, MaxArrayLen, MaxMapLen int
}

// Parse parses the source of a script. An error is always an *Error; the first
// one ends the parse.
func Parse(src string, opts Options) (*Script, error) {
	return parse(src, opts, (*parser).parseBody)
}

// ParseExpr parses a source that is a single expression without blocks of
// statements and loops. The expression is the only statement of the result.
func ParseExpr(src string, opts Options) (*Script, error) {
	return parse(src, opts, (*parser).parseLoneExpr)
}

// ParseJSON parses a JSON text as Rhai's parse_json does: as an expression in
// which `{` begins a map, null is (), and keys are quoted. Comments, trailing
// commas and any other expression are let through; the caller checks that the
// value is a map.
func ParseJSON(src string, opts Options) (*Script, error) {
	return parse(src, opts, func(p *parser, s *Script) {
		p.scan.json = true
		p.parseLoneExpr(s)
	})
}

func parse(src string, opts Options, f func(*parser, *Script)) (s *Script, err error) {
	limit := opts.MaxSourceSize
	if limit == 0 {
		limit = DefaultSourceSize
	}
	if limit > 0 && len(src) > limit {
		return nil, &Error{Kind: SourceTooLarge, Msg: fmt.Sprintf("Source of %d bytes exceeds the maximum limit (%d)", len(src), limit)}
	}
	if !utf8.ValidString(src) {
		return nil, invalidUTF8(src)
	}
	p := &parser{opts: opts, vars: map[string]int32{}, fns: map[fnKey]bool{}, fnNames: map[string]bool{}}
	p.scan.init(src)
	p.scan.words = opts.words()
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bailout)
			if !ok {
				panic(r)
			}
			if !p.scan.json {
				b.err.src, b.err.words, b.err.closure = src, p.scan.words, p.state.closure
			}
			s, err = nil, b.err
		}
	}()
	s = &Script{}
	f(p, s)
	s.Functions = p.functions
	s.Closures = p.closures
	s.Doc = p.scan.moduleDoc.String()
	s.End = p.tok.pos
	return s, nil
}

func invalidUTF8(src string) *Error {
	pos := Pos{Line: 1, Col: 1}
	for len(src) > 0 {
		r, w := utf8.DecodeRuneInString(src)
		if r == utf8.RuneError && w == 1 {
			break
		}
		pos.Col++
		if r == '\n' {
			pos = Pos{Line: pos.Line + 1, Col: 1}
		}
		src = src[w:]
	}
	return &Error{Kind: BadInput, Msg: "Source is not valid UTF-8", Pos: pos}
}

// depthLimit normalises an expression depth of Options.
func depthLimit(n, def int) uint16 {
	switch {
	case n == 0:
		return uint16(def)
	case n < 0 || n > maxDepth:
		return maxDepth
	}
	return uint16(n)
}

// bailout carries the first error to Parse.
type bailout struct{ err *Error }

type parser struct {
	scan      scanner
	tok       token
	consumed  int // tokens consumed
	opts      Options
	functions []*FnDef
	fns       map[fnKey]bool
	fnNames   map[string]bool
	closures  int

	// The variables that are visible at this point, innermost last.
	stack []variable
	vars  map[string]int32 // 1 + index of the innermost variable of a name
	state fnState

	notes    *Notes       // what a check wants to know, nil for others
	defining []string     // with notes: the variables whose values are being parsed
	selfUses map[Pos]bool // with notes: where closures in these values mention them
	guesses  int          // with notes: how often a variable of a similar name was looked for
	fnDepth  int          // > 0 within the definition of a function
	imports  []string     // names of imported modules, with Options.Strict
	marks    map[Pos]mark // what the formatter wants to know, nil for others

	caseExpr int // > 0 within the values of a switch case: `|` ends an expression
	inCase   int // the same, also within their closures
	loneExpr bool
}

type fnKey struct {
	this, name string
	arity      int
}

// context is what a construct hands down to its parts.
type context struct {
	pos   Pos // blamed when the nesting gets too deep
	level uint16
	max   uint16
	flags uint8
}

const (
	inGlobal uint8 = 1 << iota // directly at the top of the script
	inFn                       // `this` may be used
	inLoop                     // `break` may be used
	inExpr                     // blocks hold one expression
)

// up returns a context one level deeper, or fails.
func (p *parser) up(c context) context {
	if c.level >= c.max {
		p.fail(ExprTooDeep, "Expression exceeds maximum complexity", c.pos)
	}
	c.level++
	return c
}

// upAt returns a context one level deeper that blames pos.
func (p *parser) upAt(c context, pos Pos) context {
	c = p.up(c)
	c.pos = pos
	return c
}

func (p *parser) fail(kind ErrorKind, msg string, pos Pos) {
	if p.inCase > 0 {
		kind, msg = ExprExpected, "Expecting literal expression"
	}
	panic(bailout{&Error{Kind: kind, Msg: msg, Pos: pos}})
}

func (p *parser) failMissing(t Token, why string, pos Pos) {
	p.fail(MissingToken, "Expecting '"+t.String()+"' "+why, pos)
}

// failLex fails if the current token is a lexical error.
func (p *parser) failLex() {
	if p.tok.kind == illegal {
		p.fail(p.tok.err.Kind, p.tok.err.Msg, p.tok.pos)
	}
}

func (p *parser) failReserved(s string, pos Pos) {
	what := "symbol"
	if IsIdentifier(s) {
		what = "keyword"
	}
	p.fail(Reserved, "'"+s+"' is a reserved "+what, pos)
}

func (p *parser) failUnexpected() {
	p.failLex()
	p.fail(BadInput, "Unexpected '"+p.tok.display()+"'", p.tok.pos)
}

// display is the token as an error names it.
func (t *token) display() string {
	switch t.kind {
	case Int:
		return strconv.FormatInt(t.int, 10)
	case Float:
		return strconv.FormatFloat(t.float, 'g', -1, 64)
	case Char:
		return string(t.char)
	case String:
		return `"` + t.text + `"`
	case Identifier, ReservedWord, CustomOperator:
		return t.text
	}
	return t.kind.String()
}

// next consumes the current token and returns its place.
func (p *parser) next() Pos {
	pos := p.tok.pos
	p.consumed++
	p.scan.next(&p.tok)
	if p.opts.MaxStringLen > 0 && (p.tok.kind == String || p.tok.kind == InterpolatedString) {
		p.checkString()
	}
	return pos
}

func (p *parser) checkString() {
	if len(p.tok.text) > p.opts.MaxStringLen {
		p.tok.kind = illegal
		p.tok.err = &Error{Kind: LiteralTooLarge, Msg: "Length of string exceeds the maximum limit (" + strconv.Itoa(p.opts.MaxStringLen) + ")"}
	}
}

// accept consumes the current token if it is k.
func (p *parser) accept(k Token) bool {
	if p.tok.kind == k {
		p.next()
		return true
	}
	return false
}

// expect consumes k or fails with "Expecting 'k' why".
func (p *parser) expect(k Token, why string) Pos {
	if p.tok.kind != k {
		p.failLex()
		p.failMissing(k, why, p.tok.pos)
	}
	return p.next()
}

// varName consumes the name of a variable.
func (p *parser) varName() Name {
	switch p.tok.kind {
	case Identifier:
		n := Name{Name: p.tok.text}
		n.Pos = p.next()
		return n
	case ReservedWord:
		if IsIdentifier(p.tok.text) {
			p.failReserved(p.tok.text, p.tok.pos)
		}
	}
	p.failLex()
	p.fail(VariableExpected, "Expecting name of a variable", p.tok.pos)
	return Name{}
}

// parseBody parses a whole script.
func (p *parser) parseBody(s *Script) {
	p.next()
	c := context{pos: Pos{Line: 1}, max: depthLimit(p.opts.MaxExprDepth, DefaultExprDepth), flags: inGlobal}
	for p.tok.kind != EOF {
		p.markStmt()
		stmt := p.parseStmt(c)
		if stmt == nil {
			continue
		}
		s.Body = append(s.Body, stmt)
		p.endStmt(stmt)
	}
}

// endStmt consumes the semicolon after a statement that needs one.
func (p *parser) endStmt(stmt Stmt) {
	switch {
	case p.tok.kind == SemiColon:
		p.next()
	case selfTerminated(stmt) || p.tok.kind == EOF:
	default:
		p.failLex()
		p.failMissing(SemiColon, "to terminate this statement", p.tok.pos)
	}
}

// selfTerminated reports whether a statement needs no semicolon after it.
func selfTerminated(s Stmt) bool {
	switch s.(type) {
	case *IfStmt, *SwitchStmt, *WhileStmt, *ForStmt, *Block, *TryStmt:
		return true
	}
	return false
}

func (p *parser) parseLoneExpr(s *Script) {
	p.loneExpr = true
	p.next()
	c := context{pos: Pos{Line: 1}, max: depthLimit(p.opts.MaxExprDepth, DefaultExprDepth), flags: inGlobal | inExpr}
	x := p.parseExpr(c)
	if p.tok.kind != EOF {
		p.failUnexpected()
	}
	s.Body = []Stmt{&ExprStmt{X: x}}
}
