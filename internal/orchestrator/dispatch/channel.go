package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/store"
)

// channel is one that has work or waits for a time. Its fields are guarded by the
// dispatcher's lock.
type channel struct {
	d     *Dispatcher
	id    store.Channel
	timer *clock.Timer
	due   time.Time // what timer is set to; zero: it is not

	wanted   bool // there may be messages that are due
	claiming bool
	failures int // of claims, in a row
	vain     int // claims that got nothing of what is due, in a row
	target   *Target
	running  int     // deliveries that have not ended
	suspect  bool    // it is among the dispatcher's suspects
	unclear  []doubt // leases of which it is not known whether there are any
}

// doubt is a lease that there may be, or may yet be: what the database was told to
// commit it may still be about to. So it is released twice.
type doubt struct {
	lease string
	again time.Time // when for the second time; zero: it was not released yet
}

// releaseAgain is how long after the first time.
const releaseAgain = time.Minute

// delivery is what one run gets.
type delivery struct {
	messages []store.Message
	lease    *lease
	target   *Target
}

// The waits after claims that got nothing of what is due: somebody else claims, or
// has it. Nothing is said when that ends.
const (
	vainWait    = 10 * time.Millisecond
	maxVainWait = 5 * time.Second
)

func newChannel(d *Dispatcher, id store.Channel) *channel {
	ch := &channel{d: d, id: id}
	ch.timer = clock.NewTimer(ch.rang)
	return ch
}

// noticed is told that messages are, or will be, due.
func (ch *channel) noticed(due time.Time) {
	if due.After(ch.d.cfg.Now()) {
		ch.arm(due)
		return
	}
	ch.wanted = true
	ch.claim()
}

// arm has the channel looked at when the time comes, which is not now.
func (ch *channel) arm(due time.Time) {
	if due.IsZero() || !ch.due.IsZero() && !due.Before(ch.due) {
		return
	}
	ch.due = due
	ch.timer.Set(due)
}

func (ch *channel) rang() {
	ch.d.mu.Lock()
	defer ch.d.mu.Unlock()
	ch.due = time.Time{}
	if !ch.d.closed {
		ch.wanted = true
		ch.claim()
	}
}

// room is how many more deliveries may begin now.
func (ch *channel) room() int {
	if ch.target == nil {
		return 1
	}
	return int(ch.target.Delivery.Concurrency) - ch.running
}

// claim starts claiming if there is a reason to. What is claimed runs at once: for
// what only waits the death of the process is no crash.
func (ch *channel) claim() {
	if ch.claiming || ch.d.closed || ch.d.alone || !ch.wanted || ch.room() <= 0 {
		ch.drop()
		return
	}
	ch.claiming = true
	ch.d.runs.Add(1)
	go ch.claimAll()
}

// drop forgets a channel that has nothing to do.
func (ch *channel) drop() {
	if !ch.wanted && !ch.claiming && !ch.suspect && ch.running == 0 && len(ch.unclear) == 0 && ch.due.IsZero() && ch.d.channels[ch.id] == ch {
		delete(ch.d.channels, ch.id)
	}
}

// claimAll claims until nothing is due or there is no room.
func (ch *channel) claimAll() {
	d := ch.d
	defer d.runs.Done()
	d.cfg.Begin()
	defer d.cfg.End()
	d.mu.Lock()
	defer d.mu.Unlock()
	for ch.wanted && !d.closed && !d.alone {
		ch.wanted = false
		d.mu.Unlock()
		target, err := ch.prepare()
		d.mu.Lock()
		if err != nil {
			ch.failed(err)
			break
		}
		ch.target = target
		room := ch.room()
		if room <= 0 || d.alone || d.closed {
			ch.wanted = true
			break
		}
		d.active += room
		list, later, err := ch.take(room, target, false)
		d.leave(room - len(list))
		if err != nil {
			ch.failed(err)
			break
		}
		ch.running += len(list)
		for _, w := range list {
			d.runs.Add(1)
			go ch.work(w)
		}
		ch.later(len(list) > 0, later)
	}
	ch.claiming = false
	// A notice may have come since the last look.
	ch.claim()
}

// later sees to what a claim has left.
func (ch *channel) later(got bool, l store.Later) {
	ch.failures = 0
	now := ch.d.cfg.Now()
	switch {
	case !got && !l.Due.IsZero() && !l.Due.After(now):
		ch.inVain()
	case l.Due.After(now):
		ch.vain = 0
		ch.arm(l.Due)
	default:
		ch.vain = 0
		ch.wanted = ch.wanted || !l.Due.IsZero()
	}
	if l.Suspect.After(now) {
		ch.arm(l.Suspect)
	} else if !l.Suspect.IsZero() {
		ch.d.suspicious(ch)
	}
}

