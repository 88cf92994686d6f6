package dispatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
)

func TestMain(m *testing.M) {
	// The process's one clock lives as long as the process.
	clock.NewTimer(func() {})
	opt := goleak.IgnoreCurrent()
	code := m.Run()
	if err := goleak.Find(opt); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// world is a dispatcher on a store in memory whose scripts are functions.
type world struct {
	*Dispatcher
	t     *testing.T
	data  *memory.Data
	queue store.Queue

	mu       sync.Mutex
	delivery store.Delivery
	none     bool                                                    // there is no script
	handle   func(ctx context.Context, start *invoke.Start) *Outcome // nil: acknowledge
	runs     []string                                                // what was delivered, in the order of the ends
	ended    chan struct{}
	set      time.Duration // by how much the wall clock was set
	patient  time.Duration // alonePatience if it is not 0
	asked    func()        // called when a target is asked for; nil: nothing is
}

var emails = store.Channel{AppID: "app", Kind: store.ChannelQueue, Name: "emails"}

func newWorld(t *testing.T, d store.Delivery) *world {
	data := memory.New()
	w := &world{t: t, data: data, queue: data, delivery: d, ended: make(chan struct{}, 1000)}
	return w
}

func (w *world) known(store.Channel) *Target {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.none {
		return nil
	}
	return &Target{Delivery: w.delivery, Start: invoke.Start{Trigger: "queue"}}
}

func (w *world) start() *world {
	w.t.Helper()
	w.Dispatcher = New(Config{
		Queue: w.queue, Owner: "node",
		Target: func(_ context.Context, c store.Channel) (*Target, error) {
			if w.asked != nil {
				w.asked()
			}
			if t := w.known(c); t != nil {
				return t, nil
			}
			return nil, fmt.Errorf("no script: %w", store.ErrNotFound)
		},
		Known: w.known, Run: w.run, Now: w.now,
	})
	if w.patient != 0 {
		w.patience = w.patient
	}
	began := time.Now()
	w.steps.read = func() (time.Time, time.Duration) { return w.now(), time.Since(began) }
	if err := w.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	d := w.Dispatcher
	w.t.Cleanup(func() { d.Close(context.Background()) })
	return w
}

// now is the wall clock.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().UTC().Truncate(time.Microsecond).Add(w.set)
}

func (w *world) run(ctx context.Context, start *invoke.Start, _ *Target) Outcome {
	w.mu.Lock()
	handle := w.handle
	w.mu.Unlock()
	var out *Outcome
	if handle != nil {
		out = handle(ctx, start)
	}
	if out == nil {
		_, err := w.data.Commit(context.Background(), store.Commit{AppID: "app", Acks: start.Lease.Messages, Lease: start.Lease.Token, At: time.Now()})
		out = &Outcome{Acked: err == nil, Verdict: invoke.Committed, Result: &invoke.Result{Status: store.StatusOK}}
		if errors.Is(err, store.ErrLeaseLost) {
			out.Verdict = invoke.LeaseLost
		}
	}
	w.mu.Lock()
	w.runs = append(w.runs, fmt.Sprint(start.Lease.Messages))
	w.mu.Unlock()
	w.ended <- struct{}{}
	return *out
}

func failed(why string) *Outcome {
	return &Outcome{Result: &invoke.Result{Status: store.StatusError, Error: why}}
}

func (w *world) send(ids ...string) {
	w.t.Helper()
	now := w.now()
	for _, id := range ids {
		if _, err := w.data.Enqueue(w.t.Context(), store.Message{ID: id, Channel: emails, Depth: 1, CreatedAt: now, DueAt: now}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// until waits for runs to end until the condition holds.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	timeout := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-w.ended:
		case <-time.After(time.Millisecond): // what follows the end of a run
		case <-timeout:
			w.t.Fatalf("%s: it does not come to that; runs %v, %+v", what, w.runs, w.state())
		}
	}
}

func (w *world) state() store.ChannelState {
	s, err := w.data.Channel(context.Background(), emails, w.now())
	if err != nil {
		w.t.Error(err)
	}
	return s
}

func (w *world) empty() bool {
	s := w.state()
	return s.Ready+s.Delayed+s.Leased == 0
}

func ids(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("m%03d", i))
	}
	return list
}

func TestDeliversEachOnce(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 5})
	var running, most int
	w.handle = func(context.Context, *invoke.Start) *Outcome {
		w.mu.Lock()
		running++
		most = max(most, running)
		w.mu.Unlock()
		w.mu.Lock()
		running--
		w.mu.Unlock()
		return nil
	}
	w.send(ids(50)...) // before it begins
	w.start()
	for i := range 50 {
		w.send(fmt.Sprintf("n%03d", i))
	}
	w.until("100 messages", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) == 100 })
	seen := map[string]bool{}
	for _, r := range w.runs {
		if seen[r] {
			t.Errorf("%s was delivered twice", r)
		}
		seen[r] = true
	}
	if most > 5 {
		t.Errorf("%d ran at once", most)
	}
	w.until("nothing is left", w.empty)
}

