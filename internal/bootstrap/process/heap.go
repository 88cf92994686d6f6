package process

import "os"

// heapFloor is how much garbage may gather before a collection at the least.
const heapFloor = 64 << 20

// Ballast raises the size of heap at which Go collects garbage. PiCloud's own
// heap is a few megabytes, and Go collects when a heap has doubled: under load
// that is many times a second, for a seventh of all CPU time. Ballast counts as
// heap but is never written to, so that it takes up no memory; collections cost
// the same and come less often. What they leave behind goes back to the system
// when PiCloud falls idle.
//
// Operators who set GOGC or GOMEMLIMIT have their own idea, and get no Ballast.
func Ballast() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, heapFloor)
}
