package rhai

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// machine is the state of one run. The run loop carries only the machine, the
// code, the program counter and the registers; everything else is here.
type machine struct {
	pc     int
	regs   *[256]Value
	fn     *funcProto
	base   int // of regs in stack
	fp     int // frames in use
	budget int64
	stack  []Value // the current chunk
	frames []frame // length: levels of calls allowed here
	ext    *frameExt
	err    *Error
	ret    Value

	place     *Value // the current place of a chain
	placeCell *cellObj
	placeRO   bool
	placeName int32    // name of the root, index into Names
	placePos  Position // of the root
	path      []pathStep

	cursor cursor

	used          int64 // memory: live at the last census + allocated since
	maxMemory     int64
	peak          int64
	granted       int64 // operations granted so far
	limits        Limits
	ctx           context.Context
	eng           *Engine
	env           *environment // the module that runs now
	main          *environment
	ownEnv        bool // of an instance, whose closures know it by that
	imports       []importSlot
	modules       int // imported so far
	importing     []importStep
	dyn           []dynVar
	exports       []exportVar
	chunks        [][]Value // chunks below the current one
	high          int       // highest base in the first chunk
	entering      int       // registers that hold arguments of a call that is about to be made
	wide          int       // most registers of a function that ran
	calls         []*Call
	ncalls        int
	callbacks     int    // natives in progress that are running script code
	temps         []*hdr // containers that natives in progress are building
	texts         int64  // bytes of texts that are being written
	natives       int    // nesting of natives that run script code
	exts          []*frameExt
	cancelled     *atomic.Bool // what the context being watched sets; one whose end may still come has it for itself
	allFrames     []frame
	outer         []bool     // by register of the body: constants of the outside scope
	scratch       []byte     // for texts of numbers on their way into a string
	textRoom      [1024]byte // for a text that is copied when it is done
	fragments     map[fragmentKey]*funcProto
	fragmentBytes int64
	loaded        map[*Program]*moduleInstance
	keep          func() // called before the body's frame ends
	scope         *Scope
	scopeUsed     bool   // an eval looks at variables in it
	out           bool   // the scope gets the body's variables
	cancel        func() // sets cancelled
	ender         ender  // of the context that is being watched
	forget        func() bool
	broken        bool // a native panicked: the state is not to be reused
}

// ender is a context that tells one run of its end without a goroutine or an allocation. ForgetEnd
// reports whether f will not be called.
type ender interface {
	NotifyEnd(f func())
	ForgetEnd() bool
}

// frame is what a call saves of its caller.
type frame struct {
	fn    *funcProto
	pc    int32
	adj   uint8
	flags uint8
	base  int32
}

const (
	frameEntry uint8 = 1 << iota // the run loop returns when this frame does
	frameExtended
	frameChunk    // the callee's registers are in another chunk
	frameFragment // code that runs on the caller's registers
	frameBody     // of a program's body: what it leaves behind is taken before it ends
)

// frameExt is the rest of a frame that few functions need.
type frameExt struct {
	prev     *frameExt
	this     *Value
	readOnly bool
	far      []Value
	locked   *cellObj
	env      *environment // to restore
	setEnv   bool
	imports  int
	dyn      int
	path     []pathStep // to this, if that is an element or a property that may be written
}

// environment is a module: its program, constants and imports.
type environment struct {
	prog    *Program
	consts  map[string]Value
	imports []importSlot
}

const (
	unlimited  = math.MaxInt64 / 4
	chunkSize  = 1024
	chunkRoom  = 256     // beyond it, for the arguments of a call that goes on in the next chunk
	slice      = 1 << 16 // operations between looks at the cancellation
	maxNatives = 200     // nesting of natives on the Go stack
)

var machines = sync.Pool{New: func() any {
	vm := &machine{stack: newStack()}
	vm.allFrames = make([]frame, defaultCallLevels+2)
	vm.renew()
	return vm
}}

// renew gives the machine a flag that nothing sets yet.
func (vm *machine) renew() {
	flag := new(atomic.Bool)
	vm.cancelled, vm.cancel = flag, func() { flag.Store(true) }
}

// start prepares a machine for a run.
func (e *Engine) start(ctx context.Context, l *Limits) *machine {
	vm := machines.Get().(*machine)
	vm.eng, vm.ctx, vm.limits = e, ctx, *l
	if vm.cancelled.Load() {
		vm.cancelled.Store(false)
	}
	levels := l.MaxCallLevels
	if levels <= 0 {
		levels = defaultCallLevels
	}
	levels = min(levels, maxCallLevels)
	if len(vm.allFrames) < levels+2 {
		vm.allFrames = make([]frame, levels+2)
	}
	vm.frames = vm.allFrames[:levels+2] // the body is a level, too
	vm.maxMemory = unlimited
	if l.MaxMemory > 0 {
		vm.maxMemory = l.MaxMemory
	}
	vm.grant()
	vm.regs = (*[256]Value)(vm.stack[:256])
	return vm
}

