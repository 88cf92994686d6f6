package rhai

import (
	"github.com/picloud/picloud/rhai/internal/bytecode"
)

// switchTable decides the arms of a switch statement. Jump targets are absolute.
type switchTable struct {
	site    *bytecode.SwitchSite
	guarded bool
	low     uint64  // first integer of dense
	dense   []int32 // targets by integer, for tables without guards
	ints    map[int64][]int32
	strs    map[string][]int32
	few     []switchText           // strs as a list, when there are few
	scalars map[scalarCase][]int32 // floats, chars, bools and ()
	ranges  map[rangeCase][]int32
	others  []switchValue // arrays, maps and function pointers
	effort  int64         // operations for a value that is looked for one by one
	weight  int64         // operations for a comparison with all of others
}

type switchText struct {
	text string
	arms []int32
}

type switchValue struct {
	v    Value
	arms []int32
}

type scalarCase struct {
	kind Kind
	bits uint64
}

type rangeCase struct {
	from, to  int64
	inclusive bool
}

const maxDense = 512

func (t *switchTable) build(p *Program, s *bytecode.SwitchSite) {
	t.site, t.guarded = s, s.AnyGuard
	t.ints, t.strs = map[int64][]int32{}, map[string][]int32{}
	t.scalars, t.ranges = map[scalarCase][]int32{}, map[rangeCase][]int32{}
	alike := map[string][]int{} // others with the same text
	for i := range s.Values {
		v := p.constant(&s.Values[i], nil).Freeze()
		arm := s.Arm[i]
		switch v.kind() {
		case KindInt:
			t.ints[v.int()] = append(t.ints[v.int()], arm)
		case KindString:
			t.strs[v.str()] = append(t.strs[v.str()], arm)
		case KindUnit, KindBool, KindFloat, KindChar:
			k := scalarCase{v.kind(), v.n}
			t.scalars[k] = append(t.scalars[k], arm)
		case KindRange:
			r := v.rng()
			k := rangeCase{r.from, r.to, r.inclusive}
			t.ranges[k] = append(t.ranges[k], arm)
		default:
			text := reprString(v)
			found := false
			for _, j := range alike[text] {
				if !found && identical(t.others[j].v, v) {
					t.others[j].arms = append(t.others[j].arms, arm)
					found = true
				}
			}
			if !found {
				alike[text] = append(alike[text], len(t.others))
				t.others = append(t.others, switchValue{v, []int32{arm}})
			}
		}
	}
	if len(t.strs) <= 8 {
		listed := map[string]bool{}
		for i := range s.Values {
			if k := &s.Values[i]; k.Kind == bytecode.StringConst && !listed[k.Str] {
				listed[k.Str] = true
				t.few = append(t.few, switchText{k.Str, t.strs[k.Str]})
			}
		}
	}
	t.effort = int64(len(t.others)+len(s.Ranges)) / 8
	for i := range t.others {
		t.weight += weigh(t.others[i].v)
	}
	t.weight /= 8
	t.fill()
}

// weigh is the work of a comparison with a constant.
func weigh(v Value) int64 {
	n := int64(1)
	switch v.kind() {
	case KindString:
		n += int64(v.strLen()) >> 3
	case KindArray:
		for _, e := range v.arr().v {
			n += weigh(e)
		}
	case KindMap:
		for it := v.mp().iter(); ; {
			k, e, ok := it.next()
			if !ok {
				break
			}
			n += weigh(*e) + int64(len(k))>>3
		}
	}
	return n
}

// fill makes the dense table when the integers lie close together. Where a guard comes first
// the table has -1.
func (t *switchTable) fill() {
	low, high, any := int64(0), int64(-1), false
	covered := uint64(len(t.ints))
	widen := func(a, b int64) {
		if !any || a < low {
			low = a
		}
		if !any || b > high {
			high = b
		}
		any = true
	}
	for k := range t.ints {
		widen(k, k)
	}
	for _, r := range t.site.Ranges {
		a, b := r.Low, r.High
		if !r.Inclusive {
			b--
		}
		if a <= b && uint64(b-a) < maxDense {
			widen(a, b)
			covered += uint64(b-a) + 1
		}
	}
	if !any || uint64(high-low) >= min(maxDense, 4*covered+16) {
		return
	}
	t.low = uint64(low)
	t.dense = make([]int32, high-low+1)
	for i := range t.dense {
		t.dense[i] = t.target(Int(low + int64(i)))
		if t.guarded && t.guardedFirst(Int(low+int64(i))) {
			t.dense[i] = -1
		}
	}
}

