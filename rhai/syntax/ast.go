package syntax

// Script is a parsed source.
type Script struct {
	Body      []Stmt
	Functions []*FnDef // in the order of definition; closures are not among them
	Closures  int      // how many there are
	Doc       string   // the `//!` comments, joined by newlines
	End       Pos      // where the source ends
}

// Name is an identifier at a place.
type Name struct {
	Name string
	Pos  Pos
}

// FnDef is a function or the function of a closure.
type FnDef struct {
	Pos      Pos    // of `fn`, or of the closure's first `|`
	Name     string // of a closure: "anon$" and 16 hexadecimal digits
	NamePos  Pos
	ThisType string // type of `this` for `fn type.name()`, as written; else ""
	Params   []Name
	Body     *Block
	Private  bool
	Closure  bool
	Doc      string // the `///` and `/** */` comments right before it
}

// Node is any part of the tree that has a place in the source.
type Node interface {
	// Pos is the position the reference engine reports for the node: of a
	// binary expression its operator, of a chain its first `.` or `[`.
	Pos() Pos
}

// Expr is an expression.
type Expr interface {
	Node
	// Start is the position at which the reference says the expression
	// begins: its first token, or the operator of a Binary.
	Start() Pos
	exprNode()
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmtNode()
}

// Literals.
type (
	// UnitLit is `()`. It also stands for the missing end of `a..`.
	UnitLit struct{ At Pos }
	// BoolLit is `true` or `false`.
	BoolLit struct {
		At    Pos
		Value bool
	}
	// IntLit is an integer, its sign folded in. At is the place of the sign if it has one.
	IntLit struct {
		At    Pos
		Value int64
	}
	// FloatLit is a floating-point number, or an integer too large for 64 bits.
	FloatLit struct {
		At    Pos
		Value float64
	}
	// CharLit is a character in single quotes.
	CharLit struct {
		At    Pos
		Value rune
	}
	// StringLit is a string of any quoting, escapes done.
	StringLit struct {
		At    Pos
		Value string
	}
	// Interpolation is a back-quoted string with `${…}`. A segment is a
	// *StringLit (never empty) or a *StmtExpr holding a *Block.
	Interpolation struct {
		At       Pos
		Segments []Expr
	}
	// ArrayLit is `[a, b]`.
	ArrayLit struct {
		At    Pos
		Items []Expr
	}
	// MapLit is `#{a: 1}`; its keys are distinct and in source order.
	MapLit struct {
		At      Pos
		Entries []MapEntry
	}
	// MapEntry is one property of a map literal.
	MapEntry struct {
		Key   Name
		Value Expr
	}
)

// Names, calls and operators.
type (
	// Variable is a name, possibly qualified: `x`, `ns::x`, `global::X`.
	Variable struct {
		At        Pos // of the last name
		Namespace []Name
		Name      string
	}
	// This is `this`.
	This struct{ At Pos }
	// Call is `f(x)`, `ns::f(x)` or `f!(x)`.
	Call struct {
		At          Pos // of the function's name
		Namespace   []Name
		Name        string
		Args        []Expr
		CallerScope bool // written with `!`: runs in the caller's scope
	}
	// Unary is `-x`, `+x` or `!x` (Op is Minus, Plus or Bang).
	Unary struct {
		At Pos
		Op Token
		X  Expr
	}
	// Binary is an operator that evaluates both sides, including `in`, `!in`
	// and the ranges. A range without an end has a *UnitLit as Y.
	Binary struct {
		At   Pos // of the operator
		Op   Token
		X, Y Expr
	}
	// Logical is `&&`, `||` or `??` (Op is And, Or or DoubleQuestion): Y may stay unevaluated.
	Logical struct {
		At   Pos // of the operator
		Op   Token
		X, Y Expr
	}
	// Chain is a root followed by at least one index, property or method.
	// Parentheses around a beginning of it leave no trace, as in the reference.
	Chain struct {
		Root  Expr // never a *Chain
		Links []Link
	}
	// Link is one step of a Chain.
	Link struct {
		Kind     LinkKind
		Optional bool // `?.` or `?[`
		Pos      Pos  // of the `.`, `?.`, `[` or `?[`
		Name     string
		NamePos  Pos
		Index    Expr   // LinkIndex
		Args     []Expr // LinkMethod
	}
	// LinkKind tells what a Link does.
	LinkKind uint8
	// Closure is an anonymous function with the variables of the surrounding
	// scopes that it mentions, in the order of first mention. A captured name
	// need not exist: it may be a variable of an outer Scope or of nothing.
	Closure struct {
		Fn       *FnDef
		Captures []Name
	}
	// StmtExpr is a statement used as a value: a block, if, switch or loop; or
	// return, throw, break or continue on the right of `??`.
	StmtExpr struct{ Stmt Stmt }
)

