package rhai

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/picloud/picloud/rhai/internal/bytecode"
)

func setInt(r *Value, n uint64) {
	r.n = n
	if r.p != &vInt {
		r.p = &vInt
	}
}

func setFloat(r *Value, f float64) {
	r.n = math.Float64bits(f)
	if r.p != &vFloat {
		r.p = &vFloat
	}
}

func setBool(r *Value, b bool) {
	r.n = 0
	if b {
		r.n = 1
	}
	if r.p != &vBool {
		r.p = &vBool
	}
}

func setVal(r, v *Value) {
	r.n = v.n
	if p := v.p; r.p != p {
		r.p = p
	}
}

// loop runs from the machine's state until the entry frame returns or an error
// leaves it. It is long because the state it carries must stay in four
// variables: anything that calls is outlined, publishes pc before and reloads
// all of them after. A test keeps its stack frame small.
func (vm *machine) loop() {
	pc := vm.pc
	code := vm.fn.code
	regs := vm.regs
	for {
		in := &code[pc]
		pc++
		switch in.Op {
		case bytecode.LoadK:
			setVal(&regs[in.A], &vm.fn.k[in.D])
		case bytecode.LoadInt:
			setInt(&regs[in.A], uint64(int64(in.D)))
		case bytecode.LoadBool:
			r := &regs[in.A]
			r.n = uint64(in.B)
			if r.p != &vBool {
				r.p = &vBool
			}
		case bytecode.LoadUnit:
			r := &regs[in.A]
			r.n = 0
			if r.p != nil {
				r.p = nil
			}
		case bytecode.Move:
			setVal(&regs[in.A], &regs[in.B])
		case bytecode.Copy:
			v := &regs[in.B]
			if p := v.p; p != nil && p.flags&flagShared == 0 && p.kind.copiesOnWrite() {
				p.flags |= flagShared
			} else if p != nil && p.kind >= KindHost {
				goto slow
			}
			setVal(&regs[in.A], v)
		case bytecode.Take:
			if vm.out {
				goto slow
			}
			setVal(&regs[in.A], &regs[in.B])
		case bytecode.Share:
			if p := regs[in.A].p; p != nil && p.flags&flagShared == 0 {
				if p.kind >= KindHost {
					goto slow
				}
				if p.kind.copiesOnWrite() {
					p.flags |= flagShared
				}
			}
		case bytecode.CellGet:
			if c := regs[in.B].cell(); c.flags&flagLocked == 0 {
				v := &c.v
				if p := v.p; p != nil && p.flags&flagShared == 0 && in.C == 0 {
					if p.kind >= KindHost {
						goto slow
					}
					if p.kind.copiesOnWrite() {
						p.flags |= flagShared
					}
				}
				setVal(&regs[in.A], v)
				continue
			}
			goto slow
		case bytecode.CellSet:
			if c := regs[in.A].cell(); c.flags&flagLocked == 0 {
				setVal(&c.v, &regs[in.B])
				continue
			}
			goto slow

		case bytecode.GetThis:
			if x := vm.ext; x != nil && x.this != nil {
				v := x.this
				if p := v.p; p != nil && p.flags&flagShared == 0 && in.C == 0 {
					goto slow
				}
				setVal(&regs[in.A], v)
				continue
			}
			goto slow

		case bytecode.Add:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				s := x.n + y.n
				if int64((s^x.n)&(s^y.n)) >= 0 {
					setInt(&regs[in.A], s)
					continue
				}
			} else if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)+math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.Sub:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				s := x.n - y.n
				if int64((x.n^y.n)&(s^x.n)) >= 0 {
					setInt(&regs[in.A], s)
					continue
				}
			} else if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)-math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.Mul:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				a, b := int64(x.n), int64(y.n)
				if int64(int32(a)) == a && int64(int32(b)) == b {
					setInt(&regs[in.A], uint64(a*b))
					continue
				}
				hi, lo := bits.Mul64(x.n, y.n)
				if int64(hi)-(a>>63)&b-(b>>63)&a == int64(lo)>>63 {
					setInt(&regs[in.A], lo)
					continue
				}
			} else if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)*math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.Div:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				if y.n+1 > 1 {
					setInt(&regs[in.A], uint64(int64(x.n)/int64(y.n)))
					continue
				}
			} else if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)/math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.Mod:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt && y.n+1 > 1 {
				if x.n|y.n < 1<<32 {
					setInt(&regs[in.A], uint64(uint32(x.n)%uint32(y.n)))
				} else {
					setInt(&regs[in.A], uint64(int64(x.n)%int64(y.n)))
				}
				continue
			}
			goto slow
		case bytecode.AddI:
			x := &regs[in.B]
			if x.p == &vInt {
				y := uint64(int64(in.D))
				s := x.n + y
				if int64((s^x.n)&(s^y)) >= 0 {
					setInt(&regs[in.A], s)
					continue
				}
			}
			goto slow
		case bytecode.SubI:
			x := &regs[in.B]
			if x.p == &vInt {
				y := uint64(int64(in.D))
				s := x.n - y
				if int64((x.n^y)&(s^x.n)) >= 0 {
					setInt(&regs[in.A], s)
					continue
				}
			}
			goto slow
		case bytecode.MulI:
			x := &regs[in.B]
			if x.p == &vInt && int64(int32(x.n)) == int64(x.n) {
				setInt(&regs[in.A], uint64(int64(x.n)*int64(in.D)))
				continue
			}
			goto slow
		case bytecode.ModI:
			x := &regs[in.B]
			if x.p == &vInt && in.D > 0 {
				if x.n < 1<<32 {
					setInt(&regs[in.A], uint64(uint32(x.n)%uint32(in.D)))
				} else {
					setInt(&regs[in.A], uint64(int64(x.n)%int64(in.D)))
				}
				continue
			}
			goto slow
		case bytecode.AddK:
			x, y := &regs[in.B], &vm.fn.k[in.D]
			if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)+math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.MulK:
			x, y := &regs[in.B], &vm.fn.k[in.D]
			if x.p == &vFloat && y.p == &vFloat {
				setFloat(&regs[in.A], math.Float64frombits(x.n)*math.Float64frombits(y.n))
				continue
			}
			goto slow
		case bytecode.AddTo:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				s := x.n + y.n
				if int64((s^x.n)&(s^y.n)) >= 0 {
					x.n = s
					continue
				}
			} else if x.p == &vFloat && y.p == &vFloat {
				x.n = math.Float64bits(math.Float64frombits(x.n) + math.Float64frombits(y.n))
				continue
			}
			goto slow

		case bytecode.Eq:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], x.n == y.n)
				continue
			}
			goto slow
		case bytecode.Ne:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], x.n != y.n)
				continue
			}
			goto slow
		case bytecode.Lt:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], int64(x.n) < int64(y.n))
				continue
			}
			goto slow
		case bytecode.Le:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], int64(x.n) <= int64(y.n))
				continue
			}
			goto slow
		case bytecode.Gt:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], int64(x.n) > int64(y.n))
				continue
			}
			goto slow
		case bytecode.Ge:
			x, y := &regs[in.B], &regs[in.C]
			if x.p == &vInt && y.p == &vInt {
				setBool(&regs[in.A], int64(x.n) >= int64(y.n))
				continue
			}
			goto slow
		case bytecode.Not:
			x := &regs[in.B]
			if x.p == &vBool {
				setBool(&regs[in.A], x.n == 0)
				continue
			}
			goto slow

		case bytecode.Jmp:
			pc += int(in.D)
		case bytecode.Loop:
			vm.budget -= int64(in.A) | int64(in.B)<<8 | int64(in.C)<<16
			if vm.budget < 0 {
				goto slow
			}
			pc += int(in.D)
		case bytecode.JF:
			x := &regs[in.A]
			if x.p != &vBool {
				goto slow
			}
			if x.n == 0 {
				pc += int(in.D)
			}
		case bytecode.JT:
			x := &regs[in.A]
			if x.p != &vBool {
				goto slow
			}
			if x.n != 0 {
				pc += int(in.D)
			}
		case bytecode.JUnit:
			if regs[in.A].p == nil {
				pc += int(in.D)
			}
		case bytecode.JNotUnit:
			if regs[in.A].p != nil {
				pc += int(in.D)
			}
		case bytecode.JEq:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if x.n != y.n {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JNe:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if x.n == y.n {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JLt:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) >= int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JLe:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) > int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JGt:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) <= int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JGe:
			x, y := &regs[in.A], &regs[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) < int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JEqK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if x.n != y.n {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JNeK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if x.n == y.n {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JLtK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) >= int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JLeK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) > int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JGtK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) <= int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.JGeK:
			x, y := &regs[in.A], &vm.fn.k[in.B]
			if x.p == &vInt && y.p == &vInt {
				if int64(x.n) < int64(y.n) {
					pc += int(in.D)
				}
				continue
			}
			goto slow

		case bytecode.Call:
			fn := vm.fn.funcs[in.D]
			vm.budget -= fn.cost
			fp := vm.fp
			if vm.budget < 0 || uint(fp) >= uint(len(vm.frames)-1) {
				vm.budget += fn.cost
				goto slow
			}
			base := vm.base + int(in.A)
			if uint(base+256) > uint(len(vm.stack)) {
				vm.budget += fn.cost
				goto slow
			}
			f := &vm.frames[fp]
			f.base = int32(vm.base)
			f.pc = int32(pc)
			f.adj = in.A
			f.flags = 0
			if f.fn != vm.fn {
				f.fn = vm.fn
			}
			vm.fp = fp + 1
			if vm.fn != fn {
				vm.fn = fn
			}
			vm.base = base
			if base > vm.high {
				vm.high = base
			}
			regs = (*[256]Value)(vm.stack[base : base+256])
			vm.regs = regs
			code = fn.code
			pc = 0
		case bytecode.Ret:
			fp := vm.fp - 1
			f := &vm.frames[fp]
			if f.flags != 0 {
				if f.flags != frameEntry {
					goto slow
				}
				setVal(&vm.ret, &regs[in.A])
				vm.fp = fp
				vm.fn = f.fn
				vm.pc = int(f.pc)
				vm.base = int(f.base)
				vm.regs = (*[256]Value)(vm.stack[vm.base : vm.base+256])
				return
			}
			setVal(&regs[0], &regs[in.A])
			vm.fp = fp
			if vm.fn != f.fn {
				vm.fn = f.fn
			}
			base := int(f.base)
			vm.base = base
			regs = (*[256]Value)(vm.stack[base : base+256])
			vm.regs = regs
			code = f.fn.code
			pc = int(f.pc)

		case bytecode.Index:
			if h := regs[in.B].p; h != nil && h.kind == KindArray {
				a := (*arrayObj)(unsafe.Pointer(h))
				i := &regs[in.C]
				if i.p == &vInt && i.n < uint64(len(a.v)) {
					setVal(&regs[in.A], &a.v[i.n])
					continue
				}
			}
			goto slow
		case bytecode.Field:
			if h := regs[in.B].p; h != nil && h.kind == KindMap {
				m := (*mapObj)(unsafe.Pointer(h))
				if v := m.quick(&vm.fn.prog.fields[in.D]); v != nil {
					setVal(&regs[in.A], v)
					continue
				}
			}
			goto slow
		case bytecode.FldThis:
			if x := vm.ext; x != nil && x.this != nil {
				if h := x.this.p; h != nil && h.kind == KindMap {
					m := (*mapObj)(unsafe.Pointer(h))
					if v := m.quick(&vm.fn.prog.fields[in.D]); v != nil {
						setVal(&regs[in.A], v)
						continue
					}
				}
			}
			goto slow
		case bytecode.SetFld:
			if h := regs[in.A].p; h != nil && h.kind == KindMap && h.flags&flagShared == 0 {
				m := (*mapObj)(unsafe.Pointer(h))
				v := &regs[in.B]
				if x := m.quick(&vm.fn.prog.fields[in.D]); x != nil && (v.p == nil || v.p.depth < m.depth) {
					setVal(x, v)
					continue
				}
			}
			goto slow
		case bytecode.SetIdx:
			if h := regs[in.A].p; h != nil && h.kind == KindArray && h.flags&flagShared == 0 {
				a := (*arrayObj)(unsafe.Pointer(h))
				i := &regs[in.B]
				v := &regs[in.C]
				if i.p == &vInt && i.n < uint64(len(a.v)) && (v.p == nil || v.p.depth < a.depth) {
					setVal(&a.v[i.n], v)
					continue
				}
			}
			goto slow
		case bytecode.OpFld:
			if h := regs[in.A].p; h != nil && h.kind == KindMap && h.flags&flagShared == 0 && in.C == opPlus {
				m := (*mapObj)(unsafe.Pointer(h))
				if x := m.quick(&vm.fn.prog.fields[in.D]); x != nil {
					y := &regs[in.B]
					if x.p == &vInt && y.p == &vInt {
						s := x.n + y.n
						if int64((s^x.n)&(s^y.n)) >= 0 {
							x.n = s
							continue
						}
					} else if x.p == &vFloat && y.p == &vFloat {
						x.n = math.Float64bits(math.Float64frombits(x.n) + math.Float64frombits(y.n))
						continue
					}
				}
			}
			goto slow
		case bytecode.OpFld2:
			if h := regs[in.A].p; h != nil && h.kind == KindMap && h.flags&flagShared == 0 && in.C == opPlus {
				m := (*mapObj)(unsafe.Pointer(h))
				if o := m.quick(&vm.fn.prog.fields[in.D]); o != nil {
					if h := o.p; h != nil && h.kind == KindMap && h.flags&flagShared == 0 {
						m = (*mapObj)(unsafe.Pointer(h))
						if x := m.quick(&vm.fn.prog.fields[in.D+1]); x != nil {
							y := &regs[in.B]
							if x.p == &vInt && y.p == &vInt {
								s := x.n + y.n
								if int64((s^x.n)&(s^y.n)) >= 0 {
									x.n = s
									pc += 3
								}
							} else if x.p == &vFloat && y.p == &vFloat {
								x.n = math.Float64bits(math.Float64frombits(x.n) + math.Float64frombits(y.n))
								pc += 3
							}
						}
					}
				}
			}
		case bytecode.OpThis:
			if e := vm.ext; e != nil && e.this != nil && !e.readOnly {
				if h := e.this.p; h != nil && h.kind == KindMap && h.flags&flagShared == 0 {
					m := (*mapObj)(unsafe.Pointer(h))
					if x := m.quick(&vm.fn.prog.fields[in.D]); x != nil {
						y := &regs[in.B]
						if in.C == 0 {
							if y.p == nil || y.p.depth < m.depth {
								setVal(x, y)
								pc += 2
							}
						} else if in.C == opPlus && x.p == &vInt && y.p == &vInt {
							s := x.n + y.n
							if int64((s^x.n)&(s^y.n)) >= 0 {
								x.n = s
								pc += 2
							}
						}
					}
				}
			}

		case bytecode.ForNext:
			// Over integers: R[A] is the last value given, R[A+1] the first one not to be given.
			it := &regs[in.A]
			if it.p == &vInt {
				n := it.n + 1
				if int64(n) < int64(regs[in.A+1].n) {
					vm.budget -= int64(in.C)
					if vm.budget < 0 {
						goto slow
					}
					it.n = n
					setInt(&regs[in.B], n)
					pc += int(in.D)
				}
				continue
			}
			goto slow
		case bytecode.Switch:
			t := &vm.fn.prog.switches[in.D]
			x := &regs[in.A]
			if x.p == &vInt && x.n-t.low < uint64(len(t.dense)) {
				if to := t.dense[x.n-t.low]; to >= 0 {
					pc = int(to)
					continue
				}
			}
			goto slow

		default:
			goto slow
		}
		continue
	slow:
		vm.pc = pc
		if !vm.slow(in) {
			if vm.err == nil || !vm.unwind() {
				return
			}
		}
		code, pc, regs = vm.fn.code, vm.pc, vm.regs
	}
}
