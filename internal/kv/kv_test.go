package kv

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// swept is a KV that tells of sweeps.
type swept struct {
	store.Data
	sweeps chan time.Time
	next   chan time.Time // answers, in turn; empty: nothing is due
	err    error
}

func (s *swept) Sweep(_ context.Context, now time.Time) (time.Time, error) {
	s.sweeps <- now
	select {
	case t := <-s.next:
		return t, s.err
	default:
		return time.Time{}, nil
	}
}

func (s *swept) Commit(context.Context, store.Commit) (int64, error) { return 1, s.err }

func newSwept(t *testing.T) (*Swept, *swept) {
	old := sweepInterval
	sweepInterval = 0
	under := &swept{sweeps: make(chan time.Time, 16), next: make(chan time.Time, 16)}
	s := New(under)
	t.Cleanup(func() { s.Close(); sweepInterval = old })
	<-under.sweeps // that of the start
	return s, under
}

func TestSweptWhenDue(t *testing.T) {
	s, under := newSwept(t)
	due := time.Now().Add(30 * time.Millisecond)
	commit := store.Commit{RunID: "r", At: time.Now(), Ops: []store.KVOp{
		{Kind: store.KVSet, Key: "a"}, {Kind: store.KVSet, Key: "b", Expires: due}, {Kind: store.KVSet, Key: "c", Expires: due.Add(time.Hour)},
	}}
	if _, err := s.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	again := due.Add(20 * time.Millisecond)
	under.next <- again
	if at := <-under.sweeps; at.Before(due) {
		t.Errorf("swept at %v, before %v", at, due)
	}
	if at := <-under.sweeps; at.Before(again) {
		t.Errorf("swept again at %v, before %v", at, again)
	}
}

// The earliest counts; a commit with a name is forgotten some minutes later; one
// that failed or has neither name nor expiry sets nothing.
func TestArmed(t *testing.T) {
	s, under := newSwept(t)
	now := time.Now()
	due := func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.due
	}
	set := func(c store.Commit) {
		t.Helper()
		if _, err := s.Commit(t.Context(), c); !errors.Is(err, under.err) {
			t.Fatal(err)
		}
	}
	set(store.Commit{At: now, Ops: []store.KVOp{{Kind: store.KVSet, Key: "a"}}})
	set(store.Commit{RunID: "r", At: now})
	under.err = store.ErrConflict
	set(store.Commit{RunID: "r", At: now, Ops: []store.KVOp{{}}})
	under.err = nil
	if !due().IsZero() {
		t.Errorf("something is due at %v", due())
	}
	named := now.Add(store.CommitMemory)
	set(store.Commit{RunID: "r", At: now, Ops: []store.KVOp{{Kind: store.KVDelete}}})
	set(store.Commit{At: now, Ops: []store.KVOp{{Kind: store.KVSet, Expires: now.Add(time.Hour)}}})
	if !due().Equal(named) {
		t.Errorf("due at %v, want %v", due(), named)
	}
	s.Close()
	set(store.Commit{At: now, Ops: []store.KVOp{{Kind: store.KVSet, Expires: now.Add(time.Minute)}}})
	if !due().Equal(named) {
		t.Error("a timer was set after Close")
	}
}

func (s *swept) Enqueue(_ context.Context, list ...store.Message) ([]store.Message, error) {
	return list, s.err
}

func (s *swept) Return(context.Context, string, []store.Returned, time.Time) error { return s.err }

// Asynchronous requests are given up and forgotten, and idempotency keys, without
// another reason to sweep.
func TestArmedForMessages(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		do  func(*Swept) error
		err error
		due time.Time
	}{
		"a request": {do: func(s *Swept) error {
			_, err := s.Enqueue(t.Context(), store.Message{Channel: store.Channel{Kind: store.ChannelHTTP}, DueAt: now})
			return err
		}, due: now.Add(store.InvocationMemory)},
		"a request that is refused": {do: func(s *Swept) error {
			_, err := s.Enqueue(t.Context(), store.Message{Channel: store.Channel{Kind: store.ChannelHTTP}, DueAt: now})
			return err
		}, err: store.ErrQuota},
		"a message": {do: func(s *Swept) error {
			_, err := s.Enqueue(t.Context(), store.Message{Channel: store.Channel{Kind: store.ChannelQueue}, DueAt: now})
			return err
		}},
		"an idempotency key": {do: func(s *Swept) error {
			_, err := s.Enqueue(t.Context(), store.Message{IdempotencyKey: "k", CreatedAt: now})
			return err
		}, due: now.Add(store.IdempotencyMemory)},
		"a dead letter": {do: func(s *Swept) error {
			return s.Return(t.Context(), "lease", []store.Returned{{}, {Dead: true}}, now)
		}, due: now.Add(store.InvocationMemory)},
		"one that is tried again": {do: func(s *Swept) error { return s.Return(t.Context(), "lease", []store.Returned{{}}, now) }},
	} {
		s, under := newSwept(t)
		under.err = c.err
		if err := c.do(s); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		s.mu.Lock()
		if !s.due.Equal(c.due) {
			t.Errorf("%s: due at %v, want %v", name, s.due, c.due)
		}
		s.mu.Unlock()
	}
}

// A clock that was set back, from years ahead perhaps, does not end the sweeping.
func TestSweptAfterTheClockWasSetBack(t *testing.T) {
	s, under := newSwept(t)
	s.mu.Lock()
	s.last = time.Now().Add(1000 * time.Hour)
	s.mu.Unlock()
	s.arm(time.Now())
	select {
	case <-under.sweeps:
	case <-time.After(30 * time.Second):
		t.Error("nothing is swept")
	}
}
