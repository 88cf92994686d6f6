package executor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func begun(t *testing.T, parent context.Context, deadline time.Time) *runContext {
	c := &runContext{}
	c.begin(parent, &run{}, time.Now(), deadline, &watchdog{})
	t.Cleanup(c.end)
	return c
}

func TestRunContextEndsWithItsParent(t *testing.T) {
	boom := errors.New("boom")
	for name, wait := range map[string]func(c *runContext){
		"asked":     func(*runContext) {},
		"waited":    func(c *runContext) { <-c.Done() },
		"told":      func(c *runContext) { told := make(chan bool); c.AfterFunc(func() { close(told) }); <-told },
		"a context": func(c *runContext) { ctx, stop := context.WithCancel(c); defer stop(); <-ctx.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			parent, cancel := context.WithCancelCause(t.Context())
			c := begun(t, parent, time.Now().Add(time.Hour))
			if c.Err() != nil {
				t.Fatal(c.Err())
			}
			cancel(boom)
			wait(c)
			if !errors.Is(c.Err(), context.Canceled) || !errors.Is(c.Cause(), boom) {
				t.Errorf("%v, %v", c.Err(), c.Cause())
			}
		})
	}
}

func TestRunContextDeadline(t *testing.T) {
	for name, in := range map[string]time.Duration{"past": -time.Second, "soon": time.Millisecond, "later": 30 * time.Millisecond} {
		c := begun(t, t.Context(), time.Now().Add(in))
		told := make(chan bool)
		c.AfterFunc(func() { close(told) })
		<-told
		if !errors.Is(c.Err(), context.DeadlineExceeded) || !errors.Is(c.Cause(), errWallTime) {
			t.Errorf("%s: %v, %v", name, c.Err(), c.Cause())
		}
	}
	parent, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	want, _ := parent.Deadline()
	if got, ok := begun(t, parent, time.Now().Add(2*time.Hour)).Deadline(); !ok || got != want {
		t.Errorf("the parent's deadline is earlier: got %v", got)
	}
	if _, ok := begun(t, t.Context(), time.Time{}).Deadline(); ok {
		t.Error("there is a deadline without one")
	}
}

func TestRunContextStop(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	c := begun(t, parent, time.Time{})
	called := false
	stop := c.AfterFunc(func() { called = true })
	if !stop() || stop() {
		t.Error("stop tells wrongly whether it stopped the call")
	}
	cancel()
	<-c.Done()
	if called {
		t.Error("a stopped call was made")
	}
	made := make(chan bool)
	if c.AfterFunc(func() { close(made) })() {
		t.Error("a call after the end was stopped")
	}
	<-made
}

// Runs are watched over in any order of their ends, and then nobody waits.
func TestWatchdog(t *testing.T) {
	w := &watchdog{}
	parent, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 100 {
		c := &runContext{}
		c.begin(parent, nil, time.Now(), time.Time{}, w)
		if i%3 == 0 {
			wg.Add(1)
			c.AfterFunc(wg.Done)
		} else {
			defer c.end()
			if i%2 == 0 {
				c.end()
			}
		}
	}
	cancel() // seen when the watchdog attaches them
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first != nil || w.last != nil || w.armed {
		t.Errorf("it still watches: %v, %v, %t", w.first, w.last, w.armed)
	}
}

// The context package calls AfterFunc with a lock held that f takes, also when
// the context has just ended.
func TestRunContextAfterFuncOnceEnded(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	cancel()
	c := begun(t, parent, time.Time{})
	if c.Err() == nil {
		t.Fatal("it has not ended")
	}
	var child sync.Mutex
	called := make(chan bool)
	child.Lock()
	stop := c.AfterFunc(func() {
		child.Lock()
		defer child.Unlock()
		close(called)
	})
	child.Unlock()
	<-called
	if stop() {
		t.Error("what was called is said to be stopped")
	}
}

// The engine is told once, also of an end that came before it asked.
func TestRunContextTellsTheEngine(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	c := begun(t, parent, time.Time{})
	told := make(chan bool, 3)
	c.NotifyEnd(func() { told <- true })
	if !c.ForgetEnd() {
		t.Error("nothing happened, and the engine is told that something may")
	}
	c.NotifyEnd(func() { told <- true })
	cancel()
	if c.Err() == nil {
		t.Error("the context has not ended with its parent")
	}
	<-told
	if c.ForgetEnd() {
		t.Error("the engine was told and is told that it was not")
	}
	c.NotifyEnd(func() { told <- true })
	<-told
	parent, cancel = context.WithCancel(t.Context())
	cancel()
	c = begun(t, parent, time.Time{})
	c.NotifyEnd(func() { told <- true }) // without anybody having asked for Err
	<-told
	if len(told) > 0 {
		t.Error("the engine was told of one end twice")
	}
}
