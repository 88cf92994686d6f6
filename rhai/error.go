package rhai

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/picloud/picloud/rhai/syntax"
)

// Position is a place in a script, 1-based; the zero value is no position.
type Position = syntax.Pos

// ErrorKind names a class of error with the reference's variant names.
type ErrorKind string

// The kinds of errors.
const (
	ErrParsing            ErrorKind = "ErrorParsing"
	ErrSystem             ErrorKind = "ErrorSystem"
	ErrVariableExists     ErrorKind = "ErrorVariableExists"
	ErrForbiddenVariable  ErrorKind = "ErrorForbiddenVariable"
	ErrVariableNotFound   ErrorKind = "ErrorVariableNotFound"
	ErrPropertyNotFound   ErrorKind = "ErrorPropertyNotFound"
	ErrIndexNotFound      ErrorKind = "ErrorIndexNotFound"
	ErrFunctionNotFound   ErrorKind = "ErrorFunctionNotFound"
	ErrModuleNotFound     ErrorKind = "ErrorModuleNotFound"
	ErrInFunctionCall     ErrorKind = "ErrorInFunctionCall"
	ErrInModule           ErrorKind = "ErrorInModule"
	ErrUnboundThis        ErrorKind = "ErrorUnboundThis"
	ErrMismatchDataType   ErrorKind = "ErrorMismatchDataType"
	ErrMismatchOutputType ErrorKind = "ErrorMismatchOutputType"
	ErrIndexingType       ErrorKind = "ErrorIndexingType"
	ErrArrayBounds        ErrorKind = "ErrorArrayBounds"
	ErrStringBounds       ErrorKind = "ErrorStringBounds"
	ErrBitFieldBounds     ErrorKind = "ErrorBitFieldBounds"
	ErrFor                ErrorKind = "ErrorFor"
	ErrDataRace           ErrorKind = "ErrorDataRace"
	ErrNonPureMethod      ErrorKind = "ErrorNonPureMethodCallOnConstant"
	ErrAssignmentToConst  ErrorKind = "ErrorAssignmentToConstant"
	ErrDotExpr            ErrorKind = "ErrorDotExpr"
	ErrArithmetic         ErrorKind = "ErrorArithmetic"
	ErrTooManyOperations  ErrorKind = "ErrorTooManyOperations"
	ErrTooManyVariables   ErrorKind = "ErrorTooManyVariables"
	ErrTooManyModules     ErrorKind = "ErrorTooManyModules"
	ErrStackOverflow      ErrorKind = "ErrorStackOverflow"
	ErrDataTooLarge       ErrorKind = "ErrorDataTooLarge"
	ErrMemory             ErrorKind = "ErrorMemory" // the memory limit of Limits.MaxMemory
	ErrTerminated         ErrorKind = "ErrorTerminated"
	ErrRuntime            ErrorKind = "ErrorRuntime"
	ErrExit               ErrorKind = "Exit" // exit() on its way out of the script: Run returns its value, no error
)

// Error is a failure of a script: a parse error, a run-time error or an
// uncaught throw. Get it with errors.As.
type Error struct {
	Kind     ErrorKind
	Position Position   // innermost; zero when unknown
	Trace    []CallSite // script calls the error passed through, innermost first
	Value    Value      // ErrRuntime: the value thrown; ErrTerminated: the token
	subject  string     // name, type, property, message
	actual   string     // ErrMismatch…: the type found
	length   int        // …Bounds: how many there are
	index    int64      // …Bounds: the index asked for
	inner    error      // ErrParsing, ErrInModule, ErrSystem: the cause
	noFill   bool       // the position stays unknown
	place    Position   // noFill: where the machine was
	eng      *Engine    // that ran the script, for Hint; nil: not known
	host     hostObj    // the error as a value of the machine
	first    [1]CallSite
}

// value is the error as the machine keeps it while a catch block runs.
func (e *Error) value() Value {
	e.host = hostObj{hdr: hdr{kind: KindHost, depth: 1}, v: e}
	return Value{p: &e.host.hdr}
}

