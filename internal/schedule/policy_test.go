package schedule

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustParse(t testing.TB, expression, zone string) Timing {
	t.Helper()
	timing, err := Parse(expression, zone)
	if err != nil {
		t.Fatal(err)
	}
	return timing
}

// wallClock is a clock that can be set, and a runner that does what is due and
// sleeps until the next due time, as the real one.
type wallClock struct {
	rule  Rule
	now   time.Time
	state State
	fired []Firing // those that ran
	left  int      // firings that were left out
}

func newWallClock(rule Rule, now time.Time) *wallClock {
	return &wallClock{rule: rule, now: now, state: Start(now)}
}

// pass lets time go by with the runner awake.
func (c *wallClock) pass(d time.Duration) {
	end := c.now.Add(d)
	for {
		_, due := c.rule.Due(c.state)
		if due.IsZero() || due.After(end) {
			break
		}
		if due.After(c.now) {
			c.now = due
		}
		c.wake()
	}
	c.now = end
}

func (c *wallClock) wake() {
	f, found := c.rule.Fire(c.state, c.now)
	if !found {
		return
	}
	c.state = f.State
	if f.At.IsZero() {
		c.left++
		return
	}
	c.fired = append(c.fired, f)
}

// step sets the clock; a runner that sleeps is told.
func (c *wallClock) step(by time.Duration) {
	c.now = c.now.Add(by)
	c.state = c.rule.Adjust(c.state, c.now)
	c.wake()
}

func (c *wallClock) times() string {
	var list []string
	for _, f := range c.fired {
		list = append(list, f.At.UTC().Format("02 15:04"))
	}
	c.fired = nil
	return strings.Join(list, ", ")
}

func TestClockSetForward(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	c := newWallClock(Rule{Timing: mustParse(t, "* * * * *", "")}, noon)
	c.pass(2 * time.Minute)
	if got := c.times(); got != "01 12:01, 01 12:02" {
		t.Fatal(got)
	}
	c.step(time.Hour)
	if len(c.fired) != 1 || c.fired[0].Missed != 59 {
		t.Fatalf("%+v, want one run for the hour", c.fired)
	}
	if got := c.times(); got != "01 13:02" {
		t.Fatal(got)
	}
	c.pass(time.Minute)
	if got := c.times(); got != "01 13:03" {
		t.Error(got)
	}

	c = newWallClock(Rule{Timing: mustParse(t, "30 12 * * *", "")}, noon)
	c.step(time.Hour)
	c.pass(24 * time.Hour)
	if got := c.times(); got != "01 12:30, 02 12:30" {
		t.Errorf("%s: a daily run is neither lost nor repeated", got)
	}

	c = newWallClock(Rule{Timing: mustParse(t, "30 12 * * *", ""), CatchUp: CatchUpNone}, noon)
	c.step(time.Hour)
	c.pass(24 * time.Hour)
	if got := c.times(); got != "02 12:30" || c.left != 1 {
		t.Errorf("%s, left out %d", got, c.left)
	}
}

func TestClockSetBack(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	for _, c := range []struct {
		expression string
		back       time.Duration
		want       string // within three hours after it
	}{
		// A frequent timing goes on.
		{"*/30 * * * *", time.Hour, "01 11:30, 01 12:00, 01 12:30, 01 13:00, 01 13:30, 01 14:00"},
		{"@every 1h", time.Hour, "01 12:00, 01 13:00, 01 14:00"},
		// Others do not repeat what has been.
		{"0 12 * * *", time.Hour, ""},
		{"0 10-14 * * *", time.Hour, "01 13:00, 01 14:00"},
		// A correction by seconds repeats nothing.
		{"* * * * *", 45 * time.Second, "01 12:01, 01 12:02"},
		// A clock that was wrong altogether.
		{"0 14 * * *", 24 * 365 * time.Hour, "01 14:00"},
		{"@every 2h", 24 * 365 * time.Hour, "01 14:00"},
	} {
		w := newWallClock(Rule{Timing: mustParse(t, c.expression, "")}, noon.Add(-30*time.Second).Add(-24*time.Hour))
		w.pass(24*time.Hour + 30*time.Second)
		w.fired = nil
		if c.back > 24*time.Hour {
			w.step(-c.back)
			w.pass(3 * time.Hour)
		} else if c.back < time.Minute {
			w.step(-c.back)
			w.pass(c.back + 2*time.Minute)
		} else {
			w.step(-c.back)
			w.pass(3 * time.Hour)
		}
		if got := w.times(); got != c.want {
			t.Errorf("%s, set back by %s: %s, want %s", c.expression, c.back, got, c.want)
		}
	}
}

