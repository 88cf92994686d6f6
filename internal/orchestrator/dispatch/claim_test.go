package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// unclear is a queue whose first claims happen without the answer arriving.
type unclear struct {
	store.Queue
	mu     sync.Mutex
	lose   int
	claims int
}

func (u *unclear) Claim(ctx context.Context, c store.Claim) ([]store.Message, store.Later, error) {
	list, later, err := u.Queue.Claim(ctx, c)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.claims++
	if u.claims <= u.lose {
		return nil, store.Later{}, fmt.Errorf("%w: the connection was lost", store.ErrUnknownOutcome)
	}
	return list, later, err
}

// What was claimed without anybody knowing is released and delivered, and nothing
// spins meanwhile; also where one message runs at a time.
func TestAClaimWithoutAnswer(t *testing.T) {
	for _, kind := range []store.ChannelKind{store.ChannelQueue, store.ChannelSchedule} {
		w := newWorld(t, store.Delivery{Concurrency: 1})
		u := &unclear{Queue: w.data, lose: 1}
		w.queue = u
		c := emails
		c.Kind = kind
		now := w.now()
		for _, id := range ids(2) {
			if _, err := w.data.Enqueue(t.Context(), store.Message{ID: id, Channel: c, Depth: 1, CreatedAt: now, DueAt: now}); err != nil {
				t.Fatal(err)
			}
		}
		var attempts []int
		w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
			w.mu.Lock()
			defer w.mu.Unlock()
			attempts = append(attempts, s.Event.Attempt)
			return nil
		}
		w.start()
		w.until("both are done", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) == 2 })
		w.Close(t.Context())
		if fmt.Sprint(attempts) != "[1 1]" {
			t.Errorf("%s: attempts %v", kind, attempts)
		}
		if u.claims > 8 {
			t.Errorf("%s: %d claims for two messages", kind, u.claims)
		}
	}
}

// At the end what may be leased is released.
func TestCloseReleasesWhatIsUnclear(t *testing.T) {
	w := newWorld(t, store.Delivery{})
	u := &unclear{Queue: w.data, lose: 1000}
	w.queue = u
	w.send("m")
	w.start()
	w.until("it is claimed", func() bool { u.mu.Lock(); defer u.mu.Unlock(); return u.claims > 0 })
	w.Close(t.Context())
	if s := w.state(); s.Ready != 1 {
		t.Errorf("%+v", s)
	}
}

// A claim that gets nothing of what is due is made again later and later.
func TestNothingIsClaimedInAHurry(t *testing.T) {
	d := New(Config{Queue: newWorld(t, store.Delivery{}).data})
	ch := newChannel(d, emails)
	defer ch.timer.Stop()
	last := time.Duration(0)
	for range 30 {
		ch.due = time.Time{}
		before := d.cfg.Now()
		ch.later(false, store.Later{Due: before.Add(-time.Hour)})
		wait := ch.due.Sub(before)
		if ch.wanted || wait < vainWait || wait < last-time.Second {
			t.Fatalf("it is claimed again after %v, before that after %v", wait, last)
		}
		last = wait
	}
	ch.due = time.Time{}
	if ch.later(true, store.Later{Due: time.Now().Add(-time.Hour)}); !ch.wanted || !ch.due.IsZero() {
		t.Error("after one that got something the next waits")
	}
	if ch.later(false, store.Later{Due: time.Now().Add(-time.Hour)}); ch.due.Sub(d.cfg.Now()) > time.Second {
		t.Error("success does not count")
	}
}

// A batch loses its lease when one of its messages is gone. The others are delivered.
func TestLostLeaseOfOneInABatch(t *testing.T) {
	w := newWorld(t, store.Delivery{BatchSize: 10, Concurrency: 1})
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		if len(s.Batch) < 3 {
			return nil
		}
		// Somebody else has it done.
		if _, err := w.data.Commit(context.Background(), store.Commit{AppID: "app", Acks: s.Lease.Messages[:1], Lease: s.Lease.Token, At: time.Now()}); err != nil {
			t.Error(err)
		}
		_, err := w.data.Commit(context.Background(), store.Commit{AppID: "app", Acks: s.Lease.Messages, Lease: s.Lease.Token, At: time.Now()})
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("%v", err)
		}
		return &Outcome{Verdict: invoke.LeaseLost, Result: &invoke.Result{Status: store.StatusError}}
	}
	w.send(ids(3)...)
	w.start()
	w.until("all is done", w.empty)
	if fmt.Sprint(w.runs) != "[[m000 m001 m002] [m001 m002]]" {
		t.Errorf("runs %v", w.runs)
	}
}

