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

// Take counts one, or returns after which time the key may.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.table.wait(key, l.rate, now); wait == 0 {
		l.table.take(key, l.rate, now)
	}
	return wait
}
