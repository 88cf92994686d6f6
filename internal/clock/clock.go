// Package clock runs functions at points of the wall clock: when a session
// expires, when the oldest recorded execution is due to go.
//
// The timers of package time count the monotonic clock. They sleep through a
// step of the wall clock, and a small machine without a battery makes a large
// one at every boot, when it first learns the time. The timers here follow the
// wall clock: on Linux by one timerfd for the whole process, which the kernel
// fires when the clock is stepped past its time. Nothing wakes up in between.
package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Timer is a call to a function that is due at a point in time.
// Its methods are safe for concurrent use.
type Timer struct {
	f     func()
	at    time.Time
	index int // in the heap; -1 when it is not due at all
	clock *wall
}

// NewTimer returns a timer that is not set. Each time it comes due, f runs in a
// goroutine of its own; f may set the timer again.
func NewTimer(f func()) *Timer { return &Timer{f: f, index: -1, clock: process()} }

// Set makes the timer due at the given time, once, in place of what was set
// before. A time that has passed is due now; the zero time is never due.
func (t *Timer) Set(at time.Time) {
	if at.IsZero() {
		t.Stop()
		return
	}
	t.clock.set(t, at.Round(0)) // without the monotonic reading
}

// Stop makes the timer due at no time and reports whether it was set. A
// function that has started is not waited for.
func (t *Timer) Stop() bool { return t.clock.remove(t) }

// process returns the one clock of this process.
var process = sync.OnceValue(func() *wall {
	w := &wall{steps: map[*func()]struct{}{}}
	w.alarm = newAlarm(w.ring, w.stepped)
	return w
})

// OnStep registers f to be called, in a goroutine of its own, after the wall
// clock was set, be it forward or back. Only Linux tells, and only while a timer
// is set; timers that have come due by it start besides. The returned function
// ends it; a call that has started is not waited for.
func OnStep(f func()) (stop func()) { return process().onStep(f) }

func (w *wall) onStep(f func()) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps[&f] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.steps, &f)
	}
}

// alarm calls back once, at or soon after the time it was last set to, or
// earlier; earlier calls do no harm. The zero time silences it.
type alarm interface{ set(at time.Time) }

// wall keeps timers in the order in which they are due.
type wall struct {
	mu     sync.Mutex
	timers timers
	alarm  alarm
	armed  time.Time // what the alarm is set to
	steps  map[*func()]struct{}
}

func (w *wall) set(t *Timer, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.at = at
	if t.index < 0 {
		heap.Push(&w.timers, t)
	} else {
		heap.Fix(&w.timers, t.index)
	}
	w.arm()
}

func (w *wall) remove(t *Timer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&w.timers, t.index)
	w.arm()
	return true
}

// ring starts what is due and sets the alarm for the next.
func (w *wall) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.timers) > 0 && !w.timers[0].at.After(now) {
		t := heap.Pop(&w.timers).(*Timer)
		go t.f()
	}
	w.armed = time.Time{} // it rang, so it has to be set again
	w.arm()
}

// stepped tells those who asked that the wall clock was set.
func (w *wall) stepped() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.steps {
		go (*f)()
	}
}

func (w *wall) arm() {
	var next time.Time
	if len(w.timers) > 0 {
		next = w.timers[0].at
	}
	if !next.Equal(w.armed) || next.IsZero() != w.armed.IsZero() {
		w.armed = next
		w.alarm.set(next)
	}
}

// timers is a heap by due time.
type timers []*Timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = -1
	return t
}
