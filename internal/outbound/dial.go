package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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

// hostsFile finds the names of this machine's own file and asks no name server.
var hostsFile = net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no name server is asked")
}}

func systemResolver(ctx context.Context, host string) ([]netip.Addr, error) {
	// The file's names of one label, such as localhost, are not found with the dot.
	if !strings.Contains(host, ".") {
		if found, err := hostsFile.LookupNetIP(ctx, "ip", host); err == nil {
			return found, nil
		}
	}
	// With the dot the name is whole: no search domain of this machine is added.
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
}

const (
	dialTimeout  = 10 * time.Second       // to connect to any of a host's addresses
	attemptDelay = 250 * time.Millisecond // until the next one is tried, too (RFC 8305, section 8)
)

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
	open := func(a netip.Addr) bool {
		return a.IsLoopback() && d.refusal(netip.AddrPortFrom(a.Unmap(), uint16(port))) == ""
	}
	local := slices.ContainsFunc(addrs, open)
	for _, a := range addrs {
		at := netip.AddrPortFrom(a.Unmap(), uint16(port))
		// localhost is 127.0.0.1 and ::1: that one of them is open is enough.
		if local && a.IsLoopback() && !open(a) {
			continue
		}
		// One that is refused refuses all: what a name reaches must not depend on
		// which of its addresses answers first.
		if what := d.refusal(at); what != "" {
			is := "is"
			if named {
				is = "has" // its address is not for everybody to know
			}
			if what == ownAddress {
				return nil, refuse("%s %s %s", host, is, what)
			}
			return nil, refuse("%s %s %s: %s", host, is, what, d.client.cfg.Opening)
		}
		targets = append(targets, at)
	}
	if len(targets) == 0 {
		return nil, &lookupError{host + " has no address"}
	}
	return d.race(ctx, transport, alternating(targets))
}

// alternating orders addresses so that IPv6 and IPv4 take turns, beginning with
// the first (RFC 8305, section 4).
func alternating(list []netip.AddrPort) []netip.AddrPort {
	var same, other []netip.AddrPort
	for _, at := range list {
		if at.Addr().Is4() == list[0].Addr().Is4() {
			same = append(same, at)
		} else {
			other = append(other, at)
		}
	}
	out := make([]netip.AddrPort, 0, len(list))
	for i := range max(len(same), len(other)) {
		if i < len(same) {
			out = append(out, same[i])
		}
		if i < len(other) {
			out = append(out, other[i])
		}
	}
	return out
}

// race connects to the first address that answers. An address gets a while to do
// so before the next one is tried as well, so that one which swallows packets
// holds up nobody (RFC 8305, section 5). The first error is the one that is told.
func (d *dialer) race(ctx context.Context, transport string, targets []netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(targets))
	begun, ended := 0, 0
	begin := func() {
		at := targets[begun]
		begun++
		go func() {
			conn, err := d.client.dial(ctx, transport, at)
			results <- result{conn, err}
		}()
	}
	begin()
	next := time.NewTimer(attemptDelay)
	defer next.Stop()
	var first error
	for {
		select {
		case r := <-results:
			ended++
			if r.err == nil {
				go func(open int) { // they end with ctx
					for range open {
						if late := <-results; late.conn != nil {
							late.conn.Close()
						}
					}
				}(begun - ended)
				return r.conn, nil
			}
			if first == nil {
				first = r.err
			}
			switch {
			case begun < len(targets) && ctx.Err() == nil:
				begin()
				next.Reset(attemptDelay)
			case begun == ended:
				return nil, first
			}
		case <-next.C:
			if begun < len(targets) {
				begin()
				next.Reset(attemptDelay)
			}
		}
	}
}

// ownAddress is the refusal that nobody can lift.
const ownAddress = "an address of PiCloud itself, which stays closed"

// refusal says why an address must not be reached, "" if it may be.
func (d *dialer) refusal(at netip.AddrPort) string {
	own := d.client.isLocal(at.Addr())
	if d.client.listens(at, own) {
		return ownAddress
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
