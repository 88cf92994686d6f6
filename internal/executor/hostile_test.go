package executor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Each hostile script ends in its own clear error. Meanwhile a neighbour keeps
// answering, and the process stays as it was.
func TestHostileScripts(t *testing.T) {
	limits := func(f func(*store.Limits)) func(*invoke.Start) {
		return func(s *invoke.Start) { f(&s.Limits) }
	}
	body := func(text string) func(*invoke.Start) {
		return func(s *invoke.Start) { s.Request.Body = []byte(text) }
	}
	unbounded := limits(func(l *store.Limits) { l.Operations = 0; l.WallTimeMS = 200 })
	// So few that the wall time is never reached first, on a slow machine either.
	few := limits(func(l *store.Limits) { l.Operations = 500_000 })
	short := limits(func(l *store.Limits) { l.WallTimeMS = 300 })
	nested := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, tc := range []struct {
		name, src string
		change    func(*invoke.Start)
		status    store.Status
		http      int
		author    string // part of the error for the author
		caller    string // part of what the caller reads
	}{
		{"endless loop", `loop {}`, few, store.StatusLimit, 500, "limit of 500000 operations", "limit of 500000 operations"},
		{"endless loop without a limit of operations", `loop {}`, unbounded, store.StatusTimeout, 504, "wall-time limit of 200ms", "wall-time limit of 200ms"},
		{"endless loop in a handler of errors", `loop { try { throw 1 } catch { } }`, few, store.StatusLimit, 500, "operations", "operations"},
		{"endless loop that catches everything", `loop { try { loop { } } catch { } }`, few, store.StatusLimit, 500, "operations", "operations"},
		{"sleep", `sleep(3600)`, limits(func(l *store.Limits) { l.WallTimeMS = 50 }), store.StatusTimeout, 504, "wall-time", "wall-time"},
		{"array that grows", `let a = []; loop { a.push(a) }`, nil, store.StatusLimit, 500, "", "limit"},
		{"array of numbers that grows", `let a = []; loop { a.push(1) }`, nil, store.StatusLimit, 500, "memory limit of 16 MiB", "memory limit"},
		{"map that grows", `let m = #{}; let i = 0; loop { m["k" + i] = i; i += 1; }`, nil, store.StatusLimit, 500, "memory limit", "memory limit"},
		{"string doubling", `let s = "x"; loop { s += s; }`, nil, store.StatusLimit, 500, "memory limit", "memory limit"},
		{"pad", `let s = ""; s.pad(1000000000, "x"); s`, nil, store.StatusLimit, 500, "", "limit"},
		{"blob", `blob(1000000000)`, nil, store.StatusLimit, 500, "", "limit"},
		{"recursion", `fn f(n) { 1 + f(n + 1) } f(0)`, nil, store.StatusLimit, 500, "limit of 64 nested calls", "limit of 64 nested calls"},
		{"nested arrays", `let a = []; for i in 0..100_000 { a = [a]; } a`, nil, store.StatusLimit, 500, "", "limit"},
		{"nested arrays as JSON", `json::parse(request.body)`, body(nested), store.StatusOK, 400, "", "nested deeper than 500 levels"},
		{"nested arrays in the source", nested, nil, store.StatusError, 500, "does not compile", "does not compile"},
		{"nested parentheses in the source", strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000), nil, store.StatusError, 500, "does not compile", "does not compile"},
		{"a source of 10 MB", strings.Repeat("let x = 1;\n", 950_000), nil, store.StatusError, 500, "does not compile", "does not compile"},
		{"big output", `let s = "0123456789abcdef"; while s.len < 2_000_000 { s += s; } s`, nil, store.StatusLimit, 500, "limit of 1048576 bytes of a response", "limit of 1048576 bytes of a response"},
		{"big output as a response", `let s = "0123456789abcdef"; while s.len < 2_000_000 { s += s; } text(s)`, nil, store.StatusLimit, 500, "of a response", "of a response"},
		{"output that doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } a`, nil, store.StatusLimit, 500, "of a response", "of a response"},
		{"a response that doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } json(a)`, nil, store.StatusLimit, 500, "of a response", "of a response"},
		{"text that doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } json::stringify(a).len`, nil, store.StatusLimit, 500, "", "limit"},
		{"print of what doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } print(a);`, few, store.StatusLimit, 500, "", "limit"},
		{"log of what doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } log::info(a);`, nil, store.StatusOK, 204, "", ""},
		{"comparison of what doubles by sharing", `let a = ["x"]; let b = ["x"]; for i in 0..40 { a = [a, a]; b = [b, b]; } a == b`, few, store.StatusLimit, 500, "operations", "operations"},
		{"comparison of maps that double by sharing", `let a = #{}; let b = #{}; for i in 0..40 { a = #{ x: a, y: a }; b = #{ x: b, y: b }; } a == b`, few, store.StatusLimit, 500, "operations", "operations"},
		{"search for what doubles by sharing", `let a = ["x"]; let b = ["x"]; for i in 0..40 { a = [a, a]; b = [b, b]; } [a].contains(b)`, few, store.StatusLimit, 500, "operations", "operations"},
		{"the language's JSON of what doubles by sharing", `let a = #{}; for i in 0..40 { a = #{ x: a, y: a }; } a.to_json().len`, few, store.StatusLimit, 500, "", "limit"},
		{"throw of what doubles by sharing", `let a = ["x"]; for i in 0..40 { a = [a, a]; } throw a;`, nil, store.StatusError, 500, "Runtime error", "failed"},
		{"interpolation of what doubles by sharing", "let a = [\"x\"]; for i in 0..40 { a = [a, a]; } `${a}`", few, store.StatusLimit, 500, "", "limit"},
		{"log flood", `loop { print("0123456789"); }`, few, store.StatusLimit, 500, "operations", "operations"},
		{"many responses", `let a = []; let s = "0123456789abcdef"; while s.len < 500_000 { s += s; } loop { a.push(text(s)); }`, nil, store.StatusLimit, 500, "", "limit"},
		{"large regular expression", "regex::is_match(`" + strings.Repeat("(.{1000})", 20) + "`, \"x\")", nil, store.StatusError, 500, "too large", "failed"},
		{"costly regular expression", "let s = \"a\"; while s.len < 200_000 { s += s; } regex::find_all(`(a|b|ab)*c|a{0,500}x`, s)", nil, store.StatusLimit, 500, "operations", "operations"},
		{"regular expression of quadratic work", "let s = \"a\"; while s.len < 100_000 { s += s; } regex::find_all(`a.*b|a`, s).len", short, store.StatusTimeout, 504, "wall-time", "wall-time"},
		{"JSON bomb", `request.json().len`, body("[" + strings.Repeat("[],", 1_000_000) + "0]"), store.StatusLimit, 500, "memory", "memory"},
		{"recursion through eval", `fn f(s) { eval(s) } let s = "eval(s)"; f(s)`, nil, store.StatusLimit, 500, "", ""},
		{"sort that never agrees", `let a = []; for i in 0..1_000_000 { a.push(i); } a.sort(|x, y| 1); a.len`, nil, store.StatusLimit, 500, "", "limit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := New(Config{})
			b := newBench(t, e)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan *invoke.Result, 1)
			go func() {
				defer cancel()
				res, err := e.Run(t.Context(), b.start(tc.src, tc.change), b.host)
				if err != nil {
					t.Error(err)
				}
				done <- res
			}()
			answers := 0
			neighbour := newBench(t, e)
			neighbour.app = "neighbour"
			for first := true; first || ctx.Err() == nil; first = false {
				if got := answer(neighbour.run(`"still here"`, nil)); got != "200 text/plain; charset=utf-8 still here" {
					t.Fatalf("the neighbour got %s", got)
				}
				answers++
			}
			res := <-done
			if res.Status != tc.status || res.Response.Status != tc.http || !strings.Contains(res.Error, tc.author) || !strings.Contains(string(res.Response.Body), tc.caller) {
				t.Errorf("got %s, %d, %q\n%s", res.Status, res.Response.Status, brief(res.Error), brief(string(res.Response.Body)))
			}
			t.Logf("%v, %d operations, %d bytes; %q; the neighbour answered %d times", res.Duration.Round(time.Millisecond), res.Operations, res.PeakMemory, brief(res.Error), answers)
		})
	}
}

func brief(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%s… (%d bytes)", s[:300], len(s))
	}
	return s
}

// A client that goes away ends its run.
func TestCancelledRun(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		lib := b.host.add(`fn x() {}`)
		imported := make(chan struct{})
		host := hostFunc(func(ctx context.Context, hash string) (string, error) {
			if hash == lib {
				close(imported)
			}
			return b.host.Source(ctx, hash)
		})
		go func() { <-imported; cancel() }()
		res, err := b.exec.Run(ctx, b.start(`import "lib" as l; loop {}`, func(s *invoke.Start) {
			s.Limits.Operations = 0
			s.Scripts["lib"] = lib
		}), host)
		if err != nil || res.Status != store.StatusCancelled || res.Response.Status != statusClientClosed {
			t.Errorf("got %+v, %v", res, err)
		}
	})
}

