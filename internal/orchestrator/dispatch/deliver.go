package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// lease is that of the messages of one claim. While they are worked on it is
// extended, by a timer that a fast handler never lets fire.
type lease struct {
	d      *Dispatcher
	token  string
	length time.Duration

	mu      sync.Mutex
	expires time.Time
	open    map[string]context.CancelFunc // messages that are not finished; what ends their run, once it runs
	timer   *time.Timer
}

func newLease(d *Dispatcher, token string, list []store.Message, length time.Duration, expires time.Time) *lease {
	l := &lease{d: d, token: token, length: length, expires: expires, open: make(map[string]context.CancelFunc, len(list))}
	for i := range list {
		l.open[list[i].ID] = nil
	}
	l.mu.Lock() // the timer may fire at once
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(expires.Sub(d.cfg.Now())-length/2, l.extend)
	return l
}

// extend makes the lease last. Runs of messages that are lost are ended: what
// they want committed would be refused.
func (l *lease) extend() {
	l.mu.Lock()
	var ids []string
	for id := range l.open {
		ids = append(ids, id)
	}
	l.mu.Unlock()
	if len(ids) == 0 || l.d.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(l.d.ctx, storeTimeout)
	defer cancel()
	until := l.d.cfg.Now().Add(l.length)
	lost, err := l.d.cfg.Queue.Extend(ctx, l.token, ids, until)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return
	}
	if err != nil {
		if l.d.ctx.Err() == nil {
			slog.Error("the lease of messages cannot be extended", "messages", len(ids), "error", err)
		}
		l.timer.Reset(l.length / 10)
		return
	}
	l.expires = until
	for _, id := range lost {
		if end, still := l.open[id]; still {
			delete(l.open, id)
			if end != nil {
				end()
			}
		}
	}
	if len(l.open) > 0 {
		l.timer.Reset(l.length / 2)
	}
}

// begin says what ends the run of the messages.
func (l *lease) begin(list []store.Message, end context.CancelFunc) (expires time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range list {
		if _, still := l.open[list[i].ID]; still {
			l.open[list[i].ID] = end
		}
	}
	return l.expires
}

// finished forgets messages.
func (l *lease) finished(list []store.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range list {
		delete(l.open, list[i].ID)
	}
	if len(l.open) == 0 {
		l.timer.Stop()
	}
}

// giveBack returns messages to the store, and does not give up before it has:
// what this process has leased nobody else takes while it lives.
func (l *lease) giveBack(list []store.Message, f func(*store.Message) store.Returned) {
	defer l.finished(list)
	back := make([]store.Returned, len(list))
	for i := range list {
		back[i] = f(&list[i])
	}
	for attempt := 0; ; attempt++ {
		// Also while the dispatcher is being closed.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.d.ctx), storeTimeout)
		err := l.d.cfg.Queue.Return(ctx, l.token, back, l.d.cfg.Now())
		cancel()
		if err == nil {
			return
		}
		slog.Error("messages cannot be returned to their channel", "messages", len(back), "error", err)
		if !pause(l.d.ctx, attempt, storeRetry/10, maxStoreRetry) {
			return // the next start of the process takes them back
		}
	}
}

// giveBack returns what nobody is to blame for.
func (w *delivery) giveBack(due time.Time, why string) {
	if due.IsZero() {
		due = w.lease.d.cfg.Now()
	}
	w.lease.giveBack(w.messages, func(m *store.Message) store.Returned {
		return store.Returned{ID: m.ID, DueAt: due, Error: why}
	})
}

// The waits between runs that conflict with others; they are no attempts.
const (
	conflictWait    = time.Millisecond
	maxConflictWait = 100 * time.Millisecond
	maxConflicts    = 50 // then it is somebody else's turn
)