// CallSite is one script call in a trace.
type CallSite struct {
	Function string // closures have a name that starts with "anon$"
	Source   string // where it is defined, when not the main script
	Position Position
}

func newError(kind ErrorKind, subject string) *Error {
	return &Error{Kind: kind, subject: subject}
}

func errMismatch(requested, actual string) *Error {
	return &Error{Kind: ErrMismatchDataType, subject: requested, actual: actual}
}

func errOutputMismatch(requested, actual string) *Error {
	return &Error{Kind: ErrMismatchOutputType, subject: requested, actual: actual}
}

// errBounds is for ErrArrayBounds, ErrStringBounds and ErrBitFieldBounds.
func errBounds(kind ErrorKind, length int, index int64) *Error {
	return &Error{Kind: kind, length: length, index: index}
}

func errArithmetic(format string, args ...any) *Error {
	return &Error{Kind: ErrArithmetic, subject: fmt.Sprintf(format, args...)}
}

// errThrow is an uncaught throw of v.
func errThrow(v Value) *Error { return &Error{Kind: ErrRuntime, Value: v} }

// errMessage is a run-time error whose value is a text.
func errMessage(format string, args ...any) *Error {
	return &Error{Kind: ErrRuntime, Value: String(fmt.Sprintf(format, args...))}
}

// Throw makes an error that a script can catch; v is the value caught.
// Host functions return it.
func Throw(v Value) error { return errThrow(v) }

// own is a copy of an error that a host function returned. The function may return the same one again, also to
// another run at the same time, and the machine writes to it.
func (e *Error) own() *Error {
	c := *e
	c.host = hostObj{}
	c.first = [1]CallSite{}
	c.Trace = append([]CallSite(nil), e.Trace...)
	return &c
}

// at fills in the position when the error has none yet.
func (e *Error) at(pos Position) *Error {
	switch {
	case e.Position != Position{}:
	case !e.noFill:
		e.Position = pos
	case e.place == Position{}:
		e.place = pos
	}
	return e
}

// Place is where the script failed: Position, or where the machine was if the
// error has none, as those of arithmetic have none in the reference. Zero when unknown.
func (e *Error) Place() Position {
	if e.Position == (Position{}) {
		return e.place
	}
	return e.Position
}

// Unwrap gives the cause, if there is one.
func (e *Error) Unwrap() error { return e.inner }

// catchable reports whether try/catch sees the error.
func (e *Error) catchable() bool {
	switch e.Kind {
	case ErrSystem, ErrParsing, ErrTooManyOperations, ErrTooManyVariables, ErrTooManyModules,
		ErrStackOverflow, ErrDataTooLarge, ErrMemory, ErrTerminated, ErrExit:
		return len(e.Trace) > 0 && e.Kind != ErrExit && e.Kind == ErrParsing
	}
	return true
}

