package record

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/store"
)

func TestMain(m *testing.M) {
	// The process's one clock keeps a goroutine parked on its timer.
	clock.NewTimer(func() {}).Set(time.Now().Add(time.Hour))
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// memory keeps executions in memory and can be made to hang or fail.
type memory struct {
	mu      sync.Mutex
	kept    []store.Execution
	batches int
	hold    chan struct{} // when set, writes wait for it
	entered chan struct{} // when set, gets one for each write that begins
	fail    error
	prunes  chan time.Time // when set, gets the time of each prune
	next    time.Time
	closed  bool
}

func (m *memory) WriteExecutions(_ context.Context, batch []store.Execution) error {
	if m.entered != nil {
		m.entered <- struct{}{}
	}
	if m.hold != nil {
		<-m.hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, e := range batch {
		if e.ID == "bad" {
			return fmt.Errorf("%w: %s", store.ErrInvalid, e.ID)
		}
	}
	m.batches++
	m.kept = append(m.kept, batch...)
	return nil
}

func (m *memory) ListExecutions(_ context.Context, f store.ExecutionFilter) ([]store.Execution, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]store.Execution(nil), m.kept...), nil
}

func (m *memory) Execution(_ context.Context, id string) (store.Execution, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.kept {
		if e.ID == id {
			return e, nil
		}
	}
	return store.Execution{}, store.ErrNotFound
}

func (m *memory) Prune(_ context.Context, _ store.Retention, now time.Time) (int64, time.Time, error) {
	if m.prunes != nil {
		m.prunes <- now
	}
	return 0, m.next, nil
}

func (m *memory) DeleteAppExecutions(_ context.Context, appID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = nil
	return nil
}

func (m *memory) Close() error { m.closed = true; return nil }

func TestEverythingRecordedIsSeen(t *testing.T) {
	m := &memory{}
	r := New(m, Config{Linger: time.Hour}) // only a flush writes
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				r.Record(store.Execution{ID: fmt.Sprint(w, "-", i)})
			}
		})
	}
	wg.Wait()
	got, err := r.ListExecutions(t.Context(), store.ExecutionFilter{})
	if err != nil || len(got) != 4000 {
		t.Fatalf("got %d executions, %v; want 4000", len(got), err)
	}
	if m.batches >= 400 {
		t.Errorf("4000 executions took %d transactions", m.batches)
	}
	r.Record(store.Execution{ID: "last"})
	if _, err := r.Execution(t.Context(), "last"); err != nil {
		t.Errorf("the last one: %v", err)
	}
	r.Record(store.Execution{ID: "x"})
	if err := r.DeleteAppExecutions(t.Context(), "app"); err != nil || len(m.kept) != 0 {
		t.Errorf("after the deletion %d are left (%v)", len(m.kept), err)
	}
	if rec, drop := r.Stats(); rec != 4002 || drop != 0 {
		t.Errorf("recorded %d, dropped %d", rec, drop)
	}
	if err := r.Close(); err != nil || !m.closed {
		t.Errorf("Close: %v, store closed: %t", err, m.closed)
	}
}

func TestCloseWritesTheRest(t *testing.T) {
	m := &memory{}
	r := New(m, Config{Linger: time.Hour})
	r.Record(store.Execution{ID: "a"})
	if err := r.Close(); err != nil || len(m.kept) != 1 {
		t.Errorf("kept %d, %v", len(m.kept), err)
	}
	r.Record(store.Execution{ID: "b"})
	if _, dropped := r.Stats(); dropped != 1 {
		t.Errorf("an execution after Close is not counted as dropped")
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Errorf("Flush after Close: %v", err)
	}
	if r.Close() == nil {
		t.Error("a second Close succeeds")
	}
}

