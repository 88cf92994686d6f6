package auth

import (
	"errors"
	"sync"
	"time"
)

// maxReplays bounds how many requests are remembered; all of them were signed by
// somebody who knows a key.
const maxReplays = 500_000

// ErrTooManyReplays says that no more requests can be remembered at the moment.
var ErrTooManyReplays = errors.New("too many signed requests at once")

// Delivery is a signed request to a script.
type Delivery struct {
	ScriptID string
	ID       [16]byte // of CheckSignature
}

// Replays remembers signed requests until they expire. The zero value remembers
// none. It knows those of this process alone.
type Replays struct {
	mu    sync.Mutex
	seen  map[Delivery]time.Time // until when
	sweep time.Time              // when those that have expired are forgotten next
}

// Take remembers a request until it expires; ErrReplayed if it is remembered
// already.
func (r *Replays) Take(d Delivery, expires, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until, ok := r.seen[d]; ok && now.Before(until) {
		return ErrReplayed
	}
	if !now.Before(r.sweep) {
		for d, until := range r.seen {
			if !now.Before(until) {
				delete(r.seen, d)
			}
		}
		r.sweep = now.Add(time.Minute)
	}
	if len(r.seen) >= maxReplays {
		return ErrTooManyReplays
	}
	if r.seen == nil {
		r.seen = map[Delivery]time.Time{}
	}
	r.seen[d] = expires
	return nil
}

// Forget lets a request be taken again: it failed without effect, and its sender
// tries once more.
func (r *Replays) Forget(d Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, d)
}
