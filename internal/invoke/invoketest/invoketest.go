// Package invoketest is the suite that every carrier of the invoke contract
// passes.
package invoketest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Func is an executor made of a function.
type Func func(ctx context.Context, s *invoke.Start, h invoke.Host) (*invoke.Result, error)

// Run calls f.
func (f Func) Run(ctx context.Context, s *invoke.Start, h invoke.Host) (*invoke.Result, error) {
	return f(ctx, s, h)
}

// Host is a host made of functions; a nil one fails.
type Host struct {
	OnSource func(ctx context.Context, hash string) (string, error)
	OnCommit func(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error)
	OnGet    func(ctx context.Context, keys []string) ([]invoke.Entry, error)
	OnList   func(ctx context.Context, q invoke.Query) (invoke.Page, error)

	OnVariables func(ctx context.Context) (map[string]string, error)
	OnSecret    func(ctx context.Context, name string) (string, error)
}

// Source implements invoke.Host.
func (h Host) Source(ctx context.Context, hash string) (string, error) {
	if h.OnSource == nil {
		return "", errors.New("no sources here")
	}
	return h.OnSource(ctx, hash)
}

// Variables implements invoke.Host.
func (h Host) Variables(ctx context.Context) (map[string]string, error) {
	if h.OnVariables == nil {
		return nil, errors.New("no variables here")
	}
	return h.OnVariables(ctx)
}

// Secret implements invoke.Host.
func (h Host) Secret(ctx context.Context, name string) (string, error) {
	if h.OnSecret == nil {
		return "", errors.New("no secrets here")
	}
	return h.OnSecret(ctx, name)
}

// Get implements invoke.Host.
func (h Host) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	if h.OnGet == nil {
		return nil, errors.New("no data here")
	}
	return h.OnGet(ctx, keys)
}

// List implements invoke.Host.
func (h Host) List(ctx context.Context, q invoke.Query) (invoke.Page, error) {
	if h.OnList == nil {
		return invoke.Page{}, errors.New("no data here")
	}
	return h.OnList(ctx, q)
}

// Commit implements invoke.Host.
func (h Host) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	if h.OnCommit == nil {
		return invoke.Outcome{}, errors.New("no commits here")
	}
	return h.OnCommit(ctx, c)
}

// Run runs the suite. connect returns an executor that carries runs to e.
func Run(t *testing.T, connect func(t *testing.T, e invoke.Executor) invoke.Executor) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, func(invoke.Executor) invoke.Executor)
	}{
		{"everything arrives", everythingArrives},
		{"an almost empty run", almostEmpty},
		{"host calls", hostCalls},
		{"reading data", reading},
		{"variables and secrets", settings},
		{"host errors", hostErrors},
		{"verdicts", verdicts},
		{"large bodies beside small ones", largeBodies},
		{"many runs at once", manyRuns},
		{"cancel a run", cancelRun},
		{"cancel during a host call", cancelDuringCall},
		{"a run that is cancelled before it starts", cancelledBefore},
		{"deadline", deadline},
		{"a panic ends its run only", panics},
		{"an executor's error", executorError},
		{"rejected", rejected},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.f(t, func(e invoke.Executor) invoke.Executor { return connect(t, e) })
		})
	}
}

func fullStart() *invoke.Start {
	return &invoke.Start{
		RunID: "run", AppID: "app-id", App: "demo", ScriptID: "script-id", Script: "hello", Version: 3, Deployment: 7,
		Program: "p", Scripts: map[string]string{"hello": "p", "lib": "q"},
		Limits:  store.Limits{Operations: 1, WallTimeMS: 2, MemoryBytes: 3, CallDepth: 4, RequestBytes: 5, ResponseBytes: 6, LogLines: 7, LogBytes: 8},
		Trigger: "http",
		Request: &invoke.Request{
			Method: "POST", URL: "http://h/demo/hello/x?a=b", Path: "/demo/hello/x", Query: "a=b",
			Header: http.Header{"Accept": {"a", ""}, "X-Empty": nil},
			Params: []invoke.Param{{Name: "rest", Value: "x"}, {Name: "none"}},
			Body:   []byte{0, 1, 255}, IP: "::1",
		},
		Event:    &invoke.Event{ID: "e", Kind: "queue", Source: "mails", Payload: []byte("x"), Attempt: 2, Time: time.UnixMicro(1_700_000_000_000_001).UTC()},
		Outbound: &invoke.Outbound{Hosts: []string{"api.example.com", ""}, Networks: []string{"10.0.0.0/8"}},
		Lease:    &invoke.Lease{Token: "t", Expires: time.UnixMicro(1_700_000_000_000_002).UTC()},
	}
}

