package syntax

// keyword returns the token of a keyword, or 0.
func keyword(s string) Token {
	switch s {
	case "true":
		return True
	case "false":
		return False
	case "let":
		return Let
	case "const":
		return Const
	case "if":
		return If
	case "else":
		return Else
	case "switch":
		return Switch
	case "do":
		return Do
	case "while":
		return While
	case "until":
		return Until
	case "loop":
		return Loop
	case "for":
		return For
	case "in":
		return In
	case "fn":
		return Fn
	case "private":
		return Private
	case "continue":
		return Continue
	case "break":
		return Break
	case "return":
		return Return
	case "throw":
		return Throw
	case "try":
		return Try
	case "catch":
		return Catch
	case "import":
		return Import
	case "export":
		return Export
	case "as":
		return As
	case "_":
		return Underscore
	}
	return 0
}

// reservedWord tells whether Rhai keeps s for itself, and if so whether it may
// be called like a function and like a method.
func reservedWord(s string) (reserved, callable, method bool) {
	switch s {
	case "curry", "call", "type_of", "is_shared":
		return true, true, true
	case "print", "debug", "eval", "Fn", "is_def_var", "is_def_fn":
		return true, true, false
	case "use", "case", "async", "public", "package", "super", "var", "protected", "spawn", "shared",
		"is", "sync", "static", "default", "this", "thread", "yield", "new", "match", "await",
		"null", "with", "void", "nil", "module", "go", "goto":
		return true, false, false
	case "?", "#", "===", "!==", "#!", "~", "!.", ":=", "...", "@", "<-", "--", "<|", "$", "->",
		"|>", "::<", "++", ":;", "*)", "(*":
		return true, false, false
	}
	return false, false, false
}

// IsIdentifier reports whether s is formed like a variable name: ASCII
// letters, digits and underscores, the first that is no underscore a letter.
func IsIdentifier(s string) bool {
	letter := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
		case isLetter(s[i]):
			letter = true
		case !letter || !isDigit(s[i]):
			return false
		}
	}
	return letter
}

// IsFunctionName reports whether a function may be called s: an identifier
// that is neither a keyword nor reserved.
func IsFunctionName(s string) bool {
	if !IsIdentifier(s) || keyword(s) != 0 {
		return false
	}
	reserved, _, _ := reservedWord(s)
	return !reserved
}

// IsReserved reports whether s is a word or symbol that Rhai keeps for itself
// without being a keyword, such as "print", "this" or "~".
func IsReserved(s string) bool {
	reserved, _, _ := reservedWord(s)
	return reserved
}

// IsKeyword reports whether s is a keyword such as "let".
func IsKeyword(s string) bool { return keyword(s) != 0 && s != "_" }

// IsSymbol reports whether s is an operator or a punctuation mark.
func IsSymbol(s string) bool {
	for t := LeftBrace; t <= XOrAssign; t++ {
		if tokenText[t] == s {
			return t != Underscore
		}
	}
	return false
}
