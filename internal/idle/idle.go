// Package idle makes a process that nobody asks anything of cost nothing.
//
// Go's runtime collects garbage at least every two minutes, whether there is
// any or not, and each collection walks the whole heap. In a process that only
// waits, that is most of what it spends: 0.06 ms of CPU a second at a heap of
// 6 MB, 0.34 ms at 80 MB. A Keeper collects once when the process falls quiet,
// gives the memory back to the system, and turns collection off until the next
// request; a memory limit stands guard meanwhile.
package idle

import (
	"math"
	"net/http"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// Quiet is how long nothing may be going on before a process counts as idle.
// A collection costs some milliseconds, so it must not follow every request.
const Quiet = 5 * time.Second

// headroom is how much a process whose collector is off may allocate, in
// timers' functions and the like, before the memory limit collects after all.
const headroom = 32 << 20

// Keeper watches whether a process works. There should be one in a process:
// what it turns off and on is the runtime's.
type Keeper struct {
	quiet  time.Duration
	active atomic.Int64
	begun  atomic.Int64 // all work so far
	asleep atomic.Bool
	armed  atomic.Bool // the timer will look again
	seen   int64       // begun when the timer last looked; its own

	mu      sync.Mutex // held while falling asleep and waking up
	percent int        // the settings before the sleep
	limit   int64
	slept   func() // for tests: called after falling asleep
}

// New returns a Keeper for a process that falls idle after the given time
// without work, or up to twice of that. It counts as working until then.
func New(quiet time.Duration) *Keeper {
	k := &Keeper{quiet: quiet}
	k.Begin()
	k.End()
	return k
}

// Handler counts each request to next as work, for as long as it is answered.
func (k *Keeper) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.Begin()
		defer k.End()
		next.ServeHTTP(w, r)
	})
}

// Begin says that work begins. Each Begin needs its End.
func (k *Keeper) Begin() {
	k.active.Add(1)
	k.begun.Add(1)
	if k.asleep.Load() {
		k.wake()
	}
}

// End says that work has ended.
func (k *Keeper) End() {
	if k.active.Add(-1) == 0 && !k.armed.Load() && k.armed.CompareAndSwap(false, true) {
		time.AfterFunc(k.quiet, k.look)
	}
}

// look falls asleep if it has been quiet for long enough, and otherwise looks
// again when it may have been.
func (k *Keeper) look() {
	if k.active.Load() > 0 {
		// The End of that work arms the timer again; if it ended just now, this does.
		k.armed.Store(false)
		if k.active.Load() == 0 && k.armed.CompareAndSwap(false, true) {
			time.AfterFunc(k.quiet, k.look)
		}
		return
	}
	// Counting is cheaper for each request than asking for the time.
	if begun := k.begun.Load(); begun != k.seen {
		k.seen = begun
		time.AfterFunc(k.quiet, k.look)
		return
	}
	k.sleep()
	k.armed.Store(false)
	// Work that began and ended while this fell asleep found the timer armed.
	if !k.asleep.Load() && k.active.Load() == 0 && k.armed.CompareAndSwap(false, true) {
		time.AfterFunc(k.quiet, k.look)
	}
}

func (k *Keeper) sleep() {
	debug.FreeOSMemory() // collects first
	k.mu.Lock()
	defer k.mu.Unlock()
	k.percent = debug.SetGCPercent(-1)
	k.limit = debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(k.limit, inUse()+headroom))
	k.asleep.Store(true)
	if k.active.Load() > 0 { // it began before it could see asleep
		k.wakeLocked()
	}
	if k.slept != nil {
		k.slept()
	}
}

func (k *Keeper) wake() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wakeLocked()
}

func (k *Keeper) wakeLocked() {
	if k.asleep.CompareAndSwap(true, false) {
		debug.SetMemoryLimit(k.limit)
		debug.SetGCPercent(k.percent)
	}
}

// inUse is the memory that counts against the runtime's limit.
func inUse() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() != metrics.KindUint64 {
			return math.MaxInt64 - headroom
		}
	}
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
