// Package dispatch delivers messages: it claims what is due, has it run, and
// returns what was not finished, to be tried again or as a dead letter.
//
// It polls nothing. A channel is looked at when the store says that it has
// messages, when the next of them is due, and when there is a new deployment.
package dispatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/clock"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Target is what the messages of a channel are delivered to.
type Target struct {
	Start    invoke.Start // complete but for the run's ID, its events and its lease
	Delivery store.Delivery
	Data     any // the caller's own
}

// withDefaults returns the target with what its delivery does not say.
func (t *Target) withDefaults() *Target {
	with := *t
	with.Delivery = t.Delivery.WithDefaults()
	return &with
}

// length is how long a lease of its messages lasts.
func (t *Target) length() time.Duration {
	return time.Duration(t.Delivery.VisibilityTimeoutMS) * time.Millisecond
}

// Outcome is what became of a run and of what it wanted committed.
type Outcome struct {
	Result  *invoke.Result
	Err     error          // the executor's, when there is no Result
	Acked   bool           // its messages are done
	Verdict invoke.Verdict // of its last commit; 0: it came to none
}

// Config wires a Dispatcher.
type Config struct {
	Queue store.Queue
	// Target returns where a channel's messages go; store.ErrNotFound: nowhere now.
	Target func(ctx context.Context, c store.Channel) (*Target, error)
	// Known is Target without asking anybody: nil when it is not at hand.
	Known func(c store.Channel) *Target
	// Run executes, and records the execution.
	Run func(ctx context.Context, start *invoke.Start, t *Target) Outcome
	// Owner is this node's name, which it keeps for ever; Boot names this start of its
	// process. Empty: a name is made.
	Owner, Boot string
	// Begin and End are called around work, for who wants to know whether there is any.
	Begin, End func()
	Now        func() time.Time
}

// Dispatcher delivers the messages of all channels. Its methods are safe for
// concurrent use.
type Dispatcher struct {
	cfg    Config
	boot   string // names this start of the process
	ctx    context.Context
	cancel context.CancelFunc
	runs   sync.WaitGroup // goroutines

	steps    *steps
	patience time.Duration // alonePatience
	again    time.Duration // releaseAgain

	mu        sync.Mutex
	started   bool
	closed    bool
	channels  map[store.Channel]*channel // those that have work or wait for a time
	scanning  bool
	scanAgain bool
	rescan    *clock.Timer
	stops     []func()

	active   int           // deliveries that run, or are being claimed
	alone    bool          // a suspect runs, or waits for quiet: nothing else begins
	quiet    chan struct{} // closed when active is 0; nil: nobody waits for it
	suspects []*channel    // that have some which are due
}

// Waits after a failure of the store.
const (
	storeRetry    = time.Second
	storeTimeout  = 30 * time.Second
	maxStoreRetry = 10 * time.Second
)

// New returns a Dispatcher that delivers nothing yet.
func New(cfg Config) *Dispatcher {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	}
	if cfg.Begin == nil {
		cfg.Begin, cfg.End = func() {}, func() {}
	}
	if cfg.Boot == "" {
		cfg.Boot = store.NewID()
	}
	d := &Dispatcher{cfg: cfg, boot: cfg.Boot, channels: map[store.Channel]*channel{}, steps: newSteps(), patience: alonePatience, again: releaseAgain}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Start takes back what a former process of this node had leased, and begins to
// deliver.
func (d *Dispatcher) Start(ctx context.Context) error {
	n, err := d.cfg.Queue.Recover(ctx, d.cfg.Owner, d.boot, d.cfg.Now())
	if err != nil {
		return err
	}
	if n > 0 {
		slog.Info("messages that were being handled when the process died are delivered again", "messages", n)
	}
	d.steps.look()
	stops := []func(){d.cfg.Queue.Watch(d.noticed), d.cfg.Queue.HandOff(d.offer), clock.OnStep(d.Scan)}
	d.mu.Lock()
	d.started, d.stops, d.rescan = true, stops, clock.NewTimer(d.Scan)
	d.mu.Unlock()
	d.Scan()
	return nil
}

// Scan looks for channels with messages: after a change of an app, whose
// channels may have got a script, and when news may have been missed.
func (d *Dispatcher) Scan() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || !d.started {
		return
	}
	d.scanAgain = true
	if !d.scanning {
		d.scanning = true
		d.runs.Add(1)
		go d.scan()
	}
}

func (d *Dispatcher) scan() {
	defer d.runs.Done()
	d.cfg.Begin()
	defer d.cfg.End()
	for {
		d.mu.Lock()
		if !d.scanAgain || d.closed {
			d.scanning = false
			d.mu.Unlock()
			return
		}
		d.scanAgain = false
		d.mu.Unlock()
		ctx, cancel := context.WithTimeout(d.ctx, storeTimeout)
		err := d.minding(ctx)
		var due map[store.Channel]time.Time
		if err == nil {
			due, err = d.cfg.Queue.DueChannels(ctx)
		}
		cancel()
		if err != nil {
			if d.ctx.Err() == nil {
				slog.Error("the waiting messages cannot be looked at", "error", err)
				d.rescan.Set(time.Now().Add(storeRetry))
			}
			continue
		}
		d.forgetTargets()
		for c, at := range due {
			d.noticed(c, at)
		}
	}
}

// forgetTargets has each channel ask for its target before it says that there is no
// room: a new deployment may have given it more.
func (d *Dispatcher) forgetTargets() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ch := range d.channels {
		ch.target = nil
	}
}

// noticed is called by the store.
func (d *Dispatcher) noticed(c store.Channel, due time.Time) {
	if c == (store.Channel{}) {
		d.Scan()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.channel(c).noticed(due)
	}
}

// channel returns what is known of a channel. The dispatcher is locked.
func (d *Dispatcher) channel(c store.Channel) *channel {
	ch := d.channels[c]
	if ch == nil {
		ch = newChannel(d, c)
		d.channels[c] = ch
	}
	return ch
}

// Close claims no more and waits for what runs as
// long as ctx lives; then it cancels it.
func (d *Dispatcher) Close(ctx context.Context) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.closed = true
	stops, rescan := d.stops, d.rescan
	for _, ch := range d.channels {
		ch.timer.Stop()
	}
	d.mu.Unlock()
	if rescan != nil {
		rescan.Stop()
	}
	for _, stop := range stops {
		stop()
	}
	ended := make(chan struct{})
	go func() {
		d.runs.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	d.cancel()
	<-ended
	d.releaseAll()
}

// releaseAll gives up, at the end, the leases of which it is not known whether
// there are any. What fails the next start of the process finds.
func (d *Dispatcher) releaseAll() {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	for _, ch := range d.channels {
		if err := ch.release(ctx); err != nil {
			slog.Error("messages cannot be returned to their channel", "channel", ch.id.Name, "kind", ch.id.Kind, "app_id", ch.id.AppID, "error", err)
			return
		}
	}
}

// pause waits a little, longer with each attempt; false when ctx has ended.
func pause(ctx context.Context, attempt int, first, longest time.Duration) bool {
	wait := longest
	if attempt < 20 {
		wait = min(first<<attempt, longest)
	}
	t := time.NewTimer(wait/2 + rand.N(wait/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
