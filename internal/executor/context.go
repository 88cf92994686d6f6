package executor

import (
	"context"
	"sync"
	"time"
)

// attachAfter is how long a run goes on before anybody watches over it. Most
// have ended by then: they need neither a timer nor a place among those that the
// request's context tells of its end.
const attachAfter = 5 * time.Millisecond

// runContext is the context of a run; natives find their run in it. It ends
// with its parent or at its deadline, which it learns when the watchdog attaches
// it, when somebody waits for its end, or when it is asked.
type runContext struct {
	parent   context.Context
	run      *run
	deadline time.Time // zero: none
	dog      *watchdog

	mu       sync.Mutex
	err      error
	cause    error
	done     chan struct{} // made when asked for
	notify   func()        // the engine's
	funcs    []*afterFunc
	attached bool
	timer    *time.Timer
	unhook   func() bool // from the parent

	// Of the watchdog, under its lock.
	next, prev *runContext
	since      time.Time
	listed     bool
}

// afterFunc is a call that is due when the context ends.
type afterFunc struct {
	f func() // nil when it was stopped
}

// begin makes c the context of a run that begins now.
func (c *runContext) begin(parent context.Context, r *run, now, deadline time.Time, dog *watchdog) {
	c.parent, c.run, c.deadline, c.dog = parent, r, deadline, dog
	if !deadline.IsZero() && deadline.Sub(now) < 2*attachAfter {
		c.attach()
		return
	}
	dog.add(c, now)
}

// end releases everything when the run is over.
func (c *runContext) end() {
	c.dog.remove(c)
	c.cancel(context.Canceled, context.Canceled)
}

type runKey struct{}

// Value implements context.Context.
func (c *runContext) Value(key any) any {
	if _, ok := key.(runKey); ok {
		return c.run
	}
	return c.parent.Value(key)
}

// runOf returns the run whose context ctx is, nil outside a run.
func runOf(ctx context.Context) *run {
	if c, ok := ctx.(*runContext); ok {
		return c.run
	}
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

// Deadline implements context.Context.
func (c *runContext) Deadline() (time.Time, bool) {
	if t, ok := c.parent.Deadline(); ok && (c.deadline.IsZero() || t.Before(c.deadline)) {
		return t, true
	}
	return c.deadline, !c.deadline.IsZero()
}

// Done implements context.Context.
func (c *runContext) Done() <-chan struct{} {
	c.mu.Lock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	done := c.done
	c.mu.Unlock()
	c.attach()
	return done
}

// Err implements context.Context.
func (c *runContext) Err() error {
	c.mu.Lock()
	err, attached := c.err, c.attached
	c.mu.Unlock()
	if err != nil || attached {
		return err
	}
	if err := c.parent.Err(); err != nil {
		c.cancel(err, context.Cause(c.parent))
		return err
	}
	if !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		c.expire()
		return context.DeadlineExceeded
	}
	return nil
}

// Cause is why the context ended: errWallTime at its deadline.
func (c *runContext) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// AfterFunc has f called when the context ends, in a goroutine of its own if it
// has ended already: the context package calls AfterFunc with the lock of a child
// context held, which f takes. The context package uses it in place
// of a goroutine that waits for Done.
func (c *runContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{f}
	c.funcs = append(c.funcs, a)
	c.mu.Unlock()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		stopped := a.f != nil && c.err == nil
		a.f = nil
		return stopped
	}
}

// NotifyEnd and ForgetEnd are AfterFunc for the engine, of which a run has one: they allocate nothing. f is called at
// once if the context has ended, and ForgetEnd reports whether it will not be called any more.
func (c *runContext) NotifyEnd(f func()) {
	if err := c.parent.Err(); err != nil {
		c.cancel(err, context.Cause(c.parent))
	}
	c.mu.Lock()
	ended := c.err != nil
	if !ended {
		c.notify = f
	}
	c.mu.Unlock()
	if ended {
		f()
	}
}

// ForgetEnd ends what NotifyEnd began.
func (c *runContext) ForgetEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	quiet := c.err == nil || c.notify == nil
	c.notify = nil
	return quiet
}

// attach sets the timer for the deadline and listens to the parent.
func (c *runContext) attach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attached || c.err != nil {
		return
	}
	c.attached = true
	if !c.deadline.IsZero() {
		c.timer = time.AfterFunc(time.Until(c.deadline), c.expire)
	}
	c.unhook = context.AfterFunc(c.parent, func() { c.cancel(c.parent.Err(), context.Cause(c.parent)) })
}

func (c *runContext) expire() { c.cancel(context.DeadlineExceeded, errWallTime) }

// cancel ends the context. The first reason counts.
func (c *runContext) cancel(err, cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err, c.cause = err, cause
	if c.done != nil {
		close(c.done)
	}
	notify := c.notify
	var due []func()
	for _, a := range c.funcs {
		if a.f != nil {
			due = append(due, a.f)
		}
	}
	c.funcs = nil
	timer, unhook := c.timer, c.unhook
	c.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	if unhook != nil {
		unhook()
	}
	if notify != nil {
		notify()
	}
	for _, f := range due {
		f()
	}
}

// watchdog attaches runs that have gone on for attachAfter. While there are
// runs that may become such, it wakes up once in that time; then it sleeps.
type watchdog struct {
	mu          sync.Mutex
	first, last *runContext // the longest running first
	timer       *time.Timer
	armed       bool
}

func (w *watchdog) add(c *runContext, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.since, c.listed, c.prev = now, true, w.last
	if w.last == nil {
		w.first = c
	} else {
		w.last.next = c
	}
	w.last = c
	if w.armed {
		return
	}
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(attachAfter, w.look)
	} else {
		w.timer.Reset(attachAfter)
	}
}

func (w *watchdog) remove(c *runContext) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(c)
}

func (w *watchdog) unlink(c *runContext) {
	if !c.listed {
		return
	}
	c.listed = false
	if c.prev == nil {
		w.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		w.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.next, c.prev = nil, nil
}

// look attaches the runs that have gone on for long enough.
func (w *watchdog) look() {
	var old []*runContext
	now := time.Now()
	w.mu.Lock()
	for w.first != nil && now.Sub(w.first.since) >= attachAfter {
		c := w.first
		w.unlink(c)
		old = append(old, c)
	}
	if w.first != nil {
		w.timer.Reset(attachAfter - now.Sub(w.first.since))
	} else {
		w.armed = false
	}
	w.mu.Unlock()
	for _, c := range old {
		c.attach()
	}
}
