// Package value writes Rhai values as bytes and reads them again with their
// types kept: 1.0 stays a float, a char a char, a blob a blob. It is the form in
// which scripts' data is stored and sent, and which JSON is not.
//
// # The format
//
// A byte with the format's version, 1, then one value. A value is a byte that
// tells its type and what follows that: integers and chars as varints (signed
// ones zigzag-coded), floats as eight bytes, little-endian, and strings, blobs,
// arrays and maps after their length. Tags are never given a second meaning.
package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai"
)

const format = 1

// The types. A range has a tag for each of its two forms.
const (
	tagUnit           = 0
	tagFalse          = 1
	tagTrue           = 2
	tagInt            = 3
	tagFloat          = 4
	tagChar           = 5
	tagString         = 6
	tagBlob           = 7
	tagArray          = 8
	tagMap            = 9
	tagRange          = 10
	tagRangeInclusive = 11
)

const (
	// MaxDepth is how deep arrays and maps may nest.
	MaxDepth = 200
	// MaxSize is the most that a value may take, in bytes.
	MaxSize = 1 << 20
	// MaxEnvelope is the most that an Object may take beyond MaxSize, in bytes.
	MaxEnvelope = 1 << 10
)

var (
	// ErrTooLarge says that a value takes more than MaxSize.
	ErrTooLarge = fmt.Errorf("the value takes more than %d bytes", MaxSize)
	// ErrTooDeep says that a value nests deeper than MaxDepth.
	ErrTooDeep = fmt.Errorf("the value nests deeper than %d levels", MaxDepth)
	// ErrDamaged says that bytes are no value, or one of a later release.
	ErrDamaged = errors.New("the stored value cannot be read")
)

// Encode writes v, without a user tag if it has one. Functions, timestamps and
// values of the host's types are refused.
func Encode(v rhai.Value) ([]byte, error) {
	e := encoder{b: append(make([]byte, 0, 64), format)}
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return e.b, nil
}

// EncodeInt is Encode of an integer.
func EncodeInt(n int64) []byte { return binary.AppendVarint([]byte{format, tagInt}, n) }

// DecodeInt reads an integer; false when b holds something else.
func DecodeInt(b []byte) (int64, bool) {
	if len(b) < 3 || b[0] != format || b[1] != tagInt {
		return 0, false
	}
	n, size := binary.Varint(b[2:])
	return n, size == len(b)-2
}

type encoder struct{ b []byte }

// room fails when n more bytes are too many.
func (e *encoder) room(n int) error {
	if n > MaxSize-len(e.b) {
		return ErrTooLarge
	}
	return nil
}

func (e *encoder) length(tag byte, n int) {
	e.b = binary.AppendUvarint(append(e.b, tag), uint64(n))
}

func (e *encoder) value(v rhai.Value, depth int) error {
	if depth > MaxDepth {
		return ErrTooDeep
	}
	if err := e.room(2 + 2*binary.MaxVarintLen64); err != nil {
		return err
	}
	switch v.Kind() {
	case rhai.KindUnit:
		e.b = append(e.b, tagUnit)
	case rhai.KindBool:
		if b, _ := v.AsBool(); b {
			e.b = append(e.b, tagTrue)
		} else {
			e.b = append(e.b, tagFalse)
		}
	case rhai.KindInt:
		n, _ := v.AsInt()
		e.b = binary.AppendVarint(append(e.b, tagInt), n)
	case rhai.KindFloat:
		f, _ := v.AsFloat()
		e.b = binary.LittleEndian.AppendUint64(append(e.b, tagFloat), math.Float64bits(f))
	case rhai.KindChar:
		r, _ := v.AsChar()
		e.b = binary.AppendUvarint(append(e.b, tagChar), uint64(r))
	case rhai.KindRange:
		from, to, inclusive, _ := v.AsRange()
		tag := byte(tagRange)
		if inclusive {
			tag = tagRangeInclusive
		}
		e.b = binary.AppendVarint(binary.AppendVarint(append(e.b, tag), from), to)
	case rhai.KindString:
		s, _ := v.AsString()
		e.length(tagString, len(s))
		return e.text(s)
	case rhai.KindBlob:
		b, _ := v.AsBlob()
		e.length(tagBlob, len(b))
		if err := e.room(len(b)); err != nil {
			return err
		}
		e.b = append(e.b, b...)
	case rhai.KindArray:
		elems, _ := v.AsArray()
		e.length(tagArray, len(elems))
		for _, elem := range elems {
			if err := e.value(elem, depth+1); err != nil {
				return err
			}
		}
	case rhai.KindMap:
		e.length(tagMap, v.Len())
		var err error
		v.EachEntry(func(key string, entry rhai.Value) bool {
			e.b = binary.AppendUvarint(e.b, uint64(len(key)))
			if err = e.text(key); err == nil {
				err = e.value(entry, depth+1)
			}
			return err == nil
		})
		return err
	default:
		return fmt.Errorf("a value of type %s cannot be stored", v.TypeName())
	}
	return nil
}

func (e *encoder) text(s string) error {
	if err := e.room(len(s)); err != nil {
		return err
	}
	e.b = append(e.b, s...)
	return nil
}

// Field is an entry of an Object. Its value is written already.
type Field struct {
	Name  string
	Value []byte
}

