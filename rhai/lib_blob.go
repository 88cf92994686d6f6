package rhai

import (
	"bytes"
	endian "encoding/binary"
	"math"
	"unicode/utf8"
)

var blobBuiltins = []builtin{
	{"blob() -> blob", "Returns an empty blob.", `blob() // []`, 0, func(c *Call) (Value, error) { return newBytes(c, 0, 0) }},
	{"blob(len: i64) -> blob", "Returns a blob of zeros.", `blob(2) // [0000]`, 0, func(c *Call) (Value, error) { return newBytes(c, c.int(0), 0) }},
	{
		"blob(len: i64, value: i64) -> blob", "Returns a blob of equal bytes; only the lowest eight bits of the value count.", `blob(2, 255) // [ffff]`, 0,
		func(c *Call) (Value, error) { return newBytes(c, c.int(0), byte(c.int(1))) },
	},
	{
		"len|get$len(blob: blob) -> i64", "Returns the number of bytes.", `blob(3).len // 3`, 0,
		func(c *Call) (Value, error) { return Int(int64(len(c.blob()))), nil },
	},
	{
		"is_empty|get$is_empty(blob: blob) -> bool", "Tells whether the blob has no bytes.", `blob().is_empty // true`, 0,
		func(c *Call) (Value, error) { return Bool(len(c.blob()) == 0), nil },
	},
	{
		"contains(blob: blob, value: i64) -> bool", "Tells whether a byte occurs in the blob.", `blob(2, 7).contains(7) // true`, 0,
		func(c *Call) (Value, error) {
			if err := c.Charge(len(c.blob()) >> 6); err != nil {
				return Value{}, err
			}
			return Bool(bytes.IndexByte(c.blob(), byte(c.int(1))) >= 0), nil
		},
	},
	{
		"as_string(blob: blob) -> string", "Reads the blob as UTF-8; what is none becomes U+FFFD.", `blob(3, 65).as_string() // "AAA"`, 0,
		func(c *Call) (Value, error) {
			s, err := c.vm.textOperand(c.Arg(0))
			if err != nil {
				return Value{}, err
			}
			return c.String(s)
		},
	},
	{
		"get(blob: blob, index: i64) -> i64", "Returns a byte, counted from the end if the index is negative; 0 outside the blob.", `blob(2, 7).get(0) // 7`, 0,
		func(c *Call) (Value, error) {
			b := c.blob()
			if from, _ := clip(len(b), c.int(1), 0); from < len(b) {
				return Int(int64(b[from])), nil
			}
			return Int(0), nil
		},
	},
	{
		"set(mut blob: blob, index: i64, value: i64) -> ()", "Replaces a byte; nothing happens outside the blob.", `let b = blob(2); b.set(0, 7); b // [0700]`, 0,
		func(c *Call) (Value, error) {
			b := c.slot().blob().b
			if from, _ := clip(len(b), c.int(1), 0); from < len(b) {
				b[from] = byte(c.int(2))
			}
			return Value{}, nil
		},
	},
	{
		"push(mut blob: blob, value: i64) -> ()", "Appends a byte.", `let b = blob(1, 7); b.push(8); b // [0708]`, 0,
		func(c *Call) (Value, error) {
			return Value{}, c.vm.appendBytes(c.slot(), []byte{byte(c.int(1))})
		},
	},
	{
		"append(mut blob: blob, more: i64|char|string|blob) -> ()", "Appends a byte, a text as UTF-8 or another blob.", `let b = blob(1, 65); b.append("B"); b // [4142]`, 0,
		func(c *Call) (Value, error) {
			_, err := c.vm.appendTo(c.slot(), c.Arg(1))
			return Value{}, err
		},
	},
	{
		"insert(mut blob: blob, index: i64, value: i64) -> ()", "Inserts a byte before an index, or at the end.", `let b = blob(2); b.insert(1, 7); b // [000700]`, 0,
		func(c *Call) (Value, error) {
			at, _ := clip(len(c.slot().blob().b), c.int(1), 0)
			return Value{}, c.spliceBytes(at, at, []byte{byte(c.int(2))})
		},
	},
	{"pad(mut blob: blob, len: i64, value: i64) -> ()", "Lengthens the blob to a number of bytes.", `let b = blob(1, 7); b.pad(3, 8); b // [070808]`, 0, libPadBlob},
	{
		"pop(mut blob: blob) -> i64", "Removes the last byte and returns it; 0 if there is none.", `let b = blob(2, 7); b.pop() // 7`, 0,
		func(c *Call) (Value, error) { return c.takeByte(-1) },
	},
	{
		"shift(mut blob: blob) -> i64", "Removes the first byte and returns it; 0 if there is none.", `let b = blob(2, 7); b.shift() // 7`, 0,
		func(c *Call) (Value, error) { return c.takeByte(0) },
	},
	{
		"remove(mut blob: blob, index: i64) -> i64", "Removes a byte and returns it; 0 outside the blob.", `let b = blob(2, 7); b.remove(1) // 7`, 0,
		func(c *Call) (Value, error) { return c.takeByte(c.int(1)) },
	},
	{
		"clear(mut blob: blob) -> ()", "Removes all bytes.", `let b = blob(2); b.clear(); b // []`, 0,
		func(c *Call) (Value, error) { c.slot().blob().b = nil; return Value{}, nil },
	},
	{
		"truncate(mut blob: blob, len: i64) -> ()", "Removes the bytes after a number of them.", `let b = blob(3); b.truncate(1); b // [00]`, 0,
		func(c *Call) (Value, error) {
			o := c.slot().blob()
			o.b = o.b[:min(max(c.int(1), 0), int64(len(o.b)))]
			return Value{}, nil
		},
	},
	{
		"chop(mut blob: blob, len: i64) -> ()", "Removes bytes from the start until a number of them is left.", `let b = "abc".to_blob(); b.chop(2); b // [6263]`, 0,
		func(c *Call) (Value, error) {
			n := len(c.slot().blob().b)
			return Value{}, c.spliceBytes(0, n-int(min(max(c.int(1), 0), int64(n))), nil)
		},
	},
	{
		"reverse(mut blob: blob) -> ()", "Reverses the order of the bytes.", `let b = "abc".to_blob(); b.reverse(); b // [636261]`, 0,
		func(c *Call) (Value, error) {
			b := c.slot().blob().b
			if err := c.Charge(len(b) >> 5); err != nil {
				return Value{}, err
			}
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
			return Value{}, nil
		},
	},
	{"splice(mut blob: blob, range: range, with: blob) -> ()", "Replaces a range of bytes by others.", `let b = blob(3); b.splice(0..2, blob(1, 7)); b // [0700]`, 0, libSpliceBlob},
	{
		"splice(mut blob: blob, start: i64, len: i64, with: blob) -> ()", "Replaces a number of bytes by others.", `let b = blob(3); b.splice(1, 1, blob(2, 7)); b // [00070700]`, 0,
		libSpliceBlob,
	},
	{"extract(ref blob: blob, range: range) -> blob", "Returns a copy of a range of bytes.", `"abc".to_blob().extract(1..3) // [6263]`, 0, libExtractBlob},
	{"extract(ref blob: blob, start: i64) -> blob", "Returns a copy of the bytes from an index on.", `"abc".to_blob().extract(-1) // [63]`, 0, libExtractBlob},
	{"extract(ref blob: blob, start: i64, len: i64) -> blob", "Returns a copy of a number of bytes.", `"abc".to_blob().extract(0, 2) // [6162]`, 0, libExtractBlob},
	{
		"split(mut blob: blob, index: i64) -> blob", "Cuts the blob off at an index and returns the rest.", `let b = "abc".to_blob(); b.split(1) // [6263]`, 0,
		func(c *Call) (Value, error) {
			n := len(c.slot().blob().b)
			from, _ := clip(n, c.int(1), 0)
			return c.drainBytes(from, n)
		},
	},
	{"drain(mut blob: blob, range: range) -> blob", "Removes a range of bytes and returns them.", `let b = "abc".to_blob(); b.drain(0..2) // [6162]`, 0, libDrainBlob},
	{"drain(mut blob: blob, start: i64, len: i64) -> blob", "Removes a number of bytes and returns them.", `let b = "abc".to_blob(); b.drain(1, 2) // [6263]`, 0, libDrainBlob},
	{"retain(mut blob: blob, range: range) -> blob", "Keeps a range of bytes and returns the others.", `let b = "abc".to_blob(); b.retain(0..2) // [63]`, 0, libRetainBlob},
	{"retain(mut blob: blob, start: i64, len: i64) -> blob", "Keeps a number of bytes and returns the others.", `let b = "abc".to_blob(); b.retain(1, 1) // [6163]`, 0, libRetainBlob},

	{"parse_le_int(blob: blob, range: range) -> i64", "Reads a little-endian integer of up to eight bytes.", `blob(8, 1).parse_le_int(0..2) // 257`, 0, readNumber(endian.LittleEndian, false)},
	{
		"parse_le_int(blob: blob, start: i64, len: i64) -> i64", "Reads a little-endian integer of up to eight bytes.", `blob(8, 1).parse_le_int(0, 1) // 1`, 0,
		readNumber(endian.LittleEndian, false),
	},
	{"parse_be_int(blob: blob, range: range) -> i64", "Reads a big-endian integer of eight bytes.", `blob(8).parse_be_int(0..8) // 0`, 0, readNumber(endian.BigEndian, false)},
	{
		"parse_be_int(blob: blob, start: i64, len: i64) -> i64", "Reads a big-endian integer; fewer than eight bytes are its highest.",
		`let b = blob(8); b.write_be(0, 8, 258); b.parse_be_int(0, 8) // 258`, 0, readNumber(endian.BigEndian, false),
	},
	{"parse_le_float(blob: blob, range: range) -> f64", "Reads a little-endian float.", `blob(8).parse_le_float(0..8) // 0.0`, 0, readNumber(endian.LittleEndian, true)},
	{
		"parse_le_float(blob: blob, start: i64, len: i64) -> f64", "Reads a little-endian float.", `let b = blob(8); b.write_le(0, 8, 1.5); b.parse_le_float(0, 8) // 1.5`, 0,
		readNumber(endian.LittleEndian, true),
	},
	{"parse_be_float(blob: blob, range: range) -> f64", "Reads a big-endian float.", `blob(8).parse_be_float(0..8) // 0.0`, 0, readNumber(endian.BigEndian, true)},
	{
		"parse_be_float(blob: blob, start: i64, len: i64) -> f64", "Reads a big-endian float.", `let b = blob(8); b.write_be(0, 8, 1.5); b.parse_be_float(0, 8) // 1.5`, 0,
		readNumber(endian.BigEndian, true),
	},
	{
		"write_le(mut blob: blob, range: range, value: i64|f64) -> ()", "Writes a number with its lowest byte first.", `let b = blob(4); b.write_le(0..2, 258); b // [02010000]`, 0,
		writeNumber(endian.LittleEndian),
	},
	{
		"write_le(mut blob: blob, start: i64, len: i64, value: i64|f64) -> ()", "Writes a number with its lowest byte first.", `let b = blob(4); b.write_le(1, 2, 258); b // [00020100]`, 0,
		writeNumber(endian.LittleEndian),
	},
	{
		"write_be(mut blob: blob, range: range, value: i64|f64) -> ()", "Writes a number with its highest byte first.", `let b = blob(8); b.write_be(0..8, 258); b // [0000000000000102]`, 0,
		writeNumber(endian.BigEndian),
	},
	{
		"write_be(mut blob: blob, start: i64, len: i64, value: i64|f64) -> ()", "Writes a number with its highest byte first.", `let b = blob(8); b.write_be(0, 8, 1); b // [0000000000000001]`, 0,
		writeNumber(endian.BigEndian),
	},
	{"write_utf8(mut blob: blob, range: range, text: string) -> ()", "Writes a text as UTF-8, as far as it fits.", `let b = blob(4); b.write_utf8(0..2, "abc"); b // [61620000]`, 0, writeText(false)},
	{
		"write_utf8(mut blob: blob, start: i64, len: i64, text: string) -> ()", "Writes a text as UTF-8, as far as it fits.", `let b = blob(3); b.write_utf8(1, 2, "é"); b // [00c3a9]`, 0,
		writeText(false),
	},
	{
		"write_ascii(mut blob: blob, range: range, text: string) -> ()", "Writes the ASCII characters of a text, as far as they fit.", `let b = blob(3); b.write_ascii(0..3, "aéb"); b // [616200]`, 0,
		writeText(true),
	},
	{
		"write_ascii(mut blob: blob, start: i64, len: i64, text: string) -> ()", "Writes the ASCII characters of a text, as far as they fit.",
		`let b = blob(3); b.write_ascii(1, 2, "ab"); b // [006162]`, 0, writeText(true),
	},
}

