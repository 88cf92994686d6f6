package rhai

import "github.com/picloud/picloud/rhai/internal/bytecode"

// generalLoop is the run loop without its short ways: whatever has a general one takes that.
func (vm *machine) generalLoop() {
	for {
		in := &vm.fn.code[vm.pc]
		vm.pc++
		a := &vm.regs[in.A]
		ok := true
		switch in.Op {
		case bytecode.LoadK:
			*a = vm.fn.k[in.D]
		case bytecode.LoadInt:
			*a = Int(int64(in.D))
		case bytecode.LoadBool:
			*a = Bool(in.B != 0)
		case bytecode.LoadUnit:
			*a = Value{}
		case bytecode.Move:
			*a = vm.regs[in.B]
		case bytecode.Take:
			if vm.out {
				ok = vm.slow(in)
			} else {
				*a = vm.regs[in.B]
			}
		case bytecode.CellSet:
			if c := a.cell(); c.flags&flagLocked != 0 {
				ok = vm.slow(in)
			} else {
				c.v = vm.regs[in.B]
			}
		case bytecode.Jmp:
			vm.pc += int(in.D)
		case bytecode.JUnit:
			if a.p == nil {
				vm.pc += int(in.D)
			}
		case bytecode.JNotUnit:
			if a.p != nil {
				vm.pc += int(in.D)
			}
		case bytecode.Loop:
			vm.budget -= int64(in.A) | int64(in.B)<<8 | int64(in.C)<<16
			if vm.budget < 0 {
				ok = vm.slow(in)
			} else {
				vm.pc += int(in.D)
			}
		case bytecode.ForNext:
			ok = vm.generalNext(in)
		case bytecode.OpFld2, bytecode.OpThis: // the instructions behind it do the same
		default:
			ok = vm.slow(in)
		}
		if !ok && (vm.err == nil || !vm.unwind()) {
			return
		}
	}
}

// generalNext executes ForNext.
func (vm *machine) generalNext(in *bytecode.Ins) bool {
	it := &vm.regs[in.A]
	if it.p != &vInt {
		return vm.slow(in)
	}
	if it.int()+1 >= vm.regs[in.A+1].int() {
		return true
	}
	vm.budget -= int64(in.C)
	if vm.budget < 0 {
		return vm.slow(in)
	}
	it.n++
	vm.regs[in.B] = *it
	vm.pc += int(in.D)
	return true
}
