package sqlstore

import (
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// rooms knows what apps used a moment ago, so that those that are far from their
// quota need not be asked about it before each commit.
type rooms struct {
	mu   sync.Mutex
	used map[string]used
}

type used struct {
	usage store.MessageUsage
	at    time.Time
}

// moment is for how long it is believed.
const moment = time.Second

// note keeps what an app uses. The transaction may yet fail: then it uses less, or
// somebody else's growth is noted by another.
func (r *rooms) note(appID string, u store.MessageUsage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used == nil || len(r.used) >= maxKnown {
		r.used = map[string]used{}
	}
	r.used[appID] = used{u, time.Now()}
}

// ample reports whether an app has so much room that what is about to be added
// matters neither alone nor with what others add at the moment. What an app keeps,
// dead letters and answers, is always looked at.
func (r *rooms) ample(q *store.Quota, appID string, grown store.MessageUsage) bool {
	if grown.Dead > 0 || grown.Answers > 0 {
		return false
	}
	if grown.Messages <= 0 && grown.Bytes <= 0 && grown.Requests <= 0 && grown.ReqBytes <= 0 && grown.IdempotencyKeys <= 0 {
		return true
	}
	r.mu.Lock()
	last, known := r.used[appID]
	r.mu.Unlock()
	return known && time.Since(last.at) < moment && q.Ample(last.usage, grown)
}
