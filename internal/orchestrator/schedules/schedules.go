// Package schedules makes schedules fire: it waits for the next time of all of
// them by one timer, and hands the store what is due. That one of several
// processes fires a time is the store's doing.
package schedules

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/schedule"
	"github.com/picloud/picloud/internal/store"
)

const (
	// fireAtOnce is how many schedules one transaction fires.
	fireAtOnce = 200
	timeout    = 30 * time.Second
	// After an error the store is asked again after retryFirst, then after twice as
	// long each time, up to retryMost.
	retryFirst = time.Second
	retryMost  = time.Minute
	// mostStale is how many rounds in a row may fire nothing.
	mostStale = 10
)

// Store is what a Runner needs of the store.
type Store interface {
	store.Schedules
	Subscribe(f func(store.Change)) (stop func())
}

// Runner makes the schedules of all apps fire, until it is closed.
type Runner struct {
	store Store
	now   func() time.Time
	timer interface {
		Set(time.Time)
		Stop() bool
	}

	signal chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
	stops  []func()

	mu      sync.Mutex
	all     bool            // read everything again
	apps    map[string]bool // read these apps again
	stepped bool            // the wall clock was set

	// What follows is the working goroutine's.

	entries map[string]map[string]*entry // by app and name
	retry   time.Duration                // how long the last wait after an error was; 0: no error
}

// entry is a schedule that can fire.
type entry struct {
	schedule store.Schedule // as it was read, or as it is after the last firing
	rule     schedule.Rule
	state    schedule.State // what is read, adjusted to the clock
	due      time.Time      // zero: never
}

// Start begins to make the schedules of a store fire: first those that fell due
// while nobody did.
func Start(s Store) *Runner {
	r := newRunner(s, time.Now)
	r.timer = clock.NewTimer(r.wake)
	r.stops = []func(){s.Subscribe(r.changed), clock.OnStep(func() {
		r.mu.Lock()
		r.stepped = true
		r.mu.Unlock()
		r.wake()
	})}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.signal:
				r.timer.Set(r.work(ctx))
			}
		}
	}()
	r.wake()
	return r
}

func newRunner(s Store, now func() time.Time) *Runner {
	return &Runner{
		store: s, now: now, signal: make(chan struct{}, 1), done: make(chan struct{}),
		all: true, apps: map[string]bool{}, entries: map[string]map[string]*entry{},
	}
}

// Close ends it. A firing under way is whole or has not happened.
func (r *Runner) Close() {
	for _, stop := range r.stops {
		stop()
	}
	r.cancel()
	<-r.done
	r.timer.Stop()
}

func (r *Runner) wake() {
	select {
	case r.signal <- struct{}{}:
	default: // it will look anyway
	}
}

func (r *Runner) changed(c store.Change) {
	r.mu.Lock()
	if c.AppID == "" {
		r.all = true
	} else {
		r.apps[c.AppID] = true
	}
	r.mu.Unlock()
	r.wake()
}

// work does everything that is to be done now, and returns when there is more.
func (r *Runner) work(ctx context.Context) (next time.Time) {
	if err := r.read(ctx); err != nil {
		return r.later(ctx, err)
	}
	for stale := 0; ; {
		due, next := r.due(r.now())
		if len(due) == 0 {
			r.retry = 0
			return next
		}
		moved, err := r.fire(ctx, due)
		if err != nil {
			return r.later(ctx, err)
		}
		if stale++; moved {
			stale = 0
		} else if stale == mostStale {
			return r.later(ctx, errors.New("the store fires nothing of what it says is due"))
		}
		if err := r.read(ctx); err != nil {
			return r.later(ctx, err)
		}
	}
}

// later returns when to try again after an error.
func (r *Runner) later(ctx context.Context, err error) time.Time {
	if ctx.Err() != nil {
		return time.Time{}
	}
	if r.retry == 0 {
		slog.Error("schedules cannot fire; trying again", "error", err)
	}
	r.retry = min(max(retryFirst, 2*r.retry), retryMost)
	return r.now().Add(r.retry)
}

// read brings in what has changed: schedules, and the clock.
func (r *Runner) read(ctx context.Context) error {
	r.mu.Lock()
	all, apps, stepped := r.all, r.apps, r.stepped
	r.all, r.apps, r.stepped = false, map[string]bool{}, false
	r.mu.Unlock()
	if all {
		apps = map[string]bool{"": true}
	}
	for app := range apps {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		list, err := r.store.Schedules(ctx, app)
		cancel()
		if err != nil {
			r.mu.Lock()
			r.all, r.stepped = true, stepped || r.stepped
			r.mu.Unlock()
			return err
		}
		if app == "" {
			clear(r.entries)
		} else {
			delete(r.entries, app)
		}
		for i := range list {
			r.add(list[i])
		}
	}
	if stepped {
		for _, app := range r.entries {
			for _, e := range app {
				e.adjust(r.now())
			}
		}
	}
	return nil
}

func (r *Runner) add(x store.Schedule) {
	if x.Paused {
		return
	}
	rule, _, err := schedule.Read(x.AppID, x.Name, x.ManifestSchedule)
	if err != nil {
		slog.Error("a schedule cannot fire", "app", x.AppID, "schedule", x.Name, "error", err)
		return
	}
	e := &entry{schedule: x, rule: rule, state: x.ScheduleState}
	e.adjust(r.now())
	app := r.entries[x.AppID]
	if app == nil {
		app = map[string]*entry{}
		r.entries[x.AppID] = app
	}
	app[x.Name] = e
}

func (e *entry) adjust(now time.Time) {
	e.state = e.rule.Adjust(e.state, now)
	_, e.due = e.rule.Due(e.state)
}

// due returns some entries that are due, or when the next will be.
func (r *Runner) due(now time.Time) (due []*entry, next time.Time) {
	for _, app := range r.entries {
		for _, e := range app {
			switch {
			case e.due.IsZero():
			case !e.due.After(now):
				if due = append(due, e); len(due) == fireAtOnce {
					return due, time.Time{}
				}
			case next.IsZero() || e.due.Before(next):
				next = e.due
			}
		}
	}
	return due, next
}

// fire fires entries that are due, and reports whether any has moved on. What turns
// out to be otherwise is to be read again.
func (r *Runner) fire(ctx context.Context, due []*entry) (moved bool, err error) {
	var (
		list  []store.ScheduleFiring
		fired []*entry
	)
	now := r.now()
	for _, e := range due {
		f, found := e.rule.Fire(e.state, now)
		if !found { // the clock was set back just now
			e.adjust(now)
			continue
		}
		x := &e.schedule
		firing := store.ScheduleFiring{
			AppID: x.AppID, Name: x.Name, Seen: x.ScheduleState, Next: f.State, At: f.At, Overlap: x.Overlap,
		}
		if !f.At.IsZero() {
			m, err := schedule.Message(*x, f.At, f.Missed, now)
			if err != nil {
				return false, err
			}
			firing.Message = &m
		}
		list, fired = append(list, firing), append(fired, e)
	}
	if len(list) == 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	outcomes, err := r.store.FireSchedules(ctx, list)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range fired {
		if err != nil || outcomes[i] == store.ScheduleStale {
			r.apps[e.schedule.AppID] = true
			continue
		}
		moved = true
		e.schedule.ScheduleState, e.state = list[i].Next, list[i].Next
		_, e.due = e.rule.Due(e.state)
		if outcomes[i] == store.ScheduleSkipped {
			slog.Debug("a schedule's time is left out: the run before is not done", "app", e.schedule.AppID, "schedule", e.schedule.Name)
		}
	}
	return moved, err
}