// Kinds of links.
const (
	LinkIndex LinkKind = iota
	LinkProperty
	LinkMethod
)

// Statements.
type (
	// Block is `{ … }`. Braces has no position for a closure's bare body.
	Block struct {
		At    Pos // of the `{`
		End   Pos // of the `}`
		Stmts []Stmt
	}
	// ExprStmt is an expression as a statement.
	ExprStmt struct{ X Expr }
	// VarStmt is `let` or `const`.
	VarStmt struct {
		At     Pos // of `let` or `const`
		Name   Name
		Value  Expr // nil: ()
		Const  bool
		Export bool
	}
	// AssignStmt is `x = y` or `x += y`. Target is a *Variable, a *This, or a
	// *Chain whose root is one of them and whose last link is an index or a property.
	AssignStmt struct {
		At     Pos   // of the operator
		Op     Token // Assign, PlusAssign, …
		Target Expr
		Value  Expr
	}
	// IfStmt is `if`. Else is nil, a *Block or an *IfStmt.
	IfStmt struct {
		At   Pos
		Cond Expr
		Then *Block
		Else Stmt
	}
	// WhileStmt is `while`, or `loop` if Cond is nil.
	WhileStmt struct {
		At   Pos
		Cond Expr
		Body *Block
	}
	// DoStmt is `do … while` or `do … until`.
	DoStmt struct {
		At    Pos
		Body  *Block
		Cond  Expr
		Until bool
	}
	// ForStmt is `for x in y` or `for (x, i) in y`.
	ForStmt struct {
		At      Pos
		Var     Name
		Counter *Name // nil if none
		Iter    Expr
		Body    *Block
	}
	// SwitchStmt is `switch`. To evaluate: the arms whose Cases equal the value
	// are tried in order, then the Ranges that contain it in order, then
	// Default; the first whose Cond is nil or true is taken.
	SwitchStmt struct {
		At      Pos
		X       Expr
		Arms    []SwitchArm
		Cases   []SwitchCase // in source order; Value is constant (see IsConstant)
		Ranges  []SwitchRange
		Default int // index in Arms, -1 if none
	}
	// SwitchArm is what one or several cases do.
	SwitchArm struct {
		Pos  Pos
		Cond Expr // nil if none
		Body Stmt
	}
	// SwitchCase is a value that selects an arm. Ranges are here too, since a
	// value may itself be a range.
	SwitchCase struct {
		Value Expr
		Arm   int
	}
	// SwitchRange is a non-empty range that selects an arm.
	SwitchRange struct {
		Low, High int64
		Inclusive bool
		Arm       int
	}
	// BreakStmt is `break` or `break value`.
	BreakStmt struct {
		At    Pos
		Value Expr // nil if none
	}
	// ContinueStmt is `continue`.
	ContinueStmt struct{ At Pos }
	// ReturnStmt is `return` or `return value`.
	ReturnStmt struct {
		At    Pos
		Value Expr // nil if none
	}
	// ThrowStmt is `throw` or `throw value`.
	ThrowStmt struct {
		At    Pos
		Value Expr // nil if none
	}
	// TryStmt is `try { … } catch (e) { … }`.
	TryStmt struct {
		At    Pos
		Body  *Block
		Var   *Name // nil if none
		Catch *Block
	}
	// ImportStmt is `import path as name`.
	ImportStmt struct {
		At    Pos
		Path  Expr
		Alias *Name // nil: imported for its effects only
	}
	// ExportStmt is `export name as alias` of a variable that exists.
	ExportStmt struct {
		At    Pos
		Name  Name
		Alias *Name // nil: under its own name
	}
)

func (x *UnitLit) Pos() Pos       { return x.At }
func (x *BoolLit) Pos() Pos       { return x.At }
func (x *IntLit) Pos() Pos        { return x.At }
func (x *FloatLit) Pos() Pos      { return x.At }
func (x *CharLit) Pos() Pos       { return x.At }
func (x *StringLit) Pos() Pos     { return x.At }
func (x *Interpolation) Pos() Pos { return x.At }
func (x *ArrayLit) Pos() Pos      { return x.At }
func (x *MapLit) Pos() Pos        { return x.At }
func (x *Variable) Pos() Pos      { return x.At }
func (x *This) Pos() Pos          { return x.At }
func (x *Call) Pos() Pos          { return x.At }
func (x *Unary) Pos() Pos         { return x.At }
func (x *Binary) Pos() Pos        { return x.At }
func (x *Logical) Pos() Pos       { return x.At }
func (x *Chain) Pos() Pos         { return x.Links[0].Pos }
func (x *Closure) Pos() Pos       { return x.Fn.Pos }
func (x *StmtExpr) Pos() Pos      { return x.Stmt.Pos() }

