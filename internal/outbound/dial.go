package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// RefusedError says that a call may not go where it should. Its text is for the
// script's author.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &RefusedError{fmt.Sprintf(format, args...)}
}

// Resolver finds the addresses of a name.
type Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

func systemResolver(ctx context.Context, host string) ([]netip.Addr, error) {
	// With the dot the name is whole: no search domain of this machine is added.
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
}

// dialTimeout bounds an attempt to connect to one address.
const dialTimeout = 10 * time.Second

// dialer connects to what networks and the guard allow. What is checked is the
// very address that is dialled, so that a name cannot have another one in between.
type dialer struct {
	client   *Client
	networks []string
}

func (d *dialer) dial(ctx context.Context, transport, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	named := true
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		named, addrs = false, []netip.Addr{a}
	} else if addrs, err = d.client.resolve(ctx, host); err != nil {
		return nil, lookupFailed(ctx, host, err)
	}
	var targets []netip.AddrPort
	for _, a := range addrs {
		at := netip.AddrPortFrom(a.Unmap(), uint16(port))
		// One that is refused refuses all: what a name reaches must not depend on
		// which of its addresses answers first.
		if what := d.refusal(at); what != "" {
			is := "is"
			if named {
				is = "has" // its address is not for everybody to know
			}
			return nil, refuse("%s %s %s: an admin of the instance can open it to the app (pic apps update APP --open-network ADDRESS)", host, is, what)
		}
		targets = append(targets, at)
	}
	if len(targets) == 0 {
		return nil, &lookupError{host + " has no address"}
	}
	for i, at := range targets {
		var conn net.Conn
		conn, err = d.one(ctx, transport, at, len(targets)-i)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return nil, err
}

// one connects to one address in its share of the time that is left.
func (d *dialer) one(ctx context.Context, transport string, at netip.AddrPort, left int) (net.Conn, error) {
	timeout := dialTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, max(time.Until(end)/time.Duration(left), time.Second))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return d.client.dial(ctx, transport, at)
}

// refusal says why an address must not be reached, "" if it may be.
func (d *dialer) refusal(at netip.AddrPort) string {
	own := d.client.isLocal(at.Addr())
	if d.client.listens(at, own) {
		return "an address of PiCloud itself, which stays closed"
	}
	what := notPublic(at.Addr())
	if what == "" && own {
		what = "an address of this machine"
	}
	if what == "" {
		return ""
	}
	if !opens(d.networks, at) {
		return what
	}
	if v4, ok := behind(at.Addr()); ok {
		return d.refusal(netip.AddrPortFrom(v4, at.Port()))
	}
	return ""
}

// lookupError says that a name has no address.
type lookupError struct{ text string }

func (e *lookupError) Error() string { return e.text }

func lookupFailed(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return &lookupError{"there is no host " + host}
	}
	return &lookupError{"the address of " + host + " could not be looked up"}
}
