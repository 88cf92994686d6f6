package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/value"
)

func TestMain(m *testing.M) {
	clock.NewTimer(func() {}) // its goroutine is the process's
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

const app = "01890000-0000-7000-8000-000000000001"

// node is a process with a wall clock of its own and a store that it may share.
type node struct {
	t    *testing.T
	data *testStore
	r    *Runner
	now  time.Time
	next time.Time
}

type testStore struct {
	*memory.Data
	mu   sync.Mutex
	subs []func(store.Change)
	fail error // what FireSchedules answers
	lost bool  // it has done its work all the same
}

func (s *testStore) Subscribe(f func(store.Change)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, f)
	return func() {}
}

func (s *testStore) FireSchedules(ctx context.Context, list []store.ScheduleFiring) ([]store.ScheduleOutcome, error) {
	if s.fail != nil && !s.lost {
		return nil, s.fail
	}
	outcomes, err := s.Data.FireSchedules(ctx, list)
	if s.fail != nil {
		return nil, s.fail
	}
	return outcomes, err
}

var monday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newStore(list map[string]store.ManifestSchedule) *testStore {
	s := &testStore{Data: memory.New()}
	s.DeploySchedules(app, list, monday)
	return s
}

func cron(text string) store.ManifestSchedule { return store.ManifestSchedule{Cron: text} }

func newNode(t *testing.T, s *testStore) *node {
	n := &node{t: t, data: s, now: monday}
	n.r = newRunner(s, func() time.Time { return n.now })
	s.Subscribe(n.r.changed)
	n.work()
	return n
}

func (n *node) work() { n.next = n.r.work(n.t.Context()) }

// until lets the clock go on to the given time, with the timer ringing.
func (n *node) until(end time.Time) {
	for !n.next.IsZero() && !n.next.After(end) {
		if n.next.After(n.now) {
			n.now = n.next
		}
		n.work()
	}
	n.now = end
}

// step sets the clock.
func (n *node) step(by time.Duration) {
	n.now = n.now.Add(by)
	n.r.stepped = true
	n.work()
}

// fired returns the times of a schedule's messages, and acknowledges them.
func (n *node) fired(name string) (times []string) {
	n.t.Helper()
	c := store.Channel{AppID: app, Kind: store.ChannelSchedule, Name: name}
	list, _, err := n.data.Claim(n.t.Context(), store.Claim{Channel: c, Max: 1000, Lease: time.Minute, Owner: "n", Boot: "b", At: n.now.Add(100 * 365 * 24 * time.Hour)})
	if err != nil {
		n.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b store.Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, m := range list {
		v, err := value.Decode(m.Payload, nil)
		if err != nil {
			n.t.Fatal(err)
		}
		var p struct{ scheduled, missed int64 }
		get := func(key string) int64 {
			x, _ := v.Get(key)
			i, _ := x.AsInt()
			return i
		}
		p.scheduled, p.missed = get("scheduled"), get("missed")
		text := time.UnixMilli(p.scheduled).UTC().Format("02 15:04")
		if p.missed > 0 {
			text += fmt.Sprintf(" (%d missed)", p.missed)
		}
		times = append(times, text)
		if _, err := n.data.Commit(n.t.Context(), store.Commit{AppID: app, Acks: []string{m.ID}, Lease: m.Lease, At: n.now}); err != nil {
			n.t.Fatal(err)
		}
	}
	return times
}

func (n *node) wantFired(name string, want ...string) {
	n.t.Helper()
	if got := n.fired(name); fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("%s fired at %q, want %q", name, got, want)
	}
}

