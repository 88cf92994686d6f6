package bytecode

import (
	"cmp"
	"slices"

	"github.com/picloud/picloud/rhai/syntax"
)

// Unit is the code of one source: its body and its functions.
type Unit struct {
	Source     string
	Body       *Func
	Funcs      []*Func // script functions and closures
	Consts     []Const
	Names      []string
	Calls      []CallSite
	Fields     []string // property names; a cache slot belongs to each
	Shapes     []Shape
	Closures   []ClosureSite
	Switches   []SwitchSite
	Vars       []VarSite
	Evals      []*EvalSite
	Fails      []Failure
	Outer      []Outer  // variables the body expects from outside
	TopVars    []TopVar // variables the body defines at its top level
	Lets       []Let    // definitions in the body that must not shadow an outside variable
	Dynamic    bool     // some function contains eval or f!()
	HasImports bool
	Nodes      int // of a fragment's tree, without its closures
	Imports    []Importing
}

// Importing is an import statement whose path is a text.
type Importing struct {
	Path string
	Pos  syntax.Pos
}

// Func is the code of a function or of a body.
type Func struct {
	Index    int
	Name     string
	ThisType string
	Params   []string
	Captures int // leading parameters that are captured cells
	Private  bool
	Closure  bool
	Doc      string
	UsesThis bool
	Empty    bool // no statements
	Fragment bool // code of an eval: part of the function that runs it
	Cost     int64
	NRegs    int // near registers used
	NFar     int // far slots used
	Code     []Ins
	Pos      []syntax.Pos // of each instruction
	Top      []uint8      // of each instruction: registers from here on hold nothing that is still needed
	Pending  []Unwritten  // of calls, in order: registers below Top that have not been written yet
	Alt      []PosAt      // second positions of instructions, in order: of the operator in a chain
	Links    []PosAt      // third ones: of the link that an assignment ends with
	Handlers []Handler    // by Start, outer ones first
}

// Handler covers [Start, End) with a catch block at Target, which finds the
// error in register Reg. With Rethrow it covers the catch block itself: there a
// thrown () stands for the error kept in register Reg.
type Handler struct {
	Start, End, Target int32
	Parent             int32 // the index of the handler around this one, -1 if there is none
	Reg                uint8
	Rethrow            bool
}

