// Package kv keeps a store's data clean: keys that have expired, and commits,
// idempotency keys and asynchronous requests that need not be known any more, are
// removed by one timer for the next that is due.
package kv

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/store"
)

const (
	sweepTimeout = 5 * time.Minute
	sweepRetry   = time.Minute
)

// sweepInterval is the least time between two sweeps, so that what falls due
// closely together goes at once: nobody sees it any more.
var sweepInterval = 10 * time.Second

// Swept is a store.Data that is swept. Commits have to go through it to be
// noticed; those of other processes are swept by them.
type Swept struct {
	store.Data
	timer *clock.Timer

	mu      sync.Mutex
	due     time.Time // of the timer; zero: not set
	last    time.Time // when the last sweep ended
	closed  bool
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// New returns data swept: first of what fell due while nobody did. Close ends it.
func New(data store.Data) *Swept {
	s := &Swept{Data: data}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.timer = clock.NewTimer(s.sweep)
	s.arm(time.Now())
	return s
}

// Close ends a sweep under way and those to come.
func (s *Swept) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.timer.Stop()
	s.cancel()
	s.running.Wait()
}

// Commit is store.Commits's.
func (s *Swept) Commit(ctx context.Context, c store.Commit) (int64, error) {
	version, err := s.Data.Commit(ctx, c)
	if err != nil {
		return version, err
	}
	// A run is not older than its commit: its name is forgotten by then.
	due := time.Time{}
	if c.RunID != "" && len(c.Acks) == 0 && len(c.Ops)+len(c.Messages) > 0 {
		due = c.At.Add(store.CommitMemory)
	}
	for i := range c.Ops {
		if t := c.Ops[i].Expires; !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	s.arm(due)
	if c.Finished != nil {
		s.arm(c.At.Add(store.InvocationMemory))
	}
	s.armFor(c.Messages)
	return version, nil
}

// Enqueue is store.Queue's.
func (s *Swept) Enqueue(ctx context.Context, list ...store.Message) ([]store.Message, error) {
	added, err := s.Data.Enqueue(ctx, list...)
	if err == nil {
		s.armFor(added)
	}
	return added, err
}

// Return is store.Queue's.
func (s *Swept) Return(ctx context.Context, lease string, list []store.Returned, at time.Time) error {
	err := s.Data.Return(ctx, lease, list, at)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Dead { // perhaps an asynchronous request, which is forgotten then
			s.arm(at.Add(store.InvocationMemory))
			break
		}
	}
	return nil
}

// armFor sees to it that idempotency keys are forgotten, and asynchronous requests
// that nobody runs given up.
func (s *Swept) armFor(list []store.Message) {
	for i := range list {
		m := &list[i]
		if m.IdempotencyKey != "" {
			s.arm(m.CreatedAt.Add(store.IdempotencyMemory))
		}
		if m.Kind == store.ChannelHTTP {
			s.arm(m.DueAt.Add(store.InvocationMemory))
		}
	}
}

// arm sees to it that there is a sweep at or soon after the given time.
func (s *Swept) arm(at time.Time) {
	if at.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.due.IsZero() && !at.Before(s.due) {
		return
	}
	last := s.last
	if now := time.Now(); last.After(now) { // the clock was set back since
		last = now
	}
	if soonest := last.Add(sweepInterval); at.Before(soonest) {
		at = soonest
		if !s.due.IsZero() && !at.Before(s.due) {
			return
		}
	}
	s.due = at
	s.timer.Set(at)
}

func (s *Swept) sweep() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.due = time.Time{}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	ctx, cancel := context.WithTimeout(s.ctx, sweepTimeout)
	defer cancel()
	now := time.Now().UTC()
	next, err := s.Sweep(ctx, now)
	if s.ctx.Err() != nil {
		return
	}
	if err != nil {
		slog.Error("expired data cannot be removed", "error", err)
		next = now.Add(sweepRetry)
	}
	s.mu.Lock()
	s.last = time.Now().UTC()
	s.mu.Unlock()
	s.arm(next)
}
