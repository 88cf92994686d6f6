package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// ScheduleStore is a store.Schedules with what it adds messages to.
type ScheduleStore interface {
	store.Schedules
	store.Data
}

// DeploySchedules makes schedules those of an app's active deployment.
type DeploySchedules func(t *testing.T, appID string, list map[string]store.ManifestSchedule, when time.Time)

// RunSchedules runs the suite for store.Schedules. newApp returns the ID of an
// app without schedules.
func RunSchedules(t *testing.T, s ScheduleStore, newApp func(t *testing.T) string, deploy DeploySchedules) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s scheduleTest)
	}{
		{"Deploy", testSchedulesDeploy},
		{"Fire", testSchedulesFire},
		{"FireOnce", testSchedulesFireOnce},
		{"Stale", testSchedulesStale},
		{"Overlap", testSchedulesOverlap},
		{"Whole", testSchedulesWhole},
		{"Quota", testSchedulesQuota},
		{"Pause", testSchedulesPause},
		{"Forget", testSchedulesForget},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, scheduleTest{s, newApp(t), deploy}) })
	}
}

type scheduleTest struct {
	ScheduleStore
	app    string
	deploy DeploySchedules
}

func daily(script string) store.ManifestSchedule {
	return store.ManifestSchedule{Delivery: store.Delivery{Script: script}, Cron: "0 3 * * *", Timezone: "Europe/Berlin"}
}

// begin deploys one schedule, "report", at the start of the suite's time.
func (s scheduleTest) begin(t *testing.T) store.Schedule {
	t.Helper()
	s.deploy(t, s.app, map[string]store.ManifestSchedule{"report": daily("hello")}, at(0))
	return s.get(t, "report")
}

func (s scheduleTest) get(t *testing.T, name string) store.Schedule {
	t.Helper()
	x, err := s.Schedule(t.Context(), s.app, name)
	must(t, "Schedule", err)
	return x
}

// firing is one for the state of x, whose time is when.
func firing(x store.Schedule, when time.Time) store.ScheduleFiring {
	next := x.ScheduleState
	next.Cursor, next.High = when, when
	return store.ScheduleFiring{
		AppID: x.AppID, Name: x.Name, Seen: x.ScheduleState, Next: next, At: when, Overlap: x.Overlap,
		Message: &store.Message{ID: newID(), Channel: x.Channel(), Source: x.Name, Payload: []byte("x"), Depth: 1, CreatedAt: when, DueAt: when},
	}
}

func (s scheduleTest) fire(t *testing.T, want store.ScheduleOutcome, list ...store.ScheduleFiring) {
	t.Helper()
	outcomes, err := s.FireSchedules(t.Context(), list)
	must(t, "FireSchedules", err)
	for _, got := range outcomes {
		if got != want {
			t.Errorf("the outcomes are %q, want %q", outcomes, want)
		}
	}
	if len(outcomes) != len(list) {
		t.Errorf("%d outcomes of %d firings", len(outcomes), len(list))
	}
}

// An app that has used up its quota keeps no schedule from firing, which would keep
// those of others from it that fire together.
func testSchedulesQuota(t *testing.T, s scheduleTest) {
	s.SetQuota(store.Quota{Messages: 1, Channels: 1})
	t.Cleanup(func() { s.SetQuota(store.Quota{}) })
	x := s.begin(t)
	m := store.Message{ID: newID(), Channel: store.Channel{AppID: s.app, Kind: store.ChannelQueue, Name: "full"}, Source: "full", Payload: []byte("x"), Depth: 1, CreatedAt: at(0), DueAt: at(0)}
	_, err := s.Enqueue(t.Context(), m)
	must(t, "Enqueue", err)
	s.fire(t, store.ScheduleFired, firing(x, at(time.Hour)))
	if list := s.messages(t, "report"); len(list) != 1 {
		t.Errorf("%d messages of the schedule, want 1", len(list))
	}
}

func (s scheduleTest) messages(t *testing.T, name string) []store.Message {
	t.Helper()
	list, _, err := s.Messages(t.Context(), store.MessageFilter{Channel: store.Channel{AppID: s.app, Kind: store.ChannelSchedule, Name: name}, Limit: 1000, At: at(0)})
	must(t, "Messages", err)
	return list
}

