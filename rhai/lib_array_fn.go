package rhai

import "strings"

// The functions of this file call back. A function given by name is accepted where the reference does.

var arrayFnBuiltins = []builtin{
	{
		"for_each(mut array: array, action: Fn) -> ()", "Calls a function for each element, which is `this` and may be changed; the parameter is the index.",
		`let a = [1, 2]; a.for_each(|| this *= 2); a // [2, 4]`, CallsBack, libForEach,
	},
	{
		"map(array: array, mapper: Fn|string) -> array", "Returns the results of a function for each element; the function gets the element and the index.",
		`[1, 2, 3].map(|x| x * 2) // [2, 4, 6]`, CallsBack, libMapArray,
	},
	{"filter(array: array, filter: Fn|string) -> array", "Returns the elements for which a function answers true.", `[1, 2, 3].filter(|x| x > 1) // [2, 3]`, CallsBack, libFilterArray},
	{
		"index_of(array: array, filter: Fn) -> i64", "Returns the index of the first element for which a function answers true; -1 if there is none.",
		`[1, 2, 3].index_of(|x| x > 1) // 1`, CallsBack, libIndexOfFn,
	},
	{"index_of(array: array, filter: Fn, start: i64) -> i64", "As above, from a start on.", `[1, 2, 3].index_of(|x| x > 1, 2) // 2`, CallsBack, libIndexOfFn},
	{"index_of(array: array, value: any) -> i64", "Returns the index of the first element equal to the value; -1 if there is none.", `["a", "b"].index_of("b") // 1`, CallsBack, libIndexOf},
	{"index_of(array: array, value: any, start: i64) -> i64", "As above, from a start on.", `[1, 2, 1].index_of(1, 1) // 2`, CallsBack, libIndexOf},
	{"find(array: array, filter: Fn) -> any", "Returns the first element for which a function answers true; () if there is none.", `[1, 2, 3].find(|x| x > 1) // 2`, CallsBack, libFind},
	{"find(array: array, filter: Fn, start: i64) -> any", "As above, from a start on.", `[1, 2, 3].find(|x| x > 1, 2) // 3`, CallsBack, libFind},
	{"find_map(array: array, mapper: Fn) -> any", "Returns the first result of a function that is not ().", `[1, 2].find_map(|x| if x > 1 { x * 10 }) // 20`, CallsBack, libFindMap},
	{"find_map(array: array, mapper: Fn, start: i64) -> any", "As above, from a start on.", `[1, 2].find_map(|x| x * 10, 1) // 20`, CallsBack, libFindMap},
	{
		"some(array: array, filter: Fn|string) -> bool", "Tells whether a function answers true for any element.", `[1, 2].some(|x| x > 1) // true`, CallsBack,
		func(c *Call) (Value, error) {
			i, err := c.firstMatch(true)
			return Bool(i >= 0), err
		},
	},
	{
		"all(array: array, filter: Fn|string) -> bool", "Tells whether a function answers true for every element.", `[1, 2].all(|x| x > 1) // false`, CallsBack,
		func(c *Call) (Value, error) {
			i, err := c.firstMatch(false)
			return Bool(i < 0), err
		},
	},
	{
		"reduce(array: array, reducer: Fn|string) -> any", "Folds the array from () with a function of the result so far, the element and the index.",
		`[1, 2, 3].reduce(|sum, x| (sum ?? 0) + x) // 6`, CallsBack, libReduce,
	},
	{"reduce(array: array, reducer: Fn|string, initial: any) -> any", "Folds the array from an initial value.", `[1, 2, 3].reduce(|sum, x| sum + x, 10) // 16`, CallsBack | Stores, libReduce},
	{"reduce_rev(array: array, reducer: Fn|string) -> any", "Folds the array from its end.", `["a", "b"].reduce_rev(|s, x| (s ?? "") + x) // "ba"`, CallsBack, libReduceRev},
	{
		"reduce_rev(array: array, reducer: Fn|string, initial: any) -> any", "Folds the array from its end and an initial value.", `["a", "b"].reduce_rev(|s, x| s + x, "") // "ba"`,
		CallsBack | Stores, libReduceRev,
	},
	{
		"zip(array: array, other: array, combine: Fn) -> array", "Returns the results of a function for pairs of elements, as many as the shorter array has.",
		`[1, 2].zip([10, 20, 30], |x, y| x + y) // [11, 22]`, CallsBack, libZip,
	},
	{
		"drain(mut array: array, filter: Fn|string) -> array", "Removes the elements for which a function answers true and returns them.",
		`let a = [1, 2, 3]; a.drain(|x| x > 1) // [2, 3]`, CallsBack, func(c *Call) (Value, error) { return c.partition(true) },
	},
	{
		"retain(mut array: array, filter: Fn|string) -> array", "Keeps the elements for which a function answers true and returns the others.",
		`let a = [1, 2, 3]; a.retain(|x| x > 1) // [1]`, CallsBack, func(c *Call) (Value, error) { return c.partition(false) },
	},
	{"dedup(mut array: array) -> ()", "Removes elements that equal the one before.", `let a = [1, 1, 2, 1]; a.dedup(); a // [1, 2, 1]`, 0, libDedup},
	{
		"dedup(mut array: array, same: Fn|string) -> ()", "Removes elements for which a function of them and the one before answers true.",
		`let a = [1, 2, 4, 5]; a.dedup(|x, y| y - x == 1); a // [1, 4]`, CallsBack, libDedup,
	},
}

