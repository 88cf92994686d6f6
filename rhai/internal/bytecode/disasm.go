package bytecode

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Disassemble writes the code of a unit in a readable form, below the lines of its source if that is given.
func Disassemble(w io.Writer, u *Unit, source string) error {
	d := &disassembler{u: u}
	if source != "" {
		d.lines = strings.Split(source, "\n")
	}
	if u.Body != nil {
		d.function(u.Body, "body")
	}
	for _, f := range u.Funcs {
		d.function(f, d.title(f))
	}
	_, err := io.WriteString(w, d.b.String())
	return err
}

type disassembler struct {
	u     *Unit
	lines []string
	b     strings.Builder
}

func (d *disassembler) title(f *Func) string {
	kind := "fn "
	if f.Closure {
		kind = "closure "
	}
	if f.Private {
		kind = "private fn "
	}
	name := f.Name
	if f.ThisType != "" {
		name = f.ThisType + "." + name
	}
	return kind + strconv.Itoa(f.Index) + " " + name + "(" + strings.Join(f.Params, ", ") + ")"
}

func (d *disassembler) function(f *Func, title string) {
	fmt.Fprintf(&d.b, "%s: %d registers, %d far, cost %d", title, f.NRegs, f.NFar, f.Cost)
	if f.Captures > 0 {
		fmt.Fprintf(&d.b, ", %d captured", f.Captures)
	}
	d.b.WriteByte('\n')
	last := uint32(0)
	for i, in := range f.Code {
		line := ""
		if i < len(f.Pos) && f.Pos[i].Line != last {
			last = f.Pos[i].Line
			line = d.line(last)
		}
		fmt.Fprintf(&d.b, "%5s %5d  %-10s %3d %3d %3d %6d%s\n", line, i, in.Op, in.A, in.B, in.C, in.D, d.note(i, in))
	}
	for _, h := range f.Handlers {
		fmt.Fprintf(&d.b, "      try %d to %d, catch at %d\n", h.Start, h.End, h.Target)
	}
	d.b.WriteByte('\n')
}

// line is the number of a line, after its text where that is known.
func (d *disassembler) line(n uint32) string {
	if n == 0 {
		return ""
	}
	number := strconv.Itoa(int(n))
	if int(n) > len(d.lines) {
		return number
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimRight(d.lines[n-1], " \t\r"))
	fmt.Fprintf(&d.b, "%5s | %s\n", number, text)
	return ""
}

// note says what an operand refers to.
func (d *disassembler) note(i int, in Ins) string {
	at := int(in.D)
	switch in.Op {
	case Jmp, Loop, JF, JT, JUnit, JNotUnit, JEq, JNe, JLt, JLe, JGt, JGe, JEqK, JNeK, JLtK, JLeK, JGtK, JGeK, PJUnit, ForNext:
		return fmt.Sprintf("  ; to %d", i+1+at)
	case LoadK, AddK, SubK, MulK, DivK:
		if at < len(d.u.Consts) {
			return "  ; " + d.u.Consts[at].String()
		}
	case Call, CallFn:
		if at < len(d.u.Funcs) {
			return "  ; " + d.u.Funcs[at].Name
		}
	case CallN, CallV, CallP, Method, MethodP, Special, CallerFn:
		if at < len(d.u.Calls) {
			s := &d.u.Calls[at]
			return "  ; " + strings.Join(append(append([]string(nil), s.Namespace...), s.Name), "::")
		}
	case Field, SetFld, OpFld, OpFld2, OpThis, FldThis, PFld, PSetFld:
		if at < len(d.u.Fields) {
			return "  ; ." + d.u.Fields[at]
		}
	case Fail:
		if at < len(d.u.Fails) {
			return "  ; " + d.u.Fails[at].Kind + " " + d.u.Fails[at].Text
		}
	case Check, MapSet, PUndef, Export, SetConst:
		if at < len(d.u.Names) {
			return "  ; " + d.u.Names[at]
		}
	}
	return ""
}

// String writes the constant as a script would.
func (k Const) String() string {
	switch k.Kind {
	case UnitConst:
		return "()"
	case BoolConst:
		return strconv.FormatBool(k.Int != 0)
	case IntConst:
		return strconv.FormatInt(k.Int, 10)
	case FloatConst:
		return strconv.FormatFloat(k.Float, 'g', -1, 64)
	case CharConst:
		return strconv.QuoteRune(rune(k.Int))
	case StringConst:
		if len(k.Str) > 40 {
			return strconv.Quote(k.Str[:40]) + "…"
		}
		return strconv.Quote(k.Str)
	case ArrayConst:
		return "array of " + strconv.Itoa(len(k.Elems))
	case MapConst:
		return "map of " + strconv.Itoa(len(k.Elems))
	case FnConst:
		return "function " + strconv.FormatInt(k.Int, 10)
	}
	return "?"
}

