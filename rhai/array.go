package rhai

// arrayObj is a Rhai array. It is written only when flags has no flagShared.
type arrayObj struct {
	hdr
	v []Value
}

// blobObj is a Rhai blob. It is written only when flags has no flagShared.
type blobObj struct {
	hdr
	b []byte
}

const (
	arrayHead = 32
	blobHead  = 32
	valueSize = 16
)

// Array returns an array that takes over the slice; the caller must not use
// the slice afterwards.
func Array(elems []Value) Value {
	a := &arrayObj{hdr: hdr{kind: KindArray, flags: freshFlags, depth: 1}, v: elems}
	for _, e := range elems {
		if d := valueDepth(e); d >= int(a.depth) {
			a.depth = around(d)
		}
		share(e)
	}
	return Value{p: &a.hdr}
}

// Blob returns a blob that takes over the slice.
func Blob(b []byte) Value {
	o := &blobObj{hdr: hdr{kind: KindBlob, flags: freshFlags, depth: 1}, b: b}
	return Value{p: &o.hdr}
}

// AsArray returns a view of the elements, not to be written, and whether the
// value is an array. The view is valid until the script changes the array.
func (v Value) AsArray() ([]Value, bool) {
	v = v.untag()
	if v.kind() != KindArray {
		return nil, false
	}
	return v.arr().v, true
}

// AsBlob returns a view of the bytes, not to be written, and whether the
// value is a blob.
func (v Value) AsBlob() ([]byte, bool) {
	v = v.untag()
	if v.kind() != KindBlob {
		return nil, false
	}
	return v.blob().b, true
}

// sizeClass rounds an allocation up the way the memory model counts it: to
// 16 bytes up to 128, then to an eighth of the size. It is the engine's own
// formula, the same on every machine.
func sizeClass(n int64) int64 {
	if n <= 128 {
		return (n + 15) &^ 15
	}
	step := int64(16)
	for step*16 <= n {
		step <<= 1
	}
	return (n + step - 1) &^ (step - 1)
}

// growCap is the engine's growth formula for arrays and blobs: at least need,
// doubling while small, by a quarter when large.
func growCap(have, need int) int {
	c := have * 2
	if have > 1024 {
		c = have + have/4
	}
	return max(c, need, 4)
}

func arrayBytes(n int) int64 { return arrayHead + sizeClass(int64(n)*valueSize) }

// newArray allocates an array with room for n elements.
func (vm *machine) newArray(n int) (*arrayObj, error) {
	if err := vm.checkArray(n); err != nil {
		return nil, err
	}
	if err := vm.alloc(arrayBytes(n)); err != nil {
		return nil, err
	}
	a := &arrayObj{hdr: hdr{kind: KindArray, flags: freshFlags, depth: 1}, v: make([]Value, 0, n)}
	vm.building(&a.hdr)
	return a, nil
}

// building lets the census find a container that a native has not handed out yet.
func (vm *machine) building(p *hdr) {
	if vm.ncalls > vm.callbacks {
		vm.temps = append(vm.temps, p)
	}
}

func (a *arrayObj) value() Value { return Value{p: &a.hdr} }
func (o *blobObj) value() Value  { return Value{p: &o.hdr} }

// at reads an element to be kept: it is marked shared.
func (a *arrayObj) at(i int) Value { return share(a.v[i]) }

// grow makes room for n more elements, charging the new storage first.
func (vm *machine) grow(a *arrayObj, n int) error {
	need := len(a.v) + n
	if need <= cap(a.v) {
		return nil
	}
	if err := vm.checkArray(need); err != nil {
		return err
	}
	c := growCap(cap(a.v), need)
	if err := vm.alloc(sizeClass(int64(c) * valueSize)); err != nil {
		return err
	}
	if err := vm.charge(int64(len(a.v)) >> 4); err != nil {
		return err
	}
	v := make([]Value, len(a.v), c)
	copy(v, a.v)
	a.v = v
	return nil
}

// push appends v, which the array keeps from now on, to a unique array.
func (vm *machine) push(a *arrayObj, v Value) error {
	if len(a.v) == cap(a.v) {
		if err := vm.grow(a, 1); err != nil {
			return err
		}
	}
	if v.p != nil && v.p.depth >= a.depth {
		if err := a.deepen(v); err != nil {
			return err
		}
	}
	a.v = append(a.v, v)
	return nil
}

// copyArray makes a shallow, unique copy; the children become shared.
func (vm *machine) copyArray(a *arrayObj) (*arrayObj, error) {
	if err := vm.charge(int64(len(a.v)) >> 4); err != nil {
		return nil, err
	}
	if err := vm.alloc(arrayBytes(len(a.v))); err != nil {
		return nil, err
	}
	c := &arrayObj{hdr: hdr{kind: KindArray, flags: freshFlags, depth: a.depth}, v: make([]Value, len(a.v))}
	copy(c.v, a.v)
	if a.depth > 1 {
		for _, e := range c.v {
			share(e)
		}
	}
	return c, nil
}

func (vm *machine) checkArray(n int) error {
	if vm.limits.MaxArraySize > 0 && n > vm.limits.MaxArraySize {
		return newError(ErrDataTooLarge, "Size of array/BLOB")
	}
	return nil
}

// newBlob allocates a blob of n zero bytes.
func (vm *machine) newBlob(n int) (*blobObj, error) {
	if err := vm.checkArray(n); err != nil {
		return nil, err
	}
	if err := vm.alloc(blobHead + sizeClass(int64(n))); err != nil {
		return nil, err
	}
	o := &blobObj{hdr: hdr{kind: KindBlob, flags: freshFlags, depth: 1}, b: make([]byte, n)}
	vm.building(&o.hdr)
	return o, nil
}

// growBlob makes room for n more bytes.
func (vm *machine) growBlob(o *blobObj, n int) error {
	need := len(o.b) + n
	if need <= cap(o.b) {
		return nil
	}
	if err := vm.checkArray(need); err != nil {
		return err
	}
	c := growCap(cap(o.b), need)
	if err := vm.alloc(sizeClass(int64(c))); err != nil {
		return err
	}
	b := make([]byte, len(o.b), c)
	copy(b, o.b)
	o.b = b
	return nil
}

// unique makes the object in *slot safe to write: when it is shared, the slot
// gets a copy of its own. The charge comes before the copy.
func (vm *machine) unique(slot *Value) error {
	p := slot.p
	if p == nil || p.flags&flagShared == 0 {
		return nil
	}
	switch p.kind {
	case KindArray:
		a, err := vm.copyArray(slot.arr())
		if err != nil {
			return err
		}
		slot.p = &a.hdr
	case KindMap:
		m, err := vm.copyMap(slot.mp())
		if err != nil {
			return err
		}
		slot.p = &m.hdr
	case KindBlob:
		o := slot.blob()
		if err := vm.charge(int64(len(o.b)) >> 6); err != nil {
			return err
		}
		c, err := vm.newBlob(len(o.b))
		if err != nil {
			return err
		}
		copy(c.b, o.b)
		slot.p = &c.hdr
	case KindHost:
		h := slot.host()
		if h.typ != nil && h.typ.clone != nil {
			c, err := vm.cloneHost(*slot)
			if err != nil {
				return err
			}
			slot.p = c.p
		}
	case kindTagged:
		t := slot.tagged()
		c := &tagObj{hdr: hdr{kind: kindTagged, depth: t.depth}, tag: t.tag, v: t.v}
		if err := vm.unique(&c.v); err != nil {
			return err
		}
		slot.p = &c.hdr
	}
	return nil
}
