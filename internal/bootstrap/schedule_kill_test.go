package bootstrap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// However often the process is killed while schedules fire, each time runs once or
// is made up for, and none twice.
func TestKilledWhileSchedulesFire(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	processes(t, func(t *testing.T, o picloudtest.Options) {
		seen := 0
		for round := range 3 {
			s := instanceOn(t, o)
			if round == 0 {
				setUpTicks(s)
			}
			seen = ticked(t, seen+len(ticks)+1, s) // some of the next are just at it
			s.kill()
		}
		s := instanceOn(t, o)
		ticked(t, seen+len(ticks), s)
		checkTicks(t, s)
		s.stop()
	})
}

// ticks are schedules that fire each second.
var ticks = []string{"tick-0", "tick-1", "tick-2", "tick-3", "tick-4"}

// setUpTicks makes the app demo with the schedules.
func setUpTicks(s *instance) {
	s.t.Helper()
	s.app("demo", nil)
	addTicks(s)
}

// addTicks adds the schedules, whose runs keep how often each time came and how many
// times each schedule has dealt with.
func addTicks(s *instance) {
	s.t.Helper()
	const tick = `kv::add("at/" + event.source + "/" + event.payload.scheduled, 1); kv::add("sum/" + event.source, 1 + event.payload.missed)`
	if err := picloudtest.Deploy(s.t.Context(), s.Client, "demo", "tick", tick); err != nil {
		s.t.Fatal(err)
	}
	for _, name := range ticks {
		if _, _, err := s.SetSchedule(s.t.Context(), "demo", name, client.SetSchedule{Cron: "@every 1s", Script: "tick", Overlap: "queue"}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// ticked waits until so many times have run, and returns how many have.
func ticked(t *testing.T, want int, on ...*instance) (ran int) {
	t.Helper()
	until(t, "demo", func() bool {
		ran = len(on[0].keys("demo", "at/"))
		return ran >= want
	}, func() string { return fmt.Sprintf("%d times have run, want %d", ran, want) }, on...)
	return ran
}

// checkTicks ends the schedules, and says of each time that did not run once, unless
// another made up for it.
func checkTicks(t *testing.T, on ...*instance) {
	t.Helper()
	s := on[0]
	for _, name := range ticks {
		if _, err := s.PauseSchedule(t.Context(), "demo", name, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range ticks {
		var state client.ChannelState
		until(t, "demo", func() bool {
			x, err := s.Schedule(t.Context(), "demo", name)
			if err != nil {
				t.Fatal(err)
			}
			state = x.State
			return state.Ready+state.Delayed+state.InFlight == 0
		}, func() string { return fmt.Sprintf("%s: %+v", name, state) }, on...)
		if state.Dead > 0 {
			t.Errorf("%s has %d dead letters", name, state.Dead)
		}
	}
	first, last := map[string]int64{}, map[string]int64{}
	for key, n := range s.keys("demo", "at/") {
		if n != "1" {
			t.Errorf("%s ran %s times", key, n)
		}
		name, text, _ := strings.Cut(strings.TrimPrefix(key, "at/"), "/")
		at := number(t, text)
		if from, seen := first[name]; !seen || at < from {
			first[name] = at
		}
		last[name] = max(last[name], at)
	}
	sums := s.keys("demo", "sum/")
	for _, name := range ticks {
		if due := (last[name]-first[name])/1000 + 1; number(t, sums["sum/"+name]) != due {
			t.Errorf("%s: %d times were due, %s ran or were made up for", name, due, sums["sum/"+name])
		}
	}
}

func number(t *testing.T, text string) (n int64) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