// deliver runs a delivery and sees to what becomes of it.
func (w *delivery) deliver(d *Dispatcher) {
	for conflicts := 0; ; conflicts++ {
		out := w.run(d)
		switch {
		case out.Acked:
			w.lease.finished(w.messages)
			return
		case out.Verdict == invoke.LeaseLost:
			slog.Warn("messages were handled of which one was deleted, or is somebody else's now: nothing of that takes effect",
				"app_id", w.messages[0].AppID, "channel", w.messages[0].Name, "messages", len(w.messages), "first", w.messages[0].ID)
			w.giveBack(time.Time{}, "") // those that are still ours
			return
		case out.Verdict == invoke.Conflict && conflicts < maxConflicts && pause(d.ctx, conflicts, conflictWait, maxConflictWait):
			continue
		}
		w.unfinished(d, out)
		return
	}
}

// run runs a delivery once.
func (w *delivery) run(d *Dispatcher) Outcome {
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	t := w.target
	start := t.Start
	start.RunID = store.NewIDAt(d.cfg.Now())
	start.Lease = &invoke.Lease{Token: w.lease.token, Expires: w.lease.begin(w.messages, cancel)}
	for i := range w.messages {
		start.Lease.Messages = append(start.Lease.Messages, w.messages[i].ID)
	}
	if t.Delivery.BatchSize > 1 {
		start.Batch = make([]invoke.Event, len(w.messages))
		for i := range w.messages {
			start.Batch[i] = eventOf(&w.messages[i])
		}
	} else {
		e := eventOf(&w.messages[0])
		start.Event = &e
	}
	return d.cfg.Run(ctx, &start, t)
}

func eventOf(m *store.Message) invoke.Event {
	return invoke.Event{
		ID: m.ID, Kind: string(m.Kind), Source: m.Source, Payload: m.Payload,
		Attempt: int(m.Attempts + m.Crashes + 1), Time: m.CreatedAt, Depth: m.Depth,
	}
}

// unfinished returns what a run did not acknowledge.
func (w *delivery) unfinished(d *Dispatcher, out Outcome) {
	now := d.cfg.Now()
	res := out.Result
	switch {
	case d.ctx.Err() != nil:
		w.giveBack(now, "")
		return
	case out.Verdict == invoke.Conflict:
		w.giveBack(now.Add(rand.N(time.Second)), "other executions changed what it read, each time it ran")
		return
	case out.Verdict == invoke.Unavailable, errors.Is(out.Err, invoke.ErrUnreachable):
		// Nobody to blame but the database, or the way to the executor.
		w.giveBack(now.Add(storeRetry), "")
		return
	case res != nil && res.Status == store.StatusRejected:
		w.giveBack(now.Add(max(res.RetryAfter, 10*time.Millisecond)), "")
		return
	case res != nil && res.Status == store.StatusCancelled:
		w.giveBack(now, "")
		return
	case res != nil && res.Status == store.StatusError && res.RetryAfter > 0:
		w.giveBack(now.Add(res.RetryAfter), "") // the script could not be read
		return
	}
	if res == nil {
		w.lease.giveBack(w.messages, func(m *store.Message) store.Returned {
			r := store.Returned{ID: m.ID, DueAt: now, Crashed: true, Error: "the executor was lost"}
			if m.Crashes+1 >= store.MaxCrashes {
				r.Dead, r.Error = true, store.TooManyCrashes
			}
			return r
		})
		return
	}
	why := res.Error
	if why == "" {
		why = "the script did not end as it should"
	}
	if len(w.messages) > 1 {
		// Who is to blame shows when each is delivered by itself.
		w.lease.giveBack(w.messages, func(m *store.Message) store.Returned {
			return store.Returned{ID: m.ID, DueAt: now, Single: true, Error: why}
		})
		return
	}
	w.lease.giveBack(w.messages, func(m *store.Message) store.Returned {
		failed := m.Attempts + 1
		return store.Returned{
			ID: m.ID, Failed: true, Error: why, Dead: failed >= w.target.Delivery.MaxAttempts,
			DueAt: now.Add(w.target.Delivery.Backoff(failed, rand.Float64())).Truncate(time.Microsecond),
		}
	})
}
