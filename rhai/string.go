package rhai

import (
	"unicode/utf8"
	"unsafe"
)

// strObj is the header of one pointer-free allocation: header, length,
// capacity and then the bytes. A string value carries its own length and an
// ASCII mark in its bits, so a longer string may be appended in place while
// older values keep their prefix.
type strObj struct {
	hdr
	len, cap uint32
}

const strHead = unsafe.Sizeof(strObj{})

const maxString = 1<<31 - 1

// emptyStr has a byte behind its header, so that the address of its data is within it.
var emptyStr = struct {
	strObj
	_ [8]byte
}{strObj: strObj{hdr: hdr{kind: KindString, flags: flagShared | flagFrozen}}}

// newStrObj allocates room for n bytes, at least one.
func newStrObj(n int) *strObj {
	words := (int(strHead) + max(n, 1) + 7) / 8
	buf := make([]uint64, words)
	o := (*strObj)(unsafe.Pointer(unsafe.SliceData(buf)))
	o.kind = KindString
	o.cap = uint32(words*8 - int(strHead))
	return o
}

// bytes is the storage in use.
func (o *strObj) data() *byte { return (*byte)(unsafe.Add(unsafe.Pointer(o), strHead)) }

func (o *strObj) room() []byte { return unsafe.Slice(o.data(), int(o.cap)) }

func strValue(o *strObj, n int, ascii bool) Value {
	bits := uint64(n) << 1
	if ascii {
		bits |= 1
	}
	return Value{p: &o.hdr, n: bits}
}

// String returns a string value. Bytes that are not UTF-8 are kept; text from
// outside is cleaned at the host border.
func String(s string) Value {
	if s == "" {
		return Value{p: &emptyStr.hdr, n: 1}
	}
	if len(s) > maxString {
		s = s[:maxString]
	}
	o := newStrObj(len(s))
	copy(o.room(), s)
	o.len = uint32(len(s))
	return strValue(o, len(s), isASCII(s))
}

// AsString returns the text and whether the value is a string.
func (v Value) AsString() (string, bool) {
	v = v.untag()
	if v.kind() != KindString {
		return "", false
	}
	return v.str(), true
}

// str is a view of the string's bytes without a copy; it stays valid for ever.
func (v Value) str() string {
	o := (*strObj)(unsafe.Pointer(v.p))
	return unsafe.String(o.data(), int(v.n>>1))
}

func (v Value) strObj() *strObj { return (*strObj)(unsafe.Pointer(v.p)) }

// strLen is the length in bytes.
func (v Value) strLen() int { return int(v.n >> 1) }

// isASCIIStr reports whether every byte is a character.
func (v Value) isASCIIStr() bool { return v.n&1 != 0 }

// charLen is the length in characters.
func (v Value) charLen() int {
	if v.n&1 != 0 {
		return int(v.n >> 1)
	}
	return utf8.RuneCountInString(v.str())
}

// strBytes is the memory charge of a string of n bytes.
func strBytes(n int) int64 { return sizeClass(int64(strHead) + int64(n)) }

// newString allocates a string within the run's memory limit.
func (vm *machine) newString(s string) (Value, error) {
	if err := vm.checkString(len(s)); err != nil {
		return Value{}, err
	}
	if err := vm.alloc(strBytes(len(s))); err != nil {
		return Value{}, err
	}
	return String(s), nil
}

// concat returns a+b as a new string.
func (vm *machine) concat(a, b string) (Value, error) {
	n := len(a) + len(b)
	if n == 0 {
		return String(""), nil
	}
	if err := vm.checkString(n); err != nil {
		return Value{}, err
	}
	if err := vm.alloc(strBytes(n)); err != nil {
		return Value{}, err
	}
	o := newStrObj(n)
	r := o.room()
	copy(r, a)
	copy(r[len(a):], b)
	o.len = uint32(n)
	return strValue(o, n, isASCII(a) && isASCII(b)), nil
}

// appendString returns a with s appended, in place when a ends where its
// storage's text ends and there is room.
func (vm *machine) appendString(a Value, s string) (Value, error) {
	la := a.strLen()
	n := la + len(s)
	if len(s) == 0 {
		return a, nil
	}
	if err := vm.checkString(n); err != nil {
		return Value{}, err
	}
	ascii := a.n&1 != 0 && isASCII(s)
	o := (*strObj)(unsafe.Pointer(a.p))
	if o.flags&flagFrozen == 0 && int(o.len) == la && n <= int(o.cap) {
		copy(o.room()[la:], s)
		o.len = uint32(n)
		return strValue(o, n, ascii), nil
	}
	room := n
	if la > 0 {
		room = n + n/2
	}
	if room > maxString {
		room = maxString
	}
	if err := vm.alloc(strBytes(room)); err != nil {
		return Value{}, err
	}
	if err := vm.charge(int64(la) >> 6); err != nil {
		return Value{}, err
	}
	g := newStrObj(room)
	r := g.room()
	copy(r, a.str())
	copy(r[la:], s)
	g.len = uint32(n)
	return strValue(g, n, ascii), nil
}

// checkString refuses strings over the limit.
func (vm *machine) checkString(n int) error {
	if n > maxString || (vm.limits.MaxStringSize > 0 && n > vm.limits.MaxStringSize) {
		return newError(ErrDataTooLarge, "Length of string")
	}
	return nil
}

func isASCII(s string) bool {
	for len(s) >= 8 {
		w := *(*[8]byte)(unsafe.Pointer(unsafe.StringData(s)))
		if (w[0]|w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7])&0x80 != 0 {
			return false
		}
		s = s[8:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
