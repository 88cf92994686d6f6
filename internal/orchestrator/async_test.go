package orchestrator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
)

func TestPrefersAsync(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "respond-async": true, "Respond-Async": true, "wait=10, respond-async": true, "respond-async; x=1": true,
		"return=minimal": false, "respond-asynchronously": false, "x=respond-async": false,
	} {
		if got := prefersAsync(http.Header{"Prefer": {header}}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
	if prefersAsync(nil) || !prefersAsync(http.Header{"Prefer": {"a", "respond-async"}}) {
		t.Error("several lines, or none")
	}
}

// A request that the app has no room for is refused before anything is kept.
func TestAsyncQuota(t *testing.T) {
	data := memory.New()
	data.SetQuota(store.Quota{Messages: 8})
	w := newWorld(t, func(c *Config) { c.Data, c.Queue, c.Node = data, data, "node" })
	w.apps.set("demo", endpoints("hello"))
	for _, want := range []int{202, 202, 507, 507} {
		r := httptest.NewRequest("POST", "http://localhost/demo/hello", strings.NewReader("body"))
		r.Header.Set("Prefer", "respond-async")
		res := w.do(r)
		if answer := body(t, res); res.StatusCode != want || want == 507 && !strings.Contains(answer, "no room") {
			t.Errorf("%d %s, want %d", res.StatusCode, answer, want)
		}
	}
	if u, err := data.MessageUsage(t.Context(), "id-demo"); err != nil || u.Messages != 2 {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestKeptRequest(t *testing.T) {
	q := &invoke.Request{
		Method: "POST", URL: "http://demo/x?y=1", Path: "/x", Query: "y=1", IP: "192.0.2.1",
		Header: http.Header{"A": {"1", "2"}}, Params: []invoke.Param{{Name: "rest", Value: "z"}}, Body: []byte("\x00\xff"),
	}
	b := encodeRequest(q)
	got, err := decodeRequest(b)
	if err != nil || !cmp.Equal(got, q) {
		t.Errorf("%v, %s", err, cmp.Diff(q, got))
	}
	for _, damaged := range [][]byte{nil, b[:3], b[:20], append([]byte{0, 0, 0, 2}, "xx"...), {255, 255, 255, 255, 1}} {
		if _, err := decodeRequest(damaged); err == nil {
			t.Errorf("%q is decoded", damaged)
		}
	}
	res, err := decodeResponse(encodeResponse(&invoke.Response{Status: 200, Body: []byte("\xff")}))
	if err != nil || !res.Base64 || res.Body != "/w==" {
		t.Errorf("%+v, %v", res, err)
	}
}

// Whoever is refused learns why, and whether the request may have been kept.
func TestAsyncFailures(t *testing.T) {
	data := &kept{}
	w := newWorld(t, func(c *Config) { c.Data, c.Queue, c.Node = data, memory.New(), "node" })
	w.apps.set("demo", endpoints("hello"))
	for err, want := range map[error]struct {
		status int
		says   string
	}{
		fmt.Errorf("app demo: %w", store.ErrNotFound): {404, "no app"},
		store.ErrInvalid:        {413, "too large"},
		store.ErrQuota:          {507, "no room"},
		store.ErrUnavailable:    {503, "is not known"},
		store.ErrUnknownOutcome: {503, "is not known"},
	} {
		data.err = err
		r := httptest.NewRequest("POST", "http://localhost/demo/hello", strings.NewReader("body"))
		r.Header.Set("Prefer", "respond-async")
		res := w.do(r)
		if answer := body(t, res); res.StatusCode != want.status || !strings.Contains(answer, want.says) || (want.status == 503) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("%v: %d %s", err, res.StatusCode, answer)
		}
	}
}
