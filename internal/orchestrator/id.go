package orchestrator

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// newExecutionID returns a UUIDv7 (RFC 9562, method 3): milliseconds, twelve
// bits of the millisecond's fraction, and 62 random bits. IDs sort by their time to a
// quarter of a microsecond. They are names and no secrets.
func newExecutionID(now time.Time) string {
	ns := now.UnixNano()
	ms, fraction := ns/1e6, ns%1e6
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(ms)<<16|0x7000|uint64(fraction*4096/1e6))
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()>>2|1<<63)
	return id.String()
}
