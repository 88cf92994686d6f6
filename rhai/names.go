package rhai

import (
	"fmt"
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// whatNamesAre ends the message about a name that no script can write.
const whatNamesAre = "scripts write names of the letters a to z, digits and _ that begin with a letter and are no word of the language"

// mustName panics if no script can write the name of something.
func mustName(what, name string) {
	if !syntax.IsFunctionName(name) {
		panic(fmt.Sprintf("rhai: %q cannot be the name of a %s: %s", name, what, whatNamesAre))
	}
}

// mustFunction panics if scripts can never call the function.
func (e *Engine) mustFunction(f *Native) {
	mustCall(f)
	if e.language.Operators[f.Name] > 0 || callable(f.Name) {
		return
	}
	if least, most := operands(f.Name); most > 0 {
		if n := len(f.Params); n < least || n > most {
			panic(fmt.Sprintf("rhai: the operator %s cannot have %d operands", f.Name, n))
		}
		return
	}
	for _, p := range []struct {
		what, prefix string
		params       int
	}{{"getter", "get$", 1}, {"setter", "set$", 2}, {"index getter", "index$get$", 2}, {"index setter", "index$set$", 3}} {
		name, ok := strings.CutPrefix(f.Name, p.prefix)
		if !ok || name != "" && strings.HasPrefix(p.what, "index") {
			continue
		}
		if len(f.Params) != p.params {
			panic(fmt.Sprintf("rhai: the %s %s has %d parameters, not %d", p.what, name, p.params, len(f.Params)))
		}
		if !strings.HasPrefix(p.what, "index") {
			mustName("property", name)
		}
		return
	}
	if (syntax.IsSymbol(f.Name) || syntax.IsReserved(f.Name)) && !syntax.IsIdentifier(f.Name) {
		panic(fmt.Sprintf("rhai: %q cannot be the name of a function: it is no operator that can be overloaded; WithLanguage adds operators", f.Name))
	}
	mustName("function", f.Name)
}

// mustCall panics if there is nothing to call.
func mustCall(f *Native) {
	if f.Fn == nil {
		panic(fmt.Sprintf("rhai: the function %s has no Fn", f.Name))
	}
}

// callable reports whether a word that the language reserves can be called, so that a host may have overloads of it.
func callable(word string) bool {
	switch word {
	case "print", "debug", "type_of", "call", "curry", "is_shared", "eval", "Fn", "is_def_var", "is_def_fn":
		return true
	}
	return false
}

// operands is how many an operator that the host may overload can have; 0 for other names.
func operands(symbol string) (least, most int) {
	switch symbol {
	case "!":
		return 1, 1
	case "+", "-":
		return 1, 2
	case "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=",
		"+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", "&=", "|=", "^=":
		return 2, 2
	}
	return 0, 0
}
