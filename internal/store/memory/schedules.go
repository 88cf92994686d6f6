package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/picloud/picloud/internal/schedule"
	"github.com/picloud/picloud/internal/store"
)

type scheduleKey struct{ app, name string }

// scheduled is a schedule that is kept; it may be one that no deployment has now.
type scheduled struct {
	store.Schedule
	active bool
}

// DeploySchedules makes the schedules of a manifest, which becomes the app's
// active one, those that fire.
func (k *Data) DeploySchedules(appID string, list map[string]store.ManifestSchedule, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, x := range k.schedules {
		if _, stays := list[key.name]; key.app == appID && !stays {
			x.active = false
		}
	}
	for name, m := range list {
		key := scheduleKey{appID, name}
		x := k.schedules[key]
		if x == nil {
			x = &scheduled{Schedule: store.Schedule{AppID: appID, Name: name}}
			k.schedules[key] = x
		}
		if !x.active || x.Cron != m.Cron || x.Timezone != m.Timezone {
			x.ScheduleState = schedule.Start(at)
		}
		x.ManifestSchedule, x.active = m, true
	}
}

// Schedules is store.Schedules's.
func (k *Data) Schedules(ctx context.Context, appID string) (list []store.Schedule, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, x := range k.schedules {
		if x.active && (appID == "" || key.app == appID) {
			list = append(list, x.Schedule)
		}
	}
	slices.SortFunc(list, func(a, b store.Schedule) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Name, b.Name))
	})
	return list, ctx.Err()
}

func (k *Data) schedule(appID, name string) (*scheduled, error) {
	if x := k.schedules[scheduleKey{appID, name}]; x != nil && x.active {
		return x, nil
	}
	return nil, fmt.Errorf("schedule %q: %w", name, store.ErrNotFound)
}

// Schedule is store.Schedules's.
func (k *Data) Schedule(ctx context.Context, appID, name string) (store.Schedule, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	x, err := k.schedule(appID, name)
	if err != nil {
		return store.Schedule{}, err
	}
	return x.Schedule, ctx.Err()
}

// FireSchedules is store.Schedules's.
func (k *Data) FireSchedules(ctx context.Context, list []store.ScheduleFiring) ([]store.ScheduleOutcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range list {
		if m := list[i].Message; m != nil {
			if err := m.Check(); err != nil {
				return nil, err
			}
		}
	}
	var (
		outcomes []store.ScheduleOutcome
		added    []store.Message
	)
	k.mu.Lock()
	for i := range list {
		outcome, messages := k.fire(&list[i])
		outcomes, added = append(outcomes, outcome), append(added, messages...)
	}
	k.mu.Unlock()
	k.tell(firstDue(added))
	return outcomes, nil
}

func (k *Data) fire(f *store.ScheduleFiring) (store.ScheduleOutcome, []store.Message) {
	x, err := k.schedule(f.AppID, f.Name)
	if err != nil || x.Paused || x.ScheduleState != f.Seen {
		return store.ScheduleStale, nil
	}
	x.ScheduleState = f.Next
	if f.Message == nil {
		return store.ScheduleMissed, nil
	}
	most := 1
	if f.Overlap == store.OverlapQueue || f.Overlap == store.OverlapAllow {
		most = store.MaxScheduleBacklog
	}
	if live := k.of(x.Channel(), func(m *message) bool { return m.DeadAt.IsZero() }); len(live) >= most {
		x.SkippedAt = f.At
		return store.ScheduleSkipped, nil
	}
	x.LastAt = f.At
	return store.ScheduleFired, k.add([]store.Message{*f.Message})
}

// PauseSchedule is store.Schedules's, except that it announces nothing.
func (k *Data) PauseSchedule(ctx context.Context, appID, name string, paused bool, at time.Time) (store.Schedule, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	x, err := k.schedule(appID, name)
	if err != nil {
		return store.Schedule{}, err
	}
	if x.Paused && !paused {
		x.ScheduleState = schedule.Resume(x.ScheduleState, at)
	}
	x.Paused = paused
	return x.Schedule, ctx.Err()
}

// ForgetSchedule is store.Schedules's.
func (k *Data) ForgetSchedule(ctx context.Context, appID, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.schedule(appID, name); err == nil {
		return fmt.Errorf("schedule %q: %w", name, store.ErrNotEmpty)
	}
	delete(k.schedules, scheduleKey{appID, name})
	return ctx.Err()
}