func (x *UnitLit) Start() Pos       { return x.At }
func (x *BoolLit) Start() Pos       { return x.At }
func (x *IntLit) Start() Pos        { return x.At }
func (x *FloatLit) Start() Pos      { return x.At }
func (x *CharLit) Start() Pos       { return x.At }
func (x *StringLit) Start() Pos     { return x.At }
func (x *Interpolation) Start() Pos { return x.At }
func (x *ArrayLit) Start() Pos      { return x.At }
func (x *MapLit) Start() Pos        { return x.At }
func (x *This) Start() Pos          { return x.At }
func (x *Closure) Start() Pos       { return x.Fn.Pos }
func (x *StmtExpr) Start() Pos      { return x.Stmt.Pos() }
func (x *Unary) Start() Pos         { return x.At }
func (x *Binary) Start() Pos        { return x.At }
func (x *Logical) Start() Pos       { return x.X.Start() }
func (x *Chain) Start() Pos         { return x.Root.Start() }

// Start is the place of the first namespace, or of the name.
func (x *Variable) Start() Pos {
	if len(x.Namespace) > 0 {
		return x.Namespace[0].Pos
	}
	return x.At
}

// Start is the place of the first namespace, or of the name.
func (x *Call) Start() Pos {
	if len(x.Namespace) > 0 {
		return x.Namespace[0].Pos
	}
	return x.At
}

func (s *Block) Pos() Pos        { return s.At }
func (s *ExprStmt) Pos() Pos     { return s.X.Pos() }
func (s *VarStmt) Pos() Pos      { return s.At }
func (s *AssignStmt) Pos() Pos   { return s.At }
func (s *IfStmt) Pos() Pos       { return s.At }
func (s *WhileStmt) Pos() Pos    { return s.At }
func (s *DoStmt) Pos() Pos       { return s.At }
func (s *ForStmt) Pos() Pos      { return s.At }
func (s *SwitchStmt) Pos() Pos   { return s.At }
func (s *BreakStmt) Pos() Pos    { return s.At }
func (s *ContinueStmt) Pos() Pos { return s.At }
func (s *ReturnStmt) Pos() Pos   { return s.At }
func (s *ThrowStmt) Pos() Pos    { return s.At }
func (s *TryStmt) Pos() Pos      { return s.At }
func (s *ImportStmt) Pos() Pos   { return s.At }
func (s *ExportStmt) Pos() Pos   { return s.At }

func (*UnitLit) exprNode()       {}
func (*BoolLit) exprNode()       {}
func (*IntLit) exprNode()        {}
func (*FloatLit) exprNode()      {}
func (*CharLit) exprNode()       {}
func (*StringLit) exprNode()     {}
func (*Interpolation) exprNode() {}
func (*ArrayLit) exprNode()      {}
func (*MapLit) exprNode()        {}
func (*Variable) exprNode()      {}
func (*This) exprNode()          {}
func (*Call) exprNode()          {}
func (*Unary) exprNode()         {}
func (*Binary) exprNode()        {}
func (*Logical) exprNode()       {}
func (*Chain) exprNode()         {}
func (*Closure) exprNode()       {}
func (*StmtExpr) exprNode()      {}

func (*Block) stmtNode()        {}
func (*ExprStmt) stmtNode()     {}
func (*VarStmt) stmtNode()      {}
func (*AssignStmt) stmtNode()   {}
func (*IfStmt) stmtNode()       {}
func (*WhileStmt) stmtNode()    {}
func (*DoStmt) stmtNode()       {}
func (*ForStmt) stmtNode()      {}
func (*SwitchStmt) stmtNode()   {}
func (*BreakStmt) stmtNode()    {}
func (*ContinueStmt) stmtNode() {}
func (*ReturnStmt) stmtNode()   {}
func (*ThrowStmt) stmtNode()    {}
func (*TryStmt) stmtNode()      {}
func (*ImportStmt) stmtNode()   {}
func (*ExportStmt) stmtNode()   {}

// IsConstant reports whether x is a literal, or an array, map or interpolation
// of literals only. A closure without captures is constant too.
func IsConstant(x Expr) bool {
	switch x := x.(type) {
	case *UnitLit, *BoolLit, *IntLit, *FloatLit, *CharLit, *StringLit:
		return true
	case *Closure:
		return len(x.Captures) == 0
	case *ArrayLit:
		for _, item := range x.Items {
			if !IsConstant(item) {
				return false
			}
		}
		return true
	case *MapLit:
		for i := range x.Entries {
			if !IsConstant(x.Entries[i].Value) {
				return false
			}
		}
		return true
	}
	return false
}
