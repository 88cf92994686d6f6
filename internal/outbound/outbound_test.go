package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an internet: names with their addresses, and servers behind them.
type world struct {
	mu      sync.Mutex
	names   map[string][]string // each look-up takes the first answer, the last one stays
	lookups map[string]int
	dialled []netip.AddrPort
	servers map[netip.AddrPort]string // to the address where it really is
	local   []netip.Addr
	own     []netip.AddrPort
}

func newWorld() *world {
	return &world{names: map[string][]string{}, lookups: map[string]int{}, servers: map[netip.AddrPort]string{}}
}

// serve puts a server at an address.
func (w *world) serve(t *testing.T, at string, h http.HandlerFunc) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	w.servers[netip.MustParseAddrPort(at)] = s.Listener.Addr().String()
}

func (w *world) client(t *testing.T) *Client {
	c := New(Config{
		Own: w.own,
		Resolver: func(_ context.Context, host string) ([]netip.Addr, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			answers := w.names[host]
			if len(answers) == 0 {
				return nil, &net.DNSError{Name: host, IsNotFound: true}
			}
			n := min(w.lookups[host], len(answers)-1)
			w.lookups[host]++
			var list []netip.Addr
			for a := range strings.FieldsSeq(answers[n]) {
				list = append(list, netip.MustParseAddr(a))
			}
			return list, nil
		},
		Dial: func(ctx context.Context, network string, at netip.AddrPort) (net.Conn, error) {
			w.mu.Lock()
			w.dialled = append(w.dialled, at)
			real, ok := w.servers[at]
			w.mu.Unlock()
			if !ok {
				return nil, fmt.Errorf("nothing is at %v", at)
			}
			var d net.Dialer
			return d.DialContext(ctx, network, real)
		},
		Local: func() []netip.Addr { return w.local },
	})
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *Client, r Request) (status int, body string, trail []Exchange, err error) {
	t.Helper()
	if r.Method == "" {
		r.Method = "GET"
	}
	res, trail, err := c.Do(t.Context(), &r)
	if err != nil {
		return 0, "", trail, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Status, string(b), trail, nil
}

// Nothing inside can be named: as an address in any spelling, as a name with an
// address of the inside, or by what comes with the host.
func TestTheInsideIsRefused(t *testing.T) {
	w := newWorld()
	for name, addr := range map[string]string{
		"localhost": "127.0.0.1", "app.localhost": "::1", "localtest.me": "127.0.0.1", "router.lan": "192.168.1.1",
		"metadata.google.internal": "169.254.169.254", "v6.example": "fd00::1", "mapped.example": "::ffff:10.0.0.1",
		"nat64.example": "64:ff9b::a00:1", "mixed.example": "93.184.216.34 10.0.0.1", "dual.example": "2606:4700::1 fe80::1",
		"127.0.0.1.nip.example": "127.0.0.1", "wire.example": "168.63.129.16", "self.example": "198.51.45.7",
	} {
		w.names[name] = []string{addr}
	}
	w.local = []netip.Addr{netip.MustParseAddr("198.51.45.7"), netip.MustParseAddr("2a01:4f8::7")}
	c := w.client(t)
	forms := []string{
		// Addresses as everybody writes them.
		"http://127.0.0.1/", "http://127.0.0.1:8080/", "https://127.0.0.1/", "http://127.8.8.8/", "http://127.255.255.254/",
		"http://0.0.0.0/", "http://0.0.0.0:22/", "http://0.1.2.3/", "http://10.0.0.1/", "http://10.255.255.255/",
		"http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1/", "http://192.168.255.1/",
		"http://100.64.0.1/", "http://100.127.255.255/", "http://100.100.100.200/latest/meta-data/",
		"http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials", "http://168.63.129.16/",
		"http://192.0.0.192/opc/v2/", "http://192.0.2.1/", "http://198.18.0.1/", "http://198.51.100.1/", "http://203.0.113.9/",
		"http://192.88.99.1/", "http://224.0.0.1/", "http://239.255.255.250:1900/", "http://240.0.0.1/", "http://255.255.255.255/",
		"http://198.51.45.7/", "http://[2a01:4f8::7]/",
		// In other notations.
		"http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/",
		"http://127.1/", "http://127.0.1/", "http://10.1/", "http://00000127.0.0.1/", "http://127.0.0.01/", "http://1.2.3.4.5/",
		"http://4294967296/", "http://0/", "http://127.0.0.1./", "http://127.0.0.0x1/", "http://3232235777/",
		"http://127%2e0%2e0%2e1/", "http://%31%32%37.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://ⓛocalhost/",
		// IPv6.
		"http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::0001]:80/", "http://[::ffff:127.0.0.1]/",
		"http://[::ffff:7f00:1]/", "http://[::ffff:a9fe:a9fe]/", "http://[::127.0.0.1]/", "http://[::7f00:1]/", "http://[::ffff:0:127.0.0.1]/",
		"http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff02::1]/",
		"http://[64:ff9b::7f00:1]/", "http://[64:ff9b::169.254.169.254]/", "http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/",
		"http://[2001:0:53aa:64c::1]/", "http://[2001:db8::1]/", "http://[2001:2::1]/", "http://[3fff::1]/", "http://[100::1]/", "http://[4000::1]/",
		// Names.
		"http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://app.localhost/", "http://localtest.me/", "http://router.lan/",
		"http://metadata.google.internal/", "http://v6.example/", "http://mapped.example/", "http://nat64.example/", "http://mixed.example/",
		"http://dual.example/", "http://127.0.0.1.nip.example/", "http://wire.example/", "http://self.example/",
		// Who reads the address in another way than the one who checked it.
		"http://good.example@127.0.0.1/", "http://good.example:80@127.0.0.1/", "http://127.0.0.1@good.example/", "http://good.example%00@10.0.0.1/",
		"http://good.example\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http:127.0.0.1/", "http:///127.0.0.1/", "//127.0.0.1/", "http://127.0.0.1\t/",
		"http://good.example\r\nHost: x/", "http://127.0.0.1 /", "http://[::1/", "http://[127.0.0.1]/", "http://good.example:99999/", "http://good.example:0/",
		"http://good.example:-1/", "http:///", "http://", "", "http://-good.example/", "http://good..example/", "http://" + strings.Repeat("a", 64) + ".example/",
		"file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "unix:///run/docker.sock", "javascript:alert(1)", "HTTP+UNIX://x/",
		"http://" + strings.Repeat("x.", 9000) + "example/",
	}
	for _, form := range forms {
		_, _, _, err := get(t, c, Request{URL: form})
		if err == nil {
			t.Errorf("%q is reached", form)
		}
	}
	if len(w.dialled) > 0 {
		t.Errorf("connections were made to %v", w.dialled)
	}
	if len(forms) < 100 {
		t.Errorf("only %d forms", len(forms))
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, a := range []string{"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00::1"} {
		if what := notPublic(netip.MustParseAddr(a)); what != "" {
			t.Errorf("%s is taken for %s", a, what)
		}
	}
}

func TestAnswer(t *testing.T) {
	w := newWorld()
	w.names["api.example"] = []string{"93.184.216.34"}
	w.serve(t, "93.184.216.34:80", func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "%s %s %s %s %s %s", r.Method, r.Host, r.URL, r.Header.Get("X-Key"), r.UserAgent(), body)
	})
	c := w.client(t)
	for range 2 {
		status, body, trail, err := get(t, c, Request{Method: "POST", URL: "http://API.example.:80/a%2Fb?q=1#f", Header: http.Header{"X-Key": {"k"}}, Body: []byte("hello")})
		if err != nil || status != 200 || body != "POST api.example /a%2Fb?q=1 k PiCloud hello" {
			t.Fatal(status, body, err)
		}
		if len(trail) != 1 || trail[0].Host != "api.example" || trail[0].Status != 200 || trail[0].Method != "POST" || trail[0].Error != "" {
			t.Errorf("trail %+v", trail)
		}
	}
	if len(w.dialled) != 1 {
		t.Errorf("%d connections for two calls of one app", len(w.dialled))
	}
	if _, _, _, err := get(t, c, Request{App: "another", URL: "http://api.example/"}); err != nil || len(w.dialled) != 2 {
		t.Errorf("another app's call: %v, %d connections", err, len(w.dialled))
	}
	for url, want := range map[string]string{
		"http://nowhere.example/":     "there is no host nowhere.example",
		"http://api.example:81/":      "api.example:81: nothing is at 93.184.216.34:81",
		"https://u:p@api.example/?s=": "the address holds a user name or password: send them in the header authorization",
	} {
		if _, _, _, err := get(t, c, Request{URL: url}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, _, _, err := get(t, c, Request{URL: "http://api.example/", Header: http.Header{"Host": {"x"}}}); err == nil {
		t.Error("a script can set the header host")
	}
}

// A name that is public when it is looked up first and private the second time
// is never reached at the private address.
func TestRebinding(t *testing.T) {
	w := newWorld()
	w.names["rebind.example"] = []string{"93.184.216.34", "127.0.0.1"}
	w.serve(t, "93.184.216.34:80", func(rw http.ResponseWriter, r *http.Request) { rw.Header().Set("Connection", "close") })
	c := w.client(t)
	if _, _, _, err := get(t, c, Request{URL: "http://rebind.example/"}); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := get(t, c, Request{URL: "http://rebind.example/"})
	var refused *RefusedError
	if !errors.As(err, &refused) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the second call: %v", err)
	}
	if w.lookups["rebind.example"] != 2 || len(w.dialled) != 1 {
		t.Errorf("%d look-ups, connections to %v", w.lookups["rebind.example"], w.dialled)
	}
}

func TestRedirects(t *testing.T) {
	w := newWorld()
	w.names["a.example"], w.names["b.example"] = []string{"93.184.216.34"}, []string{"93.184.216.35"}
	w.names["inside.example"] = []string{"10.0.0.1"}
	var seen []string
	note := func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, fmt.Sprintf("%s %s%s auth=%s key=%s lang=%s type=%s idem=%s body=%s", r.Method, r.Host, r.URL.Path, r.Header.Get("Authorization"),
			r.Header.Get("X-Api-Key"), r.Header.Get("Accept-Language"), r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), body))
	}
	w.serve(t, "93.184.216.34:80", func(rw http.ResponseWriter, r *http.Request) {
		note(r)
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		if status == 0 {
			return
		}
		rw.Header().Set("Location", r.URL.Query().Get("to"))
		rw.WriteHeader(status)
	})
	w.serve(t, "93.184.216.35:80", func(rw http.ResponseWriter, r *http.Request) { note(r) })
	c := w.client(t)
	call := func(status int, to string, redirects int) (int, []Exchange, error) {
		seen = nil
		got, _, trail, err := get(t, c, Request{
			Method: "POST", URL: fmt.Sprintf("http://a.example/?status=%d&to=%s", status, url.QueryEscape(to)), Redirects: redirects, Body: []byte("b"),
			Header: http.Header{"Authorization": {"s"}, "X-Api-Key": {"s"}, "Accept-Language": {"de"}, "Content-Type": {"text/plain"}, "Idempotency-Key": {"e:1"}},
		})
		return got, trail, err
	}
	for _, x := range []struct {
		status int
		to     string
		want   string
	}{
		{307, "/x", "POST a.example/x auth=s key=s lang=de type=text/plain idem=e:1 body=b"},
		{308, "http://a.example:80/x", "POST a.example/x auth=s key=s lang=de type=text/plain idem=e:1 body=b"},
		{302, "/x", "GET a.example/x auth=s key=s lang=de type= idem=e:1 body="},
		{303, "//b.example/y", "GET b.example/y auth= key= lang=de type= idem=e:1 body="},
		{307, "http://b.example/y", "POST b.example/y auth= key= lang=de type=text/plain idem=e:1 body=b"},
	} {
		got, trail, err := call(x.status, x.to, 5)
		if err != nil || got != 200 || len(trail) != 2 || trail[0].Status != x.status {
			t.Errorf("%d to %s: %d, %+v, %v", x.status, x.to, got, trail, err)
			continue
		}
		if d := cmp.Diff(x.want, seen[1]); d != "" {
			t.Errorf("%d to %s (-want +got):\n%s", x.status, x.to, d)
		}
	}
	if got, trail, err := call(302, "/x", 0); got != 302 || len(trail) != 1 || err != nil {
		t.Errorf("redirects not followed: %d, %v, %v", got, trail, err)
	}
	if _, trail, err := call(302, "/?status=302&to=/", 1); err == nil || len(trail) != 2 {
		t.Errorf("too many redirects: %v, %v", trail, err)
	}
	for _, to := range []string{
		"http://127.0.0.1/", "http://inside.example/", "//[::1]/", "http://2130706433/", "http://x@b.example/", "file:///etc/passwd",
		"http://169.254.169.254/", "//0/", "http:\\\\127.0.0.1", "http://b.example:0/", "gopher://b.example/",
	} {
		dialled := len(w.dialled)
		if _, _, err := call(307, to, 5); err == nil || len(seen) != 1 {
			t.Errorf("a redirect to %s: %v", to, err)
		}
		for _, at := range w.dialled[dialled:] {
			if notPublic(at.Addr()) != "" {
				t.Errorf("a redirect to %s connected to %v", to, at)
			}
		}
	}
	_, _, trail, err := get(t, c, Request{URL: "http://a.example/?status=302&to=http://b.example/", Redirects: 5, Policy: Policy{Hosts: []string{"a.example"}}})
	if err == nil || len(trail) != 2 || trail[1].Host != "b.example" || trail[1].Error == "" {
		t.Errorf("a redirect away from the allowed hosts: %+v, %v", trail, err)
	}
}

