// Package record keeps the record of executions without slowing them down:
// Record puts one into a bounded buffer, and one goroutine writes what has
// gathered in batches. The goroutine sleeps while nothing is recorded. What does
// not fit into the buffer, or cannot be written, is dropped and counted.
package record

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/store"
)

// Config sets a Recorder's bounds. Zero values mean the defaults.
type Config struct {
	MaxRecords int           // in the buffer; default 32,768
	MaxBytes   int64         // in the buffer, estimated; default 32 MiB
	Linger     time.Duration // how long a record may wait for company; default 100 ms
	Retention  store.Retention
}

const (
	batchSize  = 1000    // records of one transaction
	pruneBytes = 4 << 20 // written between two looks at Retention.MaxBytes
	keepBuffer = 1024    // records for which an idle recorder keeps room
)

// retries is how long to wait before a batch that failed is tried again.
var retries = []time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}

// Recorder records executions in a store. It is that store, too, so that who
// reads through it sees everything recorded before. Its methods are safe for
// concurrent use.
type Recorder struct {
	under store.Executions
	cfg   Config

	mu       sync.Mutex
	buf      []store.Execution
	spare    []store.Execution // room for the next buf
	bytes    int64
	waiting  []chan struct{} // closed when what was in buf has been dealt with
	writing  bool
	closed   bool
	watchers map[int]func([]store.Execution)
	nextID   int

	recorded atomic.Int64
	dropped  atomic.Int64

	droppedMu sync.Mutex
	perApp    map[string]int64 // what dropped counts, by app ID

	wake    chan struct{} // there is something in buf
	urgent  chan struct{} // do not linger
	due     chan struct{} // look at the retention
	done    chan struct{} // closed by Close: write what there is and end
	ended   chan struct{} // closed when the goroutine has
	timer   *clock.Timer
	armed   bool  // the timer is set; guarded by mu
	written int64 // bytes since the last look at the retention; of the goroutine
}

// New returns a Recorder that writes to under, and owns it.
func New(under store.Executions, cfg Config) *Recorder {
	if cfg.MaxRecords <= 0 {
		cfg.MaxRecords = 32768
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 32 << 20
	}
	if cfg.Linger <= 0 {
		cfg.Linger = 100 * time.Millisecond
	}
	r := &Recorder{
		under: under, cfg: cfg, watchers: map[int]func([]store.Execution){}, perApp: map[string]int64{},
		wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1), due: make(chan struct{}, 1),
		done: make(chan struct{}), ended: make(chan struct{}),
	}
	r.timer = clock.NewTimer(func() { signal(r.due) })
	if cfg.Retention != (store.Retention{}) {
		signal(r.due)
	}
	go r.loop()
	return r
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Record takes e to be written soon. It never waits.
func (r *Recorder) Record(e store.Execution) {
	n := size(&e)
	r.mu.Lock()
	if r.closed || len(r.buf) >= r.cfg.MaxRecords || r.bytes+n > r.cfg.MaxBytes {
		r.mu.Unlock()
		r.drop([]store.Execution{e}, "the buffer of executions is full")
		return
	}
	r.buf = append(r.buf, e)
	r.bytes += n
	first := len(r.buf) == 1
	many := len(r.buf) == r.cfg.MaxRecords/2
	r.mu.Unlock()
	if first {
		signal(r.wake)
	}
	if many {
		signal(r.urgent)
	}
}

// size estimates what a record takes in memory.
func size(e *store.Execution) int64 {
	n := 400 + len(e.Error) + len(e.Path)
	for i := range e.Logs {
		n += 100 + len(e.Logs[i].Message)
	}
	return int64(n)
}

// drop counts lost records, and says so when it begins.
func (r *Recorder) drop(lost []store.Execution, why string) {
	n := len(lost)
	r.droppedMu.Lock()
	for i := range lost {
		r.perApp[lost[i].AppID]++
	}
	r.droppedMu.Unlock()
	before := r.dropped.Add(int64(n)) - int64(n)
	// Not for each: at the first, the tenth, the hundredth, …
	for step := int64(1); step <= before+int64(n); step *= 10 {
		if before < step {
			slog.Warn("executions are not recorded", "dropped", before+int64(n), "reason", why)
			return
		}
	}
}

// Stats says how many executions were written and how many were lost since
// the Recorder was made.
func (r *Recorder) Stats() (recorded, dropped int64) { return r.recorded.Load(), r.dropped.Load() }

// Dropped says how many executions of an app were lost since the Recorder was
// made.
func (r *Recorder) Dropped(appID string) int64 {
	r.droppedMu.Lock()
	defer r.droppedMu.Unlock()
	return r.perApp[appID]
}

// Watch calls f with each batch that has been written, in order. f must not
// block and must not keep or change the slice. stop ends it.
func (r *Recorder) Watch(f func([]store.Execution)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.nextID
	r.nextID++
	r.watchers[id] = f
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, id)
	}
}

