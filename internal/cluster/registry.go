package cluster

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// A process that lives extends its lease each Heartbeat; it counts as gone when it
// has missed two.
const (
	Heartbeat = 5 * time.Second
	Lease     = 3 * Heartbeat
	// storeTimeout bounds one look at the list.
	storeTimeout = 5 * time.Second
	// refreshEvery is the least time between two looks that somebody asks for.
	refreshEvery = 250 * time.Millisecond
	// While this process has extended its lease without a pause longer than maxPause,
	// the others could have, too; after steadyFor they have, if they live.
	maxPause  = Heartbeat + Heartbeat/2
	steadyFor = 2 * Heartbeat
)

// Registry keeps processes on the list of a cluster, and knows the others on it.
// Its methods are safe for concurrent use.
type Registry struct {
	store   store.Nodes
	version string
	log     *slog.Logger
	known   atomic.Pointer[[]store.Node]
	changed atomic.Pointer[func()] // nil: nobody wants to know

	cancel context.CancelFunc
	ended  chan struct{}
	beat   chan struct{} // beat now

	writing sync.Mutex    // held while the list is written
	steady  time.Duration // for how long this orchestrator has extended its lease without a pause; guarded by writing

	mu   sync.Mutex
	own  map[store.NodeKind]store.Node
	look *look
	told map[store.Node]bool // those of other releases that were logged
}

// look is a reading of the list, for all who wait for one.
type look struct {
	done chan struct{}
	at   time.Time // when it ended; zero: it goes on
}

// Join begins to keep what Keep is given on the list, and to read it. version is
// this process's release: it logs when others run another one.
func Join(s store.Nodes, version string, log *slog.Logger) *Registry {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Registry{
		store: s, version: version, log: log, told: map[store.Node]bool{}, cancel: cancel, ended: make(chan struct{}), beat: make(chan struct{}, 1),
		own: map[store.NodeKind]store.Node{},
	}
	r.known.Store(new([]store.Node))
	go r.loop(ctx)
	r.wake()
	return r
}

// Keep puts a process on the list, in the place of an earlier one of its kind: it is
// there when Keep returns, or with a later heartbeat if the database does not answer.
func (r *Registry) Keep(n store.Node) {
	r.mu.Lock()
	r.own[n.Kind] = n
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	r.write(ctx)
	r.wake()
}

// Drop takes the process of a kind off the list, if it can be reached.
func (r *Registry) Drop(kind store.NodeKind) {
	r.mu.Lock()
	n, kept := r.own[kind]
	delete(r.own, kind)
	r.mu.Unlock()
	if !kept {
		return
	}
	r.writing.Lock() // or a heartbeat under way would put it back
	defer r.writing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := r.store.RemoveNode(ctx, n); err != nil {
		r.log.Warn("a process stays on the list of the cluster until its lease ends", "kind", kind, "error", err)
	}
}

// Close takes everything off the list that Keep put there.
func (r *Registry) Close() {
	r.cancel()
	<-r.ended
	for _, kind := range []store.NodeKind{store.NodeManager, store.NodeOrchestrator, store.NodeExecutor} {
		r.Drop(kind)
	}
}

// Of returns the processes of a kind that lived when the list was last read. The
// result is not to be changed.
func (r *Registry) Of(kind store.NodeKind) []store.Node {
	list := *r.known.Load()
	from, _ := slices.BinarySearchFunc(list, kind, func(n store.Node, k store.NodeKind) int { return compare(n.Kind, k) })
	to := from
	for to < len(list) && list[to].Kind == kind {
		to++
	}
	return list[from:to]
}

func compare(a, b store.NodeKind) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// OnChange has f called when the list, as Of tells of it, has changed. f must not block.
func (r *Registry) OnChange(f func()) { r.changed.Store(&f) }

// Refresh reads the list again, for who cannot reach what is on it. Many who ask
// at once, or soon one after the other, cause one reading.
func (r *Registry) Refresh(ctx context.Context) {
	r.mu.Lock()
	l := r.look
	if l == nil || !l.at.IsZero() && time.Since(l.at) >= refreshEvery {
		l = &look{done: make(chan struct{})}
		r.look = l
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
			defer cancel()
			r.read(ctx)
			r.mu.Lock()
			l.at = time.Now()
			r.mu.Unlock()
			close(l.done)
		}()
	}
	r.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
	}
}

func (r *Registry) wake() {
	select {
	case r.beat <- struct{}{}:
	default:
	}
}

func (r *Registry) loop(ctx context.Context) {
	defer close(r.ended)
	t := time.NewTicker(Heartbeat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-r.beat:
		}
		r.extend(ctx)
	}
}

// extend extends all leases and reads the list, and sees to what those have left whose
// lease has ended.
func (r *Registry) extend(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, storeTimeout)
	defer cancel()
	if !r.write(ctx) {
		return
	}
	r.read(ctx)
	r.writing.Lock()
	sure := r.steady >= steadyFor
	r.writing.Unlock()
	if sure {
		r.recover(parent)
	}
}

// recover has the messages delivered that orchestrators which are gone have left.
func (r *Registry) recover(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	gone, messages, err := r.store.RecoverNodes(ctx, time.Now().UTC().Truncate(time.Microsecond))
	switch {
	case err != nil:
		if ctx.Err() == nil {
			r.log.Warn("what nodes have left that are gone cannot be taken over", "error", err)
		}
	case len(gone) > 0:
		r.log.Warn("nodes are gone without a word: what they were handling is delivered again", "nodes", gone, "messages", messages)
	}
}

// extended notes that a lease was extended of which so much was left.
func (r *Registry) extended(n store.Node, left time.Duration) {
	if n.Kind != store.NodeOrchestrator {
		return
	}
	if pause := Lease - left; pause <= maxPause {
		r.steady += pause
	} else {
		r.steady = 0
	}
}

// write extends all leases; false: it cannot.
func (r *Registry) write(ctx context.Context) bool {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	own := make([]store.Node, 0, len(r.own))
	for _, n := range r.own {
		own = append(own, n)
	}
	r.mu.Unlock()
	for _, n := range own {
		left, err := r.store.KeepNode(ctx, n, Lease)
		if err != nil {
			r.steady = 0
			if ctx.Err() == nil {
				r.log.Warn("the list of the cluster cannot be written", "error", err)
			}
			return false
		}
		r.extended(n, left)
	}
	return true
}

// read reads the list. What it said before counts while it cannot be read.
func (r *Registry) read(ctx context.Context) {
	list, err := r.store.Nodes(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the list of the cluster cannot be read", "error", err)
		}
		return
	}
	slices.SortStableFunc(list, func(a, b store.Node) int { return compare(a.Kind, b.Kind) })
	if before := r.known.Swap(&list); !slices.Equal(*before, list) {
		if f := r.changed.Load(); f != nil {
			(*f)()
		}
	}
	for _, n := range list {
		r.mu.Lock()
		tell := n.Version != r.version && !r.told[n]
		r.told[n] = r.told[n] || tell
		r.mu.Unlock()
		if tell {
			r.log.Warn("a process of the cluster runs another release: bring all to the same one", "kind", n.Kind, "node", n.Name, "its_release", n.Version, "own_release", r.version)
		}
	}
}
