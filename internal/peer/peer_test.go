package peer

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"
)

func TestOf(t *testing.T) {
	trust := Trust{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		name   string
		trust  Trust
		remote string
		header http.Header
		tls    bool
		want   Peer
	}{
		{name: "direct", remote: "192.0.2.1:5000", want: Peer{Addr: netip.MustParseAddr("192.0.2.1")}},
		{name: "direct over TLS", remote: "[2001:db8::1%eth0]:5000", tls: true, want: Peer{Addr: netip.MustParseAddr("2001:db8::1"), HTTPS: true}},
		{
			name: "nobody is trusted", remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}},
			want: Peer{Addr: netip.MustParseAddr("127.0.0.1")},
		},
		{
			name: "another is trusted", trust: trust, remote: "192.0.2.1:5000", header: http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}},
			want: Peer{Addr: netip.MustParseAddr("192.0.2.1")},
		},
		{
			name: "behind a proxy", trust: trust, remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}},
			want: Peer{Addr: netip.MustParseAddr("192.0.2.7"), HTTPS: true},
		},
		{
			name: "the client lied", trust: trust, remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"203.0.113.9, 192.0.2.7"}},
			want: Peer{Addr: netip.MustParseAddr("192.0.2.7")},
		},
		{
			name: "the client lied about a trusted address", trust: trust, remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"10.0.0.1, 192.0.2.7"}},
			want: Peer{Addr: netip.MustParseAddr("192.0.2.7")},
		},
		{
			name: "behind two proxies", trust: trust, remote: "[::ffff:127.0.0.1]:5000", header: http.Header{"X-Forwarded-For": {"203.0.113.9", "192.0.2.7:4711,10.1.2.3"}},
			want: Peer{Addr: netip.MustParseAddr("192.0.2.7")},
		},
		{
			name: "all are trusted", trust: trust, remote: "[::1]:5000", header: http.Header{"X-Forwarded-For": {"10.0.0.2, 10.0.0.1"}},
			want: Peer{Addr: netip.MustParseAddr("10.0.0.2")},
		},
		{
			name: "nonsense", trust: trust, remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"203.0.113.9, unknown"}},
			want: Peer{Addr: netip.MustParseAddr("127.0.0.1")},
		},
		{
			name: "IPv6", trust: trust, remote: "127.0.0.1:5000", header: http.Header{"X-Forwarded-For": {"[2001:db8::2]"}},
			want: Peer{Addr: netip.MustParseAddr("2001:db8::2")},
		},
		{name: "no address", trust: trust, remote: "@", want: Peer{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.remote, Header: c.header}
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := c.trust.Of(r); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestADirectPeerCostsNothing(t *testing.T) {
	r := &http.Request{RemoteAddr: "192.0.2.1:5000"}
	if n := testing.AllocsPerRun(100, func() { Trust(nil).Of(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