// stop clears what the run left behind and gives the machine back.
func (vm *machine) stop() {
	if vm.broken {
		return // its state is unknown
	}
	first := vm.stack
	if len(vm.chunks) > 0 {
		first = vm.chunks[0]
		vm.high = len(first)
	}
	clear(first[:min(vm.high+vm.wide, cap(first))])
	for _, c := range vm.calls {
		*c = Call{}
	}
	if cap(vm.path) > 0 {
		clear(vm.path[:cap(vm.path)])
	}
	vm.stack, vm.chunks = first, nil
	vm.pc, vm.base, vm.fp, vm.high, vm.wide = 0, 0, 0, 0, 0
	vm.fn, vm.ext, vm.err, vm.ret = nil, nil, nil, Value{}
	vm.place, vm.placeCell, vm.path = nil, nil, vm.path[:0]
	vm.used, vm.peak, vm.budget, vm.granted = 0, 0, 0, 0
	vm.ctx, vm.eng, vm.env, vm.main, vm.scope, vm.keep = nil, nil, nil, nil, nil, nil
	vm.imports, vm.dyn, vm.exports, vm.outer = nil, nil, nil, vm.outer[:0]
	vm.fragments, vm.loaded, vm.fragmentBytes = nil, nil, 0
	vm.cursor = cursor{}
	vm.ownEnv, vm.scopeUsed = false, false
	vm.modules, vm.ncalls, vm.natives, vm.callbacks = 0, 0, 0, 0
	vm.temps, vm.importing = cutSlice(vm.temps, 0), cutSlice(vm.importing, 0)
	machines.Put(vm)
}

func (vm *machine) context() context.Context {
	if vm.ctx == nil {
		return context.Background()
	}
	return vm.ctx
}

// grant fills the budget with the next slice of operations.
func (vm *machine) grant() bool {
	n := int64(slice)
	if m := vm.limits.MaxOperations; m > 0 {
		n = min(n, m-vm.granted)
	}
	if n <= 0 {
		return false
	}
	vm.granted += n
	vm.budget += n
	return true
}

// refill is called when the budget has run out.
func (vm *machine) refill() error {
	for vm.budget < 0 {
		if vm.ended() {
			return vm.terminated()
		}
		if !vm.grant() {
			return newError(ErrTooManyOperations, "")
		}
	}
	if vm.ended() {
		return vm.terminated()
	}
	return nil
}

// operations is the number of operations charged so far.
func (vm *machine) operations() int64 { return vm.granted - vm.budget }

// pos is where the current instruction is.
func (vm *machine) pos() Position { return vm.posAt(vm.fn, vm.pc-1) }

func (vm *machine) posAt(fn *funcProto, pc int) Position {
	if fn == nil || pc < 0 || pc >= len(fn.f.Pos) {
		return Position{}
	}
	return fn.f.Pos[pc]
}

// altPos is the second position of the current instruction.
func (vm *machine) altPos() Position {
	pos, _ := bytecode.FindPos(vm.fn.f.Alt, int32(vm.pc-1))
	return pos
}

// linkPos is where the link is that an assignment ends with.
func (vm *machine) linkPos() Position {
	if p, ok := bytecode.FindPos(vm.fn.f.Links, int32(vm.pc-1)); ok {
		return p
	}
	return vm.altPos()
}

// fail records an error for the instruction and returns false.
func (vm *machine) fail(err error) bool { return vm.failAt(err, vm.pos()) }

func (vm *machine) failAt(err error, pos Position) bool {
	vm.err = asError(err).at(pos)
	return false
}

func asError(err error) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Kind: ErrRuntime, Value: String(err.Error()), inner: err}
}

// newExt takes an extended frame from the pool.
func (vm *machine) newExt() *frameExt {
	var x *frameExt
	if n := len(vm.exts); n > 0 {
		x = vm.exts[n-1]
		vm.exts = vm.exts[:n-1]
	} else {
		x = &frameExt{}
	}
	x.prev = vm.ext
	vm.ext = x
	return x
}

// enter starts script function fn whose arguments are at register adj of the current frame.
func (vm *machine) enter(fn *funcProto, adj int, flags uint8) *Error {
	vm.budget -= fn.cost
	if vm.budget < 0 {
		if err := vm.refill(); err != nil {
			return asError(err)
		}
	}
	if vm.fp >= len(vm.frames)-1 {
		return newError(ErrStackOverflow, "")
	}
	if fn.nfar > 0 {
		vm.entering = adj + fn.arity()
		err := vm.alloc(sizeClass(int64(fn.nfar) * valueSize))
		vm.entering = 0
		if err != nil {
			return asError(err)
		}
	}
	f := &vm.frames[vm.fp]
	vm.fp++
	f.fn, f.pc, f.adj, f.flags, f.base = vm.fn, int32(vm.pc), uint8(adj), flags, int32(vm.base)
	base := vm.base + adj
	if base+256 > len(vm.stack) {
		vm.newChunk(base, fn.arity())
		f.flags |= frameChunk
		base = 0
	}
	vm.fn, vm.base, vm.pc = fn, base, 0
	vm.high = max(vm.high, base)
	vm.regs = (*[256]Value)(vm.stack[base : base+256])
	if fn.ext || fn.prog != vm.env.prog {
		f.flags |= frameExtended
		x := vm.newExt()
		x.imports = len(vm.imports)
		x.dyn = len(vm.dyn)
		if fn.nfar > 0 {
			x.far = make([]Value, fn.nfar)
		}
	}
	return nil
}

