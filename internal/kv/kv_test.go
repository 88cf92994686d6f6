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
