package store

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// NewID returns a UUIDv7 (RFC 9562): IDs sort by the time at which they were
// made, in milliseconds; the rest is random.
func NewID() string { return newID(time.Now()) }

// NewIDAt returns a UUIDv7 made at the given time.
func NewIDAt(at time.Time) string { return newID(at) }

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
