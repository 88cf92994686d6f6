package executor

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// admission bounds the runs at once, by their count and by the sum of their
// memory limits. Who finds no place waits in order, for a bounded time. One app
// gets at most three quarters, so that there is room for its neighbours.
type admission struct {
	maxRuns   int
	maxMemory int64
	maxQueue  int
	wait      time.Duration

	mu     sync.Mutex
	runs   int
	memory int64
	apps   map[string]share
	queue  list.List // of *waiter, longest waiting first
}

// share is what one app uses.
type share struct {
	runs   int
	memory int64
}

type waiter struct {
	app    string
	memory int64
	ready  chan struct{} // closed when it is in
}

// overloadError is why a run was not admitted.
type overloadError struct {
	reason string
	retry  time.Duration
}

func (e *overloadError) Error() string { return e.reason }

func newAdmission(runs int, memory int64, queue int, wait time.Duration) *admission {
	return &admission{maxRuns: runs, maxMemory: memory, maxQueue: queue, wait: wait, apps: map[string]share{}}
}

// enter takes a place for a run of the app with that memory limit. It says
// whether the run had to wait, and returns an *overloadError or ctx's error.
func (a *admission) enter(ctx context.Context, app string, memory int64) (waited bool, err error) {
	a.mu.Lock()
	if memory > a.maxMemory {
		a.mu.Unlock()
		return false, &overloadError{fmt.Sprintf("the memory limit of %s is more than the executor has (%s)", size(memory), size(a.maxMemory)), time.Minute}
	}
	if a.queue.Len() == 0 && a.fits(app, memory) {
		a.take(app, memory)
		a.mu.Unlock()
		return false, nil
	}
	if a.queue.Len() >= a.maxQueue {
		runs := a.runs
		a.mu.Unlock()
		return false, &overloadError{fmt.Sprintf("overloaded: %d executions run and %d wait", runs, a.maxQueue), time.Second}
	}
	w := &waiter{app, memory, make(chan struct{})}
	at := a.queue.PushBack(w)
	a.admit()
	a.mu.Unlock()
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return true, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = &overloadError{fmt.Sprintf("overloaded: no place to run within %v", a.wait), time.Second}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-w.ready: // in at the last moment
		return true, nil
	default:
		a.queue.Remove(at)
		return true, err
	}
}

// leave gives a place back.
func (a *admission) leave(app string, memory int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs--
	a.memory -= memory
	s := a.apps[app]
	s.runs--
	s.memory -= memory
	if s.runs == 0 {
		delete(a.apps, app)
	} else {
		a.apps[app] = s
	}
	a.admit()
}

// admit lets in who fits, in order; an app at its share does not hold up others.
func (a *admission) admit() {
	for at := a.queue.Front(); at != nil; {
		next := at.Next()
		if w := at.Value.(*waiter); a.fits(w.app, w.memory) {
			a.take(w.app, w.memory)
			a.queue.Remove(at)
			close(w.ready)
		}
		at = next
	}
}

func (a *admission) fits(app string, memory int64) bool {
	if a.runs >= a.maxRuns || a.memory+memory > a.maxMemory {
		return false
	}
	s := a.apps[app]
	// The first run of an app always may.
	return s.runs == 0 || (s.runs < max(1, a.maxRuns*3/4) && s.memory+memory <= max(memory, a.maxMemory/4*3))
}

func (a *admission) take(app string, memory int64) {
	a.runs++
	a.memory += memory
	s := a.apps[app]
	s.runs++
	s.memory += memory
	a.apps[app] = s
}