func TestNoDowngrade(t *testing.T) {
	from, err := parseTarget("https://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := redirect(from, "http://a.example/"); err == nil {
		t.Error("a redirect from https to http is followed")
	}
}

func TestOpenNetworks(t *testing.T) {
	w := newWorld()
	w.names["nas.lan"], w.names["nat64.example"] = []string{"192.168.1.10"}, []string{"64:ff9b::a00:1"}
	w.own = []netip.AddrPort{netip.MustParseAddrPort("192.168.1.5:8080"), netip.MustParseAddrPort("[::]:9090")}
	w.local = []netip.Addr{netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("5.9.9.9")}
	ok := func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Connection", "close") }
	for _, at := range []string{"192.168.1.10:80", "192.168.1.10:8123", "192.168.1.5:80", "127.0.0.1:3000", "5.9.9.9:80"} {
		w.serve(t, at, ok)
	}
	c := w.client(t)
	for _, x := range []struct {
		networks, url string
		reached       bool
	}{
		{"", "http://192.168.1.10/", false},
		{"192.168.1.0/24", "http://192.168.1.10/", true},
		{"192.168.1.0/24", "http://[::ffff:192.168.1.10]/", true},
		{"192.168.1.0/24", "http://nas.lan/", true},
		{"192.168.1.10", "http://nas.lan:8123/", true},
		{"192.168.1.10:8123", "http://nas.lan:8123/", true},
		{"192.168.1.10:8123", "http://nas.lan/", false},
		{"192.168.1.0/24", "http://192.168.2.10/", false},
		{"10.0.0.0/8 192.168.1.10", "http://nas.lan/", true},
		{"192.168.1.0/24", "http://192.168.1.5/", true},
		{"192.168.1.0/24", "http://192.168.1.5:8080/", false}, // PiCloud
		{"0.0.0.0/0 ::/0", "http://127.0.0.1:3000/", true},
		{"0.0.0.0/0 ::/0", "http://127.0.0.1:9090/", false},
		{"0.0.0.0/0 ::/0", "http://[::1]:9090/", false},
		{"0.0.0.0/0 ::/0", "http://0.0.0.0:8080/", false},
		{"0.0.0.0/0 ::/0", "http://[::]:8080/", false},
		{"0.0.0.0/0 ::/0", "http://5.9.9.9:9090/", false},
		{"", "http://5.9.9.9/", false},
		{"5.9.9.9", "http://5.9.9.9/", true},
		{"64:ff9b::/96", "http://nat64.example/", false},
		{"nonsense", "http://192.168.1.10/", false},
	} {
		_, _, _, err := get(t, c, Request{URL: x.url, Policy: Policy{Networks: strings.Fields(x.networks)}})
		if (err == nil) != x.reached {
			t.Errorf("%s with %q open: %v", x.url, x.networks, err)
		}
	}
	// A connection that was made while a network was open serves nobody later.
	w.serve(t, "10.0.0.7:80", func(http.ResponseWriter, *http.Request) {})
	if _, _, _, err := get(t, c, Request{URL: "http://10.0.0.7/", Policy: Policy{Networks: []string{"10.0.0.0/8"}}}); err != nil {
		t.Error(err)
	}
	if _, _, _, err := get(t, c, Request{URL: "http://10.0.0.7/"}); err == nil {
		t.Error("a connection outlives the opening of its network")
	}
}

