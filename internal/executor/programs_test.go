package executor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

func TestProgramsAreCompiledOnce(t *testing.T) {
	e := New(Config{})
	b := newBench(t, e)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			res, err := e.Run(t.Context(), b.start(`"same"`, nil), b.host)
			if err != nil || res.Status != store.StatusOK {
				t.Errorf("%v, %v", res, err)
			}
		})
	}
	wg.Wait()
	if b.host.reads != 1 {
		t.Errorf("20 runs of one program read its source %d times", b.host.reads)
	}
}

func TestProgramsAreBounded(t *testing.T) {
	one := programSize(strings.Repeat(" ", 1000) + "00")
	e := New(Config{ProgramMemory: 3 * one})
	b := newBench(t, e)
	src := func(i int) string { return fmt.Sprintf("%s%02d", strings.Repeat(" ", 1000), i) }
	for i := range 10 {
		b.run(src(i+10), nil)
	}
	if n := e.programs.order.Len(); n != 3 || len(e.programs.entries) != 3 || e.programs.size != 3*one {
		t.Errorf("%d programs of %d bytes are kept", n, e.programs.size)
	}
	reads := b.host.reads
	b.run(src(18), nil) // kept
	b.run(src(10), nil) // gone
	b.run(src(18), nil) // still kept: it was used
	if b.host.reads != reads+1 {
		t.Errorf("%d sources were read again, want 1", b.host.reads-reads)
	}
	// One that is larger than the bound alone runs all the same.
	if res := b.run(strings.Repeat(" ", int(4*one)/24)+`"big"`, nil); answer(res) != "200 text/plain; charset=utf-8 big" {
		t.Errorf("a large one: %s (%s)", answer(res), res.Error)
	}
}

func TestSourceFailures(t *testing.T) {
	onBoth(t, Config{MaxSourceSize: 1000}, func(t *testing.T, b *bench) {
		for name, tc := range map[string]struct {
			change func(*invoke.Start)
			want   string
		}{
			"missing": {func(s *invoke.Start) { s.Program = strings.Repeat("0", 64) }, "not found"},
			"another text": {func(s *invoke.Start) {
				s.Program = strings.Repeat("1", 64)
				b.host.byHash[s.Program] = "2"
			}, "hash differs"},
			"too long": {func(s *invoke.Start) { s.Program = b.host.add(strings.Repeat(" ", 2000)) }, "does not compile"},
		} {
			res := b.run("1", tc.change)
			if res.Status != store.StatusError || !strings.Contains(res.Error, tc.want) || res.Response.Status != 500 {
				t.Errorf("%s: %s, %q", name, res.Status, res.Error)
			}
		}
	})
}

// A database that does not answer says nothing about the script, and soon may.
func TestSourceOutOfReach(t *testing.T) {
	e := New(Config{})
	b := newBench(t, e)
	for _, cause := range []error{store.ErrUnavailable, context.DeadlineExceeded} {
		out := hostFunc(func(context.Context, string) (string, error) { return "", fmt.Errorf("reading: %w", cause) })
		res, err := e.Run(t.Context(), b.start(`"x"`, nil), out)
		if err != nil || res.Status != store.StatusError || res.Response.Status != 503 || res.RetryAfter <= 0 {
			t.Errorf("%v: %s, %s, again after %v, %v", cause, res.Status, answer(res), res.RetryAfter, err)
		}
	}
}

// A run that is cancelled while it compiles takes nobody else with it.
func TestCancelledCompilation(t *testing.T) {
	e := New(Config{})
	b := newBench(t, e)
	start := b.start(`"x"`, nil)
	ctx, cancel := context.WithCancel(t.Context())
	reading := make(chan struct{})
	slow := hostFunc(func(ctx context.Context, hash string) (string, error) {
		close(reading)
		<-ctx.Done()
		return "", ctx.Err()
	})
	first := make(chan *invoke.Result)
	go func() {
		res, _ := e.Run(ctx, start, slow)
		first <- res
	}()
	<-reading
	second := make(chan *invoke.Result)
	go func() {
		res, _ := e.Run(t.Context(), start, b.host)
		second <- res
	}()
	cancel()
	if res := <-first; res.Status != store.StatusError && res.Status != store.StatusCancelled {
		t.Errorf("the cancelled run: %s", res.Status)
	}
	if res := <-second; res.Status != store.StatusOK {
		t.Errorf("the other run: %s, %s", res.Status, res.Error)
	}
}

type hostFunc func(context.Context, string) (string, error)

func (f hostFunc) Source(ctx context.Context, hash string) (string, error) { return f(ctx, hash) }

func (f hostFunc) Variables(context.Context) (map[string]string, error) { return nil, nil }

func (f hostFunc) Secret(context.Context, string) (string, error) { return "", store.ErrNotFound }

func (f hostFunc) Get(context.Context, []string) ([]invoke.Entry, error) { return nil, nil }

func (f hostFunc) List(context.Context, invoke.Query) (invoke.Page, error) { return invoke.Page{}, nil }

func (f hostFunc) Commit(context.Context, *invoke.Commit) (invoke.Outcome, error) {
	return invoke.Outcome{Verdict: invoke.Committed}, nil
}
