package syntax

import "strconv"

// Pos is a place in a source text: line and character of that line, both
// counted from 1 in Unicode characters. The zero Pos means "no position".
// A Line without Col (Col is 0) is the beginning of that line.
type Pos struct {
	Line, Col uint32
}

// IsValid reports whether p names a place.
func (p Pos) IsValid() bool { return p != Pos{} }

// String returns "line L, position P", or "none" for the zero Pos.
func (p Pos) String() string {
	if !p.IsValid() {
		return "none"
	}
	b := make([]byte, 0, 32)
	b = append(b, "line "...)
	b = strconv.AppendUint(b, uint64(p.Line), 10)
	b = append(b, ", position "...)
	b = strconv.AppendUint(b, uint64(p.Col), 10)
	return string(b)
}

// Before reports whether p comes before q in one source.
func (p Pos) Before(q Pos) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col
}