// blob is the first argument, to be read.
func (c *Call) blob() []byte { return c.Arg(0).blob().b }

func newBytes(c *Call, n int64, value byte) (Value, error) {
	n = max(n, 0)
	if n > maxString {
		return Value{}, newError(ErrDataTooLarge, "Size of array/BLOB")
	}
	if err := c.Charge(int(n >> 6)); err != nil {
		return Value{}, err
	}
	o, err := c.vm.newBlob(int(n))
	if err != nil {
		return Value{}, err
	}
	if value != 0 {
		for i := range o.b {
			o.b[i] = value
		}
	}
	return o.value(), nil
}

func libPadBlob(c *Call) (Value, error) {
	o := c.slot().blob()
	n := c.int(1)
	if limit := c.vm.limits.MaxArraySize; n > maxString || limit > 0 && n > int64(limit) {
		return Value{}, newError(ErrDataTooLarge, "Size of BLOB")
	}
	if n <= int64(len(o.b)) {
		return Value{}, nil
	}
	missing := int(n) - len(o.b)
	if err := c.Alloc(missing); err != nil {
		return Value{}, err
	}
	return Value{}, c.vm.appendBytes(c.slot(), bytes.Repeat([]byte{byte(c.int(2))}, missing))
}

func (c *Call) takeByte(index int64) (Value, error) {
	b := c.slot().blob().b
	i, ok := element(len(b), index)
	if !ok {
		return Int(0), nil
	}
	x := b[i]
	return Int(int64(x)), c.spliceBytes(i, i+1, nil)
}

