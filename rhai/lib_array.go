package rhai

var arrayBuiltins = []builtin{
	{
		"len|get$len(array: array) -> i64", "Returns the number of elements.", `[1, 2, 3].len // 3`, 0,
		func(c *Call) (Value, error) { return Int(int64(len(c.array(0).v))), nil },
	},
	{
		"is_empty|get$is_empty(array: array) -> bool", "Tells whether the array has no elements.", `[].is_empty // true`, 0,
		func(c *Call) (Value, error) { return Bool(len(c.array(0).v) == 0), nil },
	},
	{
		"get(ref array: array, index: i64) -> any", "Returns an element, counted from the end if the index is negative; () outside the array.", `[1, 2, 3].get(-1) // 3`, 0,
		func(c *Call) (Value, error) {
			a := c.array(0)
			from, _ := clip(len(a.v), c.int(1), 0)
			if from >= len(a.v) {
				return Value{}, nil
			}
			return a.at(from), nil
		},
	},
	{
		"set(mut array: array, index: i64, value: any) -> ()", "Replaces an element; nothing happens outside the array.", `let a = [1, 2]; a.set(0, 9); a // [9, 2]`, Stores,
		func(c *Call) (Value, error) {
			a := c.slot().arr()
			from, _ := clip(len(a.v), c.int(1), 0)
			if from >= len(a.v) {
				return Value{}, nil
			}
			return Value{}, a.put(from, c.args[2])
		},
	},
	{
		"push(mut array: array, item: any) -> ()", "Appends an element.", `let a = [1]; a.push(2); a // [1, 2]`, Stores,
		func(c *Call) (Value, error) { return Value{}, c.vm.push(c.slot().arr(), c.args[1]) },
	},
	{
		"append(mut array: array, other: array) -> ()", "Appends the elements of another array.", `let a = [1]; a.append([2, 3]); a // [1, 2, 3]`, 0,
		func(c *Call) (Value, error) { return Value{}, c.vm.appendArray(c.slot(), c.array(1)) },
	},
	{
		"insert(mut array: array, index: i64, item: any) -> ()", "Inserts an element before an index, or at the end.", `let a = [1, 3]; a.insert(1, 2); a // [1, 2, 3]`, Stores,
		func(c *Call) (Value, error) {
			a := c.slot().arr()
			at, _ := clip(len(a.v), c.int(1), 0)
			if err := c.Charge((len(a.v) - at) >> 4); err != nil {
				return Value{}, err
			}
			if err := c.vm.push(a, c.args[2]); err != nil {
				return Value{}, err
			}
			copy(a.v[at+1:], a.v[at:])
			a.v[at] = c.args[2]
			return Value{}, nil
		},
	},
	{"pad(mut array: array, len: i64, item: any) -> ()", "Lengthens the array to a number of elements.", `let a = [1]; a.pad(3, 0); a // [1, 0, 0]`, Stores, libPadArray},
	{
		"pop(mut array: array) -> any", "Removes the last element and returns it; () if there is none.", `let a = [1, 2]; a.pop() // 2`, 0,
		func(c *Call) (Value, error) {
			a := c.slot().arr()
			n := len(a.v) - 1
			if n < 0 {
				return Value{}, nil
			}
			v := a.v[n]
			a.v[n] = Value{}
			a.v = a.v[:n]
			return v, nil
		},
	},
	{
		"shift(mut array: array) -> any", "Removes the first element and returns it; () if there is none.", `let a = [1, 2]; a.shift() // 1`, 0,
		func(c *Call) (Value, error) { return c.takeElement(0) },
	},
	{
		"remove(mut array: array, index: i64) -> any", "Removes an element and returns it; () outside the array.", `let a = [1, 2, 3]; a.remove(1) // 2`, 0,
		func(c *Call) (Value, error) { return c.takeElement(c.int(1)) },
	},
	{
		"clear(mut array: array) -> ()", "Removes all elements.", `let a = [1]; a.clear(); a // []`, 0,
		func(c *Call) (Value, error) { c.slot().arr().keep(0, 0); return Value{}, nil },
	},
	{
		"truncate(mut array: array, len: i64) -> ()", "Removes the elements after a number of them.", `let a = [1, 2, 3]; a.truncate(2); a // [1, 2]`, 0,
		func(c *Call) (Value, error) {
			a := c.slot().arr()
			a.keep(0, int(min(max(c.int(1), 0), int64(len(a.v)))))
			return Value{}, nil
		},
	},
	{
		"chop(mut array: array, len: i64) -> ()", "Removes elements from the start until a number of them is left.", `let a = [1, 2, 3]; a.chop(2); a // [2, 3]`, 0,
		func(c *Call) (Value, error) {
			a := c.slot().arr()
			n := int(min(max(c.int(1), 0), int64(len(a.v))))
			if err := c.Charge(n >> 4); err != nil {
				return Value{}, err
			}
			a.keep(len(a.v)-n, len(a.v))
			return Value{}, nil
		},
	},
	{
		"reverse(mut array: array) -> ()", "Reverses the order of the elements.", `let a = [1, 2, 3]; a.reverse(); a // [3, 2, 1]`, 0,
		func(c *Call) (Value, error) {
			v := c.slot().arr().v
			if err := c.Charge(len(v) >> 4); err != nil {
				return Value{}, err
			}
			for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
				v[i], v[j] = v[j], v[i]
			}
			return Value{}, nil
		},
	},
	{"splice(mut array: array, range: range, with: array) -> ()", "Replaces a range of elements by others.", `let a = [1, 2, 3]; a.splice(0..2, [9]); a // [9, 3]`, 0, libSplice},
	{
		"splice(mut array: array, start: i64, len: i64, with: array) -> ()", "Replaces a number of elements by others.", `let a = [1, 2, 3]; a.splice(1, 1, [8, 9]); a // [1, 8, 9, 3]`, 0,
		libSplice,
	},
	{"extract(ref array: array, range: range) -> array", "Returns a copy of a range of elements.", `[1, 2, 3].extract(1..3) // [2, 3]`, 0, libExtract},
	{"extract(ref array: array, start: i64) -> array", "Returns a copy of the elements from an index on.", `[1, 2, 3].extract(-2) // [2, 3]`, 0, libExtract},
	{"extract(ref array: array, start: i64, len: i64) -> array", "Returns a copy of a number of elements.", `[1, 2, 3].extract(0, 2) // [1, 2]`, 0, libExtract},
	{
		"split(mut array: array, index: i64) -> array", "Cuts the array off at an index and returns the rest.", `let a = [1, 2, 3]; a.split(1) // [2, 3]`, 0,
		func(c *Call) (Value, error) {
			n := len(c.slot().arr().v)
			from, _ := clip(n, c.int(1), 0)
			return c.drain(from, n)
		},
	},
	{"drain(mut array: array, range: range) -> array", "Removes a range of elements and returns them.", `let a = [1, 2, 3]; a.drain(0..2) // [1, 2]`, 0, libDrainRange},
	{"drain(mut array: array, start: i64, len: i64) -> array", "Removes a number of elements and returns them.", `let a = [1, 2, 3]; a.drain(1, 2) // [2, 3]`, 0, libDrainRange},
	{"retain(mut array: array, range: range) -> array", "Keeps a range of elements and returns the others.", `let a = [1, 2, 3]; a.retain(0..2) // [3]`, 0, libRetainRange},
	{"retain(mut array: array, start: i64, len: i64) -> array", "Keeps a number of elements and returns the others.", `let a = [1, 2, 3]; a.retain(1, 1) // [1, 3]`, 0, libRetainRange},
	{
		"contains(array: array, value: any) -> bool", "Tells whether an element equals the value.", `[1, 2, 3].contains(2) // true`, 0,
		func(c *Call) (Value, error) {
			i, err := c.vm.indexOf(c.array(0), c.Arg(1), 0)
			return Bool(i >= 0), err
		},
	},
	{
		"to_array(blob: blob) -> array", "Returns the bytes as integers.", `blob(2, 7).to_array() // [7, 7]`, 0,
		func(c *Call) (Value, error) {
			b := c.Arg(0).blob().b
			if err := c.Charge(len(b) >> 4); err != nil {
				return Value{}, err
			}
			a, err := c.vm.newArray(len(b))
			if err != nil {
				return Value{}, err
			}
			for _, x := range b {
				a.v = append(a.v, Int(int64(x)))
			}
			return a.value(), nil
		},
	},
}

