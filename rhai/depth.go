package rhai

// Every container has in its header how deep the data in it are nested, or more; never less. Whatever walks data by recursion, in the
// engine or in a host, relies on it: no script makes data that are deeper than maxDepth.

// valueDepth is the nesting of v: 0 for scalars and strings, 1 for a flat array.
func valueDepth(v Value) int {
	if v.p == nil {
		return 0
	}
	return int(v.p.depth)
}

// deepen records that v is about to be put into the container h.
// It fails when the data would nest deeper than maxDepth.
func (h *hdr) deepen(v Value) *Error {
	if d := valueDepth(v); d >= int(h.depth) {
		if d >= maxDepth {
			return newError(ErrDataTooLarge, "Depth of data")
		}
		h.depth = uint16(d + 1)
	}
	return nil
}

// deepenPath prepares the containers on the way for whatever the callee puts in the place: a
// depth over 1 says that elements may be containers.
func (vm *machine) deepenPath() {
	for i := range vm.path {
		if p := vm.path[i].container.p; p != nil && p.flags&flagShared == 0 && p.depth < 2 {
			p.depth = 2
		}
	}
}

// settle records on the way to a place how deep that has become which was written there. What is too deep is dropped: the error
// ends the run, and an instance goes on.
func settle(path []pathStep, place *Value) *Error {
	for k := len(path) - 1; k >= 0; k-- {
		c := path[k].container
		if err := deepenValue(*c, *place); err != nil {
			*place = Value{}
			return err
		}
		place = c
	}
	return nil
}

// deepenValue is deepen for a container that may have a tag.
func deepenValue(c, elem Value) *Error {
	if c.p == nil || c.p.flags&flagFrozen != 0 || valueDepth(elem) < int(c.p.depth) {
		return nil
	}
	switch c.p.kind {
	case KindArray, KindMap:
		return c.p.deepen(elem)
	case kindTagged:
		if err := deepenValue(c.tagged().v, elem); err != nil {
			return err
		}
		syncTag(c)
	}
	return nil
}

// syncTag makes a tagged value as deep as what it tags, which has been written to.
func syncTag(v Value) {
	if v.p != nil && v.p.kind == kindTagged {
		if t := v.tagged(); valueDepth(t.v) > int(t.depth) {
			t.depth = uint16(valueDepth(t.v))
		}
	}
}

// around is the depth of a container that the host makes around a value; more than maxDepth is all the same.
func around(d int) uint16 { return uint16(min(d+1, maxDepth+1)) }

// tooDeep reports whether a host function gave data that are deeper than a script's may be.
func tooDeep(v Value) bool { return valueDepth(v) > maxDepth }