func testSchedulesDeploy(t *testing.T, s scheduleTest) {
	names := func() string {
		list, err := s.Schedules(t.Context(), s.app)
		must(t, "Schedules", err)
		var names []string
		for _, x := range list {
			names = append(names, x.Name)
		}
		return strings.Join(names, " ")
	}
	x := s.begin(t)
	whole := at(0).Truncate(time.Second)
	equal(t, "the new one", x, store.Schedule{
		AppID: s.app, Name: "report", ManifestSchedule: daily("hello"),
		ScheduleState: store.ScheduleState{Anchor: whole, Cursor: whole, High: whole},
	})

	other := daily("hello")
	other.Overlap, other.CatchUp, other.JitterMS, other.MaxAttempts = "queue", "none", 1000, 7
	s.deploy(t, s.app, map[string]store.ManifestSchedule{"report": other, "a": daily("hello")}, at(time.Hour))
	equal(t, "names", names(), "a report")
	x = s.get(t, "report")
	equal(t, "with other settings", x.ManifestSchedule, other)
	equal(t, "whose state stays", x.Cursor, whole)

	other.Cron = "0 4 * * *"
	s.deploy(t, s.app, map[string]store.ManifestSchedule{"report": other}, at(2*time.Hour))
	equal(t, "names", names(), "report")
	equal(t, "at another time it starts anew", s.get(t, "report").ScheduleState, store.ScheduleState{
		Anchor: whole.Add(2 * time.Hour), Cursor: whole.Add(2 * time.Hour), High: whole.Add(2 * time.Hour),
	})
	_, err := s.Schedule(t.Context(), s.app, "a")
	wantErr(t, "one that is gone", err, store.ErrNotFound)

	// One that comes back has missed nothing, and is paused as it was.
	_, err = s.PauseSchedule(t.Context(), s.app, "report", true, at(0))
	must(t, "PauseSchedule", err)
	s.deploy(t, s.app, nil, at(3*time.Hour))
	equal(t, "names", names(), "")
	s.deploy(t, s.app, map[string]store.ManifestSchedule{"report": other}, at(400*time.Hour))
	x = s.get(t, "report")
	equal(t, "cursor", x.Cursor, whole.Add(400*time.Hour))
	equal(t, "paused", x.Paused, true)

	all, err := s.Schedules(t.Context(), "")
	must(t, "Schedules", err)
	if !slices.ContainsFunc(all, func(y store.Schedule) bool { return y.AppID == s.app && y.Name == "report" }) {
		t.Errorf("it is not among all: %+v", all)
	}
}

func testSchedulesFire(t *testing.T, s scheduleTest) {
	x := s.begin(t)
	when := at(15 * time.Hour)
	f := firing(x, when)
	s.fire(t, store.ScheduleFired, f)
	x = s.get(t, "report")
	equal(t, "the state", x.ScheduleState, f.Next)
	equal(t, "the last time", x.LastAt, when)
	list := s.messages(t, "report")
	if len(list) != 1 || list[0].ID != f.Message.ID || list[0].Channel != x.Channel() {
		t.Fatalf("the messages are %+v", list)
	}
	missed := firing(x, at(39*time.Hour))
	missed.Message = nil
	s.fire(t, store.ScheduleMissed, missed)
	y := s.get(t, "report")
	equal(t, "the state after a missed time", y.ScheduleState, missed.Next)
	equal(t, "the last time that ran", y.LastAt, when)
	equal(t, "messages", len(s.messages(t, "report")), 1)
}

