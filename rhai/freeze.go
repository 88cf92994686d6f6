package rhai

// Freeze makes the value immutable, deeply, so that goroutines may share it.
// It returns the value. A value that is or holds a closure which has captured variables stays as it is: calling the
// closure writes them, so that it belongs to its run, and must not be shared.
func (v Value) Freeze() Value {
	if v.p == nil || v.p.flags&flagFrozen != 0 {
		return v
	}
	if v.p.kind == KindString {
		v.p.flags |= flagShared | flagFrozen
		return v
	}
	seen := map[*hdr]bool{} // a value may hold another one many times over
	todo := []Value{v}      // and functions be nested deeper than Go's stack
	for len(todo) > 0 {
		e := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if e.p == nil || e.p.flags&flagFrozen != 0 || seen[e.p] {
			continue
		}
		if e.p.kind == kindCell {
			return v
		}
		seen[e.p] = true
		todo = e.parts(todo)
	}
	for p := range seen {
		p.flags |= flagShared | flagFrozen
	}
	return v
}

// parts appends what the value holds.
func (v Value) parts(list []Value) []Value {
	switch v.p.kind {
	case KindArray:
		list = append(list, v.arr().v...)
	case KindMap:
		for it := v.mp().iter(); ; {
			_, e, ok := it.next()
			if !ok {
				break
			}
			list = append(list, *e)
		}
	case KindFn:
		list = append(list, v.fn().curry...)
	case kindTagged:
		list = append(list, v.tagged().v)
	}
	return list
}
