package dispatch

import (
	"context"
	"errors"
	"log/slog"
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
	target   *Target
	ready    []*delivery // claimed, not begun
	inHand   int         // messages that are claimed and not finished
	running  int         // workers
	fast     bool        // the last handler was done at once
}

// delivery is what one run gets.
type delivery struct {
	messages []store.Message
	lease    *lease
	target   *Target
}

// fastRun is how long a handler may take for the next messages to be claimed
// before it has ended: its own would only wait for a claim.
const fastRun = 50 * time.Millisecond

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

// arm has the channel looked at when the time comes.
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

// room is how many more messages may be claimed now.
func (ch *channel) room() int {
	if ch.target == nil {
		return 1
	}
	one := int(ch.target.Delivery.Concurrency * ch.target.Delivery.BatchSize)
	most := one
	if ch.fast && !ch.target.Delivery.Alone(ch.id.Kind) {
		most = 2 * one
	}
	// Few at a time would be many claims.
	if ch.inHand > 0 && most-ch.inHand < (one+1)/2 {
		return 0
	}
	return most - ch.inHand
}

// claim starts claiming if there is a reason to.
func (ch *channel) claim() {
	if ch.claiming || ch.d.closed || !ch.wanted || ch.room() <= 0 {
		ch.drop()
		return
	}
	ch.claiming = true
	ch.d.runs.Add(1)
	go ch.claimAll()
}

// drop forgets a channel that has nothing to do.
func (ch *channel) drop() {
	if !ch.wanted && !ch.claiming && ch.inHand == 0 && ch.running == 0 && ch.due.IsZero() && ch.d.channels[ch.id] == ch {
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
	for ch.wanted && !d.closed {
		ch.wanted = false
		d.mu.Unlock()
		target, err := ch.lookUp()
		d.mu.Lock()
		if err != nil {
			ch.failed(err)
			break
		}
		ch.target = target
		room := ch.room()
		if room <= 0 {
			ch.wanted = true
			break
		}
		d.mu.Unlock()
		l, list, next, err := ch.take(room, target)
		d.mu.Lock()
		if err != nil {
			ch.failed(err)
			break
		}
		ch.failures = 0
		ch.wanted = ch.wanted || len(list) == room
		ch.arm(next)
		ch.inHand += len(list)
		ch.hand(l, list, target)
	}
	ch.claiming = false
	// A notice may have come since the last look.
	ch.claim()
}

func (ch *channel) failed(err error) {
	if errors.Is(err, store.ErrNotFound) || ch.d.ctx.Err() != nil {
		return // nobody takes these messages now; a change of the app is told
	}
	slog.Error("messages cannot be claimed", "channel", ch.id.Name, "kind", ch.id.Kind, "app_id", ch.id.AppID, "error", err)
	ch.failures++
	ch.arm(ch.d.cfg.Now().Add(min(storeRetry*time.Duration(ch.failures), maxStoreRetry)))
}

func (ch *channel) lookUp() (*Target, error) {
	ctx, cancel := context.WithTimeout(ch.d.ctx, storeTimeout)
	defer cancel()
	t, err := ch.d.cfg.Target(ctx, ch.id)
	if err != nil {
		return nil, err
	}
	withDefaults := *t
	withDefaults.Delivery = t.Delivery.WithDefaults()
	return &withDefaults, nil
}

func (ch *channel) take(room int, t *Target) (*lease, []store.Message, time.Time, error) {
	ctx, cancel := context.WithTimeout(ch.d.ctx, storeTimeout)
	defer cancel()
	length := time.Duration(t.Delivery.VisibilityTimeoutMS) * time.Millisecond
	now := ch.d.cfg.Now()
	list, next, err := ch.d.cfg.Queue.Claim(ctx, store.Claim{
		Channel: ch.id, Max: room, Alone: t.Delivery.Alone(ch.id.Kind), Lease: length, Owner: ch.d.cfg.Owner, Boot: ch.d.boot, At: now,
	})
	if err != nil || len(list) == 0 {
		return nil, nil, next, err
	}
	return newLease(ch.d, list, length, now.Add(length)), list, next, nil
}

// hand gives messages to workers. If the dispatcher was closed meanwhile they go
// back by themselves.
func (ch *channel) hand(l *lease, list []store.Message, t *Target) {
	var batch *delivery
	for i := range list {
		m := list[i]
		if t.Delivery.BatchSize == 1 || m.Single || m.Crashes > 0 {
			ch.ready = append(ch.ready, &delivery{[]store.Message{m}, l, t})
			continue
		}
		if batch == nil || int64(len(batch.messages)) == t.Delivery.BatchSize {
			batch = &delivery{nil, l, t}
			ch.ready = append(ch.ready, batch)
		}
		batch.messages = append(batch.messages, m)
	}
	for range min(len(ch.ready), int(t.Delivery.Concurrency)-ch.running) {
		ch.running++
		ch.d.runs.Add(1)
		go ch.work()
	}
}

// work delivers until nothing is ready.
func (ch *channel) work() {
	d := ch.d
	defer d.runs.Done()
	d.cfg.Begin()
	defer d.cfg.End()
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(ch.ready) > 0 && int64(ch.running) <= max(ch.target.Delivery.Concurrency, 1) {
		w := ch.ready[0]
		ch.ready[0] = nil
		ch.ready = ch.ready[1:]
		d.mu.Unlock()
		began := time.Now()
		if d.isClosed() {
			w.giveBack(time.Time{}, "")
		} else {
			w.deliver(d)
		}
		took := time.Since(began)
		d.mu.Lock()
		ch.fast = took < fastRun
		ch.inHand -= len(w.messages)
		ch.claim()
	}
	ch.running--
	ch.claim()
}

func (d *Dispatcher) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}
