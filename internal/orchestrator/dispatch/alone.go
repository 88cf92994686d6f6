package dispatch

import "time"

// alonePatience is how long what runs is waited for before a suspect begins.
const alonePatience = 10 * time.Second

// A suspect is a message that may be what kills the process. It runs alone: only
// when no other message does, or none but those that have run for long, and until
// it has ended none begins. So nobody else is blamed for what it does, and it for
// what nobody else does.

// suspicious notes that a channel has a suspect that is due. The dispatcher is locked.
func (d *Dispatcher) suspicious(ch *channel) {
	if !ch.suspect {
		ch.suspect = true
		d.suspects = append(d.suspects, ch)
	}
	d.nextSuspect()
}

func (d *Dispatcher) nextSuspect() {
	if d.alone || d.closed || len(d.suspects) == 0 {
		return
	}
	ch := d.suspects[0]
	d.suspects = d.suspects[1:]
	d.alone = true
	d.runs.Add(1)
	go ch.workAlone()
}

// leave notes that n deliveries run no longer. The dispatcher is locked.
func (d *Dispatcher) leave(n int) {
	d.active -= n
	if d.active == 0 && d.quiet != nil {
		close(d.quiet)
		d.quiet = nil
	}
}

// workAlone delivers a suspect of the channel.
func (ch *channel) workAlone() {
	d := ch.d
	defer d.runs.Done()
	d.cfg.Begin()
	defer d.cfg.End()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.untilQuiet()
	ch.deliverSuspect()
	ch.suspect = false // not before: a handler that ends meanwhile would drop the channel
	d.alone = false
	// Others have their turn before the next one.
	for _, other := range d.channels {
		other.claim()
	}
	d.nextSuspect()
}

// untilQuiet waits until nothing runs. The dispatcher is locked, but not meanwhile.
func (d *Dispatcher) untilQuiet() {
	if d.active == 0 {
		return
	}
	quiet := make(chan struct{})
	d.quiet = quiet
	d.mu.Unlock()
	patience := time.NewTimer(d.patience)
	defer patience.Stop()
	select {
	case <-quiet:
	case <-patience.C:
	case <-d.ctx.Done():
	}
	d.mu.Lock()
	d.quiet = nil
}

// deliverSuspect claims one and has it run. The dispatcher is locked, but not
// meanwhile.
func (ch *channel) deliverSuspect() {
	d := ch.d
	if d.closed {
		return
	}
	d.mu.Unlock()
	target, err := ch.prepare()
	d.mu.Lock()
	if err != nil {
		ch.failed(err)
		return
	}
	ch.target = target
	ch.wanted = true // the next claim says whether there are more
	if ch.room() <= 0 || d.closed {
		return
	}
	ch.running++
	defer func() { ch.running-- }()
	list, _, err := ch.take(1, target, true)
	switch {
	case err != nil:
		ch.wanted = false
		ch.failed(err)
	case len(list) == 0: // it is somebody else's, or a dead letter now
		ch.wanted = false
		ch.inVain()
	}
	for _, w := range list {
		d.mu.Unlock()
		w.deliver(d)
		d.mu.Lock()
	}
}