func TestHosts(t *testing.T) {
	for _, x := range []struct {
		entry, host, port string
		allowed           bool
	}{
		{"api.example", "api.example", "443", true},
		{"api.example", "xapi.example", "443", false},
		{"api.example", "api.example.evil", "443", false},
		{"*.example", "a.example", "443", true},
		{"*.example", "a.b.example", "443", true},
		{"*.example", "example", "443", false},
		{"*.example", "evilexample", "443", false},
		{"api.example:8443", "api.example", "8443", true},
		{"api.example:8443", "api.example", "443", false},
		{"93.184.216.34", "93.184.216.34", "80", true},
		{"[2606:4700::1]", "2606:4700::1", "80", true},
		{"[2606:4700::1]:80", "2606:4700::1", "443", false},
	} {
		if err := CheckHost(x.entry); err != nil {
			t.Error(err)
		}
		if allowsHost([]string{x.entry}, x.host, x.port) != x.allowed {
			t.Errorf("%s, %s:%s: allowed is %v", x.entry, x.host, x.port, !x.allowed)
		}
	}
	for _, entry := range []string{"", "*", "*.", "a.*.example", "https://a.example", "a.example/x", "A.example", "a.example.", "a.example:", "a.example:0", "a.example:x", "a b", "127.1", "::1", "[fe80::1%eth0]", "*.127.0.0.1", "u@a.example"} {
		if CheckHost(entry) == nil {
			t.Errorf("%q passes as a host", entry)
		}
	}
}

