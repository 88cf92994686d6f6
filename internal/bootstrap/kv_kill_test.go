package bootstrap

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// What kv was acknowledged to hold survives kill -9, and nothing is made in part
// or twice: each execution adds to one counter, draws a number from another and
// sets a key of its own, in one commit.
func TestKilledWhileCommitting(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	processes(t, func(t *testing.T, o picloudtest.Options) {
		const rounds, clients, each = 3, 8, 25
		acknowledged := map[string]bool{}
		for round := range rounds {
			s := launch(t, o)
			c, err := s.SignIn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				if _, err := c.CreateApp(t.Context(), "demo"); err != nil {
					t.Fatal(err)
				}
				source := `kv::transaction(|| { kv::add("sum", 1); kv::set("key/" + request.params.rest, kv::increment("drawn")); })`
				if err := picloudtest.Deploy(t.Context(), c, "demo", "main", source); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			var wg sync.WaitGroup
			enough := make(chan struct{})
			count := 0
			for n := range clients {
				wg.Go(func() {
					for i := 0; ; i++ {
						id := fmt.Sprintf("%d-%d-%d", round, n, i)
						res, err := http.Post(s.URL+"/demo/main/"+id, "", nil)
						if err != nil {
							return // it was killed
						}
						res.Body.Close()
						if res.StatusCode != http.StatusNoContent {
							continue // a conflict that lasted
						}
						mu.Lock()
						acknowledged[id] = true
						if count++; count == clients*each {
							close(enough)
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
		kept, drawn := map[string]bool{}, map[string]bool{}
		q := client.KVQuery{Prefix: "key/", Page: client.Page{Limit: 500}}
		for {
			page, err := c.ListKV(t.Context(), "demo", q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Items {
				kept[strings.TrimPrefix(e.Key, "key/")] = true
				if drawn[string(e.Value)] {
					t.Errorf("%s was drawn twice", e.Value)
				}
				drawn[string(e.Value)] = true
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		for id := range acknowledged {
			if !kept[id] {
				t.Errorf("%s was acknowledged and is lost", id)
			}
		}
		for _, counter := range []string{"sum", "drawn"} {
			e, err := c.KV(t.Context(), "demo", counter)
			if err != nil || string(e.Value) != fmt.Sprint(len(kept)) {
				t.Errorf("%s is %s after %d executions (%v)", counter, e.Value, len(kept), err)
			}
		}
		if extra := len(kept) - len(acknowledged); extra < 0 || extra > rounds*clients {
			t.Errorf("%d executions were acknowledged, %d made", len(acknowledged), len(kept))
		}
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}
