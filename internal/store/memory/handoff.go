package memory

import "github.com/picloud/picloud/internal/store"

// HandOff is store.Queue's.
func (k *Data) HandOff(f func(c store.Channel, n int) *store.Offer) (stop func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handOff = f
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.handOff = nil
	}
}

// lease leases messages that were just added under what is offered for them, and
// returns the others and what is still to be called. k is locked.
func (k *Data) lease(added []store.Message) (open []store.Message, settle []func()) {
	due := map[store.Channel][]*message{}
	for i := range added {
		m := k.messages[added[i].ID]
		if k.handOff == nil || m.DueAt.After(m.CreatedAt) || k.paused[m.Channel] {
			open = append(open, added[i])
			continue
		}
		due[m.Channel] = append(due[m.Channel], m)
	}
	for c, list := range due {
		o := k.handOff(c, len(list))
		n := 0
		if o != nil {
			n = min(o.Max, len(list))
		}
		var taken []store.Message
		bytes := 0
		for i, m := range list {
			if bytes += len(m.Payload); i >= n || i > 0 && bytes > store.MaxClaimBytes {
				open = append(open, m.Message)
				continue
			}
			m.Lease, m.Owner, m.boot, m.DueAt = o.Token, o.Owner, o.Boot, o.Until
			taken = append(taken, m.Message)
		}
		if o != nil {
			settle = append(settle, func() { o.Settle(taken, true) })
		}
	}
	return open, settle
}

// unlockAdded unlocks k and tells of messages that were added.
func (k *Data) unlockAdded(added []store.Message) {
	open, settle := k.lease(added)
	k.mu.Unlock()
	for _, f := range settle {
		f()
	}
	k.tell(firstDue(open))
}
