package dispatch

import "github.com/picloud/picloud/internal/store"

// What is added while its channel has room is leased by the transaction that adds
// it, and runs as soon as that is committed: no claim, and nobody else to be told.
// Where messages wait already they are claimed in their turn.

// offer is called by the store, for n messages of a channel that are about to be
// added. The room for what it offers is taken until the transaction has ended.
func (d *Dispatcher) offer(c store.Channel, n int) *store.Offer {
	t := d.cfg.Known(c)
	if t == nil || t.Delivery.Alone(c.Kind) || d.steps.moved() {
		return nil
	}
	t = t.withDefaults()
	batch := int(t.Delivery.BatchSize)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || !d.started || d.alone {
		return nil
	}
	ch := d.channel(c)
	if ch.wanted || ch.claiming || len(ch.unclear) > 0 {
		return nil
	}
	ch.target = t
	room := min(ch.room(), (n+batch-1)/batch)
	if room <= 0 {
		return nil
	}
	ch.running += room
	d.active += room
	d.runs.Add(1)
	now := d.cfg.Now()
	o := &store.Offer{
		Max: min(n, room*batch), Token: store.NewIDAt(now), Owner: d.cfg.Owner, Boot: d.boot, Until: now.Add(t.length()),
	}
	o.Settle = func(list []store.Message, known bool) { ch.settle(o, t, room, list, known) }
	return o
}

// settle has what was leased run, and gives back what room was taken for nothing.
func (ch *channel) settle(o *store.Offer, t *Target, room int, list []store.Message, known bool) {
	d := ch.d
	defer d.runs.Done()
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*delivery
	if len(list) > 0 {
		all = deliveries(list, int(t.Delivery.BatchSize), newLease(d, o.Token, list, t.length(), o.Until), t)
	}
	for _, w := range all {
		d.runs.Add(1)
		go ch.work(w)
	}
	if !known {
		ch.unclear = append(ch.unclear, doubt{lease: o.Token})
		if !d.closed {
			ch.arm(d.cfg.Now().Add(storeRetry))
		}
	}
	if free := room - len(all); free > 0 {
		ch.running -= free
		d.leave(free)
		ch.claim() // it may have been told of others meanwhile
	}
}
