package rhai

import (
	"sync/atomic"
)

// Memory is counted by the engine's own model, so that the verdict is the same
// on every machine: used is what was alive at the last census plus what was
// allocated since. When that exceeds the limit a census finds out what is
// alive. A run fails when the request does not fit, or when more than 7/8 of
// the limit is alive (a census for every few allocations would be no use).

// epochs numbers the censuses of all machines: an object is counted once in each.
var epochs atomic.Uint32

// census makes room for a request that has already been added to used.
func (vm *machine) census(request int64) error {
	m := vm.maxMemory
	if request > m {
		return newError(ErrMemory, "") // whatever is alive
	}
	live, work := vm.live()
	vm.used = live + request
	vm.peak = max(vm.peak, min(vm.used, m))
	if live+request > m || live > m-m/8 {
		return newError(ErrMemory, "")
	}
	return vm.charge(work)
}

// tracer walks what is alive with a stack of its own: data may be nested deeper than Go's.
type tracer struct {
	epoch uint32
	live  int64
	work  int64
	todo  []Value
}

// live measures what the run can reach, and the work of finding out.
func (vm *machine) live() (bytes, work int64) {
	t := &tracer{epoch: epochs.Add(1)}
	if t.epoch == 0 {
		t.epoch = epochs.Add(1)
	}
	vm.registers(t)
	t.add(vm.ret)
	for x := vm.ext; x != nil; x = x.prev {
		t.slice(x.far)
		if x.this != nil {
			t.add(*x.this)
		}
		if x.env != nil {
			t.env(x.env)
		}
	}
	if vm.env != nil {
		t.env(vm.env)
	}
	for i := range vm.dyn {
		t.add(Value{p: &vm.dyn[i].cell.hdr})
	}
	for i := range vm.path {
		if p := vm.path[i].temp; p != nil {
			t.add(*p)
		}
	}
	if vm.place != nil {
		t.add(*vm.place)
	}
	for _, c := range vm.calls[:vm.ncalls] {
		t.slice(c.args)
		t.live += c.held
	}
	for _, p := range vm.temps {
		t.add(Value{p: p})
	}
	t.live += vm.texts
	t.drain()
	return t.live, t.work/8 + 1
}

// registers traces what the frames still need of their registers and clears the dead ones on top.
func (vm *machine) registers(t *tracer) {
	fn, pc, base, stack, chunk := vm.fn, vm.pc-1, vm.base, vm.stack, len(vm.chunks)
	limit := fn.top(pc)
	clear(stack[base+limit : min(max(base+256, vm.high+vm.wide), len(stack))])
	for i := vm.fp; ; i-- {
		if fn == nil {
			return
		}
		t.written(stack[base:base+limit], fn.f.FindUnwritten(int32(pc)))
		if i == 0 {
			return
		}
		f := &vm.frames[:vm.fp][i-1]
		if f.flags&frameChunk != 0 {
			chunk--
			stack = vm.chunks[chunk]
		}
		fragment := f.flags&frameFragment != 0
		fn, pc, base = f.fn, int(f.pc)-1, int(f.base)
		limit = fn.top(pc)
		if !fragment {
			limit = min(limit, int(f.adj)) // from there on the registers are the callee's
		}
	}
}

// written traces registers but those that hold what an earlier expression left there.
func (t *tracer) written(regs []Value, pending []uint8) {
	from := 0
	for _, p := range pending {
		if i := int(p); i >= from && i < len(regs) {
			t.slice(regs[from:i])
			from = i + 1
		}
	}
	t.slice(regs[from:])
}

// top is the number of registers in use at an instruction.
func (fn *funcProto) top(pc int) int {
	if fn == nil || pc < 0 {
		return 0
	}
	return int(fn.f.Top[pc])
}

func (t *tracer) env(e *environment) {
	for _, v := range e.consts {
		t.add(v)
	}
}

func (t *tracer) slice(vs []Value) {
	t.work += int64(len(vs)) >> 3
	for _, v := range vs {
		if v.p != nil && v.p.flags&flagFrozen == 0 {
			t.add(v)
		}
	}
}

// add counts an object once and queues what it refers to.
func (t *tracer) add(v Value) {
	p := v.p
	if p == nil || p.flags&flagFrozen != 0 || p.epoch == t.epoch {
		return
	}
	p.epoch = t.epoch
	t.work++
	if p.kind == KindString {
		t.live += strBytes(int(v.strObj().cap))
		return
	}
	t.todo = append(t.todo, v)
}

func (t *tracer) drain() {
	for len(t.todo) > 0 {
		v := t.todo[len(t.todo)-1]
		t.todo = t.todo[:len(t.todo)-1]
		switch v.p.kind {
		case KindArray:
			a := v.arr()
			t.live += arrayHead + sizeClass(int64(cap(a.v))*valueSize)
			t.slice(a.v)
		case KindMap:
			t.mapObj(v.mp())
		case KindBlob:
			t.live += blobHead + sizeClass(int64(cap(v.blob().b)))
		case KindRange:
			t.live += 32
		case KindFn:
			f := v.fn()
			t.live += 80 + sizeClass(int64(cap(f.curry))*valueSize)
			t.slice(f.curry)
		case kindCell:
			t.live += 32
			t.add(v.cell().v)
		case kindTagged:
			t.live += 48
			t.add(v.tagged().v)
		case kindIter:
			t.live += 96
			t.add(v.iter().over)
		case KindHost:
			t.live += 48
			if h := v.host(); h.typ != nil && h.typ.size != nil {
				t.live += max(h.typ.size(h.v), 0)
			}
		}
	}
}

func (t *tracer) mapObj(m *mapObj) {
	t.live += mapHead
	if b := m.big; b != nil {
		for _, c := range b.chunks {
			t.live += sizeClass(int64(cap(c.vals))*valueSize + int64(cap(c.keys))*keySize)
			t.keys(c.keys)
			t.slice(c.vals)
		}
		return
	}
	t.live += sizeClass(int64(cap(m.vals)) * valueSize)
	if m.own {
		t.live += sizeClass(int64(cap(m.keys)) * keySize)
		t.keys(m.keys)
	}
	t.slice(m.vals)
}

// keys counts the texts of keys, which a map may be the last to hold.
func (t *tracer) keys(keys []string) {
	t.work += int64(len(keys)) >> 3
	for _, k := range keys {
		t.live += strBytes(len(k))
	}
}
