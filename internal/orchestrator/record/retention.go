package record

import (
	"context"
	"log/slog"
	"time"
)

const (
	pruneTimeout = 5 * time.Minute
	pruneRetry   = time.Hour
)

// pruneInterval is the least time between two deletions by age.
var pruneInterval = 10 * time.Second

// slack is how much longer than it must an execution may stay, so that many go
// at once instead of one by one.
func slack(maxAge time.Duration) time.Duration {
	return min(max(maxAge/50, time.Second), time.Hour)
}

// prune removes what the retention no longer keeps and arms the timer for when
// the next is due. It runs on the writing goroutine: nothing else deletes.
func (r *Recorder) prune() {
	r.written = 0
	ctx, cancel := context.WithTimeout(context.Background(), pruneTimeout)
	defer cancel()
	removed, next, err := r.under.Prune(ctx, r.cfg.Retention, time.Now().UTC())
	switch {
	case err != nil:
		slog.Error("old executions cannot be removed", "error", err)
		r.arm(time.Now().Add(pruneRetry), true)
	case next.IsZero():
		r.arm(time.Time{}, true) // armed by the next execution
	default:
		r.arm(next, true)
	}
	if removed > 0 {
		slog.Debug("old executions are removed", "count", removed)
	}
}

// arm sets the timer for what is due at the given time, none for the zero
// time. Without replace it stays as it is when it is already set.
func (r *Recorder) arm(at time.Time, replace bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || (r.armed && !replace) {
		return
	}
	r.armed = !at.IsZero()
	if r.armed {
		at = at.Add(slack(r.cfg.Retention.MaxAge))
		if soonest := time.Now().Add(pruneInterval); replace && at.Before(soonest) {
			at = soonest
		}
	}
	r.timer.Set(at)
}