func TestEachAtItsTime(t *testing.T) {
	daily := cron("0 3 * * *")
	daily.Timezone = "Asia/Tokyo"
	n := newNode(t, newStore(map[string]store.ManifestSchedule{"daily": daily, "hourly": cron("@hourly"), "rare": cron("0 0 29 2 1")}))
	if want := monday.Add(time.Hour); !n.next.Equal(want) {
		t.Fatalf("it waits until %s, want %s", n.next, want)
	}
	n.until(monday.Add(time.Hour))
	n.wantFired("hourly", "02 13:00")
	n.until(monday.Add(6*time.Hour - 1))
	n.wantFired("daily")
	n.until(monday.Add(6 * time.Hour))
	n.wantFired("daily", "02 18:00")
	n.wantFired("hourly", "02 14:00") // it was not done, so the others were left out
}

func TestNothingToWaitFor(t *testing.T) {
	n := newNode(t, newStore(nil))
	if !n.next.IsZero() {
		t.Errorf("it waits until %s for nothing", n.next)
	}
}

func TestChangesAreNoticed(t *testing.T) {
	n := newNode(t, newStore(map[string]store.ManifestSchedule{"a": cron("0 * * * *")}))
	n.data.DeploySchedules(app, map[string]store.ManifestSchedule{"a": cron("30 * * * *"), "b": cron("0 13 * * *")}, n.now)
	n.r.changed(store.Change{AppID: app})
	n.work()
	n.until(monday.Add(time.Hour))
	n.wantFired("a", "02 12:30")
	n.wantFired("b", "02 13:00")

	if _, err := n.data.PauseSchedule(t.Context(), app, "a", true, n.now); err != nil {
		t.Fatal(err)
	}
	n.r.changed(store.Change{})
	n.work()
	n.until(monday.Add(10 * time.Hour))
	n.wantFired("a")
	if _, err := n.data.PauseSchedule(t.Context(), app, "a", false, n.now); err != nil {
		t.Fatal(err)
	}
	n.r.changed(store.Change{AppID: app})
	n.work()
	n.wantFired("a")
	n.until(monday.Add(11 * time.Hour))
	n.wantFired("a", "02 22:30")

	n.data.DeploySchedules(app, nil, n.now)
	n.r.changed(store.Change{AppID: app})
	n.work()
	if !n.next.IsZero() {
		t.Errorf("it waits until %s for what is gone", n.next)
	}
}

// TestAMissedChange has a schedule changed without this process being told.
func TestAMissedChange(t *testing.T) {
	n := newNode(t, newStore(map[string]store.ManifestSchedule{"a": cron("0 * * * *")}))
	n.data.DeploySchedules(app, map[string]store.ManifestSchedule{"a": cron("30 15 * * *")}, n.now.Add(time.Second))
	n.until(monday.Add(3 * time.Hour))
	n.wantFired("a")
	n.until(monday.Add(4 * time.Hour))
	n.wantFired("a", "02 15:30")
}

func TestTwoNodesFireOnce(t *testing.T) {
	allow := cron("*/10 * * * *")
	allow.Overlap = store.OverlapAllow
	s := newStore(map[string]store.ManifestSchedule{"a": allow})
	a, b := newNode(t, s), newNode(t, s)
	for i := range 30 {
		end := monday.Add(time.Duration(i+1) * 10 * time.Minute)
		if i%3 == 0 { // one is a little late, or the other
			b.until(end.Add(3 * time.Second))
			a.until(end)
		} else {
			a.until(end)
			b.until(end)
		}
		want := end.Format("02 15:04")
		if got := a.fired("a"); len(got) != 1 || got[0] != want {
			t.Fatalf("round %d: %q, want %s once", i, got, want)
		}
	}
	// One takes over what the other does not do any more.
	b.until(monday.Add(6 * time.Hour))
	if got := b.fired("a"); len(got) != 6 {
		t.Errorf("%q", got)
	}
}

func TestANodeWhoseClockIsWrong(t *testing.T) {
	s := newStore(map[string]store.ManifestSchedule{"a": cron("0 3 * * *")})
	good := newNode(t, s)
	good.until(monday.Add(24 * time.Hour))
	good.wantFired("a", "03 03:00")
	// It starts without a clock, and fires once by the time it believes in.
	bad := newNode(t, s)
	bad.step(time.Date(1970, 1, 1, 2, 59, 0, 0, time.UTC).Sub(bad.now))
	bad.until(bad.now.Add(time.Minute))
	bad.wantFired("a", "01 03:00")
	good.until(monday.Add(36 * time.Hour))
	good.wantFired("a")
	good.until(monday.Add(48 * time.Hour))
	good.wantFired("a", "04 03:00")
}

