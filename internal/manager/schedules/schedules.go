// Package schedules manages when scripts run by the clock.
package schedules

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/channels"
	"github.com/picloud/picloud/internal/schedule"
	"github.com/picloud/picloud/internal/store"
)

// Timing is when a script runs.
type Timing struct {
	Cron     string `json:"cron" maxLength:"500" example:"0 3 * * *" doc:"Five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly, @monthly, @yearly, or @every and a duration such as 90s, 1h30m or 7d"`
	Timezone string `json:"timezone,omitempty" maxLength:"100" example:"Europe/Berlin" doc:"A name of the IANA database; default UTC"`
	Overlap  string `json:"overlap,omitempty" maxLength:"20" doc:"When a time comes and the last run is not done: skip (the default), queue or allow"`
	CatchUp  string `json:"catch_up,omitempty" maxLength:"20" doc:"What is done about times that were missed: one run for all of them (one, the default) or nothing (none)"`
	JitterMS int64  `json:"jitter_ms,omitempty" doc:"Each time is delayed by up to so many milliseconds, shorter than the time between two runs; default 0"`
}

// Schedule runs a script at certain times.
type Schedule struct {
	Name string `json:"name"`
	Timing
	channels.Delivery
	Next      []time.Time           `json:"next" nullable:"false" doc:"The next five times, in the schedule's time zone, without the jitter; none while it is paused"`
	LastAt    *time.Time            `json:"last_at,omitempty" doc:"The last time that ran"`
	SkippedAt *time.Time            `json:"skipped_at,omitempty" doc:"The last time that was left out because the run before was not done"`
	State     channels.ChannelState `json:"state" doc:"The runs that wait, go on, or were given up"`
}

// SetSchedule is what a schedule is to be.
type SetSchedule struct {
	Timing
	channels.Delivery
}

// ScheduleRun is a run that somebody asked for.
type ScheduleRun struct {
	EventID string `json:"event_id" doc:"What the script sees as event.id"`
}

const (
	noun = "schedule"
	all  = "/apps/{app}/schedules"
	one  = all + "/{name}"
	tag  = "schedules"
	// upcoming is how many times are shown.
	upcoming = 5
)

// Register adds the operations.
func Register(a *api.API, st channels.Store, list store.Schedules, now func() time.Time) {
	s := &service{channels.Config{
		Kind: store.ChannelSchedule, Noun: noun, ID: "Schedule", Path: one, Tag: tag, Clearing: &sync.Mutex{}, Store: st, Now: now, OwnPause: true,
		Has: func(m *store.Manifest, name string) bool { _, ok := m.Schedules[name]; return ok },
	}, list}
	api.Register(a, api.Op{
		ID: "listSchedules", Method: http.MethodGet, Path: all, Tag: tag, Action: auth.ViewScripts,
		Summary: "List an app's schedules by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "getSchedule", Method: http.MethodGet, Path: one, Tag: tag, Action: auth.ViewScripts,
		Summary: "Show a schedule and its next five times",
	}, s.show)
	api.Register(a, api.Op{
		ID: "setSchedule", Method: http.MethodPut, Path: one, Tag: tag, Action: auth.ChangeScripts, AlsoStatus: http.StatusCreated,
		Summary:     "Run a script at certain times",
		Description: "Creates the schedule (201), or replaces its settings (200). With another cron or time zone it begins anew; nothing is missed then.",
	}, s.set)
	api.Register(a, api.Op{
		ID: "deleteSchedule", Method: http.MethodDelete, Path: one, Tag: tag, Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Remove a schedule", Description: "Runs that wait and dead letters are deleted. A run under way ends.",
	}, s.delete)
	api.Register(a, api.Op{
		ID: "runSchedule", Method: http.MethodPost, Path: one + "/run", Tag: tag, Action: auth.InvokeScripts, Status: http.StatusAccepted,
		Summary: "Run a schedule's script now", Errors: []int{http.StatusConflict, http.StatusInsufficientStorage},
		Description: "Also while the schedule is paused. Unless runs may overlap, it waits for the one under way.",
	}, s.run)
	api.Register(a, api.Op{
		ID: "pauseSchedule", Method: http.MethodPut, Path: one + "/pause", Tag: tag, Action: auth.ChangeScripts,
		Summary: "Leave out a schedule's times until it is resumed", Description: "Runs that wait or are under way end as they would.",
	}, func(ctx context.Context, in *channels.Path) (*output, error) { return s.pause(ctx, in.Name, true) })
	api.Register(a, api.Op{
		ID: "resumeSchedule", Method: http.MethodDelete, Path: one + "/pause", Tag: tag, Action: auth.ChangeScripts,
		Summary: "Let a schedule's times come again", Description: "What came meanwhile is not made up for.",
	}, func(ctx context.Context, in *channels.Path) (*output, error) { return s.pause(ctx, in.Name, false) })
	channels.Register(a, s.Config)
}

type service struct {
	channels.Config
	schedules store.Schedules
}

type output = channels.Answer[Schedule]

