package scripts

import (
	"strings"

	"github.com/picloud/picloud/rhai"
)

// hints pair a part of the engine's message, or of the line, with what may
// help. They are for habits that people bring along from other languages.
var hints = []struct{ message, line, hint string }{
	{line: "function ", hint: "functions are declared with fn: fn name(a, b) { … }"},
	{line: "var ", hint: "variables are declared with let: let x = 1;"},
	{line: "===", hint: "values are compared with == and !="},
	{line: "!==", hint: "values are compared with == and !="},
	{line: "=>", message: "reserved", hint: "closures are written |x| x + 1"},
	{line: "null", message: "reserved", hint: "nothing is written ()"},
	{message: "Expecting ';'", hint: "the statement before may lack its semicolon"},
	{message: "terminate", hint: "the statement before may lack its semicolon"},
	{message: "string is not terminated", hint: `a string between " ends on its line; use backticks for text over several lines`},
	{message: "Unterminated string", hint: `a string between " ends on its line; use backticks for text over several lines`},
	{message: "undefined", hint: "declare it with let before its first use"},
}

// hint returns what may help with a compile error, or nothing.
func hint(err *rhai.Error, line string) string {
	message := err.Message()
	for _, h := range hints {
		if (h.message == "" || strings.Contains(message, h.message)) && (h.line == "" || strings.Contains(line, h.line)) {
			return h.hint
		}
	}
	return ""
}