func TestRestart(t *testing.T) {
	s := newStore(map[string]store.ManifestSchedule{"a": cron("0 * * * *"), "b": cron("0 * * * *")})
	m := cron("0 * * * *")
	m.CatchUp = "none"
	s.DeploySchedules(app, map[string]store.ManifestSchedule{"a": cron("0 * * * *"), "none": m}, monday)
	n := newNode(t, s)
	n.until(monday.Add(2*time.Hour + time.Minute))
	n.wantFired("a", "02 13:00")
	n.wantFired("none", "02 13:00")
	n.until(monday.Add(3*time.Hour - time.Minute))

	n = &node{t: t, data: s, now: monday.Add(10*time.Hour + 30*time.Minute)}
	n.r = newRunner(s, func() time.Time { return n.now })
	n.work()
	n.wantFired("a", "02 22:00 (7 missed)")
	n.wantFired("none")
	n.until(monday.Add(11 * time.Hour))
	n.wantFired("a", "02 23:00")
	n.wantFired("none", "02 23:00")
}

func TestSteps(t *testing.T) {
	allow := cron("*/20 * * * *")
	allow.Overlap = store.OverlapAllow
	n := newNode(t, newStore(map[string]store.ManifestSchedule{"often": allow, "daily": cron("30 12 * * *")}))
	n.until(monday.Add(40 * time.Minute))
	n.wantFired("often", "02 12:20", "02 12:40")
	n.wantFired("daily", "02 12:30")
	n.step(-time.Hour)
	n.until(monday.Add(30 * time.Minute))
	n.wantFired("often", "02 12:00", "02 12:20")
	n.wantFired("daily")
	n.step(24 * time.Hour)
	n.wantFired("often", "03 12:20 (70 missed)")
	n.wantFired("daily", "03 12:30")
}

func TestErrors(t *testing.T) {
	s := newStore(map[string]store.ManifestSchedule{"a": cron("0 * * * *")})
	n := newNode(t, s)
	s.fail = errors.New("the disk is full")
	n.now = monday.Add(time.Hour)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		n.work()
		if wait := n.next.Sub(n.now); wait != want*time.Second {
			t.Fatalf("it waits for %s, want %ds", wait, want)
		}
		n.now = n.next
	}
	s.fail = nil
	n.work()
	n.wantFired("a", "02 13:00")

	// The answer is lost, the firing is not.
	s.fail, s.lost = store.ErrUnknownOutcome, true
	n.until(monday.Add(2 * time.Hour))
	s.fail = nil
	n.until(monday.Add(2*time.Hour + time.Minute))
	n.wantFired("a", "02 14:00")
}

func TestManyAtOnce(t *testing.T) {
	list := map[string]store.ManifestSchedule{}
	for i := range 3*fireAtOnce + 7 {
		list[fmt.Sprintf("s%d", i)] = cron("0 0 * * *")
	}
	n := newNode(t, newStore(list))
	n.until(monday.Add(12 * time.Hour))
	for name := range list {
		n.wantFired(name, "03 00:00")
	}
}

// TestTheRealClock has a schedule that was due before the start fire.
func TestTheRealClock(t *testing.T) {
	s := &testStore{Data: memory.New()}
	s.DeploySchedules(app, map[string]store.ManifestSchedule{"a": cron("@every 1h")}, time.Now().Add(-90*time.Minute))
	added := make(chan store.Channel, 1)
	defer s.Watch(func(c store.Channel, _ time.Time) { added <- c })()
	r := Start(s)
	defer r.Close()
	if c := <-added; c.Name != "a" {
		t.Errorf("%+v", c)
	}
}