// NestHandlers puts the handlers, which lie within or beside one another, in order.
func (f *Func) NestHandlers() {
	slices.SortStableFunc(f.Handlers, func(a, b Handler) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	var open []int32
	for i := range f.Handlers {
		h := &f.Handlers[i]
		for len(open) > 0 && f.Handlers[open[len(open)-1]].End <= h.Start {
			open = open[:len(open)-1]
		}
		h.Parent = -1
		if len(open) > 0 {
			h.Parent = open[len(open)-1]
		}
		open = append(open, int32(i))
	}
}

// Handler is where the search for the handlers of an instruction begins: those whose range holds it are that one, or around it. It is -1
// if there are none.
func (f *Func) Handler(pc int32) int32 {
	lo, hi := 0, len(f.Handlers)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if f.Handlers[mid].Start <= pc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return int32(lo) - 1
}

// ConstKind classes a constant.
type ConstKind uint8

// Kinds of constants.
const (
	UnitConst ConstKind = iota
	BoolConst
	IntConst
	FloatConst
	CharConst
	StringConst
	ArrayConst
	MapConst
	RangeConst  // from Elems[0] to Elems[1]; Int != 0: inclusive
	FnNameConst // a pointer to the function Str, looked up when it is called
	FnConst     // a pointer to function Int of the unit (a closure or a bare name)
)

// Const describes a constant value.
type Const struct {
	Kind  ConstKind
	Int   int64
	Float float64
	Str   string
	Elems []Const
	Keys  []string
}

// CallSite is a call by name or a method call.
type CallSite struct {
	Name      string
	Namespace []string
	NSPos     syntax.Pos
	Args      int          // without the receiver
	Pos       syntax.Pos   // of the name
	ArgPos    []syntax.Pos // where the arguments start
	Lent      uint64       // arguments that may alias a variable or an element
	Caller    *EvalSite    // f!(): what the callee sees
}

// Shape is a map literal: its sorted keys, and for each source entry its slot.
type Shape struct {
	Keys []string
	Slot []int32
}

// ClosureSite makes a closure: Regs hold the captured cells.
type ClosureSite struct {
	Func int
	Regs []Slot
}

// Slot is where a variable lives.
type Slot struct {
	Reg  int32
	Far  bool
	Cell bool
}

// SwitchSite is the table of a switch statement. Jump targets are absolute.
type SwitchSite struct {
	Arms     []int32 // code of the arms
	Guarded  []bool
	Values   []Const // in source order
	Arm      []int32 // of each value
	Ranges   []SwitchRange
	Default  int32 // where to go when no case matches
	None     int32 // where to go when the guard of the default fails
	AnyGuard bool
}

// SwitchRange selects an arm for the numbers between Low and High.
type SwitchRange struct {
	Low, High int64
	Inclusive bool
	Arm       int32
}

// VarSite is a variable looked up by name at run time.
type VarSite struct {
	Name      string
	Namespace []string
	Pos       syntax.Pos
	NSPos     syntax.Pos
	Index     int32 // of the name in Names
	Static    bool  // Slot is the variable when no newer one of that name exists
	Slot      Slot
	Const     bool
	Outer     bool // from an outside scope, which may have it as a constant
}

// EvalSite is what a fragment compiled at run time sees.
type EvalSite struct {
	Vars   []EvalVar // outermost first
	Base   int       // first free register
	Far    int       // first free far slot
	Pos    syntax.Pos
	ArgPos syntax.Pos
	Top    bool // at the top level of the body
	Block  bool // in a block: what an eval here defines ends with that
}

// EvalVar is a variable visible to a fragment.
type EvalVar struct {
	Name  string
	Slot  Slot
	Const bool
	Outer bool // may be undefined
}

// Failure is an error known when the code was made.
type Failure struct {
	Kind, Text string
	Pos        syntax.Pos
}

// Outer is a variable the body reads or writes without defining it.
type Outer struct {
	Name string
	Slot Slot
}

// TopVar is a variable the body defines at its top level.
type TopVar struct {
	Name  string
	Slot  Slot
	Const bool
	PC    int32 // the first instruction that finds it defined
}

// Let is the definition of a variable.
type Let struct {
	Name string
	Pos  syntax.Pos
}

// PosAt is a further position of an instruction.
type PosAt struct {
	PC  int32
	Pos syntax.Pos
}

// Unwritten lists registers that a call finds reserved but not yet written.
type Unwritten struct {
	PC   int32
	Regs []uint8
}

// FindPos finds the position of an instruction in a list in order of PC.
func FindPos(list []PosAt, pc int32) (syntax.Pos, bool) {
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if list[mid].PC < pc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(list) && list[lo].PC == pc {
		return list[lo].Pos, true
	}
	return syntax.Pos{}, false
}

// FindUnwritten finds the registers of a call.
func (f *Func) FindUnwritten(pc int32) []uint8 {
	for i := range f.Pending {
		if f.Pending[i].PC == pc {
			return f.Pending[i].Regs
		}
	}
	return nil
}

// Trim gives back the room that growing left behind.
func (f *Func) Trim() {
	f.Code = append(make([]Ins, 0, len(f.Code)), f.Code...)
	f.Pos = append(make([]syntax.Pos, 0, len(f.Pos)), f.Pos...)
	f.Top = append(make([]uint8, 0, len(f.Top)), f.Top...)
	f.Alt = append(make([]PosAt, 0, len(f.Alt)), f.Alt...)
	f.Links = append(make([]PosAt, 0, len(f.Links)), f.Links...)
}
