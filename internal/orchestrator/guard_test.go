package orchestrator

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func TestRates(t *testing.T) {
	w := newWorld(t, nil)
	m := endpoints("hello", "free")
	limited := m.Scripts["hello"]
	limited.Rate = store.Rate{Requests: 3, Seconds: 3600}
	m.Scripts["hello"] = limited
	w.apps.set("demo", m)
	from := func(addr, path string) (status int, retry string) {
		r := httptest.NewRequest("POST", "http://localhost/demo/"+path, strings.NewReader("x"))
		r.RemoteAddr = addr + ":1234"
		res := w.do(r)
		return res.StatusCode, res.Header.Get("Retry-After")
	}
	for i := range 3 {
		if status, _ := from("192.0.2.1", "hello"); status != 200 {
			t.Errorf("call %d gets %d", i, status)
		}
	}
	w.got = nil
	if status, retry := from("192.0.2.1", "hello"); status != 429 || retry == "" || w.got != nil {
		t.Errorf("the fourth gets %d, Retry-After %q; it ran: %v", status, retry, w.got != nil)
	}
	if status, _ := from("192.0.2.2", "hello"); status != 200 {
		t.Errorf("another address gets %d", status)
	}
	if status, _ := from("192.0.2.1", "free"); status != 200 {
		t.Errorf("another endpoint answers %d", status)
	}
	// Another deployment is no way round it.
	w.apps.set("demo", m)
	if status, _ := from("192.0.2.1", "hello"); status != 429 {
		t.Errorf("after a deployment: %d", status)
	}
	for i := range 3 {
		if status, _ := from(fmt.Sprintf("[2001:db8::%d]", i+1), "hello"); status != 200 {
			t.Errorf("call %d from one IPv6 network gets %d", i, status)
		}
	}
	if status, _ := from("[2001:db8::9]", "hello"); status != 429 {
		t.Errorf("the fourth from one IPv6 network gets %d", status)
	}
	if n := len(w.records.list); n != 8 {
		t.Errorf("%d executions were recorded", n)
	}
}

func TestNobodyPassesAGuardThatNobodyKeeps(t *testing.T) {
	w := newWorld(t, nil)
	m := endpoints("hello")
	guarded := m.Scripts["hello"]
	guarded.Guard = store.Guard{Kind: "of another version"}
	m.Scripts["hello"] = guarded
	w.apps.set("demo", m)
	if res := w.get("localhost", "/demo/hello"); res.StatusCode != 403 || w.got != nil {
		t.Errorf("answered with %d; it ran: %v", res.StatusCode, w.got != nil)
	}
}
