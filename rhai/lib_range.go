package rhai

import "unicode/utf8"

var rangeBuiltins = []builtin{
	{
		"range(from: i64, to: i64) -> range", "Returns the range from..to.", `range(1, 5) // 1..5`, 0,
		func(c *Call) (Value, error) { return c.vm.newRange(c.int(0), c.int(1), false) },
	},
	{
		"range(from: i64, to: i64, step: i64) -> any", "Iterates from a number towards another in steps, which may be negative.",
		`let a = []; for i in range(0, 10, 3) { a.push(i); } a // [0, 3, 6, 9]`, 0,
		func(c *Call) (Value, error) { return c.stepRange(c.int(0), c.int(1), c.int(2)) },
	},
	{
		"range(range: range, step: i64) -> any", "Iterates over an exclusive range in steps.", `let a = []; for i in range(0..5, 2) { a.push(i); } a // [0, 2, 4]`, 0,
		func(c *Call) (Value, error) {
			r := c.Arg(0).rng()
			if r.inclusive {
				return Value{}, errNoOperator("range", c.args...)
			}
			return c.stepRange(r.from, r.to, c.int(1))
		},
	},
	{
		"range(from: f64, to: f64, step: f64) -> any", "Iterates from a number towards another in steps.",
		`let a = []; for x in range(0.0, 1.0, 0.5) { a.push(x); } a // [0.0, 0.5]`, 0, libStepFloats,
	},
	{
		"start|get$start(range: range) -> i64", "Returns the start.", `(1..5).start // 1`, 0,
		func(c *Call) (Value, error) { return Int(c.Arg(0).rng().from), nil },
	},
	{
		"end|get$end(range: range) -> i64", "Returns the end.", `(1..5).end // 5`, 0,
		func(c *Call) (Value, error) { return Int(c.Arg(0).rng().to), nil },
	},
	{
		"is_inclusive|get$is_inclusive(range: range) -> bool", "Tells whether the end belongs to the range.", `(1..=5).is_inclusive // true`, 0,
		func(c *Call) (Value, error) { return Bool(c.Arg(0).rng().inclusive), nil },
	},
	{
		"is_exclusive|get$is_exclusive(range: range) -> bool", "Tells whether the end does not belong to the range.", `(1..5).is_exclusive // true`, 0,
		func(c *Call) (Value, error) { return Bool(!c.Arg(0).rng().inclusive), nil },
	},
	{
		"is_empty|get$is_empty(range: range) -> bool", "Tells whether no number is in the range.", `(5..1).is_empty // true`, 0,
		func(c *Call) (Value, error) {
			r := c.Arg(0).rng()
			return Bool(r.from > r.to || r.from == r.to && !r.inclusive), nil
		},
	},
	{
		"contains(ref range: range, value: i64) -> bool", "Tells whether a number is in the range.", `(1..5).contains(3) // true`, 0,
		func(c *Call) (Value, error) { return Bool(inRange(c.Arg(0).rng(), c.int(1))), nil },
	},

	{"chars|get$chars(text: string) -> any", "Iterates over the characters.", `let a = []; for c in "abc".chars { a.push(c); } a // ['a', 'b', 'c']`, Stores, libChars},
	{"chars(text: string, range: range) -> any", "Iterates over a range of the characters.", `let a = []; for c in "abc".chars(1..3) { a.push(c); } a // ['b', 'c']`, Stores, libChars},
	{"chars(text: string, start: i64) -> any", "Iterates over the characters from a start on.", `let a = []; for c in "abc".chars(-2) { a.push(c); } a // ['b', 'c']`, Stores, libChars},
	{"chars(text: string, start: i64, len: i64) -> any", "Iterates over a number of characters.", `let a = []; for c in "abc".chars(0, 2) { a.push(c); } a // ['a', 'b']`, Stores, libChars},
	{"bits|get$bits(number: i64) -> any", "Iterates over the bits, the lowest first.", `let n = 0; for b in 5.bits { if b { n += 1; } } n // 2`, 0, libBits},
	{"bits(number: i64, range: range) -> any", "Iterates over a range of bits.", `let n = 0; for b in 7.bits(0..2) { if b { n += 1; } } n // 2`, 0, libBits},
	{"bits(number: i64, start: i64) -> any", "Iterates over the bits from a start on.", `let n = 0; for b in 7.bits(1) { if b { n += 1; } } n // 2`, 0, libBits},
	{"bits(number: i64, start: i64, len: i64) -> any", "Iterates over a number of bits.", `let n = 0; for b in 7.bits(0, 1) { if b { n += 1; } } n // 1`, 0, libBits},
}

