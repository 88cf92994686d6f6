package rhai

import (
	"math"
	"unsafe"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of values, in the order the reference lists them.
const (
	KindUnit Kind = iota
	KindBool
	KindInt
	KindFloat
	KindChar
	KindTimestamp // inline: nanoseconds of the engine's clock
	KindString
	KindArray
	KindMap
	KindBlob
	KindRange
	KindFn
	KindHost // a Go value of a registered (or unregistered) host type

	kindCell   // a variable shared with closures; only in registers and curry lists
	kindTagged // a value with a user tag; only variables and elements hold it
	kindIter   // the state of a for loop; only in registers
	kindUndef  // a module-level slot that has not been defined yet; never visible
	numKinds
)

const (
	flagShared   uint8 = 1 << iota // more than one place may refer to the object: copy before writing
	flagFrozen                     // a constant of a Program: never written, not even its header
	flagLocked                     // cells: borrowed by a running method call
	flagCaptured                   // cells: a closure holds the variable, too
	flagRoom                       // maps: the object has room for inlineMax values
	flagNames                      // maps: and for as many keys
	flagKeyed                      // maps: the keys, shared with copies, are the run's and no program's
	flagConstant                   // cells: of a constant of the outside scope
)

// hdr starts every object. Scalars point at sentinels with the same header,
// so that the kind is read uniformly.
type hdr struct {
	kind  Kind
	flags uint8
	depth uint16 // nesting of the data below; saturates at maxDepth
	epoch uint32 // last memory census that reached the object
}

// Value is a Rhai value of 16 bytes: unit, bool, i64, f64, char and timestamp
// are inline, everything else is a pointer to an object. Arrays, maps, blobs
// and strings have value semantics by copy-on-write.
//
// The zero Value is unit. Values are not comparable with ==: use Equal. A Value
// of a run belongs to the goroutine of that run; call Freeze before sharing it.
type Value struct {
	_ [0]func()
	p *hdr
	n uint64
}

// maxDepth is the deepest nesting of data (arrays in arrays, …) a script may build.
const maxDepth = 1000

var (
	vBool  = hdr{kind: KindBool, flags: flagShared | flagFrozen}
	vInt   = hdr{kind: KindInt, flags: flagShared | flagFrozen}
	vFloat = hdr{kind: KindFloat, flags: flagShared | flagFrozen}
	vChar  = hdr{kind: KindChar, flags: flagShared | flagFrozen}
	vTime  = hdr{kind: KindTimestamp, flags: flagShared | flagFrozen}
	vUndef = hdr{kind: kindUndef, flags: flagShared | flagFrozen}
)

// Unit returns ().
func Unit() Value { return Value{} }

// Bool returns a bool value.
func Bool(b bool) Value {
	if b {
		return Value{p: &vBool, n: 1}
	}
	return Value{p: &vBool}
}

// Int returns an i64 value.
func Int(i int64) Value { return Value{p: &vInt, n: uint64(i)} }

// Float returns an f64 value.
func Float(f float64) Value { return Value{p: &vFloat, n: math.Float64bits(f)} }

// Char returns a char value.
func Char(r rune) Value { return Value{p: &vChar, n: uint64(uint32(r))} }

// timestamp returns a point of the engine's clock in nanoseconds.
func timestamp(ns int64) Value { return Value{p: &vTime, n: uint64(ns)} }

// Kind returns what the value holds. A tag does not show.
func (v Value) Kind() Kind {
	if v.p == nil {
		return KindUnit
	}
	if v.p.kind == kindTagged {
		return v.untag().Kind()
	}
	return v.p.kind
}

// kind is Kind without looking through tags.
func (v Value) kind() Kind {
	if v.p == nil {
		return KindUnit
	}
	return v.p.kind
}

// Equal reports whether the language's == holds between the values. Values that
// cannot be compared are not equal.
func (v Value) Equal(w Value) bool {
	vm := &machine{budget: unlimited, maxMemory: unlimited}
	ok, err := equal(vm, v, w)
	return err == nil && ok
}

// IsUnit reports whether the value is ().
func (v Value) IsUnit() bool { return v.p == nil || v.Kind() == KindUnit }

// AsBool returns the bool and whether the value is one.
func (v Value) AsBool() (bool, bool) { v = v.untag(); return v.n != 0, v.p == &vBool }

// AsInt returns the integer and whether the value is an i64.
func (v Value) AsInt() (int64, bool) { v = v.untag(); return int64(v.n), v.p == &vInt }

// AsFloat returns the number and whether the value is an f64 (an i64 is not).
func (v Value) AsFloat() (float64, bool) {
	v = v.untag()
	return math.Float64frombits(v.n), v.p == &vFloat
}

// AsChar returns the character and whether the value is a char.
func (v Value) AsChar() (rune, bool) { v = v.untag(); return rune(v.n), v.p == &vChar }

// Unchecked readers: the caller has looked at the kind.
func (v Value) bool() bool     { return v.n != 0 }
func (v Value) int() int64     { return int64(v.n) }
func (v Value) float() float64 { return math.Float64frombits(v.n) }
func (v Value) char() rune     { return rune(v.n) }
func (v Value) isInt() bool    { return v.p == &vInt }
func (v Value) isFloat() bool  { return v.p == &vFloat }
func (v Value) isBool() bool   { return v.p == &vBool }
func (v Value) isChar() bool   { return v.p == &vChar }
func (v Value) isString() bool { return v.p != nil && v.p.kind == KindString }
func (v Value) isMap() bool    { return v.p != nil && v.p.kind == KindMap }
func (v Value) isFn() bool     { return v.p != nil && v.p.kind == KindFn }

// Unchecked views of objects: the caller has looked at the kind.
func (v Value) arr() *arrayObj { return (*arrayObj)(unsafe.Pointer(v.p)) }

func (v Value) mp() *mapObj {
	m := v.rawMap()
	if m.lazy != nil {
		m.fill()
	}
	return m
}
func (v Value) rawMap() *mapObj { return (*mapObj)(unsafe.Pointer(v.p)) }
func (v Value) blob() *blobObj  { return (*blobObj)(unsafe.Pointer(v.p)) }
func (v Value) rng() *rangeObj  { return (*rangeObj)(unsafe.Pointer(v.p)) }
func (v Value) fn() *fnObj      { return (*fnObj)(unsafe.Pointer(v.p)) }
func (v Value) host() *hostObj  { return (*hostObj)(unsafe.Pointer(v.p)) }
func (v Value) cell() *cellObj  { return (*cellObj)(unsafe.Pointer(v.p)) }
func (v Value) tagged() *tagObj { return (*tagObj)(unsafe.Pointer(v.p)) }

// copiesOnWrite reports whether the object can be written in place and so
// needs the shared mark when a second reference is made. Strings do not: an
// older value keeps its prefix.
func (k Kind) copiesOnWrite() bool { return k >= KindArray && k <= KindBlob }

// freshFlags are the flags of a new array, map or blob. A test sets flagShared: then every write copies
// first, and scripts must give the same results.
var freshFlags uint8

// share marks the object as referred to from more than one place. Every value
// that is stored a second time, or read out of a container to be kept, goes
// through it. Values that are only looked at do not.
func share(v Value) Value {
	if p := v.p; p != nil && p.flags&flagShared == 0 {
		markShared(v)
	}
	return v
}

func markShared(v Value) {
	switch v.p.kind {
	case KindArray, KindMap, KindBlob, KindHost:
		v.p.flags |= flagShared
	case kindTagged:
		v.p.flags |= flagShared
		share(v.tagged().v)
	}
}

// rangeObj is an i64 range, `from..to` or `from..=to`.
type rangeObj struct {
	hdr
	from, to  int64
	inclusive bool
}

// Range returns the range from..to, or from..=to.
func Range(from, to int64, inclusive bool) Value {
	r := &rangeObj{hdr: hdr{kind: KindRange}, from: from, to: to, inclusive: inclusive}
	return Value{p: &r.hdr}
}

// AsRange returns the bounds and whether the value is a range.
func (v Value) AsRange() (from, to int64, inclusive, ok bool) {
	v = v.untag()
	if v.kind() != KindRange {
		return 0, 0, false, false
	}
	r := v.rng()
	return r.from, r.to, r.inclusive, true
}

// hostObj is a Go value. With a registered type it has methods, getters,
// setters, indexers and printing.
type hostObj struct {
	hdr
	typ *HostType
	v   any
}

// cellObj is a variable that closures share.
type cellObj struct {
	hdr
	v Value
}

// tagObj carries a user tag (x.tag = 5) beside a value.
type tagObj struct {
	hdr
	tag int32
	v   Value
}

// untag returns the value without its tag.
func (v Value) untag() Value {
	if v.p != nil && v.p.kind == kindTagged {
		return v.tagged().v
	}
	return v
}

// deref reads through a cell.
func (v Value) deref() Value {
	if v.p != nil && v.p.kind == kindCell {
		return v.cell().v
	}
	return v
}

func (v Value) iter() *iterObj { return (*iterObj)(unsafe.Pointer(v.p)) }