// String returns the name of the operation.
func (op Op) String() string {
	if op < NumOps && opNames[op] != "" {
		return opNames[op]
	}
	return "op" + strconv.Itoa(int(op))
}

var opNames = [NumOps]string{
	Nop:       "nop",
	LoadK:     "load.k",
	LoadInt:   "load.int",
	LoadBool:  "load.bool",
	LoadUnit:  "load.unit",
	Move:      "move",
	Copy:      "copy",
	LoadFar:   "load.far",
	StoreFar:  "store.far",
	NewCell:   "new.cell",
	FarCell:   "far.cell",
	CellGet:   "cell.get",
	CellSet:   "cell.set",
	Check:     "check",
	GetThis:   "get.this",
	SetThis:   "set.this",
	Add:       "add",
	Sub:       "sub",
	Mul:       "mul",
	Div:       "div",
	Mod:       "mod",
	AddI:      "add.i",
	SubI:      "sub.i",
	MulI:      "mul.i",
	ModI:      "mod.i",
	AddK:      "add.k",
	SubK:      "sub.k",
	MulK:      "mul.k",
	DivK:      "div.k",
	Bin:       "bin",
	Eq:        "eq",
	Ne:        "ne",
	Lt:        "lt",
	Le:        "le",
	Gt:        "gt",
	Ge:        "ge",
	Neg:       "neg",
	Not:       "not",
	Pos:       "pos",
	AddTo:     "add.to",
	SubTo:     "sub.to",
	MulTo:     "mul.to",
	OpTo:      "op.to",
	OpTo0:     "op.to0",
	Jmp:       "jmp",
	Loop:      "loop",
	JF:        "jf",
	JT:        "jt",
	JUnit:     "junit",
	JNotUnit:  "jnot.unit",
	JEq:       "jeq",
	JNe:       "jne",
	JLt:       "jlt",
	JLe:       "jle",
	JGt:       "jgt",
	JGe:       "jge",
	JEqK:      "jeq.k",
	JNeK:      "jne.k",
	JLtK:      "jlt.k",
	JLeK:      "jle.k",
	JGtK:      "jgt.k",
	JGeK:      "jge.k",
	IsBool:    "is.bool",
	Call:      "call",
	CallFn:    "call.fn",
	CallN:     "call.n",
	CallV:     "call.v",
	CallP:     "call.p",
	Method:    "method",
	MethodP:   "method.p",
	Ret:       "ret",
	RetUnit:   "ret.unit",
	FragRet:   "frag.ret",
	Special:   "special",
	Eval:      "eval",
	CallerFn:  "caller.fn",
	Closure:   "closure",
	Array:     "array",
	Push:      "push",
	Map:       "map",
	MapSet:    "map.set",
	Range:     "range",
	Interp:    "interp",
	Index:     "index",
	Field:     "field",
	Share:     "share",
	SetIdx:    "set.idx",
	SetFld:    "set.fld",
	OpIdx:     "op.idx",
	OpFld:     "op.fld",
	OpFld2:    "op.fld2",
	Take:      "take",
	OpThis:    "op.this",
	FldThis:   "fld.this",
	PReg:      "preg",
	PFar:      "pfar",
	PCell:     "pcell",
	PThis:     "pthis",
	PUndef:    "pundef",
	PIdx:      "pidx",
	PFld:      "pfld",
	PJUnit:    "pjunit",
	PGet:      "pget",
	PSetIdx:   "pset.idx",
	PSetFld:   "pset.fld",
	IterInit:  "iter.init",
	IterRange: "iter.range",
	ForNext:   "for.next",
	Switch:    "switch",
	SwNext:    "sw.next",
	Throw:     "throw",
	Catch:     "catch",
	Import:    "import",
	ImpMark:   "imp.mark",
	ImpCut:    "imp.cut",
	Export:    "export",
	ModVar:    "mod.var",
	SetConst:  "set.const",
	GetConst:  "get.const",
	DynGet:    "dyn.get",
	DynSet:    "dyn.set",
	DynPlace:  "dyn.place",
	DynCell:   "dyn.cell",
	DynMark:   "dyn.mark",
	DynCut:    "dyn.cut",
	Fail:      "fail",
}