// testSchedulesFireOnce has several processes decide the same.
func testSchedulesFireOnce(t *testing.T, s scheduleTest) {
	names := []string{"a", "b", "c"}
	list := map[string]store.ManifestSchedule{}
	for _, name := range names {
		list[name] = daily("hello")
	}
	s.deploy(t, s.app, list, at(0))
	for round := range 5 {
		var (
			all   sync.WaitGroup
			mu    sync.Mutex
			fired = map[string]int{}
		)
		found, err := s.Schedules(t.Context(), s.app)
		must(t, "Schedules", err)
		for i := range 6 {
			var firings []store.ScheduleFiring
			for _, x := range found {
				x.Overlap = store.OverlapAllow
				firings = append(firings, firing(x, at(time.Duration(round+1)*24*time.Hour)))
			}
			if i%2 == 0 {
				slices.Reverse(firings)
			}
			all.Go(func() {
				outcomes, err := s.FireSchedules(t.Context(), firings)
				if err != nil {
					t.Errorf("FireSchedules: %v", err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				for i, o := range outcomes {
					if o == store.ScheduleFired {
						fired[firings[i].Name]++
					}
				}
			})
		}
		all.Wait()
		for _, name := range names {
			if fired[name] != 1 || len(s.messages(t, name)) != round+1 {
				t.Fatalf("round %d: %s fired %d times and has %d messages", round, name, fired[name], len(s.messages(t, name)))
			}
		}
	}
}

func testSchedulesStale(t *testing.T, s scheduleTest) {
	x := s.begin(t)
	for name, change := range map[string]func(*store.ScheduleFiring){
		"another cursor":   func(f *store.ScheduleFiring) { f.Seen.Cursor = f.Seen.Cursor.Add(-time.Second) },
		"another high":     func(f *store.ScheduleFiring) { f.Seen.High = f.Seen.High.Add(time.Second) },
		"another anchor":   func(f *store.ScheduleFiring) { f.Seen.Anchor = f.Seen.Anchor.Add(time.Second) },
		"another schedule": func(f *store.ScheduleFiring) { f.Name = "none" },
		"another app":      func(f *store.ScheduleFiring) { f.AppID = newID() },
	} {
		f := firing(x, at(time.Hour))
		change(&f)
		outcomes, err := s.FireSchedules(t.Context(), []store.ScheduleFiring{f})
		must(t, name, err)
		equal(t, name, outcomes, []store.ScheduleOutcome{store.ScheduleStale})
	}
	_, err := s.PauseSchedule(t.Context(), s.app, "report", true, at(0))
	must(t, "PauseSchedule", err)
	s.fire(t, store.ScheduleStale, firing(x, at(time.Hour)))
	_, err = s.PauseSchedule(t.Context(), s.app, "report", false, at(0))
	must(t, "PauseSchedule", err)
	s.deploy(t, s.app, nil, at(time.Hour))
	s.fire(t, store.ScheduleStale, firing(x, at(time.Hour)))
	equal(t, "messages", len(s.messages(t, "report")), 0)
}

func testSchedulesOverlap(t *testing.T, s scheduleTest) {
	x := s.begin(t)
	q := queueTest{s, x.Channel()}
	hour := 0
	next := func(want store.ScheduleOutcome, overlap string) time.Time {
		t.Helper()
		hour++
		f := firing(s.get(t, "report"), at(time.Duration(hour)*time.Hour))
		f.Overlap = overlap
		s.fire(t, want, f)
		equal(t, "the state", s.get(t, "report").ScheduleState, f.Next)
		return f.At
	}
	first := next(store.ScheduleFired, "")
	skipped := next(store.ScheduleSkipped, "")
	x = s.get(t, "report")
	equal(t, "skipped", x.SkippedAt, skipped)
	equal(t, "last", x.LastAt, first)

	m, _ := q.claimAs(t, "boot", 1, at(time.Hour))
	next(store.ScheduleSkipped, store.OverlapSkip) // it goes on
	must(t, "Return", s.Return(t.Context(), m[0].Lease, []store.Returned{{ID: m[0].ID, DueAt: at(100 * time.Hour), Failed: true, Error: "no"}}, at(0)))
	next(store.ScheduleSkipped, store.OverlapSkip) // it waits to be tried again
	m, _ = q.claimAs(t, "boot", 1, at(100*time.Hour))
	must(t, "Return", s.Return(t.Context(), m[0].Lease, []store.Returned{{ID: m[0].ID, DueAt: at(0), Failed: true, Dead: true, Error: "no"}}, at(0)))
	next(store.ScheduleFired, store.OverlapSkip) // it is given up
	m, _ = q.claimAs(t, "boot", 1, at(100*time.Hour))
	must(t, "ack", q.ack(t, m[0]))
	next(store.ScheduleFired, store.OverlapSkip) // it is done

	for range store.MaxScheduleBacklog - 1 {
		next(store.ScheduleFired, []string{store.OverlapQueue, store.OverlapAllow}[hour%2])
	}
	next(store.ScheduleSkipped, store.OverlapQueue)
	next(store.ScheduleSkipped, store.OverlapAllow)
}

// testSchedulesWhole has a message that is refused among those that are not.
func testSchedulesWhole(t *testing.T, s scheduleTest) {
	s.deploy(t, s.app, map[string]store.ManifestSchedule{"a": daily("hello"), "b": daily("hello")}, at(0))
	a, b := s.get(t, "a"), s.get(t, "b")
	good, bad := firing(a, at(time.Hour)), firing(b, at(time.Hour))
	bad.Message.Payload = make([]byte, store.MaxPayload+1)
	_, err := s.FireSchedules(t.Context(), []store.ScheduleFiring{good, bad})
	wantErr(t, "FireSchedules", err, store.ErrInvalid)
	equal(t, "a", s.get(t, "a"), a)
	equal(t, "b", s.get(t, "b"), b)
	equal(t, "messages", len(s.messages(t, "a")), 0)
	s.fire(t, store.ScheduleFired, good)
}

func testSchedulesPause(t *testing.T, s scheduleTest) {
	s.begin(t)
	x, err := s.PauseSchedule(t.Context(), s.app, "report", true, at(time.Hour))
	must(t, "PauseSchedule", err)
	equal(t, "paused", x, s.get(t, "report"))
	equal(t, "paused", x.Paused, true)
	equal(t, "the cursor of a paused one", x.Cursor, at(0).Truncate(time.Second))
	x, err = s.PauseSchedule(t.Context(), s.app, "report", false, at(50*time.Hour))
	must(t, "PauseSchedule", err)
	equal(t, "resumed", x, s.get(t, "report"))
	equal(t, "paused", x.Paused, false)
	equal(t, "the cursor, for nothing was missed", x.Cursor, at(50*time.Hour).Truncate(time.Second))
	again, err := s.PauseSchedule(t.Context(), s.app, "report", false, at(90*time.Hour))
	must(t, "PauseSchedule", err)
	equal(t, "one that is not paused", again, x)
	_, err = s.PauseSchedule(t.Context(), s.app, "none", true, at(0))
	wantErr(t, "an unknown one", err, store.ErrNotFound)
}

func testSchedulesForget(t *testing.T, s scheduleTest) {
	s.begin(t)
	_, err := s.PauseSchedule(t.Context(), s.app, "report", true, at(0))
	must(t, "PauseSchedule", err)
	wantErr(t, "one that is deployed", s.ForgetSchedule(t.Context(), s.app, "report"), store.ErrNotEmpty)
	s.deploy(t, s.app, nil, at(0))
	must(t, "ForgetSchedule", s.ForgetSchedule(t.Context(), s.app, "report"))
	must(t, "ForgetSchedule of one that is not known", s.ForgetSchedule(t.Context(), s.app, "report"))
	equal(t, "paused, when it is made anew", s.begin(t).Paused, false)
}

// testSchedules runs the suite on a store with deployments, and what only those have.
func testSchedules(t *testing.T, s store.Store) {
	newApp := func(t *testing.T) string { return addApp(t, s, "sched-"+newID()[24:]).ID }
	deploy := func(t *testing.T, appID string, list map[string]store.ManifestSchedule, when time.Time) {
		t.Helper()
		must(t, "ChangeManifest", second(s.ChangeManifest(t.Context(), appID, "schedules", "ada", when, func(m *store.Manifest) error {
			m.Schedules = list
			return nil
		})))
	}
	RunSchedules(t, s, newApp, deploy)
	t.Run("Announced", func(t *testing.T) {
		app := newApp(t)
		deploy(t, app, map[string]store.ManifestSchedule{"report": daily("hello")}, at(0))
		var told []store.Change
		defer s.Subscribe(func(c store.Change) {
			if c.AppID == app {
				told = append(told, c)
			}
		})()
		for range 2 {
			must(t, "PauseSchedule", second(s.PauseSchedule(t.Context(), app, "report", true, at(0))))
		}
		equal(t, "changes told", len(told), 1)
	})
	t.Run("OtherDeployments", func(t *testing.T) {
		app := newApp(t)
		deploy(t, app, map[string]store.ManifestSchedule{"report": daily("hello")}, at(0))
		before, err := s.Schedule(t.Context(), app, "report")
		must(t, "Schedule", err)
		must(t, "DeployScript", second(s.DeployScript(t.Context(), deployOf(store.App{ID: app}, "hello", source(), at(time.Hour)))))
		after, err := s.Schedule(t.Context(), app, "report")
		must(t, "Schedule", err)
		equal(t, "the schedule", after, before)
	})
	t.Run("DeleteApp", func(t *testing.T) {
		app := newApp(t)
		deploy(t, app, map[string]store.ManifestSchedule{"report": daily("hello")}, at(0))
		must(t, "DeleteApp", s.DeleteApp(t.Context(), app, true, "x", at(0)))
		_, err := s.Schedule(t.Context(), app, "report")
		wantErr(t, "Schedule", err, store.ErrNotFound)
	})
}
