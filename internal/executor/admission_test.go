package executor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func overloaded(err error) bool {
	var o *overloadError
	return errors.As(err, &o)
}

func TestAdmissionByCount(t *testing.T) {
	a := newAdmission(4, 1<<30, 0, time.Hour)
	ctx := t.Context()
	for i := range 3 {
		if _, err := a.enter(ctx, "one", 1); err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
	}
	if _, err := a.enter(ctx, "one", 1); !overloaded(err) {
		t.Errorf("an app gets more than three quarters: %v", err)
	}
	if _, err := a.enter(ctx, "two", 1); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	if _, err := a.enter(ctx, "three", 1); !overloaded(err) || !strings.Contains(err.Error(), "4 executions run") {
		t.Errorf("over the count: %v", err)
	}
	a.leave("one", 1)
	if _, err := a.enter(ctx, "three", 1); err != nil {
		t.Errorf("after one left: %v", err)
	}
}

func TestAdmissionByMemory(t *testing.T) {
	a := newAdmission(100, 1000, 0, time.Hour)
	ctx := t.Context()
	if _, err := a.enter(ctx, "one", 1001); !overloaded(err) || !strings.Contains(err.Error(), "1001 bytes") {
		t.Errorf("more than there is: %v", err)
	}
	if _, err := a.enter(ctx, "one", 700); err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(ctx, "one", 100); !overloaded(err) {
		t.Errorf("an app gets more than three quarters: %v", err)
	}
	if _, err := a.enter(ctx, "two", 301); !overloaded(err) {
		t.Errorf("over the sum: %v", err)
	}
	if _, err := a.enter(ctx, "two", 300); err != nil {
		t.Errorf("to the sum: %v", err)
	}
	a.leave("one", 700)
	a.leave("two", 300)
	if a.runs != 0 || a.memory != 0 || len(a.apps) != 0 {
		t.Errorf("not all was given back: %d, %d, %v", a.runs, a.memory, a.apps)
	}
	if _, err := a.enter(ctx, "big", 1000); err != nil {
		t.Errorf("all of it, alone: %v", err)
	}
}

func TestAdmissionQueue(t *testing.T) {
	a := newAdmission(1, 100, 2, time.Hour)
	if _, err := a.enter(t.Context(), "one", 1); err != nil {
		t.Fatal(err)
	}
	queued := func(n int) {
		for {
			a.mu.Lock()
			l := a.queue.Len()
			a.mu.Unlock()
			if l == n {
				return
			}
		}
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := a.enter(t.Context(), "two", 1); first <- err }()
	queued(1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, err := a.enter(ctx, "three", 1); second <- err }()
	queued(2)
	if _, err := a.enter(t.Context(), "four", 1); !overloaded(err) {
		t.Errorf("the queue is full: %v", err)
	}
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting: %v", err)
	}
	queued(1)
	a.leave("one", 1)
	if err := <-first; err != nil {
		t.Errorf("the first in the queue: %v", err)
	}
	a.leave("two", 1)
	if a.runs != 0 || a.queue.Len() != 0 {
		t.Errorf("%d run, %d wait", a.runs, a.queue.Len())
	}
}

func TestAdmissionWaitEnds(t *testing.T) {
	a := newAdmission(1, 100, 2, time.Millisecond)
	if _, err := a.enter(t.Context(), "one", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(t.Context(), "two", 1); !overloaded(err) || !strings.Contains(err.Error(), "within 1ms") {
		t.Errorf("got %v", err)
	}
	if a.queue.Len() != 0 {
		t.Error("who gave up still waits")
	}
}
