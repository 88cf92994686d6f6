package syntax

// ErrorKind classes a parse error. The names are the reference engine's.
type ErrorKind uint8

const (
	UnexpectedEOF ErrorKind = iota + 1
	BadInput                // the text itself is wrong: an unknown symbol, an unfinished string, a bad number
	UnknownOperator
	MissingToken
	MissingSymbol
	MalformedIndexExpr
	MalformedCapture
	DuplicatedProperty
	DuplicatedVariable
	WrongSwitchIntegerCase
	WrongSwitchDefaultCase
	WrongSwitchCaseCondition
	PropertyExpected
	VariableExpected
	Reserved
	MismatchedType
	ExprExpected
	WrongFnDefinition
	FnDuplicatedDefinition
	FnMissingName
	FnMissingParams
	FnDuplicatedParam
	FnMissingBody
	WrongExport
	AssignmentToConstant
	AssignmentToInvalidLHS
	ExprTooDeep
	TooManyFunctions
	LiteralTooLarge
	LoopBreak
	VariableUndefined
	ModuleUndefined
	VariableExists
	SourceTooLarge // not in the reference: the source exceeds Options.MaxSourceSize
)

var errorKindNames = [...]string{
	UnexpectedEOF:            "UnexpectedEOF",
	BadInput:                 "BadInput",
	UnknownOperator:          "UnknownOperator",
	MissingToken:             "MissingToken",
	MissingSymbol:            "MissingSymbol",
	MalformedIndexExpr:       "MalformedIndexExpr",
	MalformedCapture:         "MalformedCapture",
	DuplicatedProperty:       "DuplicatedProperty",
	DuplicatedVariable:       "DuplicatedVariable",
	WrongSwitchIntegerCase:   "WrongSwitchIntegerCase",
	WrongSwitchDefaultCase:   "WrongSwitchDefaultCase",
	WrongSwitchCaseCondition: "WrongSwitchCaseCondition",
	PropertyExpected:         "PropertyExpected",
	VariableExpected:         "VariableExpected",
	Reserved:                 "Reserved",
	MismatchedType:           "MismatchedType",
	ExprExpected:             "ExprExpected",
	WrongFnDefinition:        "WrongFnDefinition",
	FnDuplicatedDefinition:   "FnDuplicatedDefinition",
	FnMissingName:            "FnMissingName",
	FnMissingParams:          "FnMissingParams",
	FnDuplicatedParam:        "FnDuplicatedParam",
	FnMissingBody:            "FnMissingBody",
	WrongExport:              "WrongExport",
	AssignmentToConstant:     "AssignmentToConstant",
	AssignmentToInvalidLHS:   "AssignmentToInvalidLHS",
	ExprTooDeep:              "ExprTooDeep",
	TooManyFunctions:         "TooManyFunctions",
	LiteralTooLarge:          "LiteralTooLarge",
	LoopBreak:                "LoopBreak",
	VariableUndefined:        "VariableUndefined",
	ModuleUndefined:          "ModuleUndefined",
	VariableExists:           "VariableExists",
	SourceTooLarge:           "SourceTooLarge",
}

// String returns the name of the kind, such as "MissingToken".
func (k ErrorKind) String() string {
	if int(k) < len(errorKindNames) && errorKindNames[k] != "" {
		return errorKindNames[k]
	}
	return "Unknown"
}

// Error is a syntax error: what is wrong (Msg) and where (Pos). It keeps the source alive for the sake of [Error.Hint].
type Error struct {
	Kind ErrorKind
	Msg  string
	Pos  Pos // zero if the error belongs to no place

	src     string
	words   *words
	closure bool // it is in a closure
}

// Error returns "message (line L, position P)".
func (e *Error) Error() string {
	if !e.Pos.IsValid() {
		return e.Msg
	}
	return e.Msg + " (" + e.Pos.String() + ")"
}
