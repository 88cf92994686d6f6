package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// instance is a picloud process, with its owner signed in.
type instance struct {
	*picloudtest.Server
	*client.Client
	t *testing.T
}

// instanceOn launches a process and signs its owner in.
func instanceOn(t *testing.T, o picloudtest.Options) *instance {
	t.Helper()
	s := launch(t, o)
	c, err := s.SignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &instance{s, c, t}
}

// app makes an app of scripts, by name.
func (i *instance) app(slug string, scripts map[string]string) {
	i.t.Helper()
	if _, err := i.CreateApp(i.t.Context(), slug); err != nil {
		i.t.Fatal(err)
	}
	for name, source := range scripts {
		if err := picloudtest.Deploy(i.t.Context(), i.Client, slug, name, source); err != nil {
			i.t.Fatal(err)
		}
	}
}

// stop ends the process in good order.
func (i *instance) stop() {
	i.t.Helper()
	if err := i.Stop(); err != nil {
		i.t.Errorf("Stop: %v", err)
	}
}

// kill ends the process as kill -9 does.
func (i *instance) kill() {
	i.t.Helper()
	if err := i.Kill(); err != nil {
		i.t.Fatal(err)
	}
}

// keys returns the keys with a prefix and what they hold, in JSON.
func (i *instance) keys(app, prefix string) map[string]string {
	i.t.Helper()
	all := map[string]string{}
	q := client.KVQuery{Prefix: prefix, Page: client.Page{Limit: 500}}
	for {
		page, err := i.ListKV(i.t.Context(), app, q)
		if err != nil {
			i.t.Fatal(err)
		}
		for _, e := range page.Items {
			all[e.Key] = string(e.Value)
		}
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

// patience bounds a wait for what another process does.
const patience = 2 * time.Minute

// before all executions.
const firstExecution = "00000000-0000-7000-8000-000000000000"

// until waits for a condition about an app, and looks at it now and whenever one of
// the instances has recorded an execution of the app. said tells, at the end of
// patience, how things stand.
func until(t *testing.T, app string, cond func() bool, said func() string, on ...*instance) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	more, ended := make(chan struct{}, 1), make(chan error, len(on))
	for _, i := range on {
		go func() {
			ended <- i.FollowExecutions(ctx, app, client.ExecutionQuery{After: firstExecution}, func(client.Execution) error {
				select {
				case more <- struct{}{}:
				default:
				}
				return nil
			})
		}()
	}
	following := len(on)
	defer func() {
		cancel()
		for range following {
			<-ended
		}
	}()
	for !cond() {
		select {
		case <-more:
		case err := <-ended:
			following--
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("it does not come to that: %s", said())
			}
			t.Fatal(err)
		}
	}
}

// untilDone waits until queues are empty, and nothing of them dead.
func untilDone(t *testing.T, app string, queues []string, on ...*instance) {
	t.Helper()
	var states []client.ChannelState
	until(t, app, func() bool {
		states = states[:0]
		left := int64(0)
		for _, name := range queues {
			q, err := on[0].Queue(t.Context(), app, name)
			if err != nil {
				t.Fatal(err)
			}
			if q.State.Dead > 0 {
				t.Fatalf("%d messages are dead", q.State.Dead)
			}
			states = append(states, q.State)
			left += q.State.Ready + q.State.Delayed + q.State.InFlight
		}
		return left == 0
	}, func() string { return fmt.Sprintf("%+v", states) }, on...)
}

// gate is a server whose callers wait until it is opened.
type gate struct {
	*httptest.Server
	arrived chan string // paths
	open    func()
}

func newGate(t *testing.T) *gate {
	g := &gate{arrived: make(chan string, 100)}
	opened := make(chan struct{})
	g.open = sync.OnceFunc(func() { close(opened) })
	g.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.arrived <- r.URL.Path
		select {
		case <-opened:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { g.open(); g.Close() })
	return g
}

// await returns the path of the next call.
func (g *gate) await(t *testing.T) string {
	t.Helper()
	select {
	case path := <-g.arrived:
		return path
	case <-time.After(patience):
		t.Fatal("nobody calls")
		return ""
	}
}