// Message is the text without position and trace.
func (e *Error) Message() string {
	s := e.subject
	named := func(prefix string) string { return prefix + ": " + s }
	switch e.Kind {
	case ErrSystem:
		switch {
		case e.inner == nil:
			return s
		case s == "":
			return e.inner.Error()
		}
		return s + ": " + e.inner.Error()
	case ErrParsing:
		return "Syntax error: " + s
	case ErrInModule:
		if s == "" {
			return e.inner.Error() + "\nin module"
		}
		return e.inner.Error() + "\nin module '" + s + "'"
	case ErrVariableExists:
		return named("Variable already defined")
	case ErrForbiddenVariable:
		return named("Forbidden variable name")
	case ErrVariableNotFound:
		return named("Variable not found")
	case ErrPropertyNotFound:
		return named("Property not found")
	case ErrIndexNotFound:
		return "Invalid index: " + rawDisplay(e.Value)
	case ErrFunctionNotFound:
		return named("Function not found")
	case ErrModuleNotFound:
		return named("Module not found")
	case ErrDataRace:
		if s == "" {
			return "Data race detected"
		}
		return "Data race detected on variable '" + s + "'"
	case ErrDotExpr:
		if s == "" {
			return "Malformed dot expression"
		}
		return s
	case ErrIndexingType:
		return named("Indexer unavailable")
	case ErrUnboundThis:
		return "'this' not bound"
	case ErrFor:
		return "For loop expects iterable type"
	case ErrTooManyOperations:
		return "Too many operations"
	case ErrTooManyVariables:
		return "Too many variables defined"
	case ErrTooManyModules:
		return "Too many modules imported"
	case ErrStackOverflow:
		if s != "" {
			return "Stack overflow: " + s
		}
		return "Stack overflow"
	case ErrMemory:
		return "Out of memory"
	case ErrTerminated:
		return "Script terminated"
	case ErrRuntime:
		if t, ok := e.Value.AsString(); e.Value.IsUnit() || (ok && t == "") {
			return "Runtime error"
		}
		return "Runtime error: " + rawDisplay(e.Value)
	case ErrNonPureMethod:
		switch {
		case strings.HasPrefix(s, "get$"):
			return "Non-pure property " + s[4:] + " cannot be accessed on constant"
		case strings.HasPrefix(s, "set$"):
			return "Cannot modify property '" + s[4:] + "' of constant"
		case s == "index$get$":
			return "Non-pure indexer cannot be accessed on constant"
		case s == "index$set$":
			return "Cannot assign to indexer of constant"
		}
		return "Non-pure method '" + s + "' cannot be called on constant"
	case ErrAssignmentToConst:
		return "Cannot modify constant " + s
	case ErrMismatchDataType:
		return mismatchText("Data type incorrect", s, e.actual)
	case ErrMismatchOutputType:
		return mismatchText("Output type incorrect", s, e.actual)
	case ErrArithmetic:
		if s == "" {
			return "Arithmetic error"
		}
		return s
	case ErrArrayBounds:
		return e.boundsText("Array index", "array is empty", "element in array", "elements in array")
	case ErrStringBounds:
		return e.boundsText("String index", "string is empty", "character in string", "characters in string")
	case ErrBitFieldBounds:
		return fmt.Sprintf("Bit-field index %d out of bounds: only %d bits in bit-field", e.index, e.length)
	case ErrDataTooLarge:
		return s + " too large"
	}
	return s
}

func mismatchText(what, requested, actual string) string {
	switch {
	case actual == "":
		return what + ", expecting " + requested
	case requested == "":
		return what + ": " + actual
	}
	return what + ": " + actual + " (expecting " + requested + ")"
}

func (e *Error) boundsText(what, empty, one, many string) string {
	s := what + " " + strconv.FormatInt(e.index, 10) + " out of bounds: "
	switch e.length {
	case 0:
		return s + empty
	case 1:
		return s + "only 1 " + one
	}
	return s + "only " + strconv.Itoa(e.length) + " " + many
}

// Error is the reference's text: the message with its position, then a line
// for each script call it passed through.
func (e *Error) Error() string { return e.text(e.Position) }

// Report is Error with the Place of the error: the text for people.
func (e *Error) Report() string { return e.text(e.Place()) }

func (e *Error) text(pos Position) string {
	var b strings.Builder
	b.WriteString(e.Message())
	none := Position{}
	if pos != none {
		b.WriteString(" (" + pos.String() + ")")
	}
	for _, c := range e.Trace {
		if isClosureName(c.Function) {
			b.WriteString("\nin closure call")
		} else {
			b.WriteString("\nin call to function '" + c.Function + "'")
		}
		if c.Source != "" {
			b.WriteString(" (from '" + c.Source + "')")
		}
		if c.Position != none {
			b.WriteString(" (" + c.Position.String() + ")")
		}
	}
	return b.String()
}

func isClosureName(name string) bool { return strings.HasPrefix(name, "anon$") }
