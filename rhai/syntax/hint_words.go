package syntax

const (
	hintAnd       = "the logical operators are &&, || and !"
	hintFn        = "functions are declared with fn: fn name(a, b) { … }"
	hintClosure   = "closures are written |x| x + 1"
	hintFor       = "a loop counts over a range: for i in 0..10 { … }"
	hintElseIf    = "write else if"
	hintLet       = "variables are declared with let: let x = 1;"
	hintImport    = `write import "name" as name;`
	hintNothing   = "the value for nothing is written ()"
	hintNoTypes   = "there are no type annotations: let x = 1; fn f(a, b) { … }"
	hintMap       = "an object map is written #{ a: 1 }"
	hintCompare   = "= assigns a value; == compares"
	hintTexts     = "single quotes hold one character; texts stand between double quotes or backticks"
	hintBackticks = "texts with values in them stand between backticks: `a ${b}`"
	hintBraces    = "the body of if, else, for, while and fn stands in braces: { … }"
	hintNoClass   = "there are no classes: use object maps #{ a: 1 } and functions"
	hintEach      = "a loop over elements is written for x in list { … }"
	hintCatch     = "errors are caught with catch: try { … } catch (e) { … }"
	hintThrow     = "errors are thrown with throw: throw \"what went wrong\";"
	hintPrint     = "print is a function: print(x);"
)

// word knows words of other languages at the place of the error.
func (h *hinter) word() string {
	t := h.at(0)
	same := !t.newLine && h.ends(-1)
	switch t.kind {
	case As:
		if same {
			return "there are no casts: x.to_int(), x.to_float() and x.to_string() convert"
		}
	case If:
		if same && h.err.Kind == MissingToken && h.at(-1).kind != RightBrace {
			return "the condition comes first: if a { … }"
		}
	case Do:
		if same && h.statement(While) {
			return "while takes its body in braces, without do: while a { … }"
		}
	case Until:
		if h.at(-1).kind == RightBrace {
			return "loop has no condition: do { … } until a"
		}
	case Let, Const:
		if h.at(-1).kind == Let || h.at(-1).kind == Const {
			return "a constant is declared with const alone, a variable with let alone"
		}
	case Fn:
		switch {
		case h.at(-1).kind == Export:
			return "functions are exported by themselves: leave out export; private fn hides one"
		case h.name(-1) == "pub":
			return "functions are public by themselves: leave out pub; private fn hides one"
		case h.err.Kind == BadInput && h.at(1).kind == LeftParen || h.at(1).kind == UnitToken:
			return "a function without a name is a closure: |x| x + 1"
		}
	}
	if h.err.Kind == MissingToken && h.at(-1).kind == RightBrace {
		switch h.name(0) {
		case "except", "rescue", "finally":
			return hintCatch
		}
	}
	if h.at(-1).kind == Catch && t.kind == Identifier {
		return "the variable stands in parentheses: catch (" + t.text + ") { … }"
	}
	if !same {
		return ""
	}
	switch h.name(0) {
	case "and", "or":
		if h.operand(1) || h.at(1).kind == Minus {
			return hintAnd
		}
	case "then":
		if h.statement(If) {
			return "if takes its body in braces, without then: if a { … } else { b }"
		}
	case "instanceof":
		return `type_of(x) == "string" asks for the type of a value`
	case "from":
		if h.statement(Import) {
			return hintImport
		}
	}
	return ""
}