// callback is argument i as a function, which may be given by its name.
func (c *Call) callback(i int) (Value, error) {
	v := c.Arg(i)
	if v.isString() {
		return c.vm.fnByName(v.str())
	}
	return v, nil
}

// callbackPlan calls one function many times. How a closure takes its arguments is settled once, by the number of its parameters, and
// the room for them is reused, so that a call allocates nothing.
type callbackPlan struct {
	c     *Call
	as    string // the name that errors give as the caller
	f     Value
	shape callShape
	move  int // where among the parameters the element goes; -1: it is only `this`
	this  Value
	room  [3]Value
}

type callShape uint8

const (
	shapeOther   callShape = iota // a function by name, or a closure with other parameters: tried in turn
	shapeThis                     // the fixed arguments; the element is `this`
	shapeElement                  // the fixed arguments and the element
	shapeIndexed                  // the fixed arguments, the element and its index
)

// plan prepares calls of f with a number of fixed arguments before the element.
func (c *Call) plan(f Value, fixed, move int) *callbackPlan {
	p := &callbackPlan{c: c, as: c.native.Name, f: f, move: move}
	if p.as == "find" {
		p.as = "index_of" // by which the reference finds
	}
	if v := f.untag(); v.isFn() && v.fn().proto != nil {
		switch fn := v.fn(); fn.proto.arity() - len(fn.curry) - fixed {
		case 0:
			p.shape = shapeThis
		case 1:
			if move >= 0 {
				p.shape = shapeElement
			}
		case 2:
			if move >= 0 {
				p.shape = shapeIndexed
			}
		}
	}
	return p
}

// visit calls the function with an element, which is a copy to it, and its index.
func (p *callbackPlan) visit(elem Value, i int) (Value, error) {
	share(elem)
	switch p.shape {
	case shapeElement:
		p.room[0] = elem
		return p.c.Invoke(p.f, p.room[:1]...)
	case shapeIndexed:
		p.room[0], p.room[1] = elem, Int(int64(i))
		return p.c.Invoke(p.f, p.room[:2]...)
	}
	p.this = elem
	return p.inPlace(&p.this, i)
}

// inPlace is visit with an element that the function may change as `this`.
func (p *callbackPlan) inPlace(elem *Value, i int) (Value, error) {
	share(*elem)
	switch p.shape {
	case shapeThis:
		return p.c.InvokeMethod(p.f, elem)
	case shapeElement, shapeIndexed:
		return p.visit(*elem, i)
	}
	p.room[2] = Int(int64(i))
	return p.c.vm.invokeExtra(p.as, p.f, elem, nil, p.room[2:], p.move, p.c.pos)
}

