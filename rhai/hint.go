package rhai

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai/syntax"
)

// parseHints pair a form of a parse error's message, or of its line, with what may
// help: mostly habits that people bring along from other languages. The first
// that fits is taken.
var parseHints = []struct {
	message, line *regexp.Regexp // nil fits always
	hint          string
}{
	{message: word(`Cannot assign to constant`), hint: "a constant keeps its value: define it with let instead of const"},
	{message: word(`Cannot assign to a constant value`), hint: "left of = stands a variable, a property or an element; == compares"},
	{message: word(`Undefined variable`), hint: "define it with let before it is used; functions do not see the variables outside of them"},
	{line: word(`function|def|func`), hint: "functions are declared with fn: fn name(a, b) { … }"},
	{line: word(`var`), hint: "variables are declared with let: let x = 1;"},
	{message: word(`'(null|nil|None)'`), hint: "the value for nothing is written ()"},
	{message: word(`'(async|await)'`), hint: "calls wait for their result by themselves: leave out async and await"},
	{message: word(`'new'`), hint: "there are no constructors: call a function, or write an object map #{ a: 1 }"},
	{line: word(`class|struct`), hint: "there are no classes: use object maps #{ a: 1 } and functions"},
	{message: word(`'(\+\+|--)'`), hint: "write x += 1 or x -= 1"},
	{message: word(`'\?'`), hint: "there is no ?: operator; if is an expression: if a { b } else { c }"},
	{message: word(`string is not terminated`), hint: "a string between double quotes ends on its line; between backticks it can go on"},
	{message: word(`Invalid character: '..+'`), hint: "single quotes hold one character; texts stand between double quotes or backticks"},
	{message: word(`Expecting '\{'`), hint: "the body of if, for, while and fn needs braces: { … }"},
	{message: terminate, line: word(`(elif|elsif|elseif)`), hint: "write else if"},
	{message: terminate, line: word(`(and|or|not)\b`), hint: "the logical operators are &&, || and !"},
	{message: terminate, line: word(`finally`), hint: "there is no finally: put what follows after the catch block"},
	{message: terminate, line: word(`import\s+\w+\s+from`), hint: `write import "name" as name;`},
	{message: terminate, line: word(`=>`), hint: "closures are written |x| x + 1"},
	{message: terminate, line: word(`(let|const)\s+\w+\s*:`), hint: "there are no type annotations: let x = 1;"},
	{message: terminate, line: word(`[=(,]\s*\{\s*"?\w+"?\s*:`), hint: "an object map is written #{ a: 1 }"},
	{message: terminate, hint: "the statement before it may lack its semicolon"},
}

var terminate = regexp.MustCompile(`Expecting ';'`)

// word returns a pattern that starts where a word does.
func word(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|\W|\b)(?:` + pattern + `)(?:\W|\b|$)`)
}

// Hint says what may help where the mistake is a common one, or is "". Source is the
// text of the script that the error is in.
func (e *Error) Hint(source string) string {
	switch e.Kind {
	case ErrParsing:
		line := SourceLine(source, e.Position.Line)
		for _, h := range parseHints {
			if (h.message == nil || h.message.MatchString(e.Message())) && (h.line == nil || h.line.MatchString(line)) {
				return h.hint
			}
		}
	case ErrAssignmentToConst:
		return "a constant keeps its value: define it with let instead of const, or change a copy"
	case ErrNonPureMethod:
		return "the method changes its object: copy the constant to a variable first"
	case ErrVariableNotFound:
		_, notes, err := syntax.ParseNotes(source, syntax.Options{})
		if err == nil {
			return hiddenVariable(notes, e.subject)
		}
	case ErrFunctionNotFound:
		name, _, _ := strings.Cut(e.subject, " (")
		_, notes, err := syntax.ParseNotes(source, syntax.Options{})
		if err != nil {
			return ""
		}
		for _, c := range notes.Calls {
			if c.Name == name && c.Variable && c.Pos == e.Position {
				return closureCall(name)
			}
		}
	}
	return ""
}

// hiddenVariable explains why a function does not see a variable.
func hiddenVariable(notes *syntax.Notes, name string) string {
	constant, ok := notes.Globals[name]
	switch {
	case !ok:
		return ""
	case constant:
		return "functions do not see what is outside of them, but for constants: write global::" + name
	}
	return "functions do not see the variables outside of them: pass " + name + " as an argument, or use a closure"
}

func closureCall(name string) string {
	return name + " is a variable: a closure in a variable is called with " + name + ".call(…)"
}

// SourceLine returns a line of a source, counted from 1, without its end; "" if there is no such line.
func SourceLine(source string, number uint32) string {
	for ; number > 1; number-- {
		_, rest, more := strings.Cut(source, "\n")
		if !more {
			return ""
		}
		source = rest
	}
	if number < 1 {
		return ""
	}
	line, _, _ := strings.Cut(source, "\n")
	return strings.TrimSuffix(line, "\r")
}

const excerptWidth = 120 // characters of a line that an excerpt shows

// Excerpt shows the line of a position with a caret below the place, without a line break at the end.
// Of a long line it shows the part around the place. It is "" if the source has no such place.
func Excerpt(source string, pos Position) string {
	text := SourceLine(source, pos.Line)
	if text == "" && pos.Line > 1 && !strings.Contains(source, "\n") || !pos.IsValid() {
		return ""
	}
	line := []rune(strings.ToValidUTF8(text, string(utf8.RuneError)))
	at := min(max(int(pos.Col)-1, 0), len(line))
	from, lead := 0, ""
	if len(line) > excerptWidth && at > excerptWidth/2 {
		from, lead = at-excerptWidth/2, "…"
	}
	to, trail := len(line), ""
	if to > from+excerptWidth {
		to, trail = from+excerptWidth, "…"
	}
	var b strings.Builder
	number := strconv.Itoa(int(pos.Line))
	b.WriteString(strings.Repeat(" ", max(0, 4-len(number))) + number + " | " + lead)
	for _, r := range line[from:to] {
		b.WriteRune(printable(r))
	}
	b.WriteString(trail + "\n" + strings.Repeat(" ", max(4, len(number))) + " | " + strings.Repeat(" ", len([]rune(lead))))
	for _, r := range line[from:at] {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	b.WriteByte('^')
	return b.String()
}

// printable keeps control characters of a source from reaching a terminal.
func printable(r rune) rune {
	if r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0) {
		return utf8.RuneError
	}
	return r
}
