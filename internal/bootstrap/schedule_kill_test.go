package bootstrap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// However often the process is killed while schedules fire, each time runs once or
// is made up for, and none twice.
func TestKilledWhileSchedulesFire(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	const app, schedules = "demo", 5
	name := func(i int) string { return fmt.Sprintf("tick-%d", i) }
	// ran returns how often each time has run, by its key, once there is a new one.
	ran := func(t *testing.T, c *client.Client, more int) map[string]string {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			times := map[string]string{}
			q := client.KVQuery{Prefix: "at/", Page: client.Page{Limit: 500}}
			for {
				page, err := c.ListKV(t.Context(), app, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Items {
					times[e.Key] = string(e.Value)
				}
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if len(times) >= more {
				return times
			}
			if time.Now().After(end) {
				t.Fatalf("%d times have run, want %d", len(times), more)
			}
		}
	}
	processes(t, func(t *testing.T, o picloudtest.Options) {
		seen := 0
		for round := range 3 {
			s := launch(t, o)
			c, err := s.SignIn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				if _, err := c.CreateApp(t.Context(), app); err != nil {
					t.Fatal(err)
				}
				source := `kv::add("at/" + event.source + "/" + event.payload.scheduled, 1); kv::add("sum/" + event.source, 1 + event.payload.missed)`
				if err := picloudtest.Deploy(t.Context(), c, app, "tick", source); err != nil {
					t.Fatal(err)
				}
				for i := range schedules {
					if _, _, err := c.SetSchedule(t.Context(), app, name(i), client.SetSchedule{Cron: "@every 1s", Script: "tick", Overlap: "queue"}); err != nil {
						t.Fatal(err)
					}
				}
			}
			seen = len(ran(t, c, seen+schedules+1)) // some of the next are just at it
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		s := launch(t, o)
		c, err := s.SignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ran(t, c, seen+schedules)
		for i := range schedules {
			if _, err := c.PauseSchedule(t.Context(), app, name(i), true); err != nil {
				t.Fatal(err)
			}
		}
		for i := range schedules {
			for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
				x, err := c.Schedule(t.Context(), app, name(i))
				if err != nil {
					t.Fatal(err)
				}
				if x.State.Dead > 0 || time.Now().After(end) {
					t.Fatalf("%s has %+v", name(i), x.State)
				}
				if x.State.Ready+x.State.Delayed+x.State.InFlight == 0 {
					break
				}
			}
		}
		first, last, count := map[string]int64{}, map[string]int64{}, map[string]int{}
		for key, n := range ran(t, c, seen) {
			if n != "1" {
				t.Errorf("%s ran %s times", key, n)
			}
			schedule, text, _ := strings.Cut(strings.TrimPrefix(key, "at/"), "/")
			var at int64
			if _, err := fmt.Sscan(text, &at); err != nil {
				t.Fatal(err)
			}
			if count[schedule]++; count[schedule] == 1 || at < first[schedule] {
				first[schedule] = at
			}
			last[schedule] = max(last[schedule], at)
		}
		for i := range schedules {
			e, err := c.KV(t.Context(), app, "sum/"+name(i))
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			if _, err := fmt.Sscan(string(e.Value), &sum); err != nil {
				t.Fatal(err)
			}
			if due := (last[name(i)]-first[name(i)])/1000 + 1; sum != due {
				t.Errorf("%s: %d times were due, %d ran or were made up for", name(i), due, sum)
			}
		}
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}