// fold calls the function with the result so far, which is passed on unshared so that it may grow in place.
func (p *callbackPlan) fold(result, elem Value, i int) (Value, error) {
	share(elem)
	p.room[0] = result
	switch p.shape {
	case shapeElement:
		p.room[1] = elem
		return p.c.Invoke(p.f, p.room[:2]...)
	case shapeIndexed:
		p.room[1], p.room[2] = elem, Int(int64(i))
		return p.c.Invoke(p.f, p.room[:3]...)
	}
	p.this = elem
	if p.shape == shapeThis {
		return p.c.InvokeMethod(p.f, &p.this, p.room[:1]...)
	}
	p.room[2] = Int(int64(i))
	return p.c.vm.invokeExtra(p.as, p.f, &p.this, p.room[:1], p.room[2:], p.move, p.c.pos)
}

// holds reports whether a predicate's answer is true; anything but a bool counts as false.
func holds(v Value) bool {
	b, ok := v.AsBool()
	return ok && b
}

func libForEach(c *Call) (Value, error) {
	f := c.plan(c.Arg(1), 0, -1)
	a := c.slot().arr()
	for i := range a.v {
		_, err := f.inPlace(&a.v[i], i)
		if e := a.deepenAt(i); e != nil {
			err = e
		}
		if err != nil {
			return Value{}, err
		}
	}
	return Value{}, nil
}

func libMapArray(c *Call) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	p := c.plan(f, 0, 0)
	a := c.array(0)
	r, err := c.vm.newArray(len(a.v))
	if err != nil {
		return Value{}, err
	}
	for i := 0; i < len(a.v); i++ {
		v, err := p.visit(a.v[i], i)
		if err == nil {
			err = c.vm.push(r, v)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return r.value(), nil
}

func libFilterArray(c *Call) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	p := c.plan(f, 0, 0)
	a := c.array(0)
	r, err := c.vm.newArray(0)
	if err != nil {
		return Value{}, err
	}
	for i := 0; i < len(a.v); i++ {
		elem := a.v[i]
		v, err := p.visit(elem, i)
		if err == nil && holds(v) {
			err = c.vm.push(r, elem)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return r.value(), nil
}

// firstFrom finds the first element from start on for which the function answers want.
func (c *Call) firstFrom(f Value, start int, want bool) (int, error) {
	p := c.plan(f, 0, 0)
	a := c.array(0)
	for i := start; i < len(a.v); i++ {
		v, err := p.visit(a.v[i], i)
		if err != nil {
			return -1, err
		}
		if holds(v) == want {
			return i, nil
		}
	}
	return -1, nil
}

// firstMatch is firstFrom with argument 1 as the function.
func (c *Call) firstMatch(want bool) (int, error) {
	f, err := c.callback(1)
	if err != nil {
		return -1, err
	}
	return c.firstFrom(f, 0, want)
}

// start is the optional start index in argument 2.
func (c *Call) start() int {
	if c.Len() < 3 {
		return 0
	}
	from, _ := clip(len(c.array(0).v), c.int(2), 0)
	return from
}

func libIndexOfFn(c *Call) (Value, error) {
	i, err := c.firstFrom(c.Arg(1), c.start(), true)
	return Int(int64(i)), err
}

// libIndexOf looks for a value. A string that names a function is called first, as the reference does.
func libIndexOf(c *Call) (Value, error) {
	if v := c.Arg(1); v.isString() && len(c.array(0).v) > 0 {
		name := v.str()
		if f, err := c.vm.fnByName(name); err == nil {
			i, err := c.firstFrom(f, c.start(), true)
			if err == nil {
				return Int(int64(i)), nil
			}
			if e, ok := err.(*Error); !ok || e.Kind != ErrFunctionNotFound || !strings.HasPrefix(e.subject, name) {
				return Value{}, err
			}
		}
	}
	i, err := c.vm.indexOf(c.array(0), c.Arg(1), c.start())
	return Int(int64(i)), err
}

func libFind(c *Call) (Value, error) {
	i, err := c.firstFrom(c.Arg(1), c.start(), true)
	if a := c.array(0); err == nil && i >= 0 && i < len(a.v) {
		return a.at(i), nil
	}
	return Value{}, err
}

func libFindMap(c *Call) (Value, error) {
	p := c.plan(c.Arg(1), 0, 0)
	a := c.array(0)
	for i := c.start(); i < len(a.v); i++ {
		if v, err := p.visit(a.v[i], i); err != nil || !v.IsUnit() {
			return v, err
		}
	}
	return Value{}, nil
}

func (c *Call) initial() Value {
	if c.Len() > 2 {
		return c.args[2]
	}
	return Value{}
}

func libReduce(c *Call) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	p := c.plan(f, 1, 1)
	a, result := c.array(0), c.initial()
	for i := 0; i < len(a.v); i++ {
		if result, err = p.fold(result, a.v[i], i); err != nil {
			return Value{}, err
		}
	}
	return result, nil
}

func libReduceRev(c *Call) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	p := c.plan(f, 1, 1)
	a, result := c.array(0), c.initial()
	for i := len(a.v) - 1; i >= 0; i-- {
		if i >= len(a.v) {
			continue
		}
		if result, err = p.fold(result, a.v[i], i); err != nil {
			return Value{}, err
		}
	}
	return result, nil
}