func everythingArrives(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	want := &invoke.Result{
		Status: store.StatusError, Error: "bad (line 1, position 2)",
		Response:  &invoke.Response{Status: 500, Header: http.Header{"Set-Cookie": {"a=1", "b=2"}}, Body: []byte("no\x00")},
		StartedAt: time.UnixMicro(1_700_000_000_000_003).UTC(), Duration: 1234, Operations: 5, PeakMemory: 6,
		Logs: []store.LogLine{
			{At: time.UnixMicro(4).UTC(), Level: "info", Source: "print", Line: 1, Column: 2, Message: "hi"},
			{At: time.UnixMicro(5).UTC(), Level: "warn", Source: "log", Message: ""},
		},
		Calls:        []store.Call{{At: time.UnixMicro(1_700_000_000_000_003).UTC(), Method: "GET", Host: "a.example", Status: 200, Duration: time.Second}, {At: time.UnixMicro(4).UTC(), Method: "PUT", Host: "b.example", Error: "refused"}},
		CallsDropped: 4,
		LogsDropped:  9, RetryAfter: time.Second,
	}
	var got *invoke.Start
	e := connect(Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		got = s
		return want, nil
	}))
	start := fullStart()
	res, err := e.Run(t.Context(), start, Host{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fullStart(), start); d != "" {
		t.Errorf("Run changed the start:\n%s", d)
	}
	if d := cmp.Diff(start, got); d != "" {
		t.Errorf("start (-sent +received):\n%s", d)
	}
	if d := cmp.Diff(want, res); d != "" {
		t.Errorf("result (-sent +received):\n%s", d)
	}
}

func almostEmpty(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		if d := cmp.Diff(&invoke.Start{RunID: "r", Request: &invoke.Request{}}, s); d != "" {
			return nil, errors.New(d)
		}
		return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 204}}, nil
	}))
	res, err := e.Run(t.Context(), &invoke.Start{RunID: "r", Request: &invoke.Request{}}, Host{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 204}}, res); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
}

func fullCommit() *invoke.Commit {
	return &invoke.Commit{
		RunID: "r", Seq: 2,
		Reads: []invoke.Read{{Key: "k", Version: 5}, {Key: "absent"}},
		Ops: []invoke.Op{
			{Kind: invoke.OpSet, Key: "k", Value: []byte{1}, Expires: time.UnixMicro(77).UTC()},
			{Kind: invoke.OpDelete, Key: "l"},
			{Kind: invoke.OpAdd, Key: "m", Delta: -3},
		},
		Sends:     []invoke.Send{{Queue: "q", Payload: []byte("p"), Delay: time.Minute, IdempotencyKey: "i"}, {Queue: "q"}},
		Publishes: []invoke.Publish{{Topic: "t", Payload: []byte("p")}},
		Acks:      []string{"d1", "d2"},
		Lease:     &invoke.Lease{Token: "x", Expires: time.UnixMicro(88).UTC()},
	}
}

