package rhai

import "strings"

// operatorHint says what may help where an operator is not there for types of the host, none of which follows
// from another.
func (e *Error) operatorHint() string {
	if typ, ok := strings.CutSuffix(e.subject, " cannot be sorted"); ok {
		if typ = strings.TrimPrefix(typ, "elements of "); typ == "different types" {
			return "sort(|a, b| …) sorts anything: the function answers a negative number if a comes first"
		}
		return "sort takes numbers, texts, characters and bools; sort(|a, b| …) sorts anything: the function answers a negative number if a comes first"
	}
	op, rest, ok := strings.Cut(e.subject, " (")
	if !ok || e.eng == nil {
		return ""
	}
	types := strings.Split(strings.TrimSuffix(rest, ")"), ", ")
	if len(types) != 2 {
		return ""
	}
	has := func(op string) bool {
		for _, n := range e.eng.funcs[fnKey{op, 2}] {
			if n.Params[0].typeName() == types[0] && n.Params[1].typeName() == types[1] {
				return true
			}
		}
		return false
	}
	for _, way := range operatorWays[op] {
		if types[0] == types[1] && has(way.op) {
			return types[0] + " has no " + op + " of its own; it has " + way.op + ": write " + way.text
		}
	}
	return ""
}

// operatorWays are what says the same by another operator.
var operatorWays = map[string][]struct{ op, text string }{
	"!=": {{"==", "!(a == b)"}},
	"==": {{"!=", "!(a != b)"}},
	">":  {{"<", "b < a"}, {"<=", "!(a <= b)"}},
	"<":  {{">", "b > a"}, {">=", "!(a >= b)"}},
	">=": {{"<=", "b <= a"}, {"<", "!(a < b)"}},
	"<=": {{">=", "b >= a"}, {">", "!(a > b)"}},
}
