package syntax

import "fmt"

// Language says what may be written. The zero value is the standard language.
type Language struct {
	// NoIfExpr, NoSwitchExpr, NoLoopExpr and NoStmtExpr refuse if, switch, loops and blocks as values.
	NoIfExpr, NoSwitchExpr, NoLoopExpr, NoStmtExpr bool
	// NoClosures refuses anonymous functions, NoLooping all loops.
	NoClosures, NoLooping bool
	// NoShadowing refuses to define a variable whose name a visible one has.
	NoShadowing bool
	// Strict refuses variables and modules that nothing before them defines.
	Strict bool
	// Disabled are keywords and symbols that are taken out of the language.
	Disabled []string
	// Operators are further binary operators with their precedence, from 1 to 255; a higher one
	// binds tighter (+ has 150, * has 180). An operator is an identifier, a reserved word or symbol such
	// as ~ or #, or what Disabled names. It calls the function of its name with two arguments.
	Operators map[string]uint8
}

// Check reports an operator that cannot be one, or a symbol that cannot be disabled.
func (l *Language) Check() error {
	for _, s := range l.Disabled {
		if !IsKeyword(s) && !IsSymbol(s) && !IsReserved(s) {
			return fmt.Errorf("%q is neither a keyword nor a symbol, so it cannot be disabled", s)
		}
	}
	for s, precedence := range l.Operators {
		switch {
		case precedence == 0:
			return fmt.Errorf("the operator %q needs a precedence of 1 or more", s)
		case IsIdentifier(s) && !IsKeyword(s), IsReserved(s), l.disabled(s):
		case IsKeyword(s), IsSymbol(s):
			return fmt.Errorf("%q is part of the language; disable it to make it an operator", s)
		default:
			return fmt.Errorf("%q is neither an identifier nor a symbol that the language knows", s)
		}
	}
	return nil
}

func (l *Language) disabled(s string) bool {
	for _, d := range l.Disabled {
		if d == s {
			return true
		}
	}
	return false
}

// words are the tokens that a Language changes.
type words struct {
	operators map[string]uint8
	disabled  map[string]bool
}

func (l *Language) words() *words {
	if len(l.Operators) == 0 && len(l.Disabled) == 0 {
		return nil
	}
	w := &words{operators: l.Operators, disabled: map[string]bool{}}
	for _, s := range l.Disabled {
		w.disabled[s] = true
	}
	return w
}

// change makes t what the language says it is.
func (w *words) change(t *token) {
	text := t.text
	switch t.kind {
	case ReservedWord:
		switch {
		case w.operators[text] > 0:
			t.kind = CustomOperator
		case w.disabled[text]:
			what := "symbol"
			if IsIdentifier(text) {
				what = "keyword"
			}
			t.kind = illegal
			t.err = &Error{Kind: BadInput, Msg: "reserved " + what + " '" + text + "' is disabled", Pos: t.pos}
		}
		return
	case Identifier:
		if w.operators[text] > 0 {
			t.kind = CustomOperator
		}
		return
	case EOF, illegal, Int, Float, Char, String, InterpolatedString:
		return
	}
	text = t.kind.String()
	switch {
	case w.operators[text] > 0:
		t.kind, t.text = CustomOperator, text
	case w.disabled[text]:
		t.kind, t.text = ReservedWord, text
	}
}