// inVain looks again after a while that becomes longer.
func (ch *channel) inVain() {
	ch.arm(ch.d.cfg.Now().Add(min(vainWait<<min(ch.vain, 20), maxVainWait)))
	ch.vain++
}

func (ch *channel) failed(err error) {
	if errors.Is(err, store.ErrNotFound) || ch.d.ctx.Err() != nil {
		return // nobody takes these messages now; a change of the app is told
	}
	slog.Error("messages cannot be claimed", "channel", ch.id.Name, "kind", ch.id.Kind, "app_id", ch.id.AppID, "error", err)
	ch.failures++
	ch.arm(ch.d.cfg.Now().Add(min(storeRetry*time.Duration(ch.failures), maxStoreRetry)))
}

// prepare does what comes before a claim. The dispatcher is not locked.
func (ch *channel) prepare() (*Target, error) {
	ctx, cancel := context.WithTimeout(ch.d.ctx, storeTimeout)
	defer cancel()
	if err := ch.d.minding(ctx); err != nil {
		return nil, err
	}
	if err := ch.release(ctx); err != nil {
		return nil, err
	}
	t, err := ch.d.cfg.Target(ctx, ch.id)
	if err != nil {
		return nil, err
	}
	return t.withDefaults(), nil
}

// release gives up the leases of which it is not known whether there are any: nobody
// would take messages from a process that lives.
func (ch *channel) release(ctx context.Context) error {
	d := ch.d
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		now := d.cfg.Now()
		i := slices.IndexFunc(ch.unclear, func(x doubt) bool { return d.closed || !x.again.After(now) })
		if i < 0 {
			break
		}
		x := ch.unclear[i]
		d.mu.Unlock()
		err := d.cfg.Queue.Release(ctx, d.cfg.Owner, x.lease, now)
		d.mu.Lock()
		if err != nil {
			return err
		}
		ch.unclear = slices.DeleteFunc(ch.unclear, func(y doubt) bool { return y == x })
		if x.again.IsZero() && !d.closed {
			ch.unclear = append(ch.unclear, doubt{x.lease, now.Add(d.again)})
		}
	}
	for _, x := range ch.unclear {
		ch.arm(x.again)
	}
	return nil
}

// take claims at most room deliveries, or one of a suspect. The dispatcher is
// locked, but not meanwhile.
func (ch *channel) take(room int, t *Target, suspect bool) ([]*delivery, store.Later, error) {
	d, batch := ch.d, int(t.Delivery.BatchSize)
	length := t.length()
	now := d.cfg.Now()
	c := store.Claim{
		Channel: ch.id, Max: room, Batch: batch, Alone: t.Delivery.Alone(ch.id.Kind), Suspect: suspect,
		Token: store.NewIDAt(now), Lease: length, Owner: d.cfg.Owner, Boot: d.boot, At: now,
	}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(d.ctx, storeTimeout)
	list, later, err := d.cfg.Queue.Claim(ctx, c)
	cancel()
	d.mu.Lock()
	if errors.Is(err, store.ErrUnknownOutcome) {
		ch.unclear = append(ch.unclear, doubt{lease: c.Token})
	}
	if err != nil || len(list) == 0 {
		return nil, later, err
	}
	if store.Weight(list, batch) >= room*batch {
		ch.wanted = true
	}
	return deliveries(list, batch, newLease(d, c.Token, list, length, now.Add(length)), t), later, nil
}

// deliveries divides messages.
func deliveries(list []store.Message, batch int, l *lease, t *Target) (all []*delivery) {
	var open *delivery
	for i := range list {
		if list[i].ByItself() {
			all = append(all, &delivery{list[i : i+1 : i+1], l, t})
			continue
		}
		if open == nil || len(open.messages) == batch {
			open = &delivery{nil, l, t}
			all = append(all, open)
		}
		open.messages = append(open.messages, list[i])
	}
	return all
}

// work delivers. If the dispatcher was closed meanwhile the messages go back.
func (ch *channel) work(w *delivery) {
	d := ch.d
	defer d.runs.Done()
	d.cfg.Begin()
	defer d.cfg.End()
	if d.isClosed() {
		w.giveBack(time.Time{}, "")
	} else {
		w.deliver(d)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ch.running--
	d.leave(1)
	ch.claim()
}

func (d *Dispatcher) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}