func TestNetworks(t *testing.T) {
	for _, entry := range []string{"10.0.0.0/8", "10.1.2.3", "10.1.2.3:80", "10.0.0.0/8:80", "fd00::/8", "fd00::1", "[fd00::1]:80", "[fd00::/8]:80", "0.0.0.0/0", "::/0"} {
		if err := CheckNetwork(entry); err != nil {
			t.Error(err)
		}
	}
	for _, entry := range []string{"", "10.0.0.1/8", "10.0.0.0/33", "router.lan", "10.0.0.1:", "10.0.0.1:0", "fe80::1%eth0", "10.1", "[fd00::1]:x", "::ffff:10.0.0.0/104"} {
		if CheckNetwork(entry) == nil {
			t.Errorf("%q passes as a network", entry)
		}
	}
}

// No proxy of the environment gets between the guard and the connection.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	w := newWorld()
	w.names["api.example"] = []string{"93.184.216.34"}
	w.serve(t, "93.184.216.34:80", func(http.ResponseWriter, *http.Request) {})
	if _, _, _, err := get(t, w.client(t), Request{URL: "http://api.example/"}); err != nil {
		t.Error(err)
	}
}

// Over TLS the name is checked against the certificate, and HTTP/2 is spoken.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "8")
		fmt.Fprint(rw, r.Proto)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	w := newWorld()
	w.names["example.com"], w.names["other.example"] = []string{"93.184.216.34"}, []string{"93.184.216.34"}
	w.servers[netip.MustParseAddrPort("93.184.216.34:443")] = s.Listener.Addr().String()
	w.serve(t, "93.184.216.34:8443", func(http.ResponseWriter, *http.Request) {})
	c := w.client(t)
	if _, _, _, err := get(t, c, Request{URL: "https://example.com/"}); err == nil || !strings.Contains(err.Error(), "the certificate of example.com is not valid") {
		t.Errorf("an unknown issuer: %v", err)
	}
	c.cfg.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c.Close()
	if _, body, _, err := get(t, c, Request{URL: "https://example.com/"}); err != nil || body != "HTTP/2.0" {
		t.Errorf("%s, %v", body, err)
	}
	// What HEAD says of a length is that of GET's answer.
	res, _, err := c.Do(t.Context(), &Request{Method: "HEAD", URL: "https://example.com/"})
	if err != nil || res.Length != 0 || res.Header.Get("Content-Length") != "8" {
		t.Errorf("HEAD: %+v, %v", res, err)
	}
	if err == nil {
		res.Body.Close()
	}
	if _, _, _, err := get(t, c, Request{URL: "https://other.example/"}); err == nil || !strings.Contains(err.Error(), "the certificate of other.example is not valid") {
		t.Errorf("another name: %v", err)
	}
	if _, _, _, err := get(t, c, Request{URL: "https://example.com:8443/"}); err == nil || err.Error() != "example.com:8443 does not speak TLS" {
		t.Errorf("no TLS: %v", err)
	}
}

