package remote

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A message body is a sequence of fields. A field is a tag (an unsigned
// varint: number<<1 | kind) and a value: kind 0 is an unsigned varint, kind 1 a
// varint length and that many bytes. Fields of the zero value are left out, a
// list is a repeated field, and a reader skips numbers it does not know. So
// either side can be newer than the other.
const (
	kindVarint = 0
	kindBytes  = 1
)

var errTruncated = errors.New("message ends inside a field")

// encoder appends fields to a buffer.
type encoder struct{ b []byte }

func (e *encoder) uint(num int, v uint64) {
	if v != 0 {
		e.b = binary.AppendUvarint(e.b, uint64(num)<<1|kindVarint)
		e.b = binary.AppendUvarint(e.b, v)
	}
}

// int writes v zigzag-coded, so that small negative numbers stay short.
func (e *encoder) int(num int, v int64) { e.uint(num, uint64(v)<<1^uint64(v>>63)) }

// time writes t in microseconds; the zero time is left out.
func (e *encoder) time(num int, t time.Time) {
	if !t.IsZero() {
		e.int(num, t.UnixMicro())
	}
}

func (e *encoder) string(num int, s string) {
	if s != "" {
		e.item(num, s)
	}
}

func (e *encoder) bytes(num int, p []byte) {
	if len(p) != 0 {
		e.tag(num, len(p))
		e.b = append(e.b, p...)
	}
}

// item writes one element of a list of strings, also when it is empty.
func (e *encoder) item(num int, s string) {
	e.tag(num, len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) tag(num, length int) {
	e.b = binary.AppendUvarint(e.b, uint64(num)<<1|kindBytes)
	e.b = binary.AppendUvarint(e.b, uint64(length))
}

// message writes a nested message, also when it is empty.
func (e *encoder) message(num int, f func(*encoder)) {
	var inner encoder
	f(&inner)
	e.tag(num, len(inner.b))
	e.b = append(e.b, inner.b...)
}

// field is one decoded field. bytes aliases the message.
type field struct {
	num   int
	kind  int
	u     uint64
	bytes []byte
}

func (f field) int() int64      { return int64(f.u>>1) ^ -int64(f.u&1) }
func (f field) time() time.Time { return time.UnixMicro(f.int()).UTC() }
func (f field) string() string  { return string(f.bytes) }

// fields calls f for each field of the message b until one fails. A field of
// a known number but the other kind reads as its zero value.
func fields(b []byte, f func(field) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errTruncated
		}
		b = b[n:]
		if tag>>1 > 1<<20 {
			return fmt.Errorf("field number %d is out of range", tag>>1)
		}
		fd := field{num: int(tag >> 1), kind: int(tag & 1)}
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return errTruncated
		}
		b = b[n:]
		if fd.kind == kindVarint {
			fd.u = v
		} else {
			if v > uint64(len(b)) {
				return errTruncated
			}
			fd.bytes, b = b[:v:v], b[v:]
		}
		if err := f(fd); err != nil {
			return err
		}
	}
	return nil
}
