package sqlstore

import (
	"sync"

	"github.com/picloud/picloud/internal/store"
)

// Changes hands committed changes to this process's subscribers.
type Changes struct {
	mu   sync.RWMutex
	next int
	subs map[int]func(store.Change)
}

// Subscribe is store.Store's.
func (c *Changes) Subscribe(f func(store.Change)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subs == nil {
		c.subs = make(map[int]func(store.Change))
	}
	id := c.next
	c.next++
	c.subs[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subs, id)
	}
}

// Announce calls every subscriber; it returns when all have returned.
func (c *Changes) Announce(change store.Change) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, f := range c.subs {
		f(change)
	}
}