// put replaces element i of a unique array by a value that the array keeps.
func (a *arrayObj) put(i int, v Value) error {
	if err := a.deepenFor(v); err != nil {
		return err
	}
	a.v[i] = v
	return nil
}

// deepenFor is deepen with a plain error.
func (a *arrayObj) deepenFor(v Value) error {
	if err := a.deepen(v); err != nil {
		return err
	}
	return nil
}

// deepenAt records that element i was written to in place; it is dropped if it is too deep.
func (a *arrayObj) deepenAt(i int) error {
	if err := a.deepen(a.v[i]); err != nil {
		a.v[i] = Value{}
		return err
	}
	return nil
}

// keep cuts a unique array down to the elements from..to in place.
func (a *arrayObj) keep(from, to int) {
	n := copy(a.v, a.v[from:to])
	clear(a.v[n:])
	a.v = a.v[:n]
}

// takeElement removes an element and returns it.
func (c *Call) takeElement(index int64) (Value, error) {
	a := c.slot().arr()
	i, ok := element(len(a.v), index)
	if !ok {
		return Value{}, nil
	}
	if err := c.Charge((len(a.v) - i) >> 4); err != nil {
		return Value{}, err
	}
	v := a.v[i]
	a.v = cut(a.v, i)
	return v, nil
}

