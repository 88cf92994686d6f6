package outbound

import (
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// The names of this machine's own file are found, those of one label, too.
func TestNamesOfTheHostsFile(t *testing.T) {
	file, err := os.ReadFile("/etc/hosts")
	if err != nil || !strings.Contains(string(file), "localhost") {
		t.Skip("there is no /etc/hosts that names localhost")
	}
	found, err := systemResolver(t.Context(), "localhost")
	if err != nil || len(found) == 0 || !found[0].IsLoopback() {
		t.Errorf("localhost: %v, %v", found, err)
	}
}

// One of the addresses of localhost that is open is enough; what is PiCloud's own stays closed.
func TestLocalhost(t *testing.T) {
	w := newWorld()
	w.names["localhost"] = []string{"::1 127.0.0.1"}
	w.names["mixed"] = []string{"127.0.0.1 10.0.0.1"}
	w.own = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:8090")}
	w.serve(t, "127.0.0.1:80", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) })
	c := w.client(t)
	opened := Policy{Networks: []string{"127.0.0.1"}}
	if status, _, _, err := get(t, c, Request{URL: "http://localhost/", Policy: opened}); err != nil || status != 204 {
		t.Errorf("127.0.0.1 is open: %d, %v", status, err)
	}
	for _, x := range []struct {
		url, want string
		policy    Policy
	}{
		{"http://localhost/", "localhost has a loopback address: an admin", Policy{}},
		{"http://mixed/", "mixed has a private address: an admin", opened},
		{"http://127.0.0.1:8090/", "127.0.0.1 is an address of PiCloud itself, which stays closed", opened},
		{"http://localhost:8090/", "localhost has a loopback address: an admin", opened},
	} {
		_, _, _, err := get(t, c, Request{URL: x.url, Policy: x.policy})
		if err == nil || !strings.HasPrefix(err.Error(), x.want) || strings.Contains(x.want, "itself") && err.Error() != x.want {
			t.Errorf("%s: %v", x.url, err)
		}
	}
	if len(w.dialled) != 1 {
		t.Errorf("connections to %v", w.dialled)
	}
}
