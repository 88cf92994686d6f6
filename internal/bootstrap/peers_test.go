package bootstrap

import (
	"fmt"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/testdir"
)

// onOneDatabase returns a function that launches one more picloud on the same
// PostgreSQL database, each with a data directory of its own.
func onOneDatabase(t *testing.T) func() *instance {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PICLOUD_DATABASE_URL=" + pgtest.Database(t)}
	return func() *instance {
		t.Helper()
		return instanceOn(t, picloudtest.Options{
			Binary: bin, Data: testdir.New(t), Env: env, Stderr: t.Output(), Args: []string{"--limit-wall-time", "1h"},
		})
	}
}

// setUpWaiting makes the app demo with the queue jobs, whose jobs call the gate
// before they end, if their payload is wait. Each keeps how often it was tried.
func setUpWaiting(s *instance, g *gate, visible time.Duration) {
	s.t.Helper()
	s.app("demo", map[string]string{
		"jobs": `if event.payload == "wait" { http::get("` + g.URL + `/" + event.attempt, #{ timeout: 3600 }); }
			kv::add("done/" + event.id, event.attempt)`,
	})
	open := client.Networks{Open: []string{"127.0.0.1"}}
	if _, err := s.UpdateApp(s.t.Context(), "demo", client.UpdateApp{Networks: &open}); err != nil {
		s.t.Fatal(err)
	}
	d := client.Delivery{Script: "jobs", Concurrency: 1, VisibilityTimeoutMs: visible.Milliseconds()}
	if _, _, err := s.ConsumeQueue(s.t.Context(), "demo", "jobs", d); err != nil {
		s.t.Fatal(err)
	}
}

func (i *instance) send(payload string) (id string) {
	i.t.Helper()
	m, err := i.SendMessage(i.t.Context(), "demo", "jobs", client.SendMessage{Payload: []byte(fmt.Sprintf("%q", payload))})
	if err != nil {
		i.t.Fatal(err)
	}
	return m.ID
}

// untilHandled waits until messages are done, and returns in which attempt each was.
func untilHandled(t *testing.T, ids []string, on ...*instance) (attempts []string) {
	t.Helper()
	until(t, "demo", func() bool {
		attempts = nil
		done := on[0].keys("demo", "done/")
		for _, id := range ids {
			if n, there := done["done/"+id]; there {
				attempts = append(attempts, n)
			}
		}
		return len(attempts) == len(ids)
	}, func() string { return fmt.Sprintf("%d of %d are done", len(attempts), len(ids)) }, on...)
	return attempts
}

// What is sent through a process that has no place for it is handled by another
// one, which waits for nothing but the news: the lease of what the first works on
// ends in an hour.
func TestAnotherProcessHandlesWhatThisOneCannot(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	launch, g := onOneDatabase(t), newGate(t)
	a := launch()
	setUpWaiting(a, g, time.Hour)
	held := a.send("wait")
	g.await(t)
	b := launch()
	for range 3 {
		if got := untilHandled(t, []string{a.send("go")}, b); got[0] != "1" {
			t.Errorf("it was handled in attempt %s", got[0])
		}
	}
	if q, err := b.Queue(t.Context(), "demo", "jobs"); err != nil || q.State.InFlight != 1 || q.State.Ready != 0 {
		t.Errorf("while the first is at work: %+v, %v", q.State, err)
	}
	g.open()
	untilHandled(t, []string{held}, a)
	a.stop()
	b.stop()
}

// What a process worked on when it was killed, and does not come back, another one
// finishes when the lease ends; what had not begun, too.
func TestAnotherProcessTakesOver(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	launch, g := onOneDatabase(t), newGate(t)
	a := launch()
	setUpWaiting(a, g, 5*time.Second) // extended in time by who works on it, also on a busy machine
	ids := []string{a.send("wait")}
	g.await(t)
	b := launch()
	ids = append(ids, a.send("wait")) // which b takes
	g.await(t)
	ids = append(ids, a.send("go")) // for which neither has a place
	a.kill()
	g.open()
	attempts := untilHandled(t, ids, b)
	if fmt.Sprint(attempts) != "[2 1 1]" {
		t.Errorf("they were handled in the attempts %v", attempts)
	}
	b.stop()
}

// Of several processes that take in, hand on and handle messages, one that is killed
// and does not come back loses nothing that it had accepted.
func TestKilledBesideAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	launch := onOneDatabase(t)
	b := launch()
	setUpRelay(b, client.Delivery{Concurrency: 8, VisibilityTimeoutMs: 1000})
	sent := newSent()
	for round := range 3 {
		sent.load(fmt.Sprint(round), 200, launch())
	}
	untilDone(t, "demo", relay, b)
	sent.check(b)
	b.stop()
}

// Each time of a schedule runs once, whoever fires it.
func TestProcessesFireEachTimeOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	launch := onOneDatabase(t)
	a := launch()
	setUpTicks(a)
	b, c := launch(), launch()
	seen := ticked(t, 2*len(ticks)+1, a, b, c)
	c.kill()
	ticked(t, seen+2*len(ticks), a, b)
	checkTicks(t, a, b)
	a.stop()
	b.stop()
}