func TestAMachineThatLearnsTheTimeLate(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	c := newWallClock(Rule{Timing: mustParse(t, "0 3 * * *", "")}, noon)
	c.pass(24 * time.Hour)
	c.fired = nil
	real := c.now.Add(time.Minute) // how long the restart takes
	c.step(time.Date(1970, 1, 1, 0, 0, 20, 0, time.UTC).Sub(c.now))
	c.pass(20 * time.Second)
	c.step(real.Sub(c.now))
	if len(c.fired) != 0 {
		t.Errorf("%s: nothing was due", c.times())
	}
	c.pass(24 * time.Hour)
	if got := c.times(); got != "03 03:00" {
		t.Error(got)
	}
}

func TestDowntime(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		expression string
		catchUp    CatchUp
		down       time.Duration
		want       string
		missed     int
	}{
		{"0 * * * *", CatchUpOne, 72*time.Hour + 30*time.Minute, "04 12:00", 71},
		{"0 * * * *", CatchUpNone, 72*time.Hour + 30*time.Minute, "", 0},
		{"0 * * * *", CatchUpNone, 72*time.Hour + 30*time.Second, "04 12:00", 71}, // it is not late
		{"@every 1s", CatchUpOne, 10 * 365 * 24 * time.Hour, "28 12:00", maxMissed},
		{"* 0-22 * * *", CatchUpOne, 30*24*time.Hour + 11*time.Hour + 59*time.Minute + 59*time.Second, "31 22:59", maxMissed},
		{"* 5 2 * *", CatchUpOne, 365 * 24 * time.Hour, "02 05:59", 719},
		{"* * 1 1 *", CatchUpOne, 600 * 24 * time.Hour, "01 23:59", maxMissed},
	} {
		w := newWallClock(Rule{Timing: mustParse(t, c.expression, ""), CatchUp: c.catchUp}, start)
		w.now = start.Add(c.down)
		w.state = w.rule.Adjust(w.state, w.now)
		w.wake()
		if len(w.fired) > 0 && w.fired[0].Missed != c.missed {
			t.Errorf("%s: %d were missed, want %d", c.expression, w.fired[0].Missed, c.missed)
		}
		if got := w.times(); got != c.want {
			t.Errorf("%s after %s: %q, want %q", c.expression, c.down, got, c.want)
		}
		if _, again := w.rule.Fire(w.state, w.now); again {
			t.Errorf("%s: it fires again at once", c.expression)
		}
	}
}

func TestPause(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	rule := Rule{Timing: mustParse(t, "0 * * * *", "")}
	s := Resume(Start(start), start.Add(10*time.Hour+time.Millisecond))
	if _, found := rule.Fire(s, start.Add(10*time.Hour+time.Second)); found {
		t.Error("what came during the pause is made up for")
	}
	if at, _ := rule.Due(s); !at.Equal(start.Add(11 * time.Hour)) {
		t.Errorf("it goes on at %s", at)
	}
}