// An address that swallows packets, or refuses, does not keep the others from
// being tried.
func TestAnotherAddress(t *testing.T) {
	slow, down, good := netip.MustParseAddr("2606:4700::1"), netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("93.184.216.35")
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	var mu sync.Mutex
	var tried []netip.Addr
	c := New(Config{
		Resolver: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{slow, down, good}, nil },
		Dial: func(ctx context.Context, network string, at netip.AddrPort) (net.Conn, error) {
			mu.Lock()
			tried = append(tried, at.Addr())
			mu.Unlock()
			switch at.Addr() {
			case slow:
				<-ctx.Done()
				return nil, ctx.Err()
			case down:
				return nil, errors.New("down")
			}
			var d net.Dialer
			return d.DialContext(ctx, network, s.Listener.Addr().String())
		},
		Local: func() []netip.Addr { return nil },
	})
	t.Cleanup(c.Close)
	if _, _, _, err := get(t, c, Request{URL: "http://api.example/"}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{slow.String(), down.String(), good.String()}, texts(tried)); d != "" {
		t.Error(d)
	}
	order := alternating([]netip.AddrPort{netip.AddrPortFrom(slow, 1), netip.AddrPortFrom(slow, 2), netip.AddrPortFrom(down, 3), netip.AddrPortFrom(good, 4), netip.AddrPortFrom(good, 5)})
	var ports []uint16
	for _, at := range order {
		ports = append(ports, at.Port())
	}
	if d := cmp.Diff([]uint16{1, 3, 2, 4, 5}, ports); d != "" {
		t.Error(d)
	}
}

