package scripts

import (
	"regexp"

	"github.com/picloud/picloud/rhai"
)

// hints pair a form of the engine's message, or of the line, with what may
// help: mostly habits that people bring along from other languages. The first
// that fits is taken.
var hints = []struct {
	message, line *regexp.Regexp // nil fits always
	hint          string
}{
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

// hint returns what may help with a compile error, or nothing.
func hint(err *rhai.Error, line string) string {
	for _, h := range hints {
		if (h.message == nil || h.message.MatchString(err.Message())) && (h.line == nil || h.line.MatchString(line)) {
			return h.hint
		}
	}
	return ""
}
