package bootstrap

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// What was accepted takes effect once, however often the process is killed while
// it is handled: each message adds to a key of its own and sends one on, which
// does the same. Nobody is dead-lettered for the kills.
func TestKilledWhileDelivering(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	processes(t, func(t *testing.T, o picloudtest.Options) {
		const rounds, clients, each = 4, 8, 25
		accepted, unknown := map[string]bool{}, map[string]bool{}
		for round := range rounds {
			s := launch(t, o)
			c, err := s.SignIn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				setUpRelay(t, c)
			}
			var mu sync.Mutex
			var wg sync.WaitGroup
			enough := make(chan struct{})
			count := 0
			for n := range clients {
				wg.Go(func() {
					for i := 0; ; i++ {
						id := fmt.Sprintf("%d-%d-%d", round, n, i)
						res, err := http.Post(s.URL+"/demo/send/"+id, "", nil)
						mu.Lock()
						if err != nil {
							unknown[id] = true
							mu.Unlock()
							return // it was killed
						}
						res.Body.Close()
						switch {
						case res.StatusCode != http.StatusNoContent:
							unknown[id] = true
						default:
							accepted[id] = true
							if count++; count == clients*each {
								close(enough)
							}
						}
						mu.Unlock()
					}
				})
			}
			<-enough
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
		}
		s := launch(t, o)
		c, err := s.SignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waitUntilDone(t, c, "work", "next")
		for _, stage := range []string{"work/", "next/"} {
			effects := map[string]string{}
			q := client.KVQuery{Prefix: stage, Page: client.Page{Limit: 500}}
			for {
				page, err := c.ListKV(t.Context(), "demo", q)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Items {
					effects[strings.TrimPrefix(e.Key, stage)] = string(e.Value)
				}
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			for id := range accepted {
				if effects[id] != "1" {
					t.Errorf("%s%s was accepted and has had its effect %q times", stage, id, effects[id])
				}
			}
			for id, n := range effects {
				if n != "1" || !accepted[id] && !unknown[id] {
					t.Errorf("%s%s has had its effect %s times", stage, id, n)
				}
			}
		}
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

func setUpRelay(t *testing.T, c *client.Client) {
	t.Helper()
	if _, err := c.CreateApp(t.Context(), "demo"); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"send": `queue::send("work", request.params.rest)`,
		"work": `kv::add("work/" + event.payload, 1); queue::send("next", event.payload)`,
		"next": `kv::add("next/" + event.payload, 1)`,
	} {
		if err := picloudtest.Deploy(t.Context(), c, "demo", name, source); err != nil {
			t.Fatal(err)
		}
	}
	for _, queue := range []string{"work", "next"} {
		if _, _, err := c.ConsumeQueue(t.Context(), "demo", queue, client.Delivery{Script: queue, Concurrency: 8}); err != nil {
			t.Fatal(err)
		}
	}
}

// waitUntilDone waits until the queues are empty, which nothing tells of.
func waitUntilDone(t *testing.T, c *client.Client, queues ...string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, dead := int64(0), int64(0)
		for _, name := range queues {
			q, err := c.Queue(t.Context(), "demo", name)
			if err != nil {
				t.Fatal(err)
			}
			left += q.State.Ready + q.State.Delayed + q.State.InFlight
			dead += q.State.Dead
		}
		if dead > 0 {
			t.Fatalf("%d messages are dead", dead)
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d messages are left", left)
		}
	}
}
