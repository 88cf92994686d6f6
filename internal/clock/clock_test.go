package clock

import (
	"sync"
	"testing"
	"time"
)

func TestTimersFireInOrder(t *testing.T) {
	w := &wall{}
	set := make(chan time.Time, 100)
	w.alarm = alarmFunc(func(at time.Time) { set <- at })
	timer := func(fired chan<- string, name string) *Timer {
		return &Timer{f: func() { fired <- name }, index: -1, clock: w}
	}
	fired := make(chan string, 10)
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour).Round(0)
	a, b, c := timer(fired, "a"), timer(fired, "b"), timer(fired, "c")

	c.Set(future)
	if at := <-set; !at.Equal(future) {
		t.Fatalf("the alarm was set to %v, want the only timer's time %v", at, future)
	}
	b.Set(future.Add(time.Hour))
	a.Set(past)
	if at := <-set; !at.Equal(past) {
		t.Fatalf("the alarm was set to %v, want the first due time %v", at, past)
	}
	w.ring()
	if name := <-fired; name != "a" {
		t.Fatalf("%s fired, want a", name)
	}
	if at := <-set; !at.Equal(future) {
		t.Fatalf("after ringing the alarm was set to %v, want %v", at, future)
	}
	if a.Stop() {
		t.Error("Stop says that a was set after it fired")
	}
	if !c.Stop() {
		t.Error("Stop says that c was not set")
	}
	if at := <-set; !at.Equal(future.Add(time.Hour)) {
		t.Errorf("after c was stopped the alarm was set to %v, want b's time", at)
	}
	b.Set(time.Time{})
	if at := <-set; !at.IsZero() {
		t.Errorf("with no timer left the alarm was set to %v, want silence", at)
	}
}

type alarmFunc func(time.Time)

func (f alarmFunc) set(at time.Time) { f(at) }

func TestTheProcessClockRings(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Now().Add(-time.Second), time.Now().Add(20 * time.Millisecond)} {
		fired := make(chan time.Time, 1)
		NewTimer(func() { fired <- time.Now() }).Set(at)
		if now := <-fired; now.Before(at) {
			t.Errorf("a timer for %v fired at %v", at, now)
		}
	}
}

func TestATimerMayBeSetFromItsOwnFunction(t *testing.T) {
	rounds := make(chan int)
	n := 0
	var timer *Timer
	timer = NewTimer(func() {
		n++
		rounds <- n
		if n < 3 {
			timer.Set(time.Now().Add(time.Millisecond))
		}
	})
	timer.Set(time.Now())
	for want := 1; want <= 3; want++ {
		if got := <-rounds; got != want {
			t.Fatalf("round %d, want %d", got, want)
		}
	}
}

func TestTimersAreSafeForConcurrentUse(t *testing.T) {
	var fired, all sync.WaitGroup
	for range 50 {
		fired.Add(1)
		all.Go(func() {
			timer := NewTimer(fired.Done)
			for i := range 20 {
				timer.Set(time.Now().Add(time.Duration(i+1) * time.Hour))
			}
			timer.Set(time.Now().Add(5 * time.Millisecond))
		})
	}
	all.Wait()
	fired.Wait()
}

func TestThePortableAlarmRings(t *testing.T) {
	rung := make(chan struct{}, 1)
	a := &runtimeAlarm{ring: func() { rung <- struct{}{} }}
	a.set(time.Now().Add(time.Hour))
	a.set(time.Time{})
	a.set(time.Now())
	<-rung
}

func TestWhoAskedIsToldOfAStep(t *testing.T) {
	w := &wall{steps: map[*func()]struct{}{}}
	w.alarm = alarmFunc(func(time.Time) {})
	told := make(chan string, 10)
	a, b := func() { told <- "a" }, func() { told <- "b" }
	stop := w.onStep(a)
	w.stepped()
	if who := <-told; who != "a" {
		t.Errorf("%s is told", who)
	}
	stop()
	defer w.onStep(b)()
	w.stepped()
	if who := <-told; who != "b" {
		t.Errorf("%s is told after its end", who)
	}
}
