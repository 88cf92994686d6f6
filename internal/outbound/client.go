// Package outbound makes the HTTP calls of scripts. It reaches the public
// internet and nothing else, whatever name, number or redirect leads there,
// unless an admin of the instance has opened a network to the app; and never
// PiCloud's own addresses. It takes no proxy from the environment: a proxy
// would connect in its place, unseen.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what a Client needs to know. The zero value is a guard without
// exceptions.
type Config struct {
	// Own are the addresses that PiCloud itself listens on, also later ones (see
	// Client.Own). No setting opens them.
	Own []netip.AddrPort
	// UserAgent is sent unless a script sends its own.
	UserAgent string

	// Opening says how an address that is refused can be opened; empty: for an app.
	Opening string

	// The rest is for tests; zero means the system's own.
	Resolver Resolver
	Dial     func(ctx context.Context, network string, at netip.AddrPort) (net.Conn, error)
	Local    func() []netip.Addr // the addresses of this machine
	Roots    *x509.CertPool
}

const (
	idleTimeout   = 30 * time.Second // of a connection that nobody uses
	idleAll       = 32               // connections kept idle for an app
	idleHost      = 8                // of those, to one host
	maxTransports = 256
	maxHeaders    = 256 << 10 // of an answer, in bytes
)

// Client makes calls. It is safe for concurrent use. Connections are kept for
// the next call of the same app; without calls they close by themselves, and
// then it neither holds nor does anything.
type Client struct {
	cfg     Config
	resolve Resolver
	dial    func(ctx context.Context, network string, at netip.AddrPort) (net.Conn, error)
	local   func() []netip.Addr

	mu         sync.Mutex
	transports map[string]*transport // by app and open networks
}

// transport is the connections of one app: what one app's calls leave behind in
// a connection must not meet another's.
type transport struct {
	*http.Transport
	calls int // under way
	used  time.Time
}

// New returns a Client. Close it to close its idle connections.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg, resolve: cfg.Resolver, dial: cfg.Dial, local: cfg.Local, transports: map[string]*transport{}}
	if c.cfg.UserAgent == "" {
		c.cfg.UserAgent = "PiCloud"
	}
	if c.cfg.Opening == "" {
		c.cfg.Opening = "an admin of the instance can open it to the app (pic apps update APP --add-open-network ADDRESS)"
	}
	if c.resolve == nil {
		c.resolve = systemResolver
	}
	if c.dial == nil {
		var d net.Dialer
		c.dial = func(ctx context.Context, network string, at netip.AddrPort) (net.Conn, error) {
			return d.DialContext(ctx, network, at.String())
		}
	}
	if c.local == nil {
		c.local = interfaceAddrs
	}
	return c
}

// Close closes the idle connections. Calls under way go on.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, t := range c.transports {
		t.CloseIdleConnections()
		delete(c.transports, key)
	}
}

// acquire returns the transport of an app. release it when the answer has been
// read. When networks are closed again, connections that were made while they
// were open are not used any more.
func (c *Client) acquire(app string, networks []string) (t *transport, release func()) {
	key := app + " " + strings.Join(networks, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	t = c.transports[key]
	if t == nil {
		if len(c.transports) >= maxTransports {
			c.forget()
		}
		d := &dialer{client: c, networks: networks}
		t = &transport{Transport: &http.Transport{
			DialContext:            d.dial,
			ForceAttemptHTTP2:      true,
			TLSClientConfig:        &tls.Config{RootCAs: c.cfg.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           idleAll,
			MaxIdleConnsPerHost:    idleHost,
			MaxResponseHeaderBytes: maxHeaders,
			// What a server may send ahead is not charged to the script yet.
			HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 512 << 10, MaxReceiveBufferPerConnection: 1 << 20},
		}}
		c.transports[key] = t
	}
	t.calls++
	return t, sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.calls--
		t.used = time.Now()
	})
}

// forget drops the transport that was used least recently. c.mu is held.
func (c *Client) forget() {
	oldest := ""
	for key, t := range c.transports {
		if t.calls == 0 && (oldest == "" || t.used.Before(c.transports[oldest].used)) {
			oldest = key
		}
	}
	if oldest != "" {
		c.transports[oldest].CloseIdleConnections()
		delete(c.transports, oldest)
	}
}

// Own adds addresses that PiCloud itself listens on.
func (c *Client) Own(at ...netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range at {
		if !slices.Contains(c.cfg.Own, a) {
			c.cfg.Own = append(c.cfg.Own, a)
		}
	}
}

// isLocal reports whether an address is one of this machine's.
func (c *Client) isLocal(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	for _, own := range c.local() {
		if own == a {
			return true
		}
	}
	return false
}

// listens reports whether PiCloud itself listens at an address, which is one of
// this machine's if local is set.
func (c *Client) listens(at netip.AddrPort, local bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, own := range c.cfg.Own {
		if own.Port() != at.Port() {
			continue
		}
		a := own.Addr().Unmap()
		if a == at.Addr() || local && (a.IsUnspecified() || at.Addr().IsUnspecified()) {
			return true
		}
	}
	return false
}

func interfaceAddrs() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	addrs := make([]netip.Addr, 0, len(list))
	for _, x := range list {
		if n, ok := x.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok {
				addrs = append(addrs, a.Unmap())
			}
		}
	}
	return addrs
}
