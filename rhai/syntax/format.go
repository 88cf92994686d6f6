package syntax

import "strings"

// Format lays a source out in the one standard way: four spaces for each level, one statement on a line,
// single spaces, at most one empty line. It changes white space only, so the program stays the same but
// for the positions in its errors; comments and texts are kept as they are. Where an expression is broken into lines, and
// whether a short block stands on one line, is the author's choice and stays.
// Formatting what Format returned changes nothing. A source with a syntax error is refused with an *Error.
func Format(src string, opts Options) (string, error) {
	// A line break that goes away can bring what is around it on one line; the next pass sees that.
	for range 4 {
		out, err := formatOnce(src, opts)
		if err != nil || out == src {
			return out, err
		}
		src = out
	}
	return src, nil
}

func formatOnce(src string, opts Options) (string, error) {
	marks := map[Pos]mark{}
	_, err := parse(src, opts, func(p *parser, s *Script) {
		p.marks = marks
		p.parseBody(s)
	})
	if err != nil {
		return "", err
	}
	words := opts.words()
	f := &formatter{list: lexemes(src, marks, words), words: words}
	f.match()
	f.alike()
	f.frames = []frame{{kind: EOF, broken: true}}
	for i := range f.list {
		f.token(i)
	}
	return f.out.String(), nil
}

const indentation = "    "

type formatter struct {
	list   []lexeme
	words  *words
	out    strings.Builder
	broken []bool  // of an opening bracket: its contents have lines of their own
	frames []frame // the brackets that are open
	level  int     // of the current line
	params bool    // between the bars of a closure
}

// frame is an open bracket.
type frame struct {
	kind    Token
	broken  bool
	block   bool // of statements
	line    int  // level of the line that the bracket ends on when it closes
	content int  // level of what is in it
	keyword int  // 1 + level of the statement whose block is still to come, or 0
}

// match pairs brackets and decides which of them are broken into lines.
func (f *formatter) match() {
	f.broken = make([]bool, len(f.list))
	var open []int
	forced := make([]bool, len(f.list)) // brackets with lines in them
	stmts := make([]int, len(f.list))
	for i := range f.list {
		l := &f.list[i]
		if len(open) > 0 {
			at := open[len(open)-1]
			o := &f.list[at]
			if l.mark&markStmt != 0 {
				stmts[at]++
			}
			if l.breaks() > 0 {
				forced[at] = true
				if o.kind == MapStart || at == i-1 && o.kind != LeftBrace {
					f.broken[at] = true
				}
			}
		}
		switch l.kind {
		case LeftBrace, MapStart, LeftParen, LeftBracket, QuestionBracket:
			open = append(open, i)
		case RightBrace, RightParen, RightBracket:
			if len(open) == 0 {
				continue
			}
			at := open[len(open)-1]
			open = open[:len(open)-1]
			o := &f.list[at]
			o.match, l.match, l.closing = i, at, true
			if o.kind == LeftBrace {
				f.broken[at] = forced[at] || stmts[at] > 1
			}
			if at == i-1 && len(l.comments) == 0 {
				f.broken[at] = false
			}
			if len(open) > 0 && (forced[at] || f.broken[at]) && (i != at+1 || f.broken[at]) {
				forced[open[len(open)-1]] = true
			}
		}
	}
}

// alike makes the blocks of an if, or of a try, all broken if one is.
func (f *formatter) alike() {
	f.eachBranch(len(f.list)-1, -1, func(before, after int) {
		f.broken[before] = f.broken[before] || f.broken[after] && !f.empty(before)
	})
	f.eachBranch(1, 1, func(before, after int) {
		f.broken[after] = f.broken[after] || f.broken[before] && !f.empty(after)
	})
}

// eachBranch calls do for the blocks before and after each else and catch.
func (f *formatter) eachBranch(from, step int, do func(before, after int)) {
	for i := from; i > 0 && i < len(f.list); i += step {
		if k := f.list[i].kind; k != Else && k != Catch {
			continue
		}
		after := i + 1
		for f.list[after].kind != LeftBrace {
			after = max(after, f.list[after].match) + 1
		}
		do(f.list[i-1].match, after)
	}
}

