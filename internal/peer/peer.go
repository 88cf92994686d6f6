// Package peer tells who sent a request when proxies may stand in between.
package peer

import (
	"net/http"
	"net/netip"
	"strings"
)

// Peer is the client at the other end.
type Peer struct {
	Addr  netip.Addr // without a zone; the zero Addr when it is unknown
	HTTPS bool       // between the client and the first proxy, or us
}

// Trust is the proxies whose X-Forwarded-For and X-Forwarded-Proto headers are
// believed. The zero Trust believes nobody.
type Trust []netip.Prefix

// Of returns who sent r. It follows X-Forwarded-For from its end, where the
// nearest proxy wrote, as long as the writer is trusted; what a client put there
// itself stands further ahead and is never reached. X-Forwarded-Proto counts when
// the connection's other end is trusted.
func (t Trust) Of(r *http.Request) Peer {
	p := Peer{HTTPS: r.TLS != nil}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		p.Addr = clean(ap.Addr())
	}
	if len(t) == 0 || !t.believes(p.Addr) {
		return p
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		p.HTTPS = strings.EqualFold(strings.TrimSpace(proto), "https")
	}
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var last string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, last = rest[:comma], rest[comma+1:]
			} else {
				last, more = rest, false
			}
			addr, ok := parse(strings.TrimSpace(last))
			if !ok {
				return p // nothing before it can be relied on
			}
			p.Addr = addr
			if !t.believes(addr) {
				return p
			}
		}
	}
	return p
}

// parse reads an address as proxies write it, some with a port.
func parse(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return clean(addr), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return clean(ap.Addr()), true
	}
	return netip.Addr{}, false
}

// clean makes an address comparable: 10.0.0.1 also when it came as ::ffff:10.0.0.1.
func clean(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (t Trust) believes(a netip.Addr) bool {
	for _, prefix := range t {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}