func TestRetriesThenDead(t *testing.T) {
	w := newWorld(t, store.Delivery{MaxAttempts: 3, BackoffMS: 1, Concurrency: 1})
	var attempts []int
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		if s.Event.ID == "poison" {
			w.mu.Lock()
			attempts = append(attempts, s.Event.Attempt)
			w.mu.Unlock()
			return failed("it is poison")
		}
		return nil
	}
	w.start()
	w.send("poison", "a", "b", "c")
	w.until("all is done", func() bool { return w.empty() && w.state().Dead == 1 })
	if fmt.Sprint(attempts) != "[1 2 3]" {
		t.Errorf("attempts %v", attempts)
	}
	m, err := w.data.Message(t.Context(), "app", "poison")
	if err != nil || m.LastError != "it is poison" || m.Attempts != 3 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestFailedBatchIsDeliveredSingly(t *testing.T) {
	w := newWorld(t, store.Delivery{BatchSize: 4, MaxAttempts: 2, BackoffMS: 1, Concurrency: 1})
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		for _, e := range s.Batch {
			if e.ID == "m002" {
				return failed("bad")
			}
		}
		return nil
	}
	w.send(ids(4)...)
	w.start()
	w.until("all is done", func() bool { return w.empty() && w.state().Dead == 1 })
	if w.runs[0] != "[m000 m001 m002 m003]" {
		t.Errorf("first %s", w.runs[0])
	}
	counts := map[string]int{}
	for _, r := range w.runs[1:] {
		counts[r]++
	}
	if fmt.Sprint(counts) != "map[[m000]:1 [m001]:1 [m002]:2 [m003]:1]" {
		t.Errorf("then %v", counts)
	}
}

func TestWhatIsNoFailure(t *testing.T) {
	for name, out := range map[string]*Outcome{
		"conflict":    {Result: &invoke.Result{Status: store.StatusError}, Verdict: invoke.Conflict},
		"overload":    {Result: &invoke.Result{Status: store.StatusRejected, RetryAfter: time.Millisecond}},
		"unreachable": {Err: invoke.ErrUnreachable},
		"unavailable": {Result: &invoke.Result{Status: store.StatusError}, Verdict: invoke.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, store.Delivery{MaxAttempts: 1})
			n := 0
			var last *invoke.Event
			w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
				w.mu.Lock()
				defer w.mu.Unlock()
				if n++; n <= 2 {
					return out
				}
				last = s.Event
				return nil
			}
			w.start()
			w.send("m")
			w.until("it is done", func() bool { return w.empty() })
			if s := w.state(); s.Dead != 0 || last == nil || last.Attempt != 1 {
				t.Errorf("%+v, last %+v", s, last)
			}
		})
	}
}

// extending tells of each extension.
type extending struct {
	store.Queue
	extended chan []string
}

func (e extending) Extend(ctx context.Context, lease string, list []string, until time.Time) ([]string, error) {
	lost, err := e.Queue.Extend(ctx, lease, list, until)
	e.extended <- list
	return lost, err
}

func TestSlowHandlerKeepsItsLease(t *testing.T) {
	w := newWorld(t, store.Delivery{VisibilityTimeoutMS: 40})
	x := extending{w.data, make(chan []string, 100)}
	w.queue = x
	w.handle = func(context.Context, *invoke.Start) *Outcome {
		for range 4 { // twice its length
			<-x.extended
		}
		return nil
	}
	w.start()
	w.send("m")
	w.until("it is done", w.empty)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.runs) > 1 {
		t.Errorf("runs %v", w.runs)
	}
}

func TestLostLeaseEndsTheRun(t *testing.T) {
	w := newWorld(t, store.Delivery{VisibilityTimeoutMS: 40})
	w.handle = func(ctx context.Context, s *invoke.Start) *Outcome {
		w.mu.Lock()
		w.handle = nil
		w.mu.Unlock()
		// Somebody else comes by the message: as a node does that believes this one dead.
		if _, err := w.data.Recover(context.Background(), "node", "another start", time.Now()); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		return &Outcome{Result: &invoke.Result{Status: store.StatusCancelled}}
	}
	w.start()
	w.send("m")
	w.until("the run was ended", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) >= 1 })
	w.Scan()
	w.until("it is delivered again", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) == 2 })
	w.until("it is done", w.empty)
}

func TestWithoutScriptMessagesWait(t *testing.T) {
	w := newWorld(t, store.Delivery{})
	w.none = true
	w.start()
	w.send("m")
	w.Scan()
	w.mu.Lock()
	w.none = false
	w.mu.Unlock()
	w.Scan()
	w.until("it is done", w.empty)
}

func TestDelayed(t *testing.T) {
	w := newWorld(t, store.Delivery{}).start()
	now := time.Now().UTC()
	due := now.Add(30 * time.Millisecond)
	if _, err := w.data.Enqueue(t.Context(), store.Message{ID: "m", Channel: emails, Depth: 1, CreatedAt: now, DueAt: due}); err != nil {
		t.Fatal(err)
	}
	w.until("it is done", w.empty)
	if now := time.Now(); now.Before(due) {
		t.Errorf("delivered %v too early", due.Sub(now))
	}
}

// Close waits for what runs, gives back what has not begun, and a run that
// outlives its patience is cancelled and its message given back.
func TestClose(t *testing.T) {
	for _, patient := range []bool{true, false} {
		w := newWorld(t, store.Delivery{Concurrency: 1, MaxAttempts: 1})
		began, end := make(chan struct{}, 10), make(chan struct{})
		w.handle = func(ctx context.Context, _ *invoke.Start) *Outcome {
			began <- struct{}{}
			select {
			case <-end:
				return nil
			case <-ctx.Done():
				return &Outcome{Result: &invoke.Result{Status: store.StatusCancelled}}
			}
		}
		w.send(ids(3)...)
		w.start()
		<-began
		ctx, cancel := context.WithCancel(t.Context())
		left := int64(3)
		if patient {
			left = 2
			close(end)
		} else {
			cancel()
		}
		w.Close(ctx)
		cancel()
		if s := w.state(); patient && s.Ready > left || !patient && s.Ready != left || s.Leased != 0 || s.Dead != 0 {
			t.Errorf("patient %v: %+v", patient, s)
		}
		w.send("late")
		w.noticed(emails, time.Time{})
	}
}
