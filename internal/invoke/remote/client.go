package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Grace is how long Run waits for a cancelled run to end.
const Grace = 5 * time.Second

// Client is an invoke.Executor on the other side of a connection, which it
// makes for the first run and again for the first run after it was lost.
type Client struct {
	dial            func(context.Context) (net.Conn, error)
	closedAddresses func() []netip.AddrPort // nil: there are none to tell of

	dialing chan struct{} // held by whoever connects
	mu      sync.Mutex
	current *clientConn
	closed  bool
}

// NewClient returns a Client that connects with dial.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{dial: dial, dialing: make(chan struct{}, 1)}
}

// NewUnixClient returns a Client of the executor that listens on the Unix
// socket with the given path.
func NewUnixClient(path string) *Client {
	var d net.Dialer
	return NewClient(func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "unix", path) })
}

// Close drops the connection. Runs that are open end with ErrLost.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	cc := c.current
	c.current = nil
	c.mu.Unlock()
	if cc != nil {
		cc.conn.close(errClosed)
		<-cc.ended
	}
	return nil
}

// CloseIdle begins no more runs; the connection is dropped when the last one that
// is open has ended.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	c.closed = true
	cc := c.current
	c.mu.Unlock()
	if cc == nil {
		return
	}
	cc.mu.Lock()
	defer cc.mu.Unlock()
	cc.leaving = true
	cc.closeIfDone()
}

// clientConn is one connection and the runs on it.
type clientConn struct {
	conn  *conn
	ended chan struct{}

	mu      sync.Mutex
	next    uint64
	streams map[uint64]*clientStream
	leaving bool // the executor takes no more runs here

	introduced chan struct{} // closed once about is known
	about      About
}

type clientStream struct {
	messages chan clientMessage
}

type clientMessage struct {
	t    messageType
	body []byte
}

// connect returns the connection, made anew when there is none that works.
func (c *Client) connect(ctx context.Context) (*clientConn, error) {
	if cc, err := c.usable(); cc != nil || err != nil {
		return cc, err
	}
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if cc, err := c.usable(); cc != nil || err != nil {
		return cc, err
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	nc, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := hello(nc); err != nil {
		nc.Close()
		return nil, err
	}
	cc := &clientConn{streams: map[uint64]*clientStream{}, ended: make(chan struct{}), introduced: make(chan struct{})}
	cc.mu.Lock() // until conn is set
	cc.conn = newConn(nc, cc.receive, func(error) { close(cc.ended) })
	cc.mu.Unlock()
	var told []byte
	if c.closedAddresses != nil {
		told = encodeAddresses(c.closedAddresses())
		if _, err := cc.conn.send(ctx, typeClosed, 0, told); err != nil {
			cc.conn.close(err)
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		cc.conn.close(errClosed)
		return nil, errClosed
	}
	c.current = cc
	if c.closedAddresses != nil {
		// From here on TellClosed knows of this connection; what it missed before is told now.
		if now := encodeAddresses(c.closedAddresses()); !bytes.Equal(now, told) {
			cc.tellClosed(now)
		}
	}
	return cc, nil
}

func (c *Client) usable() (*clientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	cc := c.current
	if cc == nil || cc.conn.closed() {
		return nil, nil
	}
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.leaving {
		return nil, nil
	}
	return cc, nil
}

func (cc *clientConn) receive(t messageType, stream uint64, body []byte) error {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	switch t {
	case typeGoAway:
		cc.leaving = true
		cc.closeIfDone()
		return nil
	case typeAbout:
		return cc.introduce(body)
	}
	s := cc.streams[stream]
	if s == nil {
		return nil // given up here
	}
	select {
	case s.messages <- clientMessage{t, body}:
		return nil
	default:
		return errors.New("the executor made two calls at once for one run")
	}
}

func (cc *clientConn) open() (uint64, *clientStream) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	cc.next++
	// Room for one call and the result: more cannot be on the way.
	s := &clientStream{messages: make(chan clientMessage, 2)}
	cc.streams[cc.next] = s
	return cc.next, s
}

func (cc *clientConn) forget(id uint64) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	delete(cc.streams, id)
	cc.closeIfDone()
}

// closeIfDone closes a connection that the executor wants to leave when its
// last run has ended. cc.mu is held.
func (cc *clientConn) closeIfDone() {
	if cc.leaving && len(cc.streams) == 0 {
		cc.conn.close(errClosed)
	}
}

// Run implements invoke.Executor.
func (c *Client) Run(ctx context.Context, start *invoke.Start, host invoke.Host) (*invoke.Result, error) {
	began := time.Now()
	cc, err := c.connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return cancelled(ctx, began), nil
		}
		return nil, fmt.Errorf("%w: %w", invoke.ErrUnreachable, err)
	}
	id, s := cc.open()
	defer cc.forget(id)
	if sent, err := cc.conn.send(ctx, typeStart, id, encodeStart(start, began)); !sent {
		if ctx.Err() != nil {
			return cancelled(ctx, began), nil
		}
		return nil, fmt.Errorf("%w: %w", invoke.ErrUnreachable, err)
	}
	return cc.follow(ctx, id, s, host, began)
}

// follow serves a run that has been sent until it ends.
func (cc *clientConn) follow(ctx context.Context, id uint64, s *clientStream, host invoke.Host, began time.Time) (*invoke.Result, error) {
	done := ctx.Done()
	var grace <-chan time.Time
	for {
		select {
		case m := <-s.messages:
			switch m.t {
			case typeResult:
				res, err := decodeResult(m.body)
				if err != nil {
					return nil, fmt.Errorf("%w: its result is malformed: %w", invoke.ErrLost, err)
				}
				if res.Status == "" {
					return nil, fmt.Errorf("%w: %s", invoke.ErrLost, res.Error)
				}
				return res, nil
			case typeCall:
				k, err := decodeCall(m.body)
				if err != nil {
					return nil, fmt.Errorf("%w: a call is malformed: %w", invoke.ErrLost, err)
				}
				// The result of a cancelled run is still waited for, so the answer is sent.
				if _, err := cc.conn.send(context.WithoutCancel(ctx), typeReply, id, answer(ctx, host, k).encode()); err != nil {
					return nil, fmt.Errorf("%w: %w", invoke.ErrLost, err)
				}
			}
		case <-done:
			done = nil
			t := time.NewTimer(Grace)
			defer t.Stop()
			grace = t.C
			quick, stop := context.WithTimeout(context.WithoutCancel(ctx), Grace)
			_, err := cc.conn.send(quick, typeCancel, id, nil)
			stop()
			if err != nil && quick.Err() == nil {
				return nil, fmt.Errorf("%w: %w", invoke.ErrLost, err)
			}
		case <-grace:
			return cancelled(ctx, began), nil
		case <-cc.conn.dead:
			// The result may have come just before.
			select {
			case m := <-s.messages:
				if m.t == typeResult {
					if res, err := decodeResult(m.body); err == nil && res.Status != "" {
						return res, nil
					}
				}
			default:
			}
			return nil, fmt.Errorf("%w: %w", invoke.ErrLost, cc.conn.cause)
		}
	}
}

// cancelled is the result of a run that was given up.
func cancelled(ctx context.Context, began time.Time) *invoke.Result {
	return &invoke.Result{
		Status:    store.StatusCancelled,
		Error:     fmt.Sprintf("cancelled: %v", context.Cause(ctx)),
		StartedAt: began.UTC(),
		Duration:  time.Since(began),
	}
}
