// Package bytecode defines the instructions of the Rhai machine and the units
// of code the compiler hands to it. It knows no values: constants are neutral
// descriptions that the machine turns into its own.
package bytecode

// Ins is one instruction of eight bytes. A, B and C name registers of the
// frame or carry small numbers, D is a jump target (relative to the next
// instruction), an index or an immediate.
type Ins struct {
	Op      Op
	A, B, C uint8
	D       int32
}

// Op is an operation code.
type Op uint8

// Operations. R is the register file, K the constants, p the current place.
const (
	Nop Op = iota

	LoadK    // R[A] = K[D]
	LoadInt  // R[A] = int D
	LoadBool // R[A] = B != 0
	LoadUnit // R[A] = ()
	Move     // R[A] = R[B], ownership moves or is borrowed
	Copy     // R[A] = R[B], both are kept
	Take     // R[A] = R[B] whose last use this is; both are kept if an outside scope may see it
	LoadFar  // R[A] = copy of far slot D; B != 0: borrowed
	StoreFar // far slot D = R[A]
	NewCell  // R[A] = cell(R[A])
	FarCell  // far slot D = cell(far slot D)
	CellGet  // R[A] = copy of the content of cell R[B]; C != 0: borrowed
	CellSet  // content of cell R[A] = R[B]
	Check    // error unless R[A] (or the cell in it) is a defined variable, or B != 0 and it is a constant; its name is Names[D]
	GetThis  // R[A] = copy of this; C != 0: borrowed
	SetThis  // *this = R[A]

	Add
	Sub
	Mul
	Div
	Mod // R[A] = R[B] op R[C]
	AddI
	SubI
	MulI
	ModI // R[A] = R[B] op int D
	AddK
	SubK
	MulK
	DivK // R[A] = R[B] op K[D]
	Bin  // R[A] = R[B] op R[C], operator token D
	Eq
	Ne
	Lt
	Le
	Gt
	Ge  // R[A] = R[B] cmp R[C]
	Neg // R[A] = -R[B]
	Not // R[A] = !R[B]
	Pos // R[A] = +R[B]

	// R[A] op= R[B] for a variable; the operator may work in place.
	AddTo
	SubTo
	MulTo
	OpTo  // operator token D
	OpTo0 // *p op= R[B], operator token D

	Jmp
	Loop // charge C<<16|B<<8|A operations, then jump D
	JF   // if R[A] is false; an error if it is no bool
	JT
	JUnit    // if R[A] is ()
	JNotUnit // if R[A] is not ()
	// Jump if the comparison R[A] cmp R[B] does NOT hold.
	JEq
	JNe
	JLt
	JLe
	JGt
	JGe
	// The same with K[B].
	JEqK
	JNeK
	JLtK
	JLeK
	JGtK
	JGeK
	IsBool // error unless R[A] is a bool

	Call    // R[A] = function D(R[A], R[A+1], …)
	CallFn  // the same for a function that needs its frame cleared of `this`
	CallN   // R[A] = call by name, site D, C arguments from R[A]
	CallV   // the same, the first argument is the variable R[B]
	CallP   // the same, the first argument is the place p
	Method  // R[A] = method, site D, on the variable R[B], C arguments from R[A+1]
	MethodP // the same on the place p
	Ret     // return R[A]
	RetUnit
	FragRet  // end a fragment with value R[A]
	Special  // R[A] = syntactic function of site D, C arguments from R[A]
	Eval     // R[A] = eval(R[A]) at site D
	CallerFn // R[A] = f!(R[A], …) at site D: C arguments

	Closure // R[A] = closure of site D
	Array   // R[A] = [R[A], …] of D elements
	Push    // append R[B] to the new array R[A]
	Map     // R[A] = map of site D, values from R[A]
	MapSet  // new map R[A]: key Names[D] = R[B]
	Range   // R[A] = R[B]..R[C]; D != 0: inclusive
	Interp  // R[A] = concatenation of D values from R[A]

	Index  // R[A] = R[B][R[C]], borrowed
	Field  // R[A] = R[B].name of site D, borrowed
	Share  // mark R[A] shared: it was read out of a container to be kept
	SetIdx // R[A][R[B]] = R[C] for a variable
	SetFld // R[A].name = R[B], site D
	OpIdx  // R[A][R[B]] op= R[C], operator token D
	OpFld  // R[A].name op= R[B], operator token C, site D

	// The fast forms of what follows them; they skip it when they succeed.
	OpFld2  // R[A].name.name2 op= R[B], operator token C, sites D and D+1; skips PReg, PFld, PSetFld
	OpThis  // this.name op= R[B] or this.name = R[B], operator token C, site D; skips PThis, PSetFld
	FldThis // R[A] = this.name of site D, borrowed

	PReg  // p = variable R[A]; B: constant
	PFar  // p = far slot D; B: constant
	PCell // p = content of the cell R[A]; B: constant
	PThis
	PUndef  // error VariableNotFound Names[D]
	PIdx    // p = p[R[A]]
	PFld    // p = p.name, site D
	PJUnit  // if *p is (): R[A] = (), jump D
	PGet    // R[A] = copy of *p; C != 0: borrowed
	PSetIdx // p[R[A]] = R[B], or op= with operator token C
	PSetFld // p.name = R[B], site D, or op= with operator token C

	IterInit  // R[A], R[A+1] = iteration over R[B]
	IterRange // R[A], R[A+1] = iteration over R[A]..R[A+1]; B != 0: inclusive
	ForNext   // R[B] = next of iteration R[A], jump D; at the end go on. C operations
	Switch    // jump by R[A], site D; R[B], R[B+1] keep the candidates when there are guards
	SwNext    // jump to the next candidate of R[A], site D

	Throw // throw R[A]; B != 0: rethrow with nothing
	Catch // R[A] = value to catch of the error that the handler left in R[B]

	Import   // import R[A] as site D
	ImpMark  // R[A] = depth of the imports
	ImpCut   // imports back to the depth in R[A]
	Export   // export R[A] (or the cell in it) as Names[D]
	ModVar   // R[A] = variable of a module, site D
	SetConst // global constant Names[D] = R[A]
	GetConst // R[A] = global::Names[D], site
	DynGet   // R[A] = variable of site D, dynamically
	DynSet   // variable of site D = R[A]
	DynPlace // p = variable of site D
	DynCell  // R[A] = cell of the variable of site D, for a closure
	DynMark  // R[A] = number of dynamic variables
	DynCut   // forget dynamic variables beyond R[A]
	Fail     // raise the error of site D

	NumOps
)

// Calls reports whether the operation may run other code for long.
func (op Op) Calls() bool { return op >= Call && op <= CallerFn }