// wordBefore knows words of other languages that stand before the place of the error.
func (h *hinter) wordBefore() string {
	if h.err.Kind != MissingToken && h.err.Kind != BadInput {
		return ""
	}
	t := h.at(0)
	if t.kind == LeftBrace && h.i < len(h.list) { // keyword (…) {
		keyword := &noToken
		switch h.at(-1).kind {
		case UnitToken:
			keyword = h.at(-2)
		case RightParen:
			if i := h.opener(h.i - 1); i > 0 {
				keyword = &h.list[i-1]
			}
		}
		if keyword.kind == Identifier {
			switch keyword.text {
			case "function", "func", "fun", "lambda":
				return hintClosure
			case "elif", "elsif", "elseif", "elseIf":
				return hintElseIf
			case "foreach", "forEach":
				return hintEach
			case "unless":
				return "write if !(a) { … }"
			}
		}
	}
	if t.newLine || t.kind == EOF {
		return ""
	}
	word, first := h.name(-1), h.begins(-1)
	switch word {
	case "not":
		if h.operand(0) {
			return hintAnd
		}
	case "lambda":
		if t.kind == Identifier || t.kind == Colon {
			return hintClosure
		}
	case "elif", "elsif", "elseif", "elseIf":
		if h.at(-2).kind == RightBrace {
			return hintElseIf
		}
	case "finally":
		if t.kind == LeftBrace && h.at(-2).kind == RightBrace {
			return "there is no finally: put what follows after the catch block"
		}
	case "mut":
		if h.at(-2).kind == Let {
			return "leave out mut: what let defines can change, const cannot"
		}
	case "f", "F":
		if (t.kind == String || t.kind == illegal) && t.off == h.at(-1).off+1 {
			return hintBackticks
		}
	}
	if !first {
		return ""
	}
	switch word {
	case "function", "def", "func", "fun", "sub", "proc":
		if t.kind == Identifier {
			return hintFn
		}
	case "class", "struct", "interface", "enum", "trait", "impl":
		if t.kind == Identifier {
			return hintNoClass
		}
	case "foreach":
		if t.kind == Identifier {
			return hintEach
		}
	case "unless":
		if h.operand(0) {
			return "write if !(a) { … }"
		}
	case "raise":
		if h.operand(0) || t.kind == ReservedWord {
			return hintThrow
		}
	case "from":
		if t.kind == Identifier || t.kind == String {
			return hintImport
		}
	case "require", "include":
		if t.kind == String {
			return hintImport
		}
	case "echo", "puts", "printf", "println", "say":
		if h.operand(0) {
			return hintPrint
		}
	case "delete":
		if t.kind == Identifier {
			return `a property goes away with remove: map.remove("name")`
		}
	case "int", "float", "double", "string", "String", "bool", "boolean", "char", "long", "auto", "val", "local", "my", "final":
		if t.kind == Identifier && (h.at(1).kind == Assign || h.at(1).kind == SemiColon) {
			return hintLet
		}
	}
	return ""
}

// reserved knows the words that the language keeps for itself without a use.
func (h *hinter) reserved() string {
	t, next := h.at(0), h.at(1)
	if t.kind != ReservedWord && !IsKeyword(t.text) || !IsIdentifier(t.text) {
		return ""
	}
	bracket, _ := h.inside()
	switch {
	case bracket.kind == MapStart && next.kind == Colon && (h.at(-1) == bracket || h.at(-1).kind == Comma):
		return "as the name of a property it stands in quotes: #{ \"" + t.text + "\": … }"
	case (h.at(-1).kind == Period || h.at(-1).kind == Elvis) && h.err.Kind != BadInput && next.kind != LeftParen:
		return "a property of that name is reached by its text: x[\"" + t.text + "\"]"
	}
	if t.kind != ReservedWord {
		if h.err.Kind == VariableExpected && t.kind != Let && t.kind != Const && t.kind != Fn {
			return t.text + " is a word of the language: choose another name"
		}
		return ""
	}
	inSwitch := false
	if bracket.kind == LeftBrace {
		at := *h
		at.i = h.open[len(h.open)-1]
		inSwitch = at.statement(Switch)
	}
	if h.err.Kind == ExprExpected && !inSwitch {
		return ""
	}
	switch t.text {
	case "case":
		if inSwitch {
			return "an arm of switch is written without case: 1 => …,"
		}
	case "default":
		if inSwitch {
			return "the arm for all other values is written _ => …"
		}
	case "null", "nil":
		return hintNothing
	case "var":
		if next.kind == Identifier {
			return hintLet
		}
	case "async", "await":
		return "calls wait for their result by themselves: leave out async and await"
	case "new":
		if h.at(-1).kind == Throw || h.name(-1) == "raise" {
			return "any value can be thrown: throw \"what went wrong\"; or throw #{ code: 1 };"
		}
		return "there are no constructors: call a function, or write an object map #{ a: 1 }"
	case "use":
		if h.begins(0) {
			return hintImport
		}
	case "is":
		if h.ends(-1) {
			return "== compares; type_of(x) == \"string\" asks for the type of a value"
		}
	case "match":
		if h.operand(1) && h.at(2).kind == LeftBrace {
			return "write switch x { 1 => …, _ => … }"
		}
	case "public", "protected", "static":
		if next.kind == Fn {
			return "functions are public by themselves: leave out " + t.text + "; private fn hides one"
		}
	case "print", "debug":
		if next.kind == String || next.kind == Identifier {
			return t.text + " is a function: " + t.text + "(x);"
		}
	}
	if h.err.Kind == Reserved {
		switch h.at(-1).kind {
		case Let, Const, Fn, For, Pipe:
			return "choose another name: the language keeps " + t.text + " for itself"
		case LeftParen, Comma:
			if h.statement(Fn) || bracket.kind == LeftParen && h.paramsOfFn() {
				return "choose another name: the language keeps " + t.text + " for itself"
			}
		}
	}
	return ""
}

// paramsOfFn reports whether the innermost open bracket holds the parameters of a function.
func (h *hinter) paramsOfFn() bool {
	if len(h.open) == 0 {
		return false
	}
	i := h.open[len(h.open)-1]
	return h.list[i].kind == LeftParen && i >= 2 && (h.list[i-2].kind == Fn || h.list[i-2].kind == Period && i >= 4 && h.list[i-4].kind == Fn)
}
