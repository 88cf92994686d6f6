package rhai

var bitBuiltins = []builtin{
	{
		"get_bit(number: i64, bit: i64) -> bool", "Tells whether a bit is set, counted from the highest if negative.", `5.get_bit(2) // true`, 0,
		func(c *Call) (Value, error) {
			bit, ok := element(64, c.int(1))
			if !ok {
				return Value{}, errBounds(ErrBitFieldBounds, 64, c.int(1))
			}
			return Bool(c.int(0)>>bit&1 != 0), nil
		},
	},
	{
		"set_bit(mut number: i64, bit: i64, on: bool) -> ()", "Sets or clears a bit.", `let n = 1; n.set_bit(1, true); n // 3`, 0,
		func(c *Call) (Value, error) {
			bit, ok := element(64, c.int(1))
			if !ok {
				return Value{}, errBounds(ErrBitFieldBounds, 64, c.int(1))
			}
			n := c.slot().int() &^ (1 << bit)
			if c.Arg(2).bool() {
				n |= 1 << bit
			}
			*c.slot() = Int(n)
			return Value{}, nil
		},
	},
	{"get_bits(number: i64, range: range) -> i64", "Returns a range of bits as a number.", `123.get_bits(4..7) // 7`, 0, libGetBits},
	{"get_bits(number: i64, start: i64, bits: i64) -> i64", "Returns a number of bits from a start on as a number.", `123.get_bits(4, 3) // 7`, 0, libGetBits},
	{"set_bits(mut number: i64, range: range, value: i64) -> ()", "Replaces a range of bits.", `let n = 0; n.set_bits(4..6, 3); n // 48`, 0, libSetBits},
	{"set_bits(mut number: i64, start: i64, bits: i64, value: i64) -> ()", "Replaces a number of bits from a start on.", `let n = 0; n.set_bits(4, 2, 3); n // 48`, 0, libSetBits},
}

// bitField reads the arguments after the receiver as a range, or start and length, of bits: the
// lowest bit's number and a mask. A length of zero has the mask 0.
func (c *Call) bitField() (bit int, mask int64, err error) {
	var start, length int64
	if v := c.Arg(1); v.kind() == KindRange {
		r := v.rng()
		start = max(r.from, 0)
		if r.inclusive {
			to := max(r.to, start-1)
			if to >= 64 {
				return 0, 0, errBounds(ErrBitFieldBounds, 64, to)
			}
			length = to - start + 1
		} else {
			length = max(r.to, start) - start
		}
	} else {
		start, length = c.int(1), c.int(2)
	}
	if length <= 0 {
		return 0, 0, nil
	}
	bit, ok := element(64, start)
	if !ok {
		return 0, 0, errBounds(ErrBitFieldBounds, 64, start)
	}
	if length = min(length, int64(64-bit)); length == 64 {
		return 0, -1, nil
	}
	return bit, 1<<length - 1, nil
}

func libGetBits(c *Call) (Value, error) {
	bit, mask, err := c.bitField()
	return Int(c.int(0) >> bit & mask), err
}

func libSetBits(c *Call) (Value, error) {
	bit, mask, err := c.bitField()
	if err != nil {
		return Value{}, err
	}
	value := c.int(c.Len() - 1)
	n := c.slot().int()&^(mask<<bit) | (value&mask)<<bit
	*c.slot() = Int(n)
	return Value{}, nil
}
