package idle

import (
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// collector reads the runtime's two settings.
func collector() (percent int, limit int64) {
	percent = debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

func TestTheCollectorRestsWhileNothingHappens(t *testing.T) {
	percent, limit := collector()
	slept := make(chan struct{}, 10)
	k := &Keeper{quiet: time.Millisecond, slept: func() { slept <- struct{}{} }}
	var during int
	server := k.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { during, _ = collector() }))

	for range 3 {
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if during != percent {
			t.Errorf("while a request is answered the GC percent is %d, want %d", during, percent)
		}
		<-slept
		if p, l := collector(); p != -1 || l >= limit {
			t.Errorf("asleep: GC percent %d and memory limit %d, want -1 and less than %d", p, l, limit)
		}
	}
	k.Begin()
	if p, l := collector(); p != percent || l != limit {
		t.Errorf("awake again: GC percent %d and memory limit %d, want %d and %d", p, l, percent, limit)
	}
}

func TestWorkKeepsItAwake(t *testing.T) {
	k := &Keeper{quiet: time.Hour}
	k.Begin()
	k.look() // as if the time had passed
	if k.asleep.Load() {
		t.Fatal("it fell asleep over its work")
	}
	if k.armed.Load() {
		t.Error("a timer runs although the end of the work will set one")
	}
	k.End()
	if !k.armed.Load() {
		t.Error("the end of the work set no timer")
	}
	k.look()
	if k.asleep.Load() {
		t.Error("it fell asleep before it had been quiet for long enough")
	}
}

func TestItNeverSleepsWhileWorkIsUnderWay(t *testing.T) {
	percent, limit := collector()
	k := New(time.Microsecond)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 300 {
				k.Begin()
				k.mu.Lock() // it may be half asleep, but then it wakes before it lets go
				asleep := k.asleep.Load()
				k.mu.Unlock()
				if asleep {
					t.Error("asleep during work")
				}
				k.End()
			}
		})
	}
	all.Wait()
	k.Begin()
	if p, l := collector(); p != percent || l != limit {
		t.Errorf("after all: GC percent %d and memory limit %d, want %d and %d", p, l, percent, limit)
	}
}