func libPadArray(c *Call) (Value, error) {
	a := c.slot().arr()
	n := c.int(1)
	if n <= int64(len(a.v)) {
		return Value{}, nil
	}
	if n > maxString {
		return Value{}, newError(ErrDataTooLarge, "Size of array/BLOB")
	}
	missing := int(n) - len(a.v)
	if err := c.Charge(missing >> 4); err != nil {
		return Value{}, err
	}
	if err := c.vm.grow(a, missing); err != nil {
		return Value{}, err
	}
	item := share(c.args[2])
	if err := a.deepenFor(item); err != nil {
		return Value{}, err
	}
	for range missing {
		a.v = append(a.v, item)
	}
	return Value{}, nil
}

// bounds reads the arguments after the receiver as a range, or as start and length, within n elements.
func (c *Call) bounds(n int) (from, to int) {
	start, length := c.startLen(1)
	return clip(n, start, length)
}

func libSplice(c *Call) (Value, error) {
	a := c.slot().arr()
	with := c.array(c.Len() - 1)
	from, to := c.bounds(len(a.v))
	insert := with.v
	if with == a { // spliced into itself
		if err := c.Alloc(len(insert) * valueSize); err != nil {
			return Value{}, err
		}
		insert = append([]Value(nil), insert...)
	}
	tail := len(a.v) - to
	if err := c.Charge((len(insert) + tail) >> 4); err != nil {
		return Value{}, err
	}
	size := len(a.v) - (to - from) + len(insert)
	if err := c.vm.checkArray(size); err != nil {
		return Value{}, err
	}
	if more := size - len(a.v); more > 0 {
		if err := c.vm.grow(a, more); err != nil {
			return Value{}, err
		}
	}
	for _, e := range insert {
		share(e)
	}
	old := len(a.v)
	a.v = a.v[:max(size, old)]
	copy(a.v[from+len(insert):], a.v[to:old])
	copy(a.v[from:], insert)
	clear(a.v[size:])
	a.v = a.v[:size]
	a.depth = max(a.depth, with.depth)
	return Value{}, nil
}

func libExtract(c *Call) (Value, error) {
	a := c.array(0)
	from, to := c.bounds(len(a.v))
	r, err := c.copyPart(a, from, to)
	if err != nil {
		return Value{}, err
	}
	for _, e := range r.v {
		share(e)
	}
	return r.value(), nil
}

// copyPart copies elements into a new array without marking them shared.
func (c *Call) copyPart(a *arrayObj, from, to int) (*arrayObj, error) {
	if err := c.Charge((to - from) >> 4); err != nil {
		return nil, err
	}
	r, err := c.vm.newArray(to - from)
	if err != nil {
		return nil, err
	}
	r.v = append(r.v, a.v[from:to]...)
	if to > from {
		r.depth = a.depth
	}
	return r, nil
}

// drain removes the elements from..to and returns them.
func (c *Call) drain(from, to int) (Value, error) {
	a := c.slot().arr()
	r, err := c.copyPart(a, from, to)
	if err != nil {
		return Value{}, err
	}
	if err := c.Charge((len(a.v) - to) >> 4); err != nil {
		return Value{}, err
	}
	n := from + copy(a.v[from:], a.v[to:])
	clear(a.v[n:])
	a.v = a.v[:n]
	return r.value(), nil
}

func libDrainRange(c *Call) (Value, error) { return c.drain(c.bounds(len(c.slot().arr().v))) }

func libRetainRange(c *Call) (Value, error) {
	a := c.slot().arr()
	from, to := c.bounds(len(a.v))
	if to == from {
		return Array(nil), c.Alloc(arrayHead)
	}
	if err := c.Charge(len(a.v) >> 4); err != nil {
		return Value{}, err
	}
	r, err := c.vm.newArray(len(a.v) - (to - from))
	if err != nil {
		return Value{}, err
	}
	r.v = append(append(r.v, a.v[:from]...), a.v[to:]...)
	r.depth = a.depth
	a.keep(from, to)
	return r.value(), nil
}
