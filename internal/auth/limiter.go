package auth

import (
	"sync"
	"time"
)

// Limiter lets each key do something burst times at once, and once more each
// refill. It remembers a bounded number of keys; who did most is forgotten last.
type Limiter struct {
	mu    sync.Mutex
	rate  rate
	table table
}

// NewLimiter returns a Limiter that has seen nobody.
func NewLimiter(burst int, refill time.Duration) *Limiter {
	return &Limiter{rate: rate{burst: burst, refill: refill}, table: table{}}
}

// TakeAt is Take for a key that has a rate of its own.
func (l *Limiter) TakeAt(key string, burst int, refill time.Duration, now time.Time) (wait time.Duration) {
	r := rate{burst: burst, refill: refill}
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.table.wait(key, r, now); wait == 0 {
		l.table.take(key, r, now)
	}
	return wait
}

// Wait returns after which time the key may do something, without counting.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.wait(key, l.rate, now)
}

// Take counts one, or returns after which time the key may.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration) {
	return l.TakeAt(key, l.rate.burst, l.rate.refill, now)
}
