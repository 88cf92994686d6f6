package cluster

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// list is a store.Nodes in memory.
type list struct {
	mu    sync.Mutex
	nodes map[store.NodeKind]store.Node
	ends  map[store.NodeKind]time.Time
	down  bool // it fails
	asked int  // calls of RecoverNodes
}

func (l *list) KeepNode(_ context.Context, n store.Node, lease time.Duration) (left time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, store.ErrUnavailable
	}
	if l.nodes == nil {
		l.nodes, l.ends = map[store.NodeKind]store.Node{}, map[store.NodeKind]time.Time{}
	}
	if l.nodes[n.Kind] == n {
		left = max(0, time.Until(l.ends[n.Kind]))
	}
	l.nodes[n.Kind], l.ends[n.Kind] = n, time.Now().Add(lease)
	return left, nil
}

func (l *list) RecoverNodes(context.Context, time.Time) ([]string, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return nil, 0, nil
}

func (l *list) RemoveNode(_ context.Context, n store.Node) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nodes[n.Kind] == n {
		delete(l.nodes, n.Kind)
	}
	return nil
}

func (l *list) Nodes(context.Context) (all []store.Node, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		all = append(all, n)
	}
	return all, nil
}

type cloud struct {
	url      string
	nodes    *list
	registry *Registry
	forward  *Forwarder
	here     atomic.Int64 // calls
}

// start starts an orchestrator's forwarder, and a manager that answers with
// handler.
func start(t *testing.T, handler http.Handler) *cloud {
	t.Helper()
	keys := Keys{NewKey()}
	of := func(kind store.NodeKind) *Identity {
		id, err := NewIdentity(keys, kind)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	c := &cloud{nodes: &list{}}
	manager := httptest.NewUnstartedServer(Forwarded(handler))
	manager.TLS = of(store.NodeManager).Server(store.NodeOrchestrator)
	manager.StartTLS()
	t.Cleanup(manager.Close)
	if _, err := c.nodes.KeepNode(t.Context(), store.Node{Kind: store.NodeManager, Name: "a", Address: manager.Listener.Addr().String()}, Lease); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	c.registry = Join(c.nodes, "1.0", log)
	t.Cleanup(c.registry.Close)
	c.forward = NewForwarder(Forwarding{
		Registry: c.registry, Identity: of(store.NodeOrchestrator), Client: peer.Trust{}.Of, Log: log,
		Here: func(context.Context) error { c.here.Add(1); return nil },
	})
	t.Cleanup(c.forward.Close)
	orchestrator := httptest.NewServer(c.forward)
	t.Cleanup(orchestrator.Close)
	c.url = orchestrator.URL
	return c
}

func ask(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// The manager sees a request as it came to the orchestrator, whatever its client
// says of itself; and a change is known here before its author is answered.
func TestForward(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	type seen struct {
		from peer.Peer
		r    *http.Request
		body string
	}
	requests := make(chan seen, 1)
	c := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- seen{peer.Trust{}.Of(r), r, string(body)}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "made")
	}))
	status, text := ask(t, "POST", c.url+"/api/v1/apps?a=%zz;b", "hello",
		"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", clientHeader, "192.0.2.2", schemeHeader, "https", "X-Own", "yes")
	if status != 201 || text != "made" {
		t.Errorf("answered %d %q", status, text)
	}
	got := <-requests
	if got.from.Addr.String() != "127.0.0.1" || got.from.HTTPS || got.r.TLS != nil {
		t.Errorf("it came from %+v", got.from)
	}
	if got.r.Method != "POST" || got.r.RequestURI != "/api/v1/apps?a=%zz;b" || got.r.Host != strings.TrimPrefix(c.url, "http://") || got.body != "hello" || got.r.Header.Get("X-Own") != "yes" {
		t.Errorf("the manager saw %s %s at %s with %q", got.r.Method, got.r.RequestURI, got.r.Host, got.body)
	}
	for _, name := range []string{clientHeader, schemeHeader, "X-Forwarded-For", "X-Forwarded-Proto"} {
		if v, there := got.r.Header[name]; there {
			t.Errorf("the manager saw %s: %q", name, v)
		}
	}
	if c.here.Load() != 1 {
		t.Errorf("waited %d times until the change is known", c.here.Load())
	}
	ask(t, "GET", c.url+"/api/v1/apps", "")
	<-requests
	if c.here.Load() != 1 {
		t.Error("waited after a request that changes nothing")
	}
}

// A stream comes as it is written, and ends well when the orchestrator stops.
func TestForwardedStreams(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	ended := make(chan struct{})
	c := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": following\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	res, err := http.Get(c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, len(": following\n\n"))
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	c.forward.EndStreams()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("the end of the stream: %q, %v", rest, err)
	}
	<-ended
}

// While nobody is the manager, requests wait a little; one that takes over answers
// them.
func TestTakingOver(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	c := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "it is me") }))
	list, _ := c.nodes.Nodes(t.Context())
	gone := list[0]
	gone.Address = "127.0.0.1:1" // nobody is there
	_, _ = c.nodes.KeepNode(t.Context(), gone, Lease)
	c.registry.Refresh(t.Context())
	answer := make(chan string)
	go func() {
		_, text := ask(t, "POST", c.url, "")
		answer <- text
	}()
	_, _ = c.nodes.KeepNode(t.Context(), list[0], Lease)
	if text := <-answer; text != "it is me" {
		t.Errorf("answered %q", text)
	}
	_ = c.nodes.RemoveNode(t.Context(), list[0])
	c.forward.transport.CloseIdleConnections()
	c.forward.cfg.Registry.known.Store(new([]store.Node))
	status, text := ask(t, "GET", c.url, "")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "No manager answers") {
		t.Errorf("without a manager: %d %s", status, text)
	}
	res, err := http.Get(c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("PiCloud-Version"); got == "" || got != c.registry.version {
		t.Errorf("the answer is of version %q", got)
	}
}

// A node with another key is told so, and nothing of a request gets through.
func TestAnotherKey(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	c := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the manager got a request") }))
	id, err := NewIdentity(Keys{NewKey()}, store.NodeOrchestrator)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	stranger := NewForwarder(Forwarding{
		Registry: c.registry, Identity: id, Client: peer.Trust{}.Of, Log: slog.New(slog.NewTextHandler(&said, nil)),
		Here: func(context.Context) error { return nil },
	})
	defer stranger.Close()
	w := httptest.NewRecorder()
	stranger.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/apps", strings.NewReader("{}")))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(said.String(), "the other side has another cluster key") {
		t.Errorf("answered %d, and said %q", w.Code, said.String())
	}
}
