package outbound

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener for connections inside the process.
type pipes struct{ conns chan net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A connection is used again, and closes by itself when nobody does; then nothing
// is left that would wake up.
func TestIdleConnectionsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{make(chan net.Conn)}
		states := make(chan http.ConnState, 100)
		s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ConnState: func(_ net.Conn, s http.ConnState) { states <- s }}
		go s.Serve(l) //nolint:errcheck // ends when the listener does
		dials := 0
		c := New(Config{
			Resolver: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
			},
			Dial: func(context.Context, string, netip.AddrPort) (net.Conn, error) {
				dials++
				a, b := net.Pipe()
				l.conns <- b
				return a, nil
			},
			Local: func() []netip.Addr { return nil },
		})
		call := func() {
			t.Helper()
			if _, _, _, err := get(t, c, Request{URL: "http://api.example/"}); err != nil {
				t.Fatal(err)
			}
		}
		call()
		time.Sleep(idleTimeout - time.Second)
		call()
		if dials != 1 {
			t.Errorf("%d connections for two calls", dials)
		}
		time.Sleep(idleTimeout + time.Second)
		synctest.Wait()
		last := http.StateNew
		for len(states) > 0 {
			last = <-states
		}
		if last != http.StateClosed {
			t.Errorf("the connection is %v", last)
		}
		call()
		if dials != 2 {
			t.Errorf("%d connections", dials)
		}
		c.Close()
		close(l.conns)
	})
}