// Flush waits until everything recorded before the call is written, or given
// up, or ctx is done.
func (r *Recorder) Flush(ctx context.Context) error {
	r.mu.Lock()
	if len(r.buf) == 0 && !r.writing {
		r.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	r.waiting = append(r.waiting, c)
	r.mu.Unlock()
	signal(r.urgent)
	signal(r.wake)
	select {
	case <-c:
		return nil
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close writes what is buffered and closes the store. What is recorded
// afterwards is dropped.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return errors.New("the recorder is closed")
	}
	r.closed = true
	r.mu.Unlock()
	r.timer.Stop()
	close(r.done)
	<-r.ended
	return r.under.Close()
}

func (r *Recorder) loop() {
	defer close(r.ended)
	for {
		select {
		case <-r.wake:
			r.linger()
			r.write()
		case <-r.due:
			r.prune()
		case <-r.done:
			r.write()
			return
		}
	}
}

// linger waits for company, unless somebody waits for the result.
func (r *Recorder) linger() {
	t := time.NewTimer(r.cfg.Linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.urgent:
	case <-r.done:
	}
}

// write writes what is buffered now.
func (r *Recorder) write() {
	r.mu.Lock()
	batch, waiting := r.buf, r.waiting
	r.buf, r.spare = r.spare, nil
	r.waiting, r.bytes, r.writing = nil, 0, true
	r.mu.Unlock()
	for rest := batch; len(rest) > 0; {
		n := min(len(rest), batchSize)
		r.writeBatch(rest[:n])
		rest = rest[n:]
	}
	r.mu.Lock()
	r.writing = false
	clear(batch)
	switch {
	case len(r.buf) > 0: // more keeps coming: that will take the same room
		r.spare = batch[:0]
	case cap(r.buf) > keepBuffer: // it has become quiet: give the room back
		r.buf = nil
	}
	r.mu.Unlock()
	for _, c := range waiting {
		close(c)
	}
}

func (r *Recorder) writeBatch(batch []store.Execution) {
	var err error
	for try := 0; ; try++ {
		if err = r.under.WriteExecutions(context.Background(), batch); err == nil {
			break
		}
		if errors.Is(err, store.ErrInvalid) && len(batch) > 1 {
			// One that cannot be written must not take the others along.
			half := len(batch) / 2
			r.writeBatch(batch[:half])
			r.writeBatch(batch[half:])
			return
		}
		if errors.Is(err, store.ErrInvalid) {
			try = len(retries) // it will not get better
		}
		if try == len(retries) {
			slog.Error("executions cannot be written", "error", err)
			r.drop(batch, "they cannot be written")
			return
		}
		t := time.NewTimer(retries[try])
		select {
		case <-t.C:
		case <-r.done: // no time for patience
		}
		t.Stop()
	}
	r.recorded.Add(int64(len(batch)))
	r.mu.Lock()
	watchers := make([]func([]store.Execution), 0, len(r.watchers))
	for _, f := range r.watchers {
		watchers = append(watchers, f)
	}
	r.mu.Unlock()
	for _, f := range watchers {
		f(batch)
	}
	for i := range batch {
		r.written += size(&batch[i])
	}
	if r.cfg.Retention.MaxBytes > 0 && r.written > min(pruneBytes, max(r.cfg.Retention.MaxBytes/8, 1)) {
		signal(r.due)
	}
	if r.cfg.Retention.MaxAge > 0 {
		r.arm(batch[0].StartedAt.Add(r.cfg.Retention.MaxAge), false)
	}
}

// ListExecutions implements store.Executions; it sees everything recorded before.
func (r *Recorder) ListExecutions(ctx context.Context, f store.ExecutionFilter) ([]store.Execution, error) {
	if err := r.Flush(ctx); err != nil {
		return nil, err
	}
	return r.under.ListExecutions(ctx, f)
}

// Execution implements store.Executions; it sees everything recorded before.
func (r *Recorder) Execution(ctx context.Context, id string) (store.Execution, error) {
	if err := r.Flush(ctx); err != nil {
		return store.Execution{}, err
	}
	return r.under.Execution(ctx, id)
}

// WriteExecutions implements store.Executions: it writes at once.
func (r *Recorder) WriteExecutions(ctx context.Context, batch []store.Execution) error {
	return r.under.WriteExecutions(ctx, batch)
}

// DeleteAppExecutions implements store.Executions; what was recorded before goes, too.
func (r *Recorder) DeleteAppExecutions(ctx context.Context, appID string) error {
	if err := r.Flush(ctx); err != nil {
		return err
	}
	return r.under.DeleteAppExecutions(ctx, appID)
}

// Prune implements store.Executions.
func (r *Recorder) Prune(ctx context.Context, ret store.Retention, now time.Time) (int64, time.Time, error) {
	if err := r.Flush(ctx); err != nil {
		return 0, time.Time{}, err
	}
	return r.under.Prune(ctx, ret, now)
}