func TestJitter(t *testing.T) {
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	rule := Rule{Timing: mustParse(t, "0 * * * *", ""), Jitter: 50 * time.Minute, Key: "app/report"}
	other := rule
	other.Key = "app/other"
	c := newWallClock(rule, start)
	same, sum := 0, time.Duration(0)
	const n = 1000
	for i := range n {
		at, due := rule.Due(c.state)
		if want := start.Add(time.Duration(i+1) * time.Hour); !at.Equal(want) {
			t.Fatalf("time %d is %s", i, at)
		}
		delay := due.Sub(at)
		if delay < 0 || delay >= rule.Jitter {
			t.Fatalf("delay %s", delay)
		}
		if delay == other.delay(at) {
			same++
		}
		sum += delay
		if _, early := rule.Fire(c.state, due.Add(-time.Microsecond)); early {
			t.Fatalf("%s fires before it is due", at)
		}
		c.now = due
		c.wake()
		if len(c.fired) != i+1 || !c.fired[i].At.Equal(at) {
			t.Fatalf("%+v at %s", c.fired[i:], at)
		}
	}
	if same > n/100 {
		t.Errorf("two schedules have the same delay %d times in %d", same, n)
	}
	if mean := sum / n; mean < 23*time.Minute || mean > 27*time.Minute {
		t.Errorf("the mean delay is %s of %s", mean, rule.Jitter)
	}
}

func TestWhatIsNoJitter(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		expression string
		jitter     time.Duration
		want       string
	}{
		{"@daily", 23*time.Hour + 59*time.Minute, "must be shorter than the shortest time between two runs, which is 23h0m0s"},
		{"@daily", 22 * time.Hour, ""},
		{"@daily", -1, "between 0 and 24h"},
		{"@monthly", 25 * time.Hour, "between 0 and 24h"},
		{"* * * * *", time.Minute, "which is 1m0s"},
		{"* * * * *", 59 * time.Second, ""},
		{"@every 10s", 10 * time.Second, "which is 10s"},
		{"* * * * *", 0, ""},
	} {
		err := mustParse(t, c.expression, "Europe/Berlin").CheckJitter(c.jitter, now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %s: %v, want %q", c.expression, c.jitter, err, c.want)
		}
	}
}

func TestParseCatchUp(t *testing.T) {
	for text, want := range map[string]CatchUp{"": CatchUpOne, "one": CatchUpOne, "none": CatchUpNone} {
		if got, err := ParseCatchUp(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	if _, err := ParseCatchUp("all"); err == nil {
		t.Error("all is no policy")
	}
}

// TestNothingTwice runs schedules through waking, sleeping, restarts and clocks
// that go forward: each time runs at most once and in order, and what was not
// left out by the policy ran.
func TestNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression := rapid.SampledFrom([]string{"* * * * *", "*/7 * * * *", "30 2 * * *", "0 */2 * * *", "@every 11m", "@every 3h", "0 0 1 * *", "15 1,2,3 * * sun"}).Draw(t, "expression")
		timing, err := Parse(expression, rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "start"), 0)
		rule := Rule{Timing: timing, CatchUp: CatchUpOne, Key: "k"}
		if rapid.Bool().Draw(t, "jitter") {
			rule.Jitter = timing.Shortest(now) / 2
		}
		c := newWallClock(rule, now)
		start := c.state
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			d := time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "for"))
			if rapid.Bool().Draw(t, "awake") {
				c.pass(min(d, 5*time.Hour))
			} else {
				c.step(d)
			}
		}
		last := start.Cursor
		ran := 0
		for _, f := range c.fired {
			if !f.At.After(last) {
				t.Fatalf("%s comes after %s", f.At, last)
			}
			last = f.At
			ran += 1 + f.Missed
		}
		due := 0
		for at := timing.Next(start.Cursor, start.Anchor); !at.Add(rule.delay(at)).After(c.now); at = timing.Next(at, start.Anchor) {
			due++
		}
		if ran != due && len(c.fired) > 0 && due < maxMissed {
			t.Fatalf("%d times were due, %d ran or were made up for", due, ran)
		}
		if due > 0 && len(c.fired) == 0 {
			t.Fatalf("%d times were due and none ran", due)
		}
	})
}