func libZip(c *Call) (Value, error) {
	x, y, f := c.array(0), c.array(1), c.Arg(2)
	n := min(len(x.v), len(y.v))
	r, err := c.vm.newArray(n)
	if err != nil {
		return Value{}, err
	}
	for i := 0; i < n && i < len(x.v) && i < len(y.v); i++ {
		args := [2]Value{x.at(i), y.at(i)}
		extra := [1]Value{Int(int64(i))}
		v, err := c.invokeExtra(f, nil, args[:], extra[:], -1)
		if err == nil {
			err = c.vm.push(r, v)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return r.value(), nil
}

// partition moves the elements for which the function answers want out of the array and returns them. An
// error leaves the elements moved so far out, as the reference does.
func (c *Call) partition(want bool) (Value, error) {
	f, err := c.callback(1)
	if err != nil {
		return Value{}, err
	}
	p := c.plan(f, 0, 0)
	a := c.slot().arr()
	out, err := c.vm.newArray(0)
	if err != nil {
		return Value{}, err
	}
	kept := 0
	for i := range a.v {
		var v Value
		v, err = p.inPlace(&a.v[i], i)
		if e := a.deepenAt(i); e != nil {
			err = e
		}
		if err == nil && holds(v) == want {
			err = c.vm.push(out, a.v[i])
			a.v[i] = Value{}
		} else if err == nil {
			a.v[kept] = a.v[i]
			kept++
		}
		if err != nil {
			kept += copy(a.v[kept:], a.v[i:])
			break
		}
	}
	clear(a.v[kept:])
	a.v = a.v[:kept]
	return out.value(), err
}

// libDedup removes repetitions. A comparison that fails counts as different.
func libDedup(c *Call) (Value, error) {
	a := c.slot().arr()
	same := func(x, y Value) (Value, error) {
		eq, err := equal(c.vm, x, y)
		return Bool(eq), err
	}
	if c.Len() > 1 {
		f, err := c.callback(1)
		if err != nil {
			return Value{}, err
		}
		var pair [2]Value
		same = func(x, y Value) (Value, error) {
			pair = [2]Value{share(x), share(y)}
			return c.Invoke(f, pair[:]...)
		}
	}
	if len(a.v) == 0 {
		return Value{}, nil
	}
	kept := 1
	for i := 1; i < len(a.v); i++ {
		if err := c.Charge(1); err != nil {
			return Value{}, err
		}
		v, err := same(a.v[kept-1], a.v[i])
		if err != nil {
			if err = c.swallow(err); err != nil {
				return Value{}, err
			}
		} else if holds(v) {
			continue
		}
		a.v[kept] = a.v[i]
		kept++
	}
	clear(a.v[kept:])
	a.v = a.v[:kept]
	return Value{}, nil
}

// swallow lets a comparing function fail unnoticed: with an error of the script, never at a limit or a cancellation.
// Making the error is charged.
func (c *Call) swallow(err error) error {
	e, ok := err.(*Error)
	if !ok || !e.catchable() {
		return err
	}
	if err := c.Charge(20); err != nil {
		return err
	}
	return c.vm.alloc(errorBytes)
}