// empty reports whether nothing is in the bracket at i.
func (f *formatter) empty(i int) bool {
	return f.list[i].match == i+1 && len(f.list[i+1].comments) == 0
}

func (f *formatter) top() *frame { return &f.frames[len(f.frames)-1] }

// token writes a token with what is before it.
func (f *formatter) token(i int) {
	l := &f.list[i]
	level, must, join := f.place(i)
	f.gap(i, level, must, join)
	if l.kind == EOF {
		return
	}
	if l.closing {
		f.frames = f.frames[:len(f.frames)-1]
	}
	f.out.WriteString(l.text)

	t := f.top()
	switch l.kind {
	case If, While, Until, For, Loop, Do, Switch, Fn, Try, Catch, Else:
		t.keyword = 0
		if l.mark&markTail == 0 {
			t.keyword = f.level + 1
		}
	case SemiColon, Comma, DoubleArrow:
		t.keyword = 0
	}
	switch {
	case l.mark&markClosure != 0:
		f.params = l.kind == Pipe
	case l.kind == Pipe:
		f.params = false
	}
	if l.match > i {
		n := frame{kind: l.kind, broken: f.broken[i], block: l.mark&markBlock != 0, line: f.level}
		if l.kind == LeftBrace && t.keyword > 0 {
			n.line = t.keyword - 1
			t.keyword = 0
		}
		n.content = n.line + 1
		f.frames = append(f.frames, n)
	}
}

// place tells at which level the token stands if it begins a line, whether it
// must do so, and whether it must not.
func (f *formatter) place(i int) (level int, must, join bool) {
	l, t := &f.list[i], f.top()
	var prev *lexeme
	if i > 0 {
		prev = &f.list[i-1]
	}
	level = t.content
	switch {
	case l.kind == EOF:
		return 0, true, false
	case prev == nil:
		return 0, false, true
	case l.closing:
		return t.line, t.broken, !t.broken
	case f.opens(i - 1):
		return level, t.broken, !t.broken
	case l.mark&(markStmt|markItem) != 0 && (t.block || t.kind == EOF || l.mark&markItem != 0):
		return level, t.broken, false
	case prev.kind == Comma && !f.params && t.kind != EOF && !t.block:
		return level, false, false
	case l.kind == Else, l.kind == Catch, l.mark&markTail != 0:
		return level, false, true
	}
	if t.kind == EOF || t.broken {
		level++
	}
	return level, false, f.joined(prev, l)
}

// opens reports whether token i is an opening bracket.
func (f *formatter) opens(i int) bool { return f.list[i].match > i }

// joined reports whether two tokens stay on one line.
func (f *formatter) joined(prev, l *lexeme) bool {
	switch l.kind {
	case SemiColon, Comma, DoubleArrow, Colon, DoubleColon:
		return true
	case LeftBrace:
		if l.mark&markSwitch != 0 || f.top().keyword > 0 {
			return true
		}
	case Pipe:
		if f.params {
			return true
		}
	}
	if l.mark&markGlue != 0 {
		return true
	}
	switch prev.kind {
	case Period, Elvis, DoubleColon, Fn, Private, Let, Const, Export, Import, Else, Try, Do, Loop, For, Switch, If, While, Catch:
		return true
	case Minus, Plus, Bang:
		return prev.mark&markBinary == 0
	}
	return false
}