func hostCalls(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		src, err := h.Source(ctx, "abc")
		if err != nil {
			return nil, err
		}
		if out, err := h.Commit(ctx, fullCommit()); err != nil || out.Verdict != invoke.Committed {
			return nil, fmt.Errorf("commit: %v, %v", out, err)
		}
		if out, err := h.Commit(ctx, &invoke.Commit{}); err != nil || out != (invoke.Outcome{Verdict: invoke.Quota, Detail: "full"}) {
			return nil, fmt.Errorf("second commit: %v, %v", out, err)
		}
		return &invoke.Result{Status: store.StatusOK, Error: src}, nil
	}))
	var commits []*invoke.Commit
	res, err := e.Run(t.Context(), &invoke.Start{}, Host{
		OnSource: func(_ context.Context, hash string) (string, error) { return "source of " + hash, nil },
		OnCommit: func(_ context.Context, c *invoke.Commit) (invoke.Outcome, error) {
			commits = append(commits, c)
			if c.Seq == 2 {
				return invoke.Outcome{Verdict: invoke.Committed}, nil
			}
			return invoke.Outcome{Verdict: invoke.Quota, Detail: "full"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Error != "source of abc" {
		t.Errorf("source: got %q", res.Error)
	}
	if d := cmp.Diff([]*invoke.Commit{fullCommit(), {}}, commits); d != "" {
		t.Errorf("commits (-sent +received):\n%s", d)
	}
}

// wholeBytes compares bytes at once: a MiB byte by byte takes seconds.
var wholeBytes = cmp.Comparer(bytes.Equal)

func reading(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	keys := []string{"a", "b/ü", strings.Repeat("x", 512)}
	query := invoke.Query{Prefix: "b/", After: "b/1", Limit: 1000}
	entries := []invoke.Entry{
		{Key: "a", Value: []byte{1, 0, 255}, Version: 1 << 60, ExpiresAt: time.UnixMicro(77).UTC()},
		{Key: "b/ü", Value: []byte(strings.Repeat("v", 1<<20)), Version: 1},
	}
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		got, err := h.Get(ctx, keys)
		if d := cmp.Diff(entries, got, wholeBytes); d != "" || err != nil {
			return nil, fmt.Errorf("get: %v\n%s", err, d)
		}
		if got, err := h.Get(ctx, nil); len(got) != 0 || err != nil {
			return nil, fmt.Errorf("get of nothing: %v, %v", got, err)
		}
		for _, more := range []bool{true, false} {
			page, err := h.List(ctx, query)
			if d := cmp.Diff(invoke.Page{Entries: entries, More: more}, page, wholeBytes); d != "" || err != nil {
				return nil, fmt.Errorf("list: %v\n%s", err, d)
			}
		}
		_, err = h.List(ctx, query)
		return &invoke.Result{Status: store.StatusOK, Error: err.Error()}, nil
	}))
	lists := 0
	res, err := e.Run(t.Context(), &invoke.Start{}, Host{
		OnGet: func(_ context.Context, got []string) ([]invoke.Entry, error) {
			if len(got) == 0 {
				return nil, nil
			}
			if d := cmp.Diff(keys, got); d != "" {
				t.Errorf("keys (-asked +received):\n%s", d)
			}
			return entries, nil
		},
		OnList: func(_ context.Context, q invoke.Query) (invoke.Page, error) {
			if d := cmp.Diff(query, q); d != "" {
				t.Errorf("query (-asked +received):\n%s", d)
			}
			if lists++; lists == 3 {
				return invoke.Page{}, errors.New("enough")
			}
			return invoke.Page{Entries: entries, More: lists == 1}, nil
		},
	})
	if err != nil || res.Error != "enough" {
		t.Errorf("got %v, %v", res, err)
	}
}