// While the store hangs, Record goes on, the buffer stays within its bounds
// and what does not fit is counted.
func TestFullBufferDrops(t *testing.T) {
	for name, cfg := range map[string]Config{
		"by count": {MaxRecords: 10, Linger: time.Hour},
		"by bytes": {MaxBytes: 10 * 500, Linger: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{hold: make(chan struct{}), entered: make(chan struct{}, 10)}
			r := New(m, cfg)
			r.Record(store.Execution{ID: "first"})
			flushed := make(chan error)
			go func() { flushed <- r.Flush(t.Context()) }()
			<-m.entered
			for range 25 {
				r.Record(store.Execution{AppID: "busy", Logs: []store.LogLine{{}}})
			}
			if _, dropped := r.Stats(); dropped != 15 {
				t.Errorf("dropped %d, want 15", dropped)
			}
			if busy, other := r.Dropped("busy"), r.Dropped("other"); busy != 15 || other != 0 {
				t.Errorf("dropped of busy %d, want 15; of other %d, want 0", busy, other)
			}
			close(m.hold)
			if err := <-flushed; err != nil {
				t.Error(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if len(m.kept) != 11 {
				t.Errorf("kept %d, want 11", len(m.kept))
			}
			if rec, _ := r.Stats(); rec != 11 {
				t.Errorf("recorded %d, want 11", rec)
			}
		})
	}
}

func TestFlushEndsWithItsContext(t *testing.T) {
	m := &memory{hold: make(chan struct{}), entered: make(chan struct{}, 10)}
	r := New(m, Config{})
	r.Record(store.Execution{})
	<-m.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(m.hold)
	r.Close()
}

func TestFailedWritesAreCounted(t *testing.T) {
	defer func(old []time.Duration) { retries = old }(retries)
	retries = []time.Duration{time.Microsecond}
	m := &memory{fail: errors.New("disk full")}
	r := New(m, Config{})
	r.Record(store.Execution{})
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rec, dropped := r.Stats(); rec != 0 || dropped != 1 {
		t.Errorf("recorded %d, dropped %d", rec, dropped)
	}
	m.mu.Lock()
	m.fail = nil
	m.mu.Unlock()
	r.Record(store.Execution{})
	r.Close()
	if rec, dropped := r.Stats(); rec != 1 || dropped != 1 {
		t.Errorf("afterwards: recorded %d, dropped %d", rec, dropped)
	}
}

// What the store can never take is dropped alone.
func TestInvalidExecution(t *testing.T) {
	m := &memory{}
	r := New(m, Config{Linger: time.Hour})
	for i := range 100 {
		id := fmt.Sprint(i)
		if i == 37 {
			id = "bad"
		}
		r.Record(store.Execution{ID: id})
	}
	r.Close()
	if rec, dropped := r.Stats(); rec != 99 || dropped != 1 || len(m.kept) != 99 {
		t.Errorf("recorded %d, dropped %d, kept %d", rec, dropped, len(m.kept))
	}
}

func TestWatch(t *testing.T) {
	r := New(&memory{}, Config{})
	seen := make(chan string, 10)
	stop := r.Watch(func(batch []store.Execution) {
		for _, e := range batch {
			seen <- e.ID
		}
	})
	r.Record(store.Execution{ID: "a"})
	if got := <-seen; got != "a" {
		t.Errorf("got %q", got)
	}
	stop()
	r.Record(store.Execution{ID: "b"})
	r.Close()
	if len(seen) != 0 {
		t.Error("called after it was stopped")
	}
}

func TestRetention(t *testing.T) {
	defer func(old time.Duration) { pruneInterval = old }(pruneInterval)
	pruneInterval = time.Millisecond
	t.Run("at the start and when something is due", func(t *testing.T) {
		m := &memory{prunes: make(chan time.Time, 10), next: time.Now().Add(-time.Hour)}
		r := New(m, Config{Retention: store.Retention{MaxAge: time.Minute}})
		<-m.prunes
		<-m.prunes // next is past: at once
		r.Close()
	})
	t.Run("nothing is kept: the next execution arms the timer", func(t *testing.T) {
		m := &memory{prunes: make(chan time.Time, 10)}
		r := New(m, Config{Retention: store.Retention{MaxAge: time.Minute}})
		<-m.prunes
		r.Record(store.Execution{StartedAt: time.Now().Add(-time.Hour)})
		<-m.prunes
		r.Close()
	})
	t.Run("by size", func(t *testing.T) {
		m := &memory{prunes: make(chan time.Time, 10)}
		r := New(m, Config{Retention: store.Retention{MaxBytes: 1000}})
		<-m.prunes
		r.Record(store.Execution{})
		<-m.prunes
		r.Close()
	})
	t.Run("none", func(t *testing.T) {
		m := &memory{prunes: make(chan time.Time, 10)}
		r := New(m, Config{})
		r.Record(store.Execution{})
		r.Close()
		if len(m.prunes) != 0 {
			t.Error("pruned without a retention")
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	r := New(&memory{}, Config{MaxRecords: 1 << 30, MaxBytes: 1 << 60})
	b.ReportAllocs()
	for b.Loop() {
		r.Record(store.Execution{ID: "x"})
	}
	r.Close()
}
