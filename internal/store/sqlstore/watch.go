package sqlstore

import (
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Watchers tells this process's watchers of messages that may be due.
type Watchers struct {
	mu   sync.RWMutex
	next int
	subs map[int]func(store.Channel, time.Time)
}

// Watch is store.Queue's.
func (w *Watchers) Watch(f func(c store.Channel, due time.Time)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subs == nil {
		w.subs = make(map[int]func(store.Channel, time.Time))
	}
	id := w.next
	w.next++
	w.subs[id] = f
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, id)
	}
}

// AnnounceDue calls every watcher; it returns when all have returned.
func (w *Watchers) AnnounceDue(c store.Channel, due time.Time) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, f := range w.subs {
		f(c, due)
	}
}

// due announces messages that were committed, here and to other processes.
func (s *Store) due(channels map[store.Channel]time.Time) {
	for c, due := range channels {
		s.AnnounceDue(c, due)
		if s.tellDue != nil {
			s.tellDue(c, due)
		}
	}
}

func (s *Store) added(list []store.Message) {
	switch len(list) {
	case 0:
	case 1:
		s.AnnounceDue(list[0].Channel, list[0].DueAt)
		if s.tellDue != nil {
			s.tellDue(list[0].Channel, list[0].DueAt)
		}
	default:
		first := map[store.Channel]time.Time{}
		for i := range list {
			m := &list[i]
			if due, ok := first[m.Channel]; !ok || m.DueAt.Before(due) {
				first[m.Channel] = m.DueAt
			}
		}
		s.due(first)
	}
}