func TestDeadline(t *testing.T) {
	b := newBench(t, New(Config{}))
	res := b.run(`loop {}`, func(s *invoke.Start) { s.Limits.Operations = 0; s.Deadline = time.Now().Add(50 * time.Millisecond) })
	if res.Status != store.StatusTimeout {
		t.Errorf("got %s, %s", res.Status, res.Error)
	}
}

func TestOverload(t *testing.T) {
	e := New(Config{Concurrency: 1, QueueLength: 1, QueueWait: time.Millisecond})
	b := newBench(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan struct{})
	host := hostFunc(func(_ context.Context, hash string) (string, error) {
		close(running)
		return b.host.Source(ctx, hash)
	})
	done := make(chan *invoke.Result, 1)
	go func() {
		res, _ := e.Run(ctx, b.start(`loop {}`, func(s *invoke.Start) { s.Limits.Operations = 0 }), host)
		done <- res
	}()
	<-running
	res := b.run(`1`, nil)
	if res.Status != store.StatusRejected || res.Response.Status != 503 || res.RetryAfter <= 0 || !strings.Contains(res.Error, "overloaded") {
		t.Errorf("got %s, %d, %v, %q", res.Status, res.Response.Status, res.RetryAfter, res.Error)
	}
	cancel()
	<-done
	if res := b.run(`1`, nil); res.Status != store.StatusOK {
		t.Errorf("afterwards: %s, %s", res.Status, res.Error)
	}
	cancelledCtx, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	if res, _ := e.Run(cancelledCtx, b.start(`loop {}`, nil), b.host); res.Status != store.StatusCancelled {
		t.Errorf("a run that is cancelled before: %s, %s", res.Status, res.Error)
	}
}