// spliceBytes replaces from..to of the receiver.
func (c *Call) spliceBytes(from, to int, with []byte) error {
	o := c.slot().blob()
	old := len(o.b)
	if err := c.Charge((old - to + len(with)) >> 6); err != nil {
		return err
	}
	size := old - (to - from) + len(with)
	if err := c.vm.checkArray(size); err != nil {
		return err
	}
	if more := size - old; more > 0 {
		if err := c.vm.growBlob(o, more); err != nil {
			return err
		}
	}
	o.b = o.b[:max(size, old)]
	copy(o.b[from+len(with):], o.b[to:old])
	copy(o.b[from:], with)
	o.b = o.b[:size]
	return nil
}

// libSpliceBlob replaces a part; an empty part means the end, as the reference has it.
func libSpliceBlob(c *Call) (Value, error) {
	o := c.slot().blob()
	n := len(o.b)
	from, to := c.bounds(n)
	if from == to {
		from, to = n, n
	}
	with := c.Arg(c.Len() - 1).blob()
	insert := with.b
	if with == o { // spliced into itself
		if err := c.Alloc(n); err != nil {
			return Value{}, err
		}
		insert = bytes.Clone(insert)
	}
	return Value{}, c.spliceBytes(from, to, insert)
}

func (c *Call) bytesPart(b []byte) (Value, error) {
	if err := c.Charge(len(b) >> 6); err != nil {
		return Value{}, err
	}
	o, err := c.vm.newBlob(len(b))
	if err != nil {
		return Value{}, err
	}
	copy(o.b, b)
	return o.value(), nil
}

