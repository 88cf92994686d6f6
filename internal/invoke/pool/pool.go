// Package pool is the executors of a cluster as one: a run goes to the one of its
// own node, and to others when nothing of it has reached that one.
package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/store"
)

// downFor is how long an executor that could not be reached is asked last.
const downFor = time.Second

// Config wires an Executor.
type Config struct {
	// Own is the executor of the same node.
	Own *remote.Client
	// Others returns the executors of the other nodes. It is called for runs that
	// Own does not take, and must not block.
	Others func() []store.Node
	// Dial connects to another node's.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Closed returns the addresses that no script may reach, whatever is open to it:
	// PiCloud's own. It must not block.
	Closed func() []netip.AddrPort
}

// Executor is an invoke.Executor of several.
type Executor struct {
	cfg  Config
	own  member
	next atomic.Uint64

	mu      sync.Mutex
	members map[string]*member // by address
	closed  bool
}

// member is one executor.
type member struct {
	client *remote.Client
	down   atomic.Int64 // until when it is asked last, in nanoseconds since 1970
}

// New returns an Executor. It owns cfg.Own; Close it.
func New(cfg Config) *Executor {
	cfg.Own.Closed(cfg.Closed)
	return &Executor{cfg: cfg, own: member{client: cfg.Own}, members: map[string]*member{}}
}

// Run implements invoke.Executor. The executor of the same node comes first, then
// each of the others until one takes the run: one that cannot be reached, or that
// refuses it for overload, has not begun it. What was lost on the way is not
// repeated.
func (e *Executor) Run(ctx context.Context, start *invoke.Start, host invoke.Host) (*invoke.Result, error) {
	var res *invoke.Result
	err := fmt.Errorf("%w: no executor is known", invoke.ErrUnreachable)
	try := func(m *member) (done bool) {
		r, e := m.run(ctx, start, host)
		done = !again(ctx, r, e)
		if done || res == nil { // a refusal says more than that nobody is there
			res, err = r, e
		}
		return done
	}
	down := e.own.isDown(time.Now())
	if !down && try(&e.own) {
		return res, err
	}
	for _, m := range e.others() {
		if try(m) {
			return res, err
		}
	}
	if down {
		try(&e.own)
	}
	return res, err
}

// again reports whether a run has not begun, and may elsewhere.
func again(ctx context.Context, res *invoke.Result, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	return errors.Is(err, invoke.ErrUnreachable) || err == nil && res.Status == store.StatusRejected
}

func (m *member) isDown(now time.Time) bool { return m.down.Load() > now.UnixNano() }

func (m *member) run(ctx context.Context, start *invoke.Start, host invoke.Host) (*invoke.Result, error) {
	res, err := m.client.Run(ctx, start, host)
	if errors.Is(err, invoke.ErrUnreachable) {
		m.down.Store(time.Now().Add(downFor).UnixNano())
	}
	return res, err
}

// others returns the other nodes' executors in the order in which they are tried:
// each has its turn to be the first, and those that could not be reached are last.
func (e *Executor) others() []*member {
	nodes := e.cfg.Others()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	list := make([]*member, 0, len(nodes))
	listed := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		if n.Address == "" || listed[n.Address] {
			continue
		}
		listed[n.Address] = true
		m := e.members[n.Address]
		if m == nil {
			m = &member{client: remote.NewClient(func(ctx context.Context) (net.Conn, error) {
				conn, err := e.cfg.Dial(ctx, n.Address)
				if err != nil {
					return nil, fmt.Errorf("executor %s: %w", n.Address, err)
				}
				return conn, nil
			})}
			m.client.Closed(e.cfg.Closed)
			e.members[n.Address] = m
		}
		list = append(list, m)
	}
	for address, m := range e.members {
		if !listed[address] {
			delete(e.members, address)
			m.client.CloseIdle()
		}
	}
	if len(list) > 1 {
		first := int(e.next.Add(1) % uint64(len(list)))
		list = append(list[first:], list[:first]...)
	}
	now := time.Now()
	var up, down []*member
	for _, m := range list {
		if m.isDown(now) {
			down = append(down, m)
		} else {
			up = append(up, m)
		}
	}
	return append(up, down...)
}

// TellClosed tells all executors that are connected what Closed returns now. It does
// not wait until they know.
func (e *Executor) TellClosed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.own.client.TellClosed()
	for _, m := range e.members {
		m.client.TellClosed()
	}
}

// Close drops all connections. Runs that are open end with invoke.ErrLost.
func (e *Executor) Close() {
	e.mu.Lock()
	e.closed = true
	members := e.members
	e.members = nil
	e.mu.Unlock()
	e.own.client.Close()
	for _, m := range members {
		m.client.Close()
	}
}
