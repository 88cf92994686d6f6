package rhai

import (
	"runtime"
	"runtime/debug"
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
	switch {
	case vm.eng != nil && vm.eng.collect:
		debug.FreeOSMemory() // collects first; what is free stays resident otherwise
	case request >= max(m/4, 4<<20):
		runtime.GC()
	}
	vm.used = live + request
	vm.peak = max(vm.peak, min(vm.used, m))
	if live+request > m || live > m-m/8 {
		return newError(ErrMemory, "")
	}
	return vm.charge(work)
}

// tracer walks what is alive with a stack of its own: data may be nested deeper than Go's. What it keeps of a
// container is how far it has come, so that the stack is as deep as the data and no longer than that.
type tracer struct {
	epoch uint32
	live  int64
	work  int64
	todo  []tracing
}

// tracing is a container, and its next element.
type tracing struct {
	v        Value
	i, chunk int32
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
		if len(x.far) > 0 {
			t.live += sizeClass(int64(len(x.far)) * valueSize)
			t.slice(x.far)
		}
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
	if vm.scopeUsed {
		for i := range vm.scope.vars {
			t.add(vm.scope.vars[i].value)
		}
	}
	t.dynamic(vm.dyn)
	for i := range vm.importing {
		t.env(vm.importing[i].env)
		t.dynamic(vm.importing[i].dyn)
	}
	for _, inst := range vm.loaded {
		if inst != nil {
			t.env(inst.env)
			for _, v := range inst.vars {
				t.add(v)
			}
		}
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
	t.live += vm.texts + vm.fragmentBytes
	t.drain()
	return t.live, t.work/8 + 1
}

// registers traces what the frames still need of their registers and clears the dead ones on top.
func (vm *machine) registers(t *tracer) {
	fn, pc, base, stack, chunk := vm.fn, vm.pc-1, vm.base, vm.stack, len(vm.chunks)
	limit := max(fn.top(pc), vm.entering)
	end := min(max(base+256, vm.high+vm.wide), len(stack))
	clear(stack[base+limit : max(base+limit, end)])
	for i := vm.fp; ; i-- {
		if fn == nil {
			return
		}
		t.written(stack[base:base+limit], fn.f.FindUnwritten(int32(pc)))
		if fn.prog.weight > maxFragmentBytes/4 {
			t.live += fn.prog.weight // it runs, whether it is kept or not
		}
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

func (t *tracer) dynamic(vars []dynVar) {
	for i := range vars {
		t.add(Value{p: &vars[i].cell.hdr})
	}
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

// add counts an object once; what it refers to is counted with it or queued.
func (t *tracer) add(v Value) {
	for {
		p := v.p
		if p == nil || p.flags&flagFrozen != 0 || p.epoch == t.epoch {
			return
		}
		p.epoch = t.epoch
		t.work++
		switch p.kind {
		case KindString:
			t.live += strBytes(int(v.strObj().cap))
			return
		case KindArray:
			a := v.arr()
			t.live += arrayHead + sizeClass(int64(cap(a.v))*valueSize)
			t.elements(v, a.v)
			return
		case KindMap:
			m := v.rawMap()
			if m.lazy != nil {
				t.live += mapHead + m.lazy.err.bytes()
				v = m.lazy.err.Value
				continue
			}
			t.mapObj(v, m)
			return
		case KindBlob:
			t.live += blobHead + sizeClass(int64(cap(v.blob().b)))
			return
		case KindRange:
			t.live += 32
			return
		case KindFn:
			f := v.fn()
			t.live += 80 + sizeClass(int64(cap(f.curry))*valueSize)
			if f.proto == nil {
				t.live += strBytes(len(f.name))
			}
			t.elements(v, f.curry)
			return
		case KindHost:
			t.live += 48
			h := v.host()
			if e, ok := h.v.(*Error); ok && h.typ == nil { // one that is being handled
				t.live += e.bytes()
				v = e.Value
				continue
			}
			if h.typ != nil && h.typ.size != nil {
				t.live += max(h.typ.size(h.v), 0)
			}
			return
		case kindCell:
			t.live += 32
			v = v.cell().v
		case kindTagged:
			t.live += 48
			v = v.tagged().v
		case kindIter:
			t.live += 96
			v = v.iter().over
		default:
			return
		}
	}
}

// elements counts those of a flat container, and queues another one.
func (t *tracer) elements(v Value, vs []Value) {
	if len(vs) == 0 {
		return
	}
	if v.p.depth <= 1 && v.p.kind == KindArray {
		t.slice(vs)
		return
	}
	t.work += int64(len(vs)) >> 3
	t.todo = append(t.todo, tracing{v: v})
}

// drain counts what is queued.
func (t *tracer) drain() {
	for len(t.todo) > 0 {
		n := len(t.todo)
		f := &t.todo[n-1]
		vs := f.part()
		for int(f.i) < len(vs) {
			e := vs[f.i]
			f.i++
			if p := e.p; p == nil || p.flags&flagFrozen != 0 || p.epoch == t.epoch {
				continue
			}
			last := int(f.i) == len(vs) && !f.more()
			if last {
				t.todo = t.todo[:n-1] // a chain needs no stack
			}
			t.add(e)
			if last || len(t.todo) != n {
				vs = nil
				break
			}
		}
		if vs == nil {
			continue
		}
		if f.more() {
			f.chunk++
			f.i = 0
			continue
		}
		t.todo = t.todo[:n-1]
	}
}

// part is the slice of the container that is being walked.
func (f *tracing) part() []Value {
	switch f.v.p.kind {
	case KindArray:
		return f.v.arr().v
	case KindFn:
		return f.v.fn().curry
	}
	m := f.v.rawMap()
	if m.big != nil {
		return m.big.chunks[f.chunk].vals
	}
	return m.vals
}

// more reports whether another slice follows.
func (f *tracing) more() bool {
	if f.v.p.kind != KindMap {
		return false
	}
	b := f.v.rawMap().big
	return b != nil && int(f.chunk)+1 < len(b.chunks)
}

func (t *tracer) mapObj(v Value, m *mapObj) {
	t.live += mapHead
	if b := m.big; b != nil {
		t.live += sizeClass(int64(cap(b.chunks)) * 8)
		for _, c := range b.chunks {
			t.live += chunkHead + sizeClass(int64(cap(c.vals))*valueSize) + sizeClass(int64(cap(c.keys))*keySize)
			t.keys(c.keys)
			t.work += int64(len(c.vals)) >> 3
		}
		if len(b.chunks) > 0 {
			t.todo = append(t.todo, tracing{v: v})
		}
		return
	}
	keys, vals := m.inline()
	t.live += keys + vals
	if cap(m.vals) > 4 || vals == 0 {
		t.live += sizeClass(int64(cap(m.vals)) * valueSize)
	}
	if m.own || m.flags&flagKeyed != 0 {
		if cap(m.keys) > 4 || keys == 0 {
			t.live += sizeClass(int64(cap(m.keys)) * keySize)
		}
		t.keys(m.keys)
	}
	if m.depth <= 1 {
		t.slice(m.vals)
	} else if len(m.vals) > 0 {
		t.work += int64(len(m.vals)) >> 3
		t.todo = append(t.todo, tracing{v: v})
	}
}

// keys counts the texts of keys, which a map may be the last to hold.
func (t *tracer) keys(keys []string) {
	t.work += int64(len(keys)) >> 3
	for _, k := range keys {
		t.live += strBytes(len(k))
	}
}