// newChunk continues the stack in another chunk and copies the arguments there:
// places within a chunk never move.
func (vm *machine) newChunk(base, nargs int) {
	next := newStack()
	args := vm.stack[base : base+nargs]
	copy(next, args)
	clear(args) // the callee may give them up before it returns
	vm.chunks = append(vm.chunks, vm.stack)
	vm.stack = next
}

// newStack is an empty chunk. Behind its end is room: a frame has 256 registers from its base on at most, and the arguments of
// a call, of which there are no more, may begin at the last of them.
func newStack() []Value { return make([]Value, chunkSize+chunkRoom)[:chunkSize] }

// leave goes back to the caller of the current frame.
func (vm *machine) leave() uint8 {
	flags := vm.frames[vm.fp-1].flags
	if flags&frameBody != 0 {
		if vm.out {
			vm.fn.prog.scopeOut(vm, vm.scope)
		}
		if vm.keep != nil {
			vm.keep()
		}
	}
	vm.fp--
	f := &vm.frames[vm.fp]
	if flags&frameExtended != 0 {
		x := vm.ext
		vm.ext = x.prev
		path := x.path
		if len(path) > 0 {
			if err := settle(path, x.this); err != nil {
				vm.err = err.at(vm.pos())
			}
			path = cutSlice(path, 0)
		}
		if x.locked != nil {
			x.locked.flags &^= flagLocked
		}
		if x.setEnv {
			vm.env = x.env
		}
		vm.imports = cutSlice(vm.imports, x.imports)
		vm.dyn = cutSlice(vm.dyn, x.dyn)
		*x = frameExt{path: path}
		vm.exts = append(vm.exts, x)
	}
	if flags&frameChunk != 0 {
		n := len(vm.chunks) - 1
		vm.stack = vm.chunks[n]
		vm.chunks = vm.chunks[:n]
	}
	vm.fn, vm.pc, vm.base = f.fn, int(f.pc), int(f.base)
	vm.regs = (*[256]Value)(vm.stack[vm.base : vm.base+256])
	return flags
}

func cutSlice[T any](s []T, n int) []T {
	if n < len(s) {
		clear(s[n:])
		return s[:n]
	}
	return s
}

// unwind looks for a handler of vm.err and goes there, or ends at the entry frame.
func (vm *machine) unwind() bool {
	for {
		if h := vm.handler(); h != nil {
			vm.regs[h.Reg] = vm.err.value()
			vm.err = nil
			vm.pc = int(h.Target)
			return true
		}
		fn := vm.fn
		flags := vm.leave()
		pos := vm.pos()
		e := vm.err
		switch e.Kind {
		case ErrExit:
		case ErrTooManyOperations, ErrStackOverflow, ErrDataTooLarge, ErrMemory, ErrTerminated, ErrSystem:
			if len(e.Trace) == 0 && fn != fn.prog.body {
				e.Position = pos
			}
		case ErrParsing, ErrTooManyVariables, ErrTooManyModules:
			if len(e.Trace) == 0 && fn != fn.prog.body && !fn.f.Fragment {
				e.Position = pos
				break
			}
			fallthrough
		default:
			if fn != fn.prog.body || fn.f.Fragment {
				c := CallSite{Function: fn.f.Name, Position: pos}
				if vm.fn == nil || vm.fn.prog != fn.prog {
					c.Source = fn.prog.name
				}
				if e.Trace == nil {
					e.Trace = e.first[:0] // mostly the only one
				}
				e.Trace = append(e.Trace, c)
			}
		}
		if flags&frameEntry != 0 {
			return false
		}
	}
}

// handler finds what handles vm.err in the current frame.
func (vm *machine) handler() *bytecode.Handler {
	pc := int32(vm.pc - 1)
	f := vm.fn.f
	for i := f.Handler(pc); i >= 0; i = f.Handlers[i].Parent {
		h := &f.Handlers[i]
		if pc >= h.End {
			continue
		}
		if h.Rethrow {
			if vm.err.Kind == ErrRuntime && vm.err.Value.IsUnit() && len(vm.err.Trace) == 0 {
				if old, ok := vm.regs[h.Reg].host().v.(*Error); ok {
					e := *old
					if n := len(e.Trace); n > 0 {
						e.Trace = append([]CallSite(nil), e.Trace...)
						e.Trace[n-1].Position = vm.err.Position
					} else {
						e.Position = vm.err.Position
					}
					vm.err = &e
				}
			}
			continue
		}
		if vm.err.catchable() {
			return h
		}
	}
	return nil
}
