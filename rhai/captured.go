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
	seen := map[*hdr]bool{} // a value may hold another one many times over
	todo := []Value{v}      // and be nested deeper than Go's stack
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		// Data without nesting hold no function.
		if v.p == nil || v.p.kind != kindCell && valueDepth(v) == 0 || seen[v.p] {
			continue
		}
		if k := v.p.kind; (k == KindArray || k == KindMap) && valueDepth(v) < 2 {
			continue
		}
		seen[v.p] = true
		switch v.p.kind {
		case kindCell:
			cell := v.cell()
			c.cells = append(c.cells, cell)
			c.values = append(c.values, share(cell.v))
			todo = append(todo, cell.v)
		default:
			todo = v.parts(todo)
		}
	}
	return c
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
