package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// NewID returns a UUIDv7 (RFC 9562): IDs sort by the time at which they were
// made, in milliseconds; the rest is random.
func NewID() string { return newID(time.Now()) }

// NewIDAt returns a UUIDv7 made at the given time.
func NewIDAt(at time.Time) string { return newID(at) }

// Sequence makes UUIDv7s that sort in the order in which they were asked for,
// also within a millisecond (RFC 9562, section 6.2, method 1: the 12 bits after
// the time count). Beyond 4,096 in a millisecond, or when the clock goes back, the
// order is no longer promised. The zero value is ready.
type Sequence struct {
	mu    sync.Mutex
	ms    int64
	count int
}

// At returns the next ID, made at the given time.
func (s *Sequence) At(at time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ms := at.UnixMilli(); ms != s.ms {
		s.ms, s.count = ms, 0
	} else if s.count < 0xfff {
		s.count++
	}
	id := []byte(newID(at))
	copy(id[15:18], fmt.Sprintf("%03x", s.count))
	return string(id)
}

// FirstID returns what sorts before every UUIDv7 made at the given time or
// later, and after those made before it, to the millisecond.
func FirstID(at time.Time) string { return newID(at)[:13] }

func newID(at time.Time) string {
	var id [16]byte
	rand.Read(id[6:]) //nolint:errcheck // never fails: crypto/rand crashes the program instead
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
