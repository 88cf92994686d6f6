package rhai

import (
	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

const opPlus = uint8(syntax.Plus)

// slow executes an instruction outside the run loop: those without a fast
// path, and those whose operands do not fit it. It returns false when vm.err
// is set or the entry frame has returned.
func (vm *machine) slow(in *bytecode.Ins) bool {
	r := vm.regs
	a := &r[in.A]
	switch in.Op {
	case bytecode.Copy:
		*a = share(r[in.B])
	case bytecode.Take:
		*a = r[in.B]
		if vm.fn == vm.main.prog.body || vm.fn.f.Fragment {
			share(*a) // the scope gets the variable, too
		}
	case bytecode.Share:
		share(*a)
	case bytecode.LoadFar:
		v := vm.ext.far[in.D]
		if in.B == 0 {
			share(v)
		}
		*a = v
	case bytecode.StoreFar:
		vm.ext.far[in.D] = *a
	case bytecode.NewCell:
		return vm.newCell(a)
	case bytecode.CellGet:
		c := r[in.B].cell()
		if c.flags&flagLocked != 0 {
			return vm.dataRace()
		}
		*a = c.v
		if in.C == 0 {
			share(*a)
		}
	case bytecode.CellSet:
		return vm.dataRace()
	case bytecode.Check:
		return vm.check(a, in)
	case bytecode.GetThis:
		if vm.ext.this == nil {
			return vm.fail(newError(ErrUnboundThis, ""))
		}
		*a = *vm.ext.this
		if in.C == 0 {
			share(*a)
		}

	case bytecode.Add:
		return vm.arith(a, syntax.Plus, r[in.B], r[in.C])
	case bytecode.Sub:
		return vm.arith(a, syntax.Minus, r[in.B], r[in.C])
	case bytecode.Mul:
		return vm.arith(a, syntax.Multiply, r[in.B], r[in.C])
	case bytecode.Div:
		return vm.arith(a, syntax.Divide, r[in.B], r[in.C])
	case bytecode.Mod:
		return vm.arith(a, syntax.Modulo, r[in.B], r[in.C])
	case bytecode.AddI:
		return vm.arithInt(in, syntax.Plus)
	case bytecode.SubI:
		return vm.arithInt(in, syntax.Minus)
	case bytecode.MulI:
		return vm.arithInt(in, syntax.Multiply)
	case bytecode.ModI:
		return vm.arithInt(in, syntax.Modulo)
	case bytecode.AddK:
		return vm.arith(a, syntax.Plus, r[in.B], vm.fn.k[in.D])
	case bytecode.SubK:
		return vm.arith(a, syntax.Minus, r[in.B], vm.fn.k[in.D])
	case bytecode.MulK:
		return vm.arith(a, syntax.Multiply, r[in.B], vm.fn.k[in.D])
	case bytecode.DivK:
		return vm.arith(a, syntax.Divide, r[in.B], vm.fn.k[in.D])
	case bytecode.Bin:
		return vm.arith(a, syntax.Token(in.D), r[in.B], r[in.C])
	case bytecode.Eq:
		return vm.arith(a, syntax.Equal, r[in.B], r[in.C])
	case bytecode.Ne:
		return vm.arith(a, syntax.NotEqual, r[in.B], r[in.C])
	case bytecode.Lt:
		return vm.arith(a, syntax.Less, r[in.B], r[in.C])
	case bytecode.Le:
		return vm.arith(a, syntax.LessEqual, r[in.B], r[in.C])
	case bytecode.Gt:
		return vm.arith(a, syntax.Greater, r[in.B], r[in.C])
	case bytecode.Ge:
		return vm.arith(a, syntax.GreaterEqual, r[in.B], r[in.C])
	case bytecode.Neg:
		return vm.unaryOp(a, syntax.Minus, r[in.B])
	case bytecode.Not:
		return vm.unaryOp(a, syntax.Bang, r[in.B])
	case bytecode.Pos:
		return vm.unaryOp(a, syntax.Plus, r[in.B])
	case bytecode.AddTo, bytecode.SubTo, bytecode.MulTo, bytecode.OpTo:
		return vm.assign(a, syntax.Token(in.D), r[in.B], false)
	case bytecode.OpTo0:
		return vm.assignPlace(in)

	case bytecode.Loop:
		if err := vm.refill(); err != nil {
			return vm.fail(err)
		}
		vm.pc += int(in.D)
	case bytecode.JF, bytecode.JT:
		return vm.jumpBool(in)
	case bytecode.JEq:
		return vm.jumpCompare(in, syntax.Equal, r[in.B])
	case bytecode.JNe:
		return vm.jumpCompare(in, syntax.NotEqual, r[in.B])
	case bytecode.JLt:
		return vm.jumpCompare(in, syntax.Less, r[in.B])
	case bytecode.JLe:
		return vm.jumpCompare(in, syntax.LessEqual, r[in.B])
	case bytecode.JGt:
		return vm.jumpCompare(in, syntax.Greater, r[in.B])
	case bytecode.JGe:
		return vm.jumpCompare(in, syntax.GreaterEqual, r[in.B])
	case bytecode.JEqK:
		return vm.jumpCompare(in, syntax.Equal, vm.fn.k[in.B])
	case bytecode.JNeK:
		return vm.jumpCompare(in, syntax.NotEqual, vm.fn.k[in.B])
	case bytecode.JLtK:
		return vm.jumpCompare(in, syntax.Less, vm.fn.k[in.B])
	case bytecode.JLeK:
		return vm.jumpCompare(in, syntax.LessEqual, vm.fn.k[in.B])
	case bytecode.JGtK:
		return vm.jumpCompare(in, syntax.Greater, vm.fn.k[in.B])
	case bytecode.JGeK:
		return vm.jumpCompare(in, syntax.GreaterEqual, vm.fn.k[in.B])

	case bytecode.Call, bytecode.CallFn:
		return vm.callScript(vm.fn.funcs[in.D], int(in.A))
	case bytecode.CallN:
		return vm.callByName(in, nil)
	case bytecode.CallV:
		vm.rootReg(in.B)
		return vm.callByName(in, vm.place)
	case bytecode.CallP:
		return vm.callByName(in, vm.place)
	case bytecode.Method:
		vm.rootReg(in.B)
		return vm.method(in)
	case bytecode.MethodP:
		return vm.method(in)
	case bytecode.Ret:
		return vm.returned(*a)
	case bytecode.FragRet:
		return vm.fragRet(*a)
	case bytecode.RetUnit:
		return vm.returned(Value{})
	case bytecode.Special:
		return vm.special(in)
	case bytecode.Eval:
		return vm.eval(in)
	case bytecode.CallerFn:
		return vm.callerFn(in)

	case bytecode.Closure:
		return vm.makeClosure(in)
	case bytecode.Array:
		return vm.makeArray(in)
	case bytecode.Push:
		if err := vm.push(a.arr(), r[in.B]); err != nil {
			return vm.fail(err)
		}
	case bytecode.Map:
		return vm.makeMap(in)
	case bytecode.MapSet:
		if err := vm.setKey(a.mp(), vm.fn.prog.unit.Names[in.D], r[in.B]); err != nil {
			return vm.fail(err)
		}
	case bytecode.Range:
		return vm.makeRange(in)
	case bytecode.Interp:
		return vm.interpolate(in)

	case bytecode.Index:
		return vm.index(in)
	case bytecode.Field:
		return vm.fieldOf(in)
	case bytecode.SetIdx:
		vm.rootReg(in.A)
		return vm.setIndex(r[in.B], r[in.C], 0)
	case bytecode.OpIdx:
		vm.rootReg(in.A)
		return vm.setIndex(r[in.B], r[in.C], syntax.Token(in.D))
	case bytecode.SetFld:
		vm.rootReg(in.A)
		return vm.setField(&vm.fn.prog.fields[in.D], r[in.B], 0)
	case bytecode.OpFld:
		vm.rootReg(in.A)
		return vm.setField(&vm.fn.prog.fields[in.D], r[in.B], syntax.Token(in.C))

	case bytecode.FldThis:
		if vm.ext == nil || vm.ext.this == nil {
			return vm.failAt(newError(ErrUnboundThis, ""), vm.linkPos())
		}
		v := *vm.ext.this
		if v = v.untag(); v.kind() == KindMap {
			*a = Value{}
			s := vm.mapField(v.mp(), &vm.fn.prog.fields[in.D])
			if s == nil {
				return !vm.eng.strictMaps || vm.missing(vm.fn.prog.fields[in.D].name)
			}
			*a = *s
			return true
		}
		v, ok := vm.property(vm.ext.this, &vm.fn.prog.fields[in.D])
		if ok {
			*a = v
		}
		return ok
	case bytecode.PReg, bytecode.PFar, bytecode.PCell, bytecode.PThis:
		return vm.rootPlace(in)
	case bytecode.PIdx:
		return vm.stepIndex(*a)
	case bytecode.PFld:
		return vm.stepField(&vm.fn.prog.fields[in.D])
	case bytecode.PJUnit:
		if vm.place.IsUnit() {
			*a = Value{}
			vm.pc += int(in.D)
		}
	case bytecode.PGet:
		*a = share(*vm.place)
	case bytecode.PSetIdx:
		return vm.setIndex(*a, r[in.B], syntax.Token(in.C))
	case bytecode.PSetFld:
		return vm.setField(&vm.fn.prog.fields[in.D], r[in.B], syntax.Token(in.C))

	case bytecode.IterInit:
		return vm.iterInit(in)
	case bytecode.IterRange:
		return vm.iterRange(in)
	case bytecode.ForNext:
		return vm.forNext(in)
	case bytecode.Switch:
		return vm.switchOn(in)
	case bytecode.SwNext:
		return vm.switchNext(in)

	case bytecode.Throw:
		vm.err = &Error{Kind: ErrRuntime, Value: *a, Position: vm.pos()}
		return false
	case bytecode.Catch:
		return vm.catch(in)
	case bytecode.Fail:
		f := &vm.fn.prog.unit.Fails[in.D]
		return vm.failAt(newError(ErrorKind(f.Kind), f.Text), f.Pos)

	case bytecode.Import:
		return vm.doImport(in)
	case bytecode.ImpMark:
		*a = Int(int64(len(vm.imports)))
	case bytecode.ImpCut:
		vm.imports = cutSlice(vm.imports, int(a.int()))
	case bytecode.Export:
		vm.exports = append(vm.exports, exportVar{vm.fn.prog.unit.Names[in.D], vm.place})
	case bytecode.ModVar:
		return vm.moduleVar(in)
	case bytecode.SetConst:
		if vm.env.consts == nil {
			vm.env.consts = map[string]Value{}
		}
		vm.env.consts[vm.fn.prog.unit.Names[in.D]] = share(*a)
	case bytecode.GetConst:
		return vm.getConst(in)
	case bytecode.DynGet:
		return vm.dynGet(in)
	case bytecode.DynSet:
		return vm.dynSet(in)
	case bytecode.DynPlace:
		return vm.dynPlace(in)
	case bytecode.DynCell:
		return vm.dynCell(in)
	case bytecode.DynMark:
		*a = Int(int64(len(vm.dyn)))
	case bytecode.DynCut:
		vm.dyn = cutSlice(vm.dyn, int(a.int()))
	default:
		return vm.fail(newError(ErrSystem, "unknown instruction"))
	}
	return true
}

// returned ends a frame that needs more than the run loop does.
func (vm *machine) returned(v Value) bool {
	if vm.leave()&frameEntry != 0 {
		vm.ret = v
		return false
	}
	if vm.err != nil {
		return false // what the frame wrote is too deep
	}
	// A frame in a chunk of its own has its result elsewhere.
	vm.regs[vm.frames[vm.fp].adj] = v
	return true
}

func (vm *machine) newCell(a *Value) bool {
	if err := vm.alloc(32); err != nil {
		return vm.fail(err)
	}
	c := &cellObj{hdr: hdr{kind: kindCell}, v: *a}
	*a = Value{p: &c.hdr}
	return true
}

// dataRace refuses a variable that a running method call has borrowed. The error has no position, as in the reference.
func (vm *machine) dataRace() bool {
	return vm.fail(errDataRace())
}

func errDataRace() *Error {
	err := newError(ErrDataRace, "")
	err.noFill = true
	return err
}

// check refuses a variable that is not defined.
func (vm *machine) check(a *Value, in *bytecode.Ins) bool {
	if a.deref().p == &vUndef {
		return vm.fail(newError(ErrVariableNotFound, vm.fn.prog.unit.Names[in.D]))
	}
	return true
}

// arith applies an operator. Arithmetic errors of operators carry no position, but where functions stand for them:
// those of the host may, and the reference's of points in time do.
func (vm *machine) arith(dst *Value, op syntax.Token, x, y Value) bool {
	v, err := binary(vm, op, x, y)
	if err != nil {
		e := asError(err)
		if e.Kind == ErrArithmetic && !vm.eng.dispatch && x.untag().deref().untag().kind() != KindTimestamp {
			e.noFill = true
		}
		return vm.fail(e)
	}
	*dst = v
	return true
}

func (vm *machine) arithInt(in *bytecode.Ins, op syntax.Token) bool {
	y := Int(int64(in.D))
	if in.C != 0 {
		return vm.assign(&vm.regs[in.A], op, y, false)
	}
	return vm.arith(&vm.regs[in.A], op, vm.regs[in.B], y)
}

func (vm *machine) unaryOp(dst *Value, op syntax.Token, x Value) bool {
	v, err := unary(vm, op, x)
	if err != nil {
		return vm.fail(err)
	}
	*dst = v
	return true
}

// assign applies an op-assignment in place. With alt, the operator is at the instruction's second position.
func (vm *machine) assign(place *Value, op syntax.Token, y Value, alt bool) bool {
	if op == syntax.Plus && !vm.eng.dispatch {
		switch {
		case place.p == &vInt && y.p == &vInt:
			s := place.n + y.n
			if int64((s^place.n)&(s^y.n)) >= 0 {
				place.n = s
				return true
			}
		case place.p == &vFloat && y.p == &vFloat:
			*place = Float(place.float() + y.float())
			return true
		}
	}
	if err := assignOp(vm, op, place, share(y)); err != nil {
		if alt {
			return vm.failAt(err, vm.altPos())
		}
		return vm.fail(err)
	}
	syncTag(*place)
	return true
}

func (vm *machine) assignPlace(in *bytecode.Ins) bool {
	if vm.placeRO {
		return vm.constantAssigned()
	}
	if c := vm.placeCell; c != nil && c.flags&flagLocked != 0 {
		return vm.dataRace()
	}
	y := vm.regs[in.B]
	if in.D == 0 {
		*vm.place = y
		return true
	}
	return vm.assign(vm.place, syntax.Token(in.D), y, false)
}

func (vm *machine) constantAssigned() bool {
	return vm.failAt(newError(ErrAssignmentToConst, vm.fn.prog.unit.Names[vm.placeName]), vm.placePos)
}

// jumpBool handles a condition that is no bool.
func (vm *machine) jumpBool(in *bytecode.Ins) bool {
	x := vm.regs[in.A].untag()
	if in.C != 0 {
		var v Value
		if !vm.unaryOp(&v, syntax.Bang, x) {
			return false
		}
		if !v.isBool() {
			return vm.fail(errMismatch("bool", internalTypeName(v)))
		}
		x = Bool(!v.bool())
	}
	if !x.isBool() {
		return vm.fail(errMismatch("bool", internalTypeName(x)))
	}
	if x.bool() == (in.Op == bytecode.JT) {
		vm.pc += int(in.D)
	}
	return true
}

// jumpCompare jumps when the comparison does not hold.
func (vm *machine) jumpCompare(in *bytecode.Ins, op syntax.Token, y Value) bool {
	x := vm.regs[in.A]
	if x.isString() && y.isString() {
		if op == syntax.Equal || op == syntax.NotEqual {
			if err := vm.charge(int64(min(x.strLen(), y.strLen())) >> 6); err != nil {
				return vm.fail(err)
			}
			if (x.str() == y.str()) != (op == syntax.Equal) {
				vm.pc += int(in.D)
			}
			return true
		}
	}
	v, err := binary(vm, op, x, y)
	if err != nil {
		return vm.fail(err)
	}
	if !v.isBool() {
		return vm.fail(errMismatch("bool", internalTypeName(v)))
	}
	if !v.bool() {
		vm.pc += int(in.D)
	}
	return true
}