// iterator is what functions return that can only be looped over. Looping does not use it up: each loop starts anew.
type iterator struct {
	raw   string // Rust's name of the type, its debug form
	start func() func() (Value, bool)
}

var iteratorType = &HostType{
	Name:  "range",
	print: func(any) string { return "range" },
	debug: func(any) string { return "range" },
	raw:   func(v any) string { return v.(*iterator).raw },
	iter: func(_ *machine, v any) (func() (Value, bool, error), error) {
		next := v.(*iterator).start()
		return func() (Value, bool, error) {
			x, ok := next()
			return x, ok, nil
		}, nil
	},
}

func (c *Call) iterator(raw string, start func() func() (Value, bool)) (Value, error) {
	if err := c.Alloc(96); err != nil {
		return Value{}, err
	}
	return Host(iteratorType, &iterator{raw: raw, start: start}), nil
}

func errZeroStep(pos Position) error {
	e := errArithmetic("step value cannot be zero")
	e.noFill = true
	e.Trace = []CallSite{{Function: "range", Position: pos}}
	return e
}

// stepRange walks from a number to another. A step that leads away from the end, or does not fit 64 bits, gives nothing.
func (c *Call) stepRange(from, to, step int64) (Value, error) {
	if step == 0 {
		return Value{}, errZeroStep(c.pos)
	}
	_, err := addInt(from, step)
	empty := err != nil || from == to || (from < to) != (step > 0)
	return c.iterator("rhai::packages::iter_basic::StepRange<i64>", func() func() (Value, bool) {
		at, done := from, empty
		return func() (Value, bool) {
			if done {
				return Value{}, false
			}
			v := at
			next, err := addInt(at, step)
			if err != nil {
				done = true
				return Value{}, false
			}
			at = next
			done = step > 0 && at >= to || step < 0 && at <= to
			return Int(v), true
		}
	})
}

func libStepFloats(c *Call) (Value, error) {
	from, to, step := c.float(0), c.float(1), c.float(2)
	if from+step == from {
		return Value{}, errZeroStep(c.pos)
	}
	up := from < to && from+step > from
	down := from > to && from+step < from
	return c.iterator("rhai::packages::iter_basic::StepRange<f64>", func() func() (Value, bool) {
		at, done := from, !up && !down
		return func() (Value, bool) {
			if done {
				return Value{}, false
			}
			v := at
			at += step
			done = up && at >= to || down && at <= to
			return Float(v), true
		}
	})
}

func libChars(c *Call) (Value, error) {
	v := c.Arg(0)
	start, length := int64(0), int64(1<<63-1)
	if c.Len() > 1 {
		start, length = c.startLen(1)
	}
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	from, to := clip(v.charLen(), start, length)
	rest, count := v.str()[byteOffset(v, from):], to-from
	return c.iterator("rhai::packages::iter_basic::CharsStream", func() func() (Value, bool) {
		s, n := rest, count
		return func() (Value, bool) {
			if n <= 0 {
				return Value{}, false
			}
			r, size := utf8.DecodeRuneInString(s)
			s, n = s[size:], n-1
			return Char(r), true
		}
	})
}

func libBits(c *Call) (Value, error) {
	number := c.int(0)
	start, length := int64(0), int64(64)
	if c.Len() > 1 {
		start, length = c.startLen(1)
	}
	from, ok := element(64, start)
	if !ok {
		return Value{}, errBounds(ErrBitFieldBounds, 64, start)
	}
	count := min(max(length, 0), int64(64-from))
	return c.iterator("rhai::packages::iter_basic::BitRange", func() func() (Value, bool) {
		bits, n := number>>from, count
		return func() (Value, bool) {
			if n == 0 {
				return Value{}, false
			}
			b := bits&1 != 0
			bits, n = bits>>1, n-1
			return Bool(b), true
		}
	})
}