func deployed(m *store.Manifest) *map[string]store.ManifestSchedule { return &m.Schedules }

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *service) of(x store.Schedule, state store.ChannelState) (Schedule, error) {
	rule, _, err := schedule.Read(x.AppID, x.Name, x.ManifestSchedule)
	if err != nil {
		return Schedule{}, fmt.Errorf("the schedule %q: %w", x.Name, err)
	}
	shown := Schedule{
		Name: x.Name, Timing: Timing{x.Cron, x.Timezone, x.Overlap, x.CatchUp, x.JitterMS}, Delivery: channels.DeliveryOf(x.Delivery),
		Next: []time.Time{}, LastAt: optional(x.LastAt), SkippedAt: optional(x.SkippedAt), State: channels.StateOf(state),
	}
	if shown.Timezone == "" {
		shown.Timezone = "UTC"
	}
	if shown.Overlap == "" {
		shown.Overlap = store.OverlapSkip
	}
	if shown.CatchUp == "" {
		shown.CatchUp = string(schedule.CatchUpOne)
	}
	if shown.Overlap != store.OverlapAllow {
		shown.Concurrency = 1
	}
	if shown.State.Paused = x.Paused; !x.Paused {
		now := s.Now()
		after := rule.Adjust(x.ScheduleState, now).Cursor
		if now.After(after) {
			after = now
		}
		shown.Next = rule.Timing.Upcoming(after, x.Anchor, upcoming)
	}
	return shown, nil
}

type listOutput struct{ Body api.List[Schedule] }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*listOutput, error) {
	found, err := s.schedules.Schedules(ctx, api.App(ctx).ID)
	if err != nil {
		return nil, err
	}
	states, err := s.States(ctx)
	if err != nil {
		return nil, err
	}
	from, same := slices.BinarySearchFunc(found, in.After, func(x store.Schedule, after string) int {
		return strings.Compare(x.Name, after)
	})
	if same {
		from++
	}
	l := api.Cut(found[from:], in.Limit, func(x store.Schedule) string { return x.Name }, func(x store.Schedule) Schedule {
		shown, broken := s.of(x, states[x.Name])
		err = errors.Join(err, broken)
		return shown
	})
	return &listOutput{l}, err
}

func (s *service) find(ctx context.Context, name string) (store.Schedule, error) {
	x, err := s.schedules.Schedule(ctx, api.App(ctx).ID, name)
	if errors.Is(err, store.ErrNotFound) {
		err = channels.Unknown(ctx, noun, name)
	}
	return x, err
}

func (s *service) answer(ctx context.Context, x store.Schedule) (*output, error) {
	state, err := s.Store.Channel(ctx, x.Channel(), s.Now())
	if err != nil {
		return nil, err
	}
	shown, err := s.of(x, state)
	return &output{Status: http.StatusOK, Body: shown}, err
}

func (s *service) show(ctx context.Context, in *channels.Path) (*output, error) {
	x, err := s.find(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, x)
}

func (s *service) set(ctx context.Context, in *struct {
	channels.Path
	Body SetSchedule
},
) (*output, error) {
	if err := store.CheckTriggerName(noun, in.Name); err != nil {
		return nil, api.Invalid("path.name", err.Error(), in.Name)
	}
	b := in.Body
	wanted := store.ManifestSchedule{
		Delivery: b.Delivery.Store(), Cron: b.Cron, Timezone: b.Timezone, Overlap: b.Overlap, CatchUp: b.CatchUp, JitterMS: b.JitterMS,
	}
	if field, problem := schedule.Check(wanted, s.Now()); field != "" {
		return nil, api.Invalid("body."+field, problem, nil)
	}
	if err := channels.CheckDelivery(wanted.Delivery); err != nil {
		return nil, err
	}
	note := fmt.Sprintf("schedule %s: %s for %s", in.Name, b.Cron, b.Script)
	return channels.Set(ctx, &s.Config, in.Name, note, b.Script, wanted, deployed, func() (*output, error) { return s.show(ctx, &in.Path) })
}

func (s *service) delete(ctx context.Context, in *channels.Path) (*struct{}, error) {
	s.Clearing.Lock()
	defer s.Clearing.Unlock()
	if err := channels.Delete(ctx, &s.Config, in.Name, "remove the schedule "+in.Name, deployed, channels.Unknown(ctx, noun, in.Name)); err != nil {
		return nil, err
	}
	// Somebody may have made it anew by now: then it stays.
	if err := s.schedules.ForgetSchedule(ctx, api.App(ctx).ID, in.Name); err != nil {
		if errors.Is(err, store.ErrNotEmpty) {
			return nil, nil
		}
		return nil, err
	}
	return nil, channels.Clear(ctx, s.Config, in.Name)
}

type runOutput struct{ Body ScheduleRun }

func (s *service) run(ctx context.Context, in *channels.Path) (*runOutput, error) {
	x, err := s.find(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	state, err := s.Store.Channel(ctx, x.Channel(), s.Now())
	if err != nil {
		return nil, err
	}
	if waiting := state.Ready + state.Delayed + state.Leased; waiting >= store.MaxScheduleBacklog {
		return nil, api.Refuse(http.StatusConflict, "%d runs of %s wait already: see pic schedules peek and purge", waiting, in.Name)
	}
	m, err := schedule.Message(x, time.Time{}, 0, s.Now())
	if err != nil {
		return nil, err
	}
	if _, err := s.Store.Enqueue(ctx, m); err != nil {
		return nil, err
	}
	return &runOutput{ScheduleRun{m.ID}}, nil
}

func (s *service) pause(ctx context.Context, name string, paused bool) (*output, error) {
	if _, err := s.find(ctx, name); err != nil {
		return nil, err
	}
	x, err := s.schedules.PauseSchedule(ctx, api.App(ctx).ID, name, paused, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		err = channels.Unknown(ctx, noun, name)
	}
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, x)
}