// candidates are the arms to try for x in order, without ranges.
func (t *switchTable) candidates(x Value) []int32 {
	switch {
	case x.isInt():
		return t.ints[x.int()]
	case x.isString():
		if t.few != nil {
			s := x.str()
			for i := range t.few {
				if t.few[i].text == s {
					return t.few[i].arms
				}
			}
			return nil
		}
		return t.strs[x.str()]
	}
	switch x.kind() {
	case KindUnit, KindBool, KindFloat, KindChar:
		return t.scalars[scalarCase{x.kind(), x.n}]
	case KindRange:
		r := x.rng()
		return t.ranges[rangeCase{r.from, r.to, r.inclusive}]
	}
	for i := range t.others {
		if identical(t.others[i].v, x) {
			return t.others[i].arms
		}
	}
	return nil
}

func inCase(r *bytecode.SwitchRange, x Value) bool {
	switch {
	case x.isInt():
		i := x.int()
		return i >= r.Low && (i < r.High || r.Inclusive && i == r.High)
	case x.isFloat():
		f := x.float()
		return f >= float64(r.Low) && (f < float64(r.High) || r.Inclusive && f == float64(r.High))
	}
	return false
}

// guardedFirst reports whether the first candidate for x has a guard.
func (t *switchTable) guardedFirst(x Value) bool {
	target := t.target(x)
	for i, pc := range t.site.Arms {
		if pc == target {
			return t.site.Guarded[i]
		}
	}
	return false
}

// target is where a switch without guards goes.
func (t *switchTable) target(x Value) int32 {
	if arms := t.candidates(x); len(arms) > 0 {
		return t.site.Arms[arms[0]]
	}
	for i := range t.site.Ranges {
		if inCase(&t.site.Ranges[i], x) {
			return t.site.Arms[t.site.Ranges[i].Arm]
		}
	}
	return t.site.Default
}

// switchOn executes Switch.
func (vm *machine) switchOn(in *bytecode.Ins) bool {
	t := &vm.fn.prog.switches[in.D]
	x := vm.regs[in.A].untag()
	if x.isInt() && x.n-t.low < uint64(len(t.dense)) {
		if to := t.dense[x.n-t.low]; to >= 0 { // as the run loop does it, for nothing
			vm.pc = int(to)
			return true
		}
	}
	if err := vm.paySearch(t, x); err != nil {
		return vm.fail(err)
	}
	if !t.guarded {
		vm.pc = int(t.target(x))
		return true
	}
	// R[B] is the number of the next candidate, R[B+1] the value.
	vm.regs[in.B+1] = share(x)
	vm.regs[in.B] = Int(0)
	return vm.nextCandidate(t, in.B)
}

// switchNext executes SwNext: a guard has refused.
func (vm *machine) switchNext(in *bytecode.Ins) bool {
	t := &vm.fn.prog.switches[in.D]
	if err := vm.paySearch(t, vm.regs[in.B+1]); err != nil {
		return vm.fail(err)
	}
	return vm.nextCandidate(t, in.B)
}

// paySearch charges for finding the candidates for x.
func (vm *machine) paySearch(t *switchTable, x Value) error {
	n := t.effort
	switch x.kind() {
	case KindString:
		n += int64(x.strLen()) >> 6
	case KindArray, KindMap, KindBlob, KindFn:
		n += t.weight
	}
	if n > 0 {
		return vm.charge(n)
	}
	return nil
}

func (vm *machine) nextCandidate(t *switchTable, b uint8) bool {
	x := vm.regs[b+1]
	n := int(vm.regs[b].int())
	vm.regs[b] = Int(int64(n + 1))
	arms := t.candidates(x)
	if n < len(arms) {
		vm.pc = int(t.site.Arms[arms[n]])
		return true
	}
	n -= len(arms)
	for i := range t.site.Ranges {
		if !inCase(&t.site.Ranges[i], x) {
			continue
		}
		if n == 0 {
			vm.pc = int(t.site.Arms[t.site.Ranges[i].Arm])
			return true
		}
		n--
	}
	if n == 0 {
		vm.pc = int(t.site.Default)
	} else {
		vm.pc = int(t.site.None)
	}
	return true
}