// Object writes a map of values that Encode wrote: what PiCloud says of a value
// that a script stored. It may nest one level deeper than a script's values and
// be larger by MaxEnvelope; a script that stores it again is told so. The names
// must differ.
func Object(fields ...Field) ([]byte, error) {
	n := 2 + binary.MaxVarintLen64
	for _, f := range fields {
		n += binary.MaxVarintLen64 + len(f.Name) + len(f.Value)
	}
	if n > MaxSize+MaxEnvelope {
		return nil, ErrTooLarge
	}
	b := binary.AppendUvarint(append(make([]byte, 0, n), format, tagMap), uint64(len(fields)))
	for _, f := range fields {
		if len(f.Value) < 2 || f.Value[0] != format {
			return nil, ErrDamaged
		}
		b = binary.AppendUvarint(b, uint64(len(f.Name)))
		b = append(append(b, f.Name...), f.Value[1:]...)
	}
	return b, nil
}

// Decode reads what Encode or Object wrote. alloc, unless it is nil, is told of memory
// before it is taken, in bytes, and ends the reading by an error.
func Decode(b []byte, alloc func(bytes int) error) (rhai.Value, error) {
	if len(b) == 0 || b[0] != format || len(b) > MaxSize+MaxEnvelope {
		return rhai.Value{}, ErrDamaged
	}
	if alloc == nil {
		alloc = func(int) error { return nil }
	}
	d := decoder{b: b[1:], alloc: alloc}
	v, err := d.value(0)
	if err == nil && len(d.b) > 0 {
		err = ErrDamaged
	}
	if err != nil {
		return rhai.Value{}, err
	}
	return v, nil
}

type decoder struct {
	b     []byte
	alloc func(int) error
}

func (d *decoder) int() (int64, error) {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		return 0, ErrDamaged
	}
	d.b = d.b[size:]
	return n, nil
}

func (d *decoder) uint() (uint64, error) {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		return 0, ErrDamaged
	}
	d.b = d.b[size:]
	return n, nil
}

// length reads how many of something follow; each takes a byte or more.
func (d *decoder) length() (int, error) {
	n, err := d.uint()
	if err != nil || n > uint64(len(d.b)) {
		return 0, ErrDamaged
	}
	return int(n), nil
}

// bytes reads a length and that many bytes, which alias the input.
func (d *decoder) bytes() ([]byte, error) {
	n, err := d.length()
	if err != nil {
		return nil, err
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b, d.alloc(48 + n)
}

func (d *decoder) text() (string, error) {
	b, err := d.bytes()
	if err == nil && !utf8.Valid(b) {
		err = ErrDamaged
	}
	return string(b), err
}

func (d *decoder) value(depth int) (rhai.Value, error) {
	if depth > MaxDepth+1 { // one for an Object around it
		return rhai.Value{}, ErrTooDeep
	}
	if len(d.b) == 0 {
		return rhai.Value{}, ErrDamaged
	}
	tag := d.b[0]
	d.b = d.b[1:]
	switch tag {
	case tagUnit:
		return rhai.Unit(), nil
	case tagFalse, tagTrue:
		return rhai.Bool(tag == tagTrue), nil
	case tagInt:
		n, err := d.int()
		return rhai.Int(n), err
	case tagFloat:
		if len(d.b) < 8 {
			return rhai.Value{}, ErrDamaged
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(d.b))
		d.b = d.b[8:]
		return rhai.Float(f), nil
	case tagChar:
		n, err := d.uint()
		if err == nil && (n > utf8.MaxRune || !utf8.ValidRune(rune(n))) {
			err = ErrDamaged
		}
		return rhai.Char(rune(n)), err
	case tagString:
		s, err := d.text()
		return rhai.String(s), err
	case tagBlob:
		b, err := d.bytes()
		return rhai.Blob(append([]byte(nil), b...)), err
	case tagArray:
		return d.array(depth)
	case tagMap:
		return d.object(depth)
	case tagRange, tagRangeInclusive:
		from, err := d.int()
		if err != nil {
			return rhai.Value{}, err
		}
		to, err := d.int()
		if err != nil {
			return rhai.Value{}, err
		}
		return rhai.Range(from, to, tag == tagRangeInclusive), d.alloc(48)
	}
	return rhai.Value{}, ErrDamaged
}

func (d *decoder) array(depth int) (rhai.Value, error) {
	n, err := d.length()
	if err != nil {
		return rhai.Value{}, err
	}
	if err := d.alloc(32 + 16*n); err != nil {
		return rhai.Value{}, err
	}
	elems := make([]rhai.Value, n)
	for i := range elems {
		if elems[i], err = d.value(depth + 1); err != nil {
			return rhai.Value{}, err
		}
	}
	return rhai.Array(elems), nil
}

func (d *decoder) object(depth int) (rhai.Value, error) {
	n, err := d.length()
	if err != nil {
		return rhai.Value{}, err
	}
	if err := d.alloc(64 + 32*n); err != nil {
		return rhai.Value{}, err
	}
	entries := make(map[string]rhai.Value, n)
	for range n {
		key, err := d.text()
		if err != nil {
			return rhai.Value{}, err
		}
		if entries[key], err = d.value(depth + 1); err != nil {
			return rhai.Value{}, err
		}
	}
	if len(entries) != n {
		return rhai.Value{}, ErrDamaged
	}
	return rhai.Map(entries), nil
}