func texts(list []netip.Addr) (out []string) {
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

func TestTransportsAreBounded(t *testing.T) {
	w := newWorld()
	w.names["api.example"] = []string{"93.184.216.34"}
	w.serve(t, "93.184.216.34:80", func(http.ResponseWriter, *http.Request) {})
	c := w.client(t)
	for i := range maxTransports + 3 {
		if _, _, _, err := get(t, c, Request{App: strconv.Itoa(i), URL: "http://api.example/"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.transports) != maxTransports {
		t.Errorf("%d transports", len(c.transports))
	}
}

// FuzzTarget: an address that is accepted is read in the same way when it is
// written again, and its host is a plain name or an address in its one form.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"http://a.example/", "https://A.example.:8443/x?y#z", "http://[::1]:80/", "http://127.0.0.1", "http://[::ffff:7f00:1]/", "http://a.example:0080/",
		"http://u@a.example/", "http://a%2eexample/", "http://a.example\\@b/", "http://0x7f.1/", "http://①/", "http:///", "http://a_b.example/%2F?%zz",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		to, err := parseTarget(s)
		if err != nil {
			return
		}
		again, err := parseTarget(to.url.String())
		if err != nil || again.origin() != to.origin() || again.url.String() != to.url.String() {
			t.Fatalf("%q is %q, and written again %+v (%v)", s, to.url, again, err)
		}
		if to.url.User != nil || to.url.Scheme != "http" && to.url.Scheme != "https" || to.url.Fragment != "" {
			t.Errorf("%q is %q", s, to.url)
		}
		if a, err := netip.ParseAddr(to.host); err == nil {
			if a.Unmap().String() != to.host {
				t.Errorf("%q: the host %q is not in its one form", s, to.host)
			}
		} else if err := checkName(to.host); err != nil || strings.ToLower(to.host) != to.host {
			t.Errorf("%q: the host %q: %v", s, to.host, err)
		}
		if h, p, err := net.SplitHostPort(to.address()); err != nil || h != to.host || p != to.port {
			t.Errorf("%q: dials %q", s, to.address())
		}
	})
}
