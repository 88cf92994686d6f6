package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// When messages are due stands in the store by the wall clock. Set forward, it
// makes them due, which the timers notice. Set back, it would have what is due wait
// until it shows the same time again: so the store is told.

// minStep is by how much the clock must have been set.
const minStep = time.Second

// steps finds out how far the wall clock was set, by the monotonic one.
type steps struct {
	// read returns what both show at one moment.
	read func() (wall time.Time, monotonic time.Duration)

	mu    sync.Mutex
	begun time.Time // the wall clock when the monotonic one was 0, as of the last look
}

func newSteps() *steps {
	start := time.Now()
	return &steps{read: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.UTC().Truncate(time.Microsecond), now.Sub(start)
	}}
}

// look returns how far the wall clock was set since the last look, and what it
// shows now; 0 for less than minStep, which counts at the next look.
func (s *steps) look() (by time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, monotonic := s.read()
	begun := now.Add(-monotonic)
	if s.begun.IsZero() {
		s.begun = begun
	}
	if by = begun.Sub(s.begun); by.Abs() < minStep {
		return 0, now
	}
	s.begun = begun
	return by, now
}

// moved reports whether the clock was set since the last look.
func (s *steps) moved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, monotonic := s.read()
	return now.Add(-monotonic).Sub(s.begun).Abs() >= minStep
}

// unseen takes a look back.
func (s *steps) unseen(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.begun.Add(-by)
}

// minding tells the store if the clock was set back, and has all timers set anew.
func (d *Dispatcher) minding(ctx context.Context) error {
	by, now := d.steps.look()
	if by == 0 {
		return nil
	}
	if by < 0 {
		slog.Warn("the clock was set back: messages wait no longer for that", "by", (-by).Round(time.Second).String())
		if err := d.cfg.Queue.SetBack(ctx, now.Add(-by), now); err != nil {
			d.steps.unseen(by)
			return err
		}
	}
	d.Scan()
	return nil
}