func settings(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	want := map[string]string{"REGION": "eu\n\"1\"", "EMPTY": "", "LONG": strings.Repeat("v", 16<<10)}
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		for range 2 {
			if got, err := h.Variables(ctx); err != nil || !maps.Equal(got, want) {
				return nil, fmt.Errorf("variables: %d, %v", len(got), err)
			}
		}
		if got, err := h.Variables(ctx); err != nil || len(got) != 0 {
			return nil, fmt.Errorf("no variables: %d, %v", len(got), err)
		}
		got, err := h.Secret(ctx, "KEY")
		if err != nil || got != "sesame\x00é" {
			return nil, fmt.Errorf("the secret did not arrive: %v", err)
		}
		_, none := h.Secret(ctx, "NONE")
		_, closed := h.Secret(ctx, "CLOSED")
		_, failed := h.Variables(ctx)
		return &invoke.Result{Status: store.StatusOK, Error: fmt.Sprintf("%v|%t|%v|%t|%v",
			none, errors.Is(none, store.ErrNotFound), closed, errors.Is(closed, store.ErrNotFound), failed)}, nil
	}))
	calls := 0
	res, err := e.Run(t.Context(), &invoke.Start{}, Host{
		OnVariables: func(context.Context) (map[string]string, error) {
			switch calls++; calls {
			case 3:
				return nil, nil
			case 4:
				return nil, errors.New("enough")
			}
			return want, nil
		},
		OnSecret: func(_ context.Context, name string) (string, error) {
			switch name {
			case "KEY":
				return "sesame\x00é", nil
			case "NONE":
				return "", fmt.Errorf("the secret NONE: %w", store.ErrNotFound)
			}
			return "", errors.New("it does not open")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "the secret NONE: not found|true|it does not open|false|enough"; res.Error != want {
		t.Errorf("got %q, want %q", res.Error, want)
	}
}

func hostErrors(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		_, notFound := h.Source(ctx, "x")
		_, unavailable := h.Source(ctx, "y")
		_, other := h.Commit(ctx, &invoke.Commit{})
		return &invoke.Result{Status: store.StatusOK, Error: fmt.Sprintf("%v|%t|%v|%t|%v|%t",
			notFound, errors.Is(notFound, store.ErrNotFound), unavailable, errors.Is(unavailable, store.ErrUnavailable),
			other, errors.Is(other, store.ErrNotFound) || errors.Is(other, store.ErrUnavailable))}, nil
	}))
	res, err := e.Run(t.Context(), &invoke.Start{}, Host{
		OnSource: func(_ context.Context, hash string) (string, error) {
			if hash == "y" {
				return "", fmt.Errorf("source y: %w", store.ErrUnavailable)
			}
			return "", fmt.Errorf("source x: %w", store.ErrNotFound)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "source x: not found|true|source y: the database is unavailable|true|no commits here|false"; res.Error != want {
		t.Errorf("got %q, want %q", res.Error, want)
	}
}

func verdicts(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	for _, v := range []invoke.Verdict{invoke.Committed, invoke.Conflict, invoke.LeaseLost, invoke.Quota, invoke.Unavailable, invoke.Refused} {
		e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
			out, err := h.Commit(ctx, &invoke.Commit{Seq: 1})
			return &invoke.Result{Status: store.StatusOK, Error: out.Verdict.String() + out.Detail}, err
		}))
		res, err := e.Run(t.Context(), &invoke.Start{}, Host{
			OnCommit: func(context.Context, *invoke.Commit) (invoke.Outcome, error) {
				return invoke.Outcome{Verdict: v, Detail: "!"}, nil
			},
		})
		if err != nil || res.Error != v.String()+"!" {
			t.Errorf("%v: got %v, %v", v, res, err)
		}
	}
}

func echo(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
	return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 200, Body: s.Request.Body}}, nil
}

func largeBodies(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(echo))
	var wg sync.WaitGroup
	for i := range 24 {
		size := 10
		if i%3 == 0 {
			size = 3<<20 + i
		}
		wg.Go(func() {
			body := []byte(strings.Repeat(string(rune('a'+i)), size))
			res, err := e.Run(t.Context(), &invoke.Start{Request: &invoke.Request{Body: body}}, Host{})
			if err != nil {
				t.Errorf("run %d: %v", i, err)
				return
			}
			if string(res.Response.Body) != string(body) {
				t.Errorf("run %d: %d bytes came back of %d, or others", i, len(res.Response.Body), size)
			}
		})
	}
	wg.Wait()
}