// Set back by an hour, the clock does not have messages wait for an hour.
func TestTheClockIsSetBack(t *testing.T) {
	for _, told := range []bool{true, false} {
		w := newWorld(t, store.Delivery{})
		w.none = true
		w.send("ready")
		delayed := w.now().Add(time.Minute)
		if _, err := w.data.Enqueue(t.Context(), store.Message{ID: "delayed", Channel: emails, Depth: 1, CreatedAt: w.now(), DueAt: delayed}); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.mu.Lock()
		w.none, w.set = false, -time.Hour
		w.mu.Unlock()
		if told {
			w.Scan() // as clock.OnStep does
		} else {
			w.send("another") // a claim notices
		}
		want := 1
		if !told {
			want = 2
		}
		w.until("what was due is done", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.runs) == want })
		m, err := w.data.Message(t.Context(), "app", "delayed")
		if err != nil || m.DueAt.Sub(delayed.Add(-time.Hour)).Abs() > 10*time.Second {
			t.Errorf("the delayed one is due at %v, was at %v, %v", m.DueAt, delayed, err)
		}
		// Set forward again it is due, and delivered once.
		w.mu.Lock()
		w.set = time.Hour
		w.mu.Unlock()
		w.Scan()
		w.until("all is done", w.empty)
		w.Close(t.Context())
		if len(w.runs) != want+1 {
			t.Errorf("runs %v", w.runs)
		}
	}
}

// A step of the clock takes no message from a handler that lives.
func TestTheClockIsSetWhileHandlersRun(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		w := newWorld(t, store.Delivery{Concurrency: 1})
		began, end := make(chan struct{}, 10), make(chan struct{})
		w.handle = func(context.Context, *invoke.Start) *Outcome {
			began <- struct{}{}
			<-end
			return nil
		}
		w.start()
		w.send("m")
		<-began
		w.mu.Lock()
		w.set = by
		w.mu.Unlock()
		w.Scan()
		w.send("n")
		close(end)
		w.until("all is done", w.empty)
		w.Close(t.Context())
		if fmt.Sprint(w.runs) != "[[m] [n]]" {
			t.Errorf("set by %v: runs %v", by, w.runs)
		}
	}
}

// A step that the store could not be told of is not forgotten.
func TestStepsAreSeenOnce(t *testing.T) {
	wall, monotonic := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Duration(0)
	s := &steps{read: func() (time.Time, time.Duration) { return wall, monotonic }}
	look := func(want time.Duration) {
		t.Helper()
		if by, now := s.look(); by != want || !now.Equal(wall) {
			t.Errorf("set by %v at %v, want %v", by, now, want)
		}
	}
	look(0)
	wall, monotonic = wall.Add(time.Hour), monotonic+time.Hour
	look(0)
	wall = wall.Add(-time.Hour)
	look(-time.Hour)
	look(0)
	s.unseen(-time.Hour)
	look(-time.Hour)
	look(0)
	wall = wall.Add(minStep / 2)
	look(0)
	wall = wall.Add(minStep / 2)
	look(minStep)
}

// A deployment that gives a handler more room gives it to what waits, and not only
// when what runs has ended.
func TestMoreRoomAtOnce(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 1})
	hold := make(chan struct{})
	running := make(chan struct{}, 10)
	w.handle = func(context.Context, *invoke.Start) *Outcome {
		running <- struct{}{}
		<-hold
		return nil
	}
	w.start()
	w.send(ids(3)...)
	<-running
	w.mu.Lock()
	w.delivery.Concurrency = 3
	w.mu.Unlock()
	w.Scan() // as a change of the app does
	for range 2 {
		select {
		case <-running:
		case <-time.After(5 * time.Second):
			t.Error("what waits does not get the room")
		}
	}
	close(hold)
	w.until("all is done", w.empty)
}
