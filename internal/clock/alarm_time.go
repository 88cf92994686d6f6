package clock

import (
	"sync"
	"time"
)

// runtimeAlarm is an alarm on the monotonic clock, for systems that have
// nothing better. After a step of the wall clock it rings early, which does no
// harm, or late by the size of the step.
type runtimeAlarm struct {
	ring  func()
	mu    sync.Mutex
	timer *time.Timer
}

func (a *runtimeAlarm) set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	if !at.IsZero() {
		a.timer = time.AfterFunc(time.Until(at), a.ring)
	}
}