func manyRuns(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	const n = 200
	var started sync.WaitGroup
	started.Add(n)
	e := connect(Func(func(ctx context.Context, s *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		started.Done()
		started.Wait() // all of them are open at once
		src, err := h.Source(ctx, s.RunID)
		return &invoke.Result{Status: store.StatusOK, Error: src}, err
	}))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			id := fmt.Sprint(i)
			res, err := e.Run(t.Context(), &invoke.Start{RunID: id}, Host{
				OnSource: func(_ context.Context, hash string) (string, error) { return id + "/" + hash, nil },
			})
			if err != nil || res.Error != id+"/"+id {
				t.Errorf("run %s: %v, %v", id, res, err)
			}
		})
	}
	wg.Wait()
}

func cancelRun(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	running := make(chan struct{})
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		close(running)
		<-ctx.Done()
		return &invoke.Result{Status: store.StatusCancelled, Operations: 42}, nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-running; cancel() }()
	res, err := e.Run(ctx, &invoke.Start{}, Host{})
	if err != nil || res.Status != store.StatusCancelled || res.Operations != 42 {
		t.Errorf("got %+v, %v; want the run's own result", res, err)
	}
}

func cancelDuringCall(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	ctx, cancel := context.WithCancel(t.Context())
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		_, err := h.Source(ctx, "")
		if err == nil {
			return nil, errors.New("the call returned without an error")
		}
		<-ctx.Done()
		return &invoke.Result{Status: store.StatusCancelled, Operations: 43}, nil
	}))
	res, err := e.Run(ctx, &invoke.Start{}, Host{OnSource: func(ctx context.Context, _ string) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	}})
	if err != nil || res.Status != store.StatusCancelled || res.Operations != 43 {
		t.Errorf("got %+v, %v; want the run's own result", res, err)
	}
}

func cancelledBefore(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(ctx context.Context, _ *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		<-ctx.Done()
		return &invoke.Result{Status: store.StatusCancelled}, nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := e.Run(ctx, &invoke.Start{}, Host{})
	if err != nil || res.Status != store.StatusCancelled {
		t.Errorf("got %+v, %v", res, err)
	}
}

func deadline(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusOK, Duration: time.Until(s.Deadline)}, nil
	}))
	res, err := e.Run(t.Context(), &invoke.Start{Deadline: time.Now().Add(time.Hour)}, Host{})
	if err != nil || res.Duration <= 0 || res.Duration > time.Hour {
		t.Errorf("got %v, %v; want what is left of an hour", res, err)
	}
}

func panics(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	release := make(chan struct{})
	e := connect(Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		if s.RunID == "bad" {
			panic("boom")
		}
		<-release
		return &invoke.Result{Status: store.StatusOK}, nil
	}))
	var wg sync.WaitGroup
	wg.Go(func() {
		if res, err := e.Run(t.Context(), &invoke.Start{RunID: "good"}, Host{}); err != nil || res.Status != store.StatusOK {
			t.Errorf("the neighbour: %v, %v", res, err)
		}
	})
	_, err := e.Run(t.Context(), &invoke.Start{RunID: "bad"}, Host{})
	if !errors.Is(err, invoke.ErrLost) || strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v, want ErrLost without the panic's text", err)
	}
	close(release)
	wg.Wait()
}

func executorError(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		return nil, fmt.Errorf("%w: disk on fire", invoke.ErrLost)
	}))
	_, err := e.Run(t.Context(), &invoke.Start{}, Host{})
	if !errors.Is(err, invoke.ErrLost) || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("got %v", err)
	}
}

func rejected(t *testing.T, connect func(invoke.Executor) invoke.Executor) {
	e := connect(Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusRejected, Error: "full", RetryAfter: 2 * time.Second}, nil
	}))
	res, err := e.Run(t.Context(), &invoke.Start{}, Host{})
	if err != nil || res.Status != store.StatusRejected || res.RetryAfter != 2*time.Second {
		t.Errorf("got %+v, %v", res, err)
	}
}
