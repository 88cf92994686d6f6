package bootstrap

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

// clusterPrograms builds the programs of a cluster once for all tests of this package.
var clusterPrograms = sync.OnceValues(func() (dir string, err error) {
	bin, err := binary()
	if err != nil {
		return "", err
	}
	return filepath.Dir(bin), picloudtest.BuildCluster(context.Background(), filepath.Dir(bin))
})

// newCluster starts a cluster of so many nodes, which is killed at the test's end at
// the latest.
func newCluster(t *testing.T, nodes int) *picloudtest.Cluster {
	t.Helper()
	database := pgtest.Database(t)
	programs, err := clusterPrograms()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "picloud-") // short: a socket's path is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, err := picloudtest.StartCluster(context.Background(), picloudtest.ClusterOptions{
		Programs: programs, Dir: dir, Database: database, Nodes: nodes, Stderr: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Kill() })
	return c
}

// through is the cluster as one of its nodes shows it, with the owner signed in.
func through(t *testing.T, n *picloudtest.ClusterNode) *instance {
	t.Helper()
	s := &picloudtest.Server{Process: n.Orchestrator, URL: n.URL}
	var c *client.Client
	inTheEnd(t, func() (err error) {
		c, err = s.SignIn(t.Context())
		return err
	})
	return &instance{s, c, t}
}

// inTheEnd asks again while the answer is that somebody else has to take over first: how
// soon that is depends on the machine.
func inTheEnd(t *testing.T, ask func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := ask()
		if err == nil {
			return
		}
		switch status := client.Status(err); {
		case status != http.StatusServiceUnavailable && status != http.StatusBadGateway, time.Since(began) > patience:
			t.Fatal(err)
		}
	}
}

// steady is clients that send through a relay until they are told to stop.
type steady struct {
	*sent
	stop  chan struct{}
	wg    sync.WaitGroup
	want  int           // of accepted
	there chan struct{} // closed when there are so many
}

// begin has clients send through the nodes; one that gets no answer goes to the next
// node.
func begin(clients int, urls ...string) *steady {
	l := &steady{sent: newSent(), stop: make(chan struct{})}
	for n := range clients {
		l.wg.Go(func() {
			at := n
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", n, i)
				res, err := http.Post(urls[at%len(urls)]+"/demo/send/"+id, "", nil)
				if err == nil {
					res.Body.Close()
				}
				l.mu.Lock()
				if err == nil && res.StatusCode == http.StatusNoContent {
					l.accepted[id] = true
					if l.there != nil && len(l.accepted) >= l.want {
						close(l.there)
						l.there = nil
					}
				} else {
					l.unknown[id] = true
					at++
				}
				l.mu.Unlock()
			}
		})
	}
	return l
}

// more waits until so many more messages are accepted.
func (l *steady) more(t *testing.T, n int) {
	t.Helper()
	there := make(chan struct{})
	l.mu.Lock()
	l.want, l.there = len(l.accepted)+n, there
	l.mu.Unlock()
	select {
	case <-there:
	case <-time.After(patience):
		t.Fatal("the load does not get through")
	}
}

func (l *steady) end() {
	close(l.stop)
	l.wg.Wait()
}

// Each process of a cluster is killed in turn while messages are sent and schedules
// fire: the others go on, what was accepted takes effect once, and each time of a
// schedule runs once or is made up for.
func TestAnyProcessOfAClusterMayBeLost(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	c := newCluster(t, 2)
	a, b := c.Nodes[0], c.Nodes[1]
	s := through(t, b)
	setUpRelay(s, client.Delivery{Concurrency: 8})
	addTicks(s)
	load := begin(8, a.URL, b.URL)
	for _, lose := range []struct {
		name    string
		process **picloudtest.Process
		start   func(context.Context) error
	}{
		{"the active manager", &a.Manager, a.StartManager},
		{"an executor", &b.Executor, b.StartExecutor},
		{"an orchestrator", &a.Orchestrator, a.StartOrchestrator},
		{"the other executor", &a.Executor, a.StartExecutor},
		{"the other manager, which is active now", &b.Manager, b.StartManager},
		{"the other orchestrator", &b.Orchestrator, b.StartOrchestrator},
	} {
		load.more(t, 50)
		t.Logf("lost: %s", lose.name)
		if err := (*lose.process).Kill(); err != nil {
			t.Fatal(err)
		}
		load.more(t, 50)
		if lose.process != &b.Orchestrator {
			inTheEnd(t, func() error {
				_, err := s.Queue(t.Context(), "demo", "work")
				return err
			})
		}
		if err := lose.start(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	load.end()
	untilDone(t, "demo", relay, s)
	load.check(s)
	ticked(t, 2*len(ticks), s)
	checkTicks(t, s)
	if err := c.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// What an orchestrator was handling that is gone without a word another one delivers
// when the lease of the node ends, long before that of the message would.
func TestWhatALostOrchestratorWasHandling(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: left out with -short")
	}
	c, g := newCluster(t, 2), newGate(t)
	a, b := c.Nodes[0], c.Nodes[1]
	if err := b.Orchestrator.Stop(); err != nil {
		t.Fatal(err)
	}
	s := through(t, a)
	setUpWaiting(s, g, time.Hour)
	id := s.send("wait")
	g.await(t)
	if err := a.Orchestrator.Kill(); err != nil {
		t.Fatal(err)
	}
	g.open()
	if err := b.StartOrchestrator(context.Background()); err != nil {
		t.Fatal(err)
	}
	if attempts := untilHandled(t, []string{id}, through(t, b)); attempts[0] != "2" {
		t.Errorf("it was handled in attempt %s", attempts[0])
	}
	a.Orchestrator = nil
	if err := c.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
}