func libExtractBlob(c *Call) (Value, error) {
	from, to := c.bounds(len(c.blob()))
	return c.bytesPart(c.blob()[from:to])
}

func (c *Call) drainBytes(from, to int) (Value, error) {
	v, err := c.bytesPart(c.slot().blob().b[from:to])
	if err != nil {
		return Value{}, err
	}
	return v, c.spliceBytes(from, to, nil)
}

func libDrainBlob(c *Call) (Value, error) { return c.drainBytes(c.bounds(len(c.slot().blob().b))) }

func libRetainBlob(c *Call) (Value, error) {
	o := c.slot().blob()
	start, length := c.startLen(1)
	if length <= 0 {
		return c.bytesPart(nil)
	}
	from, to := clip(len(o.b), start, length)
	if from == to { // a start behind the end keeps nothing
		from, to = 0, 0
	}
	if err := c.Charge(len(o.b) >> 6); err != nil {
		return Value{}, err
	}
	r, err := c.vm.newBlob(len(o.b) - (to - from))
	if err != nil {
		return Value{}, err
	}
	copy(r.b[copy(r.b, o.b[:from]):], o.b[to:])
	o.b = o.b[:copy(o.b, o.b[from:to])]
	return r.value(), nil
}

// readNumber reads up to eight bytes; a shorter part is filled up with zeros behind it.
func readNumber(order endian.ByteOrder, float bool) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		b := c.blob()
		from, to := c.bounds(len(b))
		var buf [8]byte
		copy(buf[:], b[from:to])
		bits := order.Uint64(buf[:])
		if float {
			return Float(math.Float64frombits(bits)), nil
		}
		return Int(int64(bits)), nil
	}
}

func writeNumber(order endian.ByteOrder) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		b := c.slot().blob().b
		from, to := c.bounds(len(b))
		v := c.Arg(c.Len() - 1)
		var buf [8]byte
		order.PutUint64(buf[:], v.n) // the bits of either kind of number
		copy(b[from:to], buf[:])
		return Value{}, nil
	}
}

func writeText(asciiOnly bool) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		b := c.slot().blob().b
		from, to := c.bounds(len(b))
		s := c.text(c.Len() - 1)
		if err := c.Charge(min(to-from, len(s)) >> 4); err != nil {
			return Value{}, err
		}
		if !asciiOnly {
			copy(b[from:to], s)
			return Value{}, nil
		}
		to = min(to, from+len(s))
		for i := 0; i < len(s) && from < to; i++ {
			if s[i] < utf8.RuneSelf {
				b[from] = s[i]
				from++
			}
		}
		return Value{}, nil
	}
}
