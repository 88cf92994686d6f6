package rhai

import (
	"errors"
	"slices"
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// Hint says what may help where the mistake is a common one, or is "". Source is the
// text of the script that the error is in.
func (e *Error) Hint(source string) string {
	switch e.Kind {
	case ErrParsing:
		var se *syntax.Error
		if errors.As(e.inner, &se) {
			return se.Hint()
		}
	case ErrAssignmentToConst:
		return "a constant keeps its value: define it with let instead of const, or change a copy"
	case ErrNonPureMethod:
		return "methods that may change their object are refused on a constant: copy it to a variable first"
	case ErrVariableNotFound:
		_, notes, err := syntax.ParseNotes(source, e.parseOptions())
		if err != nil {
			return ""
		}
		for i := range notes.Undefined {
			if u := &notes.Undefined[i]; u.Name == e.subject && u.Pos == e.Position {
				return variableHint(notes, u)
			}
		}
	case ErrFunctionNotFound:
		if hint := e.operatorHint(); hint != "" {
			return hint
		}
		return e.functionHint(source)
	case ErrDotExpr:
		return e.propertyHint()
	case ErrIndexingType:
		if strings.HasPrefix(e.subject, "() [") {
			return "what is indexed here is (), as an object map gives for what it does not hold; ?[ instead of [ passes () on"
		}
	case ErrMismatchDataType:
		switch {
		case e.subject == "bool":
			return "a bool is needed here: compare, as in x != 0"
		case e.subject == "char" && e.actual == "string":
			return "a char is needed here, which stands between single quotes: 'x'"
		}
	case ErrFor:
		return "for goes over arrays, texts, blobs and ranges; of an object map take keys() or values()"
	case ErrUnboundThis:
		return "this is what a function is called on as a method: x.f()"
	}
	return ""
}

// parseOptions are those of the engine that ran the script.
func (e *Error) parseOptions() syntax.Options {
	if e.eng == nil {
		return syntax.Options{}
	}
	return e.eng.parseOptions()
}

// functionHint says what may help where a function of some name and types is not found.
func (e *Error) functionHint(source string) string {
	name, rest, ok := strings.Cut(e.subject, " (")
	if !ok || e.eng == nil || !syntax.IsIdentifier(strings.TrimPrefix(name, "anon$")) && !isClosureName(name) {
		return ""
	}
	s, notes, err := syntax.ParseNotes(source, e.parseOptions())
	if err != nil || slices.ContainsFunc(notes.Calls, func(c syntax.CallNote) bool { return c.Name == "eval" }) {
		return ""
	}
	for _, f := range notes.Closures {
		if f.Name == name {
			return "the closure at " + f.Pos.String() + " takes " + countOf(len(f.Params), "argument")
		}
	}
	var call *syntax.CallNote
	for i := range notes.Calls {
		if c := &notes.Calls[i]; c.Name == name && c.Pos == e.Position && len(c.Namespace) == 0 {
			call = c
		}
	}
	var own []int
	var names []string
	for _, f := range s.Functions {
		names = append(names, f.Name)
		if f.Name == name {
			own = append(own, len(f.Params))
		}
	}
	types := strings.Split(strings.TrimSuffix(rest, ")"), ", ")
	if rest == ")" {
		types = nil
	}
	switch {
	case call != nil && call.Self:
		return selfHint(name)
	case call != nil && call.Variable && own == nil:
		return closureCall(name)
	case own != nil:
		if n := len(types); !slices.Contains(own, n) && (call != nil || !slices.Contains(own, n-1)) {
			return name + " has " + countOf(own[0], "parameter")
		}
		return ""
	}
	if e.eng.takesFloats(name, types) {
		return floatHint(name)
	}
	if call != nil {
		if hint := takes(name, e.eng.arities(name)); hint != "" {
			if slices.Contains(e.eng.arities(name), len(types)) {
				return "" // it is the types
			}
			return hint
		}
		return didYouMean(nearest(name, names, e.eng.funcs, func(*Native) bool { return true }))
	}
	if len(types) == 0 {
		return ""
	}
	first := receiverType(types[0])
	if typeSets[first] == 0 || known(name, e.eng.funcs, func(f *Native) bool { return len(f.Params) > 0 && f.takesFirst(first, nil) }) {
		return ""
	}
	return memberHint(name, e.eng.funcs, false, func(f *Native) bool { return len(f.Params) > 0 && f.takesFirst(first, nil) })
}

// receiverType is a type as a signature writes it, as type_of names it.
func receiverType(name string) string {
	if strings.HasPrefix(name, "&str") {
		return "string"
	}
	return name
}

// takesFloats reports whether a function exists for f64 where it is given i64.
func (e *Engine) takesFloats(name string, types []string) bool {
	if !slices.Contains(types, "i64") {
		return false
	}
	return slices.ContainsFunc(e.overloads(name, len(types)), func(f *Native) bool {
		for i, t := range types {
			accepted := f.Params[i].Type
			if t == "i64" && accepted&TInt == 0 {
				t = "f64"
			}
			if set := typeSets[receiverType(t)]; set == 0 || accepted&set == 0 {
				return false
			}
		}
		return true
	})
}

// propertyHint says what may help where a property is not there.
func (e *Error) propertyHint() string {
	_, rest, found := strings.Cut(e.subject, " property '")
	if !found {
		return ""
	}
	name, rest, _ := strings.Cut(rest, "'")
	_, typ, _ := strings.Cut(rest, "for type '")
	typ, _, _ = strings.Cut(typ, "'")
	switch {
	case typ == "()":
		return "what stands before ." + name + " is (), as an object map gives for what it does not hold; ?. instead of . passes () on"
	case typeSets[typ] == 0 || e.eng == nil:
		return ""
	}
	return memberHint(name, e.eng.funcs, true, func(f *Native) bool { return len(f.Params) > 0 && f.takesFirst(typ, nil) })
}

// variableHint says why a variable is not found, or is "".
func variableHint(notes *syntax.Notes, u *syntax.Use) string {
	constant, global := notes.Globals[u.Name]
	switch {
	case u.Self:
		return selfHint(u.Name)
	case global && u.Function && constant:
		return "functions do not see what is outside of them, but for constants: write global::" + u.Name
	case global && u.Function:
		return "functions do not see the variables outside of them: pass " + u.Name + " as an argument, or use a closure"
	case global:
		return u.Name + " is not there yet, or no longer: it is defined further below, or in a block that has ended"
	}
	switch u.Name {
	case "None", "undefined", "NULL", "Null", "nullptr", "Nil":
		return "the value for nothing is written ()"
	case "True", "TRUE":
		return "did you mean true?"
	case "False", "FALSE":
		return "did you mean false?"
	case "console":
		return "print(x) writes a line"
	case "Math":
		return "mathematical functions stand alone: x.floor(), max(a, b)"
	case "self":
		return "what a method is called on is named this"
	}
	return didYouMean(u.Near)
}

func selfHint(name string) string {
	return "a closure does not see the variable that it is the value of: declare fn " + name + "(…), which can call itself"
}

func closureCall(name string) string {
	return name + " is a variable: a closure in a variable is called with " + name + ".call(…)"
}