// gap writes the comments and the white space before token i.
func (f *formatter) gap(i, level int, must, join bool) {
	l := &f.list[i]
	var prev *lexeme
	opened := i == 0
	if i > 0 {
		prev = &f.list[i-1]
		opened = f.opens(i - 1)
	}
	if len(l.comments) == 0 {
		switch {
		case i == 0:
		case must || !join && l.lines > 0:
			if l.kind == EOF {
				f.out.WriteByte('\n')
				return
			}
			f.newLine(level, l.lines > 1 && !opened && !l.closing)
		case f.spaced(prev, l, i) || f.fuses(prev, l):
			f.out.WriteByte(' ')
		}
		return
	}
	// With comments the line breaks stay where they are; a break that must be and is not comes last.
	inner := level
	if l.closing {
		inner = f.top().content
	}
	any := false
	for k := range l.comments {
		c := &l.comments[k]
		switch {
		case c.lines > 0 || k > 0 && l.comments[k-1].line:
			any = true
			f.newLine(inner, c.lines > 1 && !opened)
		case k > 0, i > 0 && prev.kind != LeftParen && prev.kind != LeftBracket:
			f.out.WriteByte(' ')
		}
		opened = false
		f.comment(c, inner)
	}
	switch {
	case l.kind == EOF:
		if !l.comments[len(l.comments)-1].open {
			f.out.WriteByte('\n')
		}
	case l.lines > 0 || l.comments[len(l.comments)-1].line, must && (!any || l.closing):
		f.newLine(level, l.lines > 1 && !l.closing)
	case l.kind != Comma && l.kind != SemiColon && l.kind != RightParen && l.kind != RightBracket:
		f.out.WriteByte(' ')
	}
}

// comment writes a comment whose line has the level. The lines of one that
// begins its line move with it; those of one behind something stay.
func (f *formatter) comment(c *comment, level int) {
	lines := strings.Split(c.text, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " \t\r\f")
		if i > 0 {
			f.out.WriteByte('\n')
			n := 0
			for n < len(line) && n < c.col && line[n] == ' ' {
				n++
			}
			line = line[n:]
			if line != "" && c.col >= 0 {
				f.out.WriteString(strings.Repeat(indentation, level))
			}
		}
		f.out.WriteString(line)
	}
}

func (f *formatter) newLine(level int, blank bool) {
	if f.out.Len() > 0 {
		f.out.WriteByte('\n')
		if blank {
			f.out.WriteByte('\n')
		}
	}
	f.level = level
	for range level {
		f.out.WriteString(indentation)
	}
}

// spaced reports whether a space stands between two tokens on one line.
func (f *formatter) spaced(prev, l *lexeme, i int) bool {
	switch l.kind {
	case RightParen, RightBracket, Comma, SemiColon, Colon:
		return false
	case Period: // 1. is a number unless a letter follows
		return prev.kind == Int && len(f.list[i+1].comments) > 0 || prev.kind == Float && strings.HasSuffix(prev.text, ".")
	case Elvis, DoubleColon:
		return false
	case ExclusiveRange, InclusiveRange:
		if endsOperand(prev) {
			return prev.kind == Float && strings.HasSuffix(prev.text, ".")
		}
	case RightBrace:
		return prev.match != i
	case Pipe:
		if f.params {
			return prev.mark&markClosure != 0
		}
	}
	if l.mark&markGlue != 0 {
		return false
	}
	switch prev.kind {
	case LeftParen, LeftBracket, QuestionBracket, Period, Elvis, DoubleColon:
		return false
	case ExclusiveRange, InclusiveRange:
		return l.kind == LeftBrace || l.kind == DoubleArrow
	case Pipe:
		if prev.mark&markClosure != 0 {
			return false
		}
	case Bang:
		return false
	case Minus, Plus:
		if prev.mark&markBinary == 0 {
			switch l.kind {
			case Minus, Plus:
				return true
			case Int, Float: // -1 may be one token, which binds tighter
				return prev.kind == Minus || l.text[0] == '-'
			}
			return false
		}
	}
	return true
}

// symbolBytes are what symbols consist of, brackets, commas and semicolons excepted.
const symbolBytes = "!#$%&*+-./:<=>?@\\^|~"

// fuses reports whether two symbols without a space between them would be read
// in another way: `.. ..` is not `....`.
func (f *formatter) fuses(prev, l *lexeme) bool {
	if l.text == "" || strings.IndexByte(symbolBytes, prev.text[len(prev.text)-1]) < 0 || strings.IndexByte(symbolBytes, l.text[0]) < 0 {
		return false
	}
	var s scanner
	s.init(prev.text + l.text)
	s.words = f.words
	var t token
	s.next(&t)
	return s.off != len(prev.text)
}

// endsOperand reports whether an operand can end with the token.
func endsOperand(l *lexeme) bool {
	switch l.kind {
	case Int, Float, Char, String, Identifier, ReservedWord, True, False, UnitToken, RightParen, RightBracket, RightBrace:
		return true
	}
	return false
}
