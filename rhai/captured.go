package rhai

// Captured is what the variables that a closure captured held at one moment.
type Captured struct {
	cells  []*cellObj
	values []Value
}

// Captured remembers the variables that the function captured, and those that
// functions among their values captured in turn. A host that calls a closure
// again in place of a call that did not count puts them back first. Values of
// host types with reference semantics are not copied.
func (v Value) Captured() *Captured {
	c := &Captured{}
	c.value(v, map[*cellObj]bool{})
	return c
}

func (c *Captured) value(v Value, seen map[*cellObj]bool) {
	// Data without nesting hold no function.
	if v.p == nil || v.p.kind != kindCell && valueDepth(v) == 0 {
		return
	}
	switch v.p.kind {
	case kindCell:
		cell := v.cell()
		if seen[cell] {
			return
		}
		seen[cell] = true
		c.cells = append(c.cells, cell)
		c.values = append(c.values, share(cell.v))
		c.value(cell.v, seen)
	case kindTagged:
		c.value(v.tagged().v, seen)
	case KindFn:
		for _, a := range v.fn().curry {
			c.value(a, seen)
		}
	case KindArray:
		if valueDepth(v) < 2 {
			return
		}
		for _, e := range v.arr().v {
			c.value(e, seen)
		}
	case KindMap:
		if valueDepth(v) < 2 {
			return
		}
		for it := v.mp().iter(); ; {
			_, e, ok := it.next()
			if !ok {
				return
			}
			c.value(*e, seen)
		}
	}
}

// Restore gives the variables what they held. A variable that a method call
// further out is working on has not changed and stays.
func (c *Captured) Restore() {
	for i, cell := range c.cells {
		if cell.flags&flagLocked == 0 {
			cell.v = share(c.values[i])
		}
	}
}
