package dispatch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// counted counts the claims of a queue and may lose the answers to additions.
type counted struct {
	store.Queue
	claims atomic.Int64
	lose   atomic.Bool
	late   atomic.Int64 // so many releases come before what they are to release
}

func (q *counted) Release(ctx context.Context, owner, lease string, at time.Time) error {
	if q.late.Add(-1) >= 0 {
		return nil
	}
	return q.Queue.Release(ctx, owner, lease, at)
}

func (q *counted) Claim(ctx context.Context, c store.Claim) ([]store.Message, store.Later, error) {
	q.claims.Add(1)
	return q.Queue.Claim(ctx, c)
}

// HandOff may say of what is leased that this is not known.
func (q *counted) HandOff(f func(c store.Channel, n int) *store.Offer) (stop func()) {
	return q.Queue.HandOff(func(c store.Channel, n int) *store.Offer {
		o := f(c, n)
		if o != nil && q.lose.Load() {
			settle := o.Settle
			o.Settle = func([]store.Message, bool) { settle(nil, false) }
		}
		return o
	})
}

// What is added while there is room runs without a claim; what is more waits for one.
func TestHandOff(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 2})
	q := &counted{Queue: w.data}
	w.queue = q
	w.start()
	for _, id := range ids(10) {
		w.send(id)
		w.until(id, w.empty)
	}
	if n := q.claims.Load(); n != 0 {
		t.Errorf("%d claims of messages that were handed off", n)
	}
	began, hold := make(chan struct{}, 10), make(chan struct{})
	var mu sync.Mutex
	running, most := 0, 0
	w.mu.Lock()
	w.handle = func(context.Context, *invoke.Start) *Outcome {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		began <- struct{}{}
		<-hold
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}
	w.mu.Unlock()
	w.send(ids(5)...)
	<-began
	<-began
	if s := w.state(); s.Leased != 2 || s.Ready != 3 {
		t.Errorf("%+v", s)
	}
	close(hold)
	w.until("all are done", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) == 15 })
	w.Close(t.Context())
	if most != 2 {
		t.Errorf("%d ran at once", most)
	}
}

// A batch is handed off as a batch.
func TestHandOffOfBatches(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 1, BatchSize: 3})
	w.start()
	now := w.now()
	var list []store.Message
	for _, id := range ids(5) {
		list = append(list, store.Message{ID: id, Channel: emails, Depth: 1, CreatedAt: now, DueAt: now})
	}
	if _, err := w.data.Enqueue(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	w.until("all are done", w.empty)
	w.Close(t.Context())
	if got := fmt.Sprint(w.runs); got != "[[m000 m001 m002] [m003 m004]]" {
		t.Errorf("runs %s", got)
	}
}

// What may have been leased is released and delivered, and counts as no crash.
func TestHandOffWithoutAnswer(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 1})
	q := &counted{Queue: w.data}
	q.lose.Store(true)
	w.queue = q
	var attempt int
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		attempt = s.Event.Attempt
		return nil
	}
	w.start()
	w.send("m")
	q.lose.Store(false)
	w.until("it is delivered", w.empty)
	if attempt != 1 {
		t.Errorf("attempt %d", attempt)
	}
}

// A transaction without an answer may be committed after its lease was released.
func TestHandOffThatIsCommittedLate(t *testing.T) {
	for _, end := range []bool{false, true} {
		w := newWorld(t, store.Delivery{Concurrency: 1})
		q := &counted{Queue: w.data}
		q.lose.Store(true)
		q.late.Store(1)
		w.queue = q
		w.start()
		if !end {
			w.again = 100 * time.Millisecond
		}
		w.send("m")
		q.lose.Store(false)
		for q.late.Load() > 0 {
			time.Sleep(time.Millisecond)
		}
		if end {
			w.Close(t.Context())
			if s := w.state(); s.Ready != 1 {
				t.Errorf("at the end: %+v", s)
			}
			continue
		}
		w.until("it is delivered", w.empty)
		w.Close(t.Context())
	}
}

// While a transaction holds an offer, Close waits, and what it leases goes back.
func TestCloseDuringHandOff(t *testing.T) {
	w := newWorld(t, store.Delivery{}).start()
	o := w.offer(emails, 1)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.Close(context.Background())
	}()
	for !w.isClosed() {
		time.Sleep(time.Millisecond)
	}
	if again := w.offer(emails, 1); again != nil {
		t.Error("it offers while it closes")
	}
	now := w.now()
	m := store.Message{ID: "m", Channel: emails, Depth: 1, CreatedAt: now, DueAt: now}
	defer w.data.HandOff(func(store.Channel, int) *store.Offer { return o })()
	if _, err := w.data.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	<-closed
	if s := w.state(); s.Ready != 1 || len(w.runs) != 0 {
		t.Errorf("%+v, runs %v", s, w.runs)
	}
}

// Nothing is offered where messages wait, where one is to run alone, or where the
// clock was set.
func TestNoOffer(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 1}).start()
	if o := w.offer(store.Channel{AppID: "app", Kind: store.ChannelSchedule, Name: "nightly"}, 1); o != nil {
		t.Error("for a schedule whose runs do not overlap")
	}
	w.mu.Lock()
	w.set = -time.Hour
	w.mu.Unlock()
	if o := w.offer(emails, 1); o != nil {
		t.Error("before the store knows that the clock was set")
	}
	w.mu.Lock()
	w.set = 0
	w.mu.Unlock()
	o := w.offer(emails, 1)
	if o == nil {
		t.Fatal("there is room")
	}
	if w.offer(emails, 1) != nil {
		t.Error("there is no more room")
	}
	o.Settle(nil, true)
	o = w.offer(emails, 1)
	if o == nil {
		t.Fatal("the room was not given back")
	}
	o.Settle(nil, true)
}

// A lease that ends, or nearly so, before it is known is extended at once.
func TestHandOffAfterALongTime(t *testing.T) {
	w := newWorld(t, store.Delivery{VisibilityTimeoutMS: 1000}).start()
	now := w.now()
	m := store.Message{ID: "m", Channel: emails, Depth: 1, CreatedAt: now, DueAt: now}
	o := w.offer(emails, 1)
	w.mu.Lock()
	w.set = time.Hour
	w.mu.Unlock()
	defer w.data.HandOff(func(store.Channel, int) *store.Offer { return o })()
	if _, err := w.data.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.until("it is delivered", w.empty)
}
