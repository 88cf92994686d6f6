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
		sent := newSent()
		for round := range 4 {
			s := instanceOn(t, o)
			if round == 0 {
				setUpRelay(s, client.Delivery{Concurrency: 8})
			}
			sent.load(fmt.Sprint(round), 200, s)
		}
		s := instanceOn(t, o)
		untilDone(t, "demo", relay, s)
		sent.check(s)
		s.stop()
	})
}

// sent is what clients have sent through a relay.
type sent struct {
	mu                sync.Mutex
	accepted, unknown map[string]bool
}

func newSent() *sent { return &sent{accepted: map[string]bool{}, unknown: map[string]bool{}} }

// load sends through an instance until the given number of messages is accepted,
// and kills it while more are sent. round makes their names.
func (l *sent) load(round string, accepted int, s *instance) {
	s.t.Helper()
	const clients = 8
	var wg sync.WaitGroup
	enough := make(chan struct{})
	count := 0
	for n := range clients {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", round, n, i)
				res, err := http.Post(s.URL+"/demo/send/"+id, "", nil)
				l.mu.Lock()
				if err != nil {
					l.unknown[id] = true
					l.mu.Unlock()
					return // it was killed
				}
				res.Body.Close()
				switch {
				case res.StatusCode != http.StatusNoContent:
					l.unknown[id] = true
				default:
					l.accepted[id] = true
					if count++; count == accepted {
						close(enough)
					}
				}
				l.mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		s.t.Error("the load does not get through")
	}
	s.kill()
	wg.Wait()
}

// check says of each message that did not have its effect once in each stage.
func (l *sent) check(s *instance) {
	s.t.Helper()
	for _, stage := range relay {
		effects := s.keys("demo", stage+"/")
		for id := range l.accepted {
			if n := effects[stage+"/"+id]; n != "1" {
				s.t.Errorf("%s/%s was accepted and has had its effect %q times", stage, id, n)
			}
		}
		for key, n := range effects {
			id := strings.TrimPrefix(key, stage+"/")
			if n != "1" || !l.accepted[id] && !l.unknown[id] {
				s.t.Errorf("%s has had its effect %s times", key, n)
			}
		}
	}
}

// relay is the queues of a relay: what is sent goes through each in turn.
var relay = []string{"work", "next"}

// setUpRelay makes the app demo, whose script send begins what each stage adds to
// a key of its own.
func setUpRelay(s *instance, d client.Delivery) {
	s.t.Helper()
	s.app("demo", map[string]string{
		"send": `queue::send("work", request.params.rest)`,
		"work": `kv::add("work/" + event.payload, 1); queue::send("next", event.payload)`,
		"next": `kv::add("next/" + event.payload, 1)`,
	})
	for _, queue := range relay {
		d.Script = queue
		if _, _, err := s.ConsumeQueue(s.t.Context(), "demo", queue, d); err != nil {
			s.t.Fatal(err)
		}
	}
}
