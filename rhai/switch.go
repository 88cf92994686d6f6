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
	few     []switchText // strs as a list, when there are few
	others  []switchValue
	values  []Value
}

type switchText struct {
	text string
	arms []int32
}

type switchValue struct {
	v    Value
	arms []int32
}

const maxDense = 512

func (t *switchTable) build(p *Program, s *bytecode.SwitchSite) {
	t.site, t.guarded = s, s.AnyGuard
	t.ints, t.strs = map[int64][]int32{}, map[string][]int32{}
	for i := range s.Values {
		v := p.constant(&s.Values[i], nil).Freeze()
		arm := s.Arm[i]
		switch {
		case v.isInt():
			t.ints[v.int()] = append(t.ints[v.int()], arm)
		case v.isString():
			t.strs[v.str()] = append(t.strs[v.str()], arm)
		default:
			found := false
			for j := range t.others {
				if identical(t.others[j].v, v) {
					t.others[j].arms = append(t.others[j].arms, arm)
					found = true
				}
			}
			if !found {
				t.others = append(t.others, switchValue{v, []int32{arm}})
			}
		}
	}
	if len(t.strs) <= 8 {
		for i := range s.Values {
			if k := &s.Values[i]; k.Kind == bytecode.StringConst && t.strs[k.Str] != nil {
				t.few = append(t.few, switchText{k.Str, t.strs[k.Str]})
			}
		}
	}
	t.fill()
}

// fill makes the dense table when the integers lie close together. Where a guard comes first
// the table has -1.
func (t *switchTable) fill() {
	low, high, any := int64(0), int64(-1), false
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
		}
	}
	if !any || uint64(high-low) >= maxDense {
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
	return vm.nextCandidate(&vm.fn.prog.switches[in.D], in.B)
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
