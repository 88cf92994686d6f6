package bootstrap

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

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
			s := instanceOn(t, o)
			if round == 0 {
				s.app("demo", map[string]string{
					"main": `kv::transaction(|| { kv::add("sum", 1); kv::set("key/" + request.params.rest, kv::increment("drawn")); })`,
				})
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
			select {
			case <-enough:
			case <-time.After(patience):
				t.Error("the load does not get through")
			}
			s.kill()
			wg.Wait()
		}
		s := instanceOn(t, o)
		kept, drawn := s.keys("demo", "key/"), map[string]bool{}
		for _, n := range kept {
			if drawn[n] {
				t.Errorf("%s was drawn twice", n)
			}
			drawn[n] = true
		}
		for id := range acknowledged {
			if _, there := kept["key/"+id]; !there {
				t.Errorf("%s was acknowledged and is lost", id)
			}
		}
		for _, counter := range []string{"sum", "drawn"} {
			e, err := s.KV(t.Context(), "demo", counter)
			if err != nil || string(e.Value) != fmt.Sprint(len(kept)) {
				t.Errorf("%s is %s after %d executions (%v)", counter, e.Value, len(kept), err)
			}
		}
		if extra := len(kept) - len(acknowledged); extra < 0 || extra > rounds*clients {
			t.Errorf("%d executions were acknowledged, %d made", len(acknowledged), len(kept))
		}
		s.stop()
	})
}
