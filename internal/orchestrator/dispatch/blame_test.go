package dispatch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// killedBy lets dispatchers, one after the other, deliver all there is, each until
// it is killed by a message with the word killer in its ID. It returns who are
// dead letters in the end.
func killedBy(t *testing.T, w *world) (dead []string) {
	t.Helper()
	died := make(chan struct{}, 100)
	w.handle = func(ctx context.Context, s *invoke.Start) *Outcome {
		if !strings.Contains(fmt.Sprint(s.Lease.Messages), "killer") {
			return nil
		}
		died <- struct{}{}
		<-ctx.Done()
		return &Outcome{Result: &invoke.Result{Status: store.StatusCancelled}}
	}
	for boot := 1; ; boot++ {
		w.start()
		alive := true
		for alive && !w.empty() {
			select {
			case <-died:
				alive = false
			case <-w.ended:
			case <-time.After(time.Millisecond): // what follows the end of a run
			}
		}
		// What it had leased is not its own any more, so that its end changes nothing.
		if _, err := w.data.Recover(context.Background(), "node", fmt.Sprint("boot ", boot), time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		w.Close(ended)
		for len(died) > 0 {
			<-died
		}
		if alive {
			break
		}
		if boot > 100 {
			t.Fatalf("it does not end: %+v", w.state())
		}
	}
	list, _, err := w.data.Messages(t.Context(), store.MessageFilter{Channel: emails, State: store.MessageDead, Limit: 1000, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		dead = append(dead, m.ID)
	}
	return dead
}

// A message that kills the process is a dead letter in the end, and no other is:
// neither those that wait behind it nor those that run beside it.
func TestTheInnocentAreNotBlamed(t *testing.T) {
	for _, c := range []struct {
		name    string
		d       store.Delivery
		killers int
	}{
		{"one batch", store.Delivery{Concurrency: 1, BatchSize: 100}, 1},
		{"one at a time", store.Delivery{Concurrency: 1}, 1},
		{"beside others", store.Delivery{Concurrency: 8}, 5},
		{"batches beside others", store.Delivery{Concurrency: 4, BatchSize: 10}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.d)
			want := ""
			for i, id := range ids(100 - c.killers) {
				if i%20 == 10 && i/20 < c.killers {
					killer := fmt.Sprint("killer", i/20)
					w.send(killer)
					want += killer + " "
				}
				w.send(id)
			}
			if dead := strings.Join(killedBy(t, w), " ") + " "; dead != want {
				t.Errorf("dead: %s, want %s", dead, want)
			}
		})
	}
}

func TestSuspectsRunAlone(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 8, BatchSize: 8})
	var suspects []string
	for i := range 6 {
		suspects = append(suspects, fmt.Sprint("suspect", i))
	}
	w.send(suspects...)
	for n := range store.SuspectCrashes {
		if _, _, err := w.data.Claim(t.Context(), store.Claim{Channel: emails, Max: 6, Lease: time.Hour, Owner: "node", Boot: fmt.Sprint(n), At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.data.Recover(t.Context(), "node", fmt.Sprint(n+1), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.send(ids(100)...)
	running, done := 0, 0
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		alone := strings.HasPrefix(s.Batch[0].ID, "suspect")
		w.mu.Lock()
		running++
		if alone && running > 1 {
			t.Error("a suspect runs beside others")
		}
		if alone && (len(s.Batch) != 1 || s.Batch[0].Attempt != store.SuspectCrashes+1) {
			t.Errorf("delivered %+v", s.Batch)
		}
		w.mu.Unlock()
		time.Sleep(time.Millisecond) // so that others would meet it
		w.mu.Lock()
		if alone {
			if done++; running > 1 {
				t.Error("others run beside a suspect")
			}
		}
		running--
		w.mu.Unlock()
		return nil
	}
	w.start()
	w.until("all is done", w.empty)
	if done != len(suspects) {
		t.Errorf("%d suspects were delivered", done)
	}
}

// A suspect does not wait for ever for a handler that runs on and on.
func TestASuspectsPatience(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 2})
	w.send("suspect")
	for n := range store.SuspectCrashes {
		if _, _, err := w.data.Claim(t.Context(), store.Claim{Channel: emails, Max: 1, Lease: time.Hour, Owner: "node", Boot: fmt.Sprint(n), At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.data.Recover(t.Context(), "node", fmt.Sprint(n+1), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.send("slow")
	suspectRan := make(chan struct{})
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		if s.Event.ID == "slow" {
			<-suspectRan
		} else {
			close(suspectRan)
		}
		return nil
	}
	w.patient = time.Millisecond
	w.start()
	w.until("all is done", w.empty)
}

// A channel's last handler may end while a suspect of it is about to be claimed. The
// suspects behind that one have their turn all the same.
func TestAHandlerEndsBeforeItsSuspectBegins(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 2})
	w.send("suspect0", "suspect1")
	for n := range store.SuspectCrashes {
		if _, _, err := w.data.Claim(t.Context(), store.Claim{Channel: emails, Max: 2, Lease: time.Hour, Owner: "node", Boot: fmt.Sprint(n), At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.data.Recover(t.Context(), "node", fmt.Sprint(n+1), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.send("slow")
	end := make(chan struct{})
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		if s.Event.ID == "slow" {
			<-end
		}
		return nil
	}
	w.asked = func() {
		w.Dispatcher.mu.Lock()
		alone := w.alone
		w.Dispatcher.mu.Unlock()
		if !alone {
			return
		}
		select {
		case <-end:
			return
		default:
			close(end)
		}
		for busy := true; busy; time.Sleep(time.Millisecond) {
			w.Dispatcher.mu.Lock()
			busy = w.active > 0
			w.Dispatcher.mu.Unlock()
		}
	}
	w.patient = time.Millisecond
	w.start()
	w.until("all is done", w.empty)
}

// In a cluster executors die, and the dispatcher does not: that is a crash, too, and
// nobody's failure.
func TestLossOfTheExecutorIsACrash(t *testing.T) {
	w := newWorld(t, store.Delivery{Concurrency: 4, BatchSize: 10, MaxAttempts: 1})
	w.handle = func(_ context.Context, s *invoke.Start) *Outcome {
		for _, e := range s.Batch {
			if e.ID == "killer" {
				return &Outcome{Err: fmt.Errorf("%w: EOF", invoke.ErrLost)}
			}
		}
		return nil
	}
	w.send(append(ids(30), "killer")...)
	w.start()
	w.until("all is done", func() bool { return w.empty() && w.state().Dead == 1 })
	m, err := w.data.Message(t.Context(), "app", "killer")
	if err != nil || m.Crashes != store.MaxCrashes || m.Attempts != 0 || m.LastError != store.TooManyCrashes {
		t.Errorf("%+v, %v", m, err)
	}
}
