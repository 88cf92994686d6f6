package remote

import (
	"context"
	"fmt"
	"net/netip"
)

// About is what an executor says of itself when a connection begins.
type About struct {
	Version string // the release that it runs
	Address string // HOST:PORT at which other nodes reach it; empty: they do not
	Boot    string // names this start of its process
}

// Introduce has the server say that of itself on each connection to come.
func (s *Server) Introduce(a About) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.about = encodeAbout(a)
}

// Connect makes the connection if there is none, and returns what the executor
// says of itself. lost is closed when that connection ends.
func (c *Client) Connect(ctx context.Context) (a About, lost <-chan struct{}, err error) {
	cc, err := c.connect(ctx)
	if err != nil {
		return a, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	select {
	case <-cc.introduced:
		return cc.about, cc.ended, nil
	case <-cc.ended:
		return a, nil, fmt.Errorf("the connection to the executor ended: %w", cc.conn.cause)
	case <-ctx.Done():
		return a, nil, fmt.Errorf("the executor does not say who it is: %w", ctx.Err())
	}
}

// introduce notes what the executor said first; cc.mu is held.
func (cc *clientConn) introduce(body []byte) error {
	select {
	case <-cc.introduced:
		return nil
	default:
	}
	var err error
	if cc.about, err = decodeAbout(body); err != nil {
		return fmt.Errorf("malformed introduction: %w", err)
	}
	close(cc.introduced)
	return nil
}

// Closed has the client say, when a connection begins, at which addresses PiCloud
// itself listens: no script may reach them. f must not block. Set it before the first
// Run.
func (c *Client) Closed(f func() []netip.AddrPort) { c.closedAddresses = f }

// TellClosed has the client say so again, on the connection that it has, because there
// are more. It does not wait until that is sent.
func (c *Client) TellClosed() {
	c.mu.Lock()
	cc := c.current
	c.mu.Unlock()
	if cc != nil && c.closedAddresses != nil {
		cc.tellClosed(encodeAddresses(c.closedAddresses()))
	}
}

func (cc *clientConn) tellClosed(list []byte) {
	// It ends with the connection, which a peer that does not read loses. An error means
	// that it has ended; the next one begins with what is closed then.
	go cc.conn.send(context.Background(), typeClosed, 0, list)
}

// OnClosed has f called with the addresses that clients say no script may reach. It
// must not block. Set it before Serve.
func (s *Server) OnClosed(f func(at []netip.AddrPort)) { s.onClosed = f }

func encodeAddresses(list []netip.AddrPort) []byte {
	e := &encoder{}
	for _, at := range list {
		e.item(1, at.String())
	}
	return e.b
}

func decodeAddresses(b []byte) (list []netip.AddrPort, err error) {
	err = fields(b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		at, err := netip.ParseAddrPort(f.string())
		list = append(list, at)
		return err
	})
	return list, err
}

func encodeAbout(a About) []byte {
	e := &encoder{}
	e.string(1, a.Version)
	e.string(2, a.Address)
	e.string(3, a.Boot)
	return e.b
}

func decodeAbout(b []byte) (a About, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			a.Version = f.string()
		case 2:
			a.Address = f.string()
		case 3:
			a.Boot = f.string()
		}
		return nil
	})
	return a, err
}
