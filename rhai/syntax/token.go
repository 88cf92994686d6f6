package syntax

// Token is the kind of a lexical token, and names operators in the AST.
type Token uint8

const (
	EOF     Token = iota
	illegal       // a lexical error, carried by the scanner

	// Literals and names.
	Int
	Float
	Char
	String
	InterpolatedString // text before ${ in a back-quoted string
	Identifier
	ReservedWord // a word or symbol that Rhai keeps for itself

	// Brackets and punctuation.
	LeftBrace
	RightBrace
	LeftParen
	RightParen
	LeftBracket
	RightBracket
	UnitToken // ()
	SemiColon
	Colon
	DoubleColon
	DoubleArrow
	Underscore
	Comma
	Period
	Elvis           // ?.
	QuestionBracket // ?[
	MapStart        // #{

	// Operators.
	Plus
	Minus
	Multiply
	Divide
	Modulo
	PowerOf
	LeftShift
	RightShift
	Ampersand
	Pipe
	XOr
	And
	Or
	DoubleQuestion
	Bang
	Equal
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	In
	NotIn // !in
	ExclusiveRange
	InclusiveRange

	// Assignments.
	Assign
	PlusAssign
	MinusAssign
	MultiplyAssign
	DivideAssign
	ModuloAssign
	PowerOfAssign
	LeftShiftAssign
	RightShiftAssign
	AndAssign
	OrAssign
	XOrAssign

	// Keywords.
	True
	False
	Let
	Const
	If
	Else
	Switch
	Do
	While
	Until
	Loop
	For
	Fn
	Private
	Continue
	Break
	Return
	Throw
	Try
	Catch
	Import
	Export
	As

	CustomOperator // an operator of Language.Operators

	numTokens
)

var tokenText = [numTokens]string{
	EOF: "{EOF}", illegal: "illegal", Int: "integer", Float: "float", Char: "char", String: "string",
	InterpolatedString: "string", Identifier: "identifier", ReservedWord: "reserved",
	LeftBrace: "{", RightBrace: "}", LeftParen: "(", RightParen: ")", LeftBracket: "[", RightBracket: "]",
	UnitToken: "()", SemiColon: ";", Colon: ":", DoubleColon: "::", DoubleArrow: "=>", Underscore: "_",
	Comma: ",", Period: ".", Elvis: "?.", QuestionBracket: "?[", MapStart: "#{",
	Plus: "+", Minus: "-", Multiply: "*", Divide: "/", Modulo: "%", PowerOf: "**", LeftShift: "<<",
	RightShift: ">>", Ampersand: "&", Pipe: "|", XOr: "^", And: "&&", Or: "||", DoubleQuestion: "??",
	Bang: "!", Equal: "==", NotEqual: "!=", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=",
	In: "in", NotIn: "!in", ExclusiveRange: "..", InclusiveRange: "..=",
	Assign: "=", PlusAssign: "+=", MinusAssign: "-=", MultiplyAssign: "*=", DivideAssign: "/=",
	ModuloAssign: "%=", PowerOfAssign: "**=", LeftShiftAssign: "<<=", RightShiftAssign: ">>=",
	AndAssign: "&=", OrAssign: "|=", XOrAssign: "^=",
	True: "true", False: "false", Let: "let", Const: "const", If: "if", Else: "else", Switch: "switch",
	Do: "do", While: "while", Until: "until", Loop: "loop", For: "for", Fn: "fn", Private: "private",
	Continue: "continue", Break: "break", Return: "return", Throw: "throw", Try: "try", Catch: "catch",
	Import: "import", Export: "export", As: "as",
	CustomOperator: "operator",
}

// String returns the token as it is written in a source.
func (t Token) String() string {
	if t < numTokens {
		return tokenText[t]
	}
	return "illegal"
}

// BaseOp returns the operator an op-assignment applies (+ for +=) and true,
// or false if t is not an op-assignment. Plain = is not one.
func (t Token) BaseOp() (Token, bool) {
	switch t {
	case PlusAssign:
		return Plus, true
	case MinusAssign:
		return Minus, true
	case MultiplyAssign:
		return Multiply, true
	case DivideAssign:
		return Divide, true
	case ModuloAssign:
		return Modulo, true
	case PowerOfAssign:
		return PowerOf, true
	case LeftShiftAssign:
		return LeftShift, true
	case RightShiftAssign:
		return RightShift, true
	case AndAssign:
		return Ampersand, true
	case OrAssign:
		return Pipe, true
	case XOrAssign:
		return XOr, true
	}
	return 0, false
}

// precedence of a binary operator; 0 if t is none. Higher binds tighter.
func (t Token) precedence() uint8 {
	if t < numTokens {
		return tokenPrecedence[t]
	}
	return 0
}

var tokenPrecedence = [numTokens]uint8{
	Or: 30, XOr: 30, Pipe: 30,
	And: 60, Ampersand: 60,
	Equal: 90, NotEqual: 90,
	In: 110, NotIn: 110,
	Less: 130, LessEqual: 130, Greater: 130, GreaterEqual: 130,
	DoubleQuestion: 135,
	ExclusiveRange: 140, InclusiveRange: 140,
	Plus: 150, Minus: 150,
	Divide: 180, Multiply: 180, Modulo: 180,
	PowerOf:   190,
	LeftShift: 210, RightShift: 210,
}

// beforeUnary holds for tokens after which + and - are signs, not operators.
var beforeUnary = [numTokens]bool{
	SemiColon: true, Colon: true, Comma: true, DoubleQuestion: true, ExclusiveRange: true, InclusiveRange: true,
	LeftBrace: true, LeftParen: true, LeftBracket: true, QuestionBracket: true,
	Plus: true, PlusAssign: true, Minus: true, MinusAssign: true, Multiply: true, MultiplyAssign: true,
	Divide: true, DivideAssign: true, Modulo: true, ModuloAssign: true, PowerOf: true, PowerOfAssign: true,
	LeftShift: true, LeftShiftAssign: true, RightShift: true, RightShiftAssign: true,
	Assign: true, Equal: true, NotEqual: true, Less: true, Greater: true, LessEqual: true, GreaterEqual: true,
	Bang: true, Pipe: true, Ampersand: true, And: true, AndAssign: true, Or: true, OrAssign: true,
	XOr: true, XOrAssign: true, If: true, While: true, Until: true, In: true, NotIn: true,
	Return: true, Throw: true, illegal: true,
}

// standardKeyword holds for keywords that cannot stand where a parameter name is due.
var standardKeyword = [numTokens]bool{
	Fn: true, Private: true, Import: true, Export: true, As: true, True: true, False: true, Let: true,
	Const: true, If: true, Else: true, Do: true, While: true, Until: true, Loop: true, For: true, In: true,
	Continue: true, Break: true, Return: true, Throw: true, Try: true, Catch: true,
}
