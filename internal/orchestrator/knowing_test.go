package orchestrator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/store"
)

// secrets are an app's.
type secrets map[string]string

func (s secrets) Secret(_ context.Context, appID, name string) (string, error) {
	if name == "BROKEN" {
		return "", errors.New("hunter2 does not open")
	}
	v, ok := s[appID+"/"+name]
	if !ok {
		return "", store.ErrNotFound
	}
	return v, nil
}

// guarded is a world whose script hello is guarded.
func guarded(t *testing.T, g store.Guard) *world {
	t.Helper()
	w := newWorld(t, func(c *Config) { c.Secrets = secrets{"id-demo/PASSWORD": "open sesame", "id-demo/KEY": "key"} })
	g, err := g.Normal()
	if err != nil {
		t.Fatal(err)
	}
	m := endpoints("hello", "free")
	s := m.Scripts["hello"]
	s.Guard = g
	m.Scripts["hello"] = s
	w.apps.set("demo", m)
	return w
}

func TestBasicGuard(t *testing.T) {
	w := guarded(t, store.Guard{Kind: store.GuardBasic, Username: "ada", Secret: "PASSWORD"})
	try := func(addr, name, password string) *http.Response {
		r := httptest.NewRequest("GET", "http://localhost/demo/hello", nil)
		r.RemoteAddr = addr + ":1234"
		if name != "" {
			r.SetBasicAuth(name, password)
		}
		return w.do(r)
	}
	res := try("192.0.2.1", "", "")
	if res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != `Basic realm="demo/hello", charset="UTF-8"` || w.got != nil {
		t.Errorf("without a password: %d, %q", res.StatusCode, res.Header.Get("WWW-Authenticate"))
	}
	if res = try("192.0.2.1", "ada", "open sesame"); res.StatusCode != 200 || w.got.Request.Header.Get("Authorization") != "" {
		t.Errorf("with the right one: %d; the script sees %v", res.StatusCode, w.got.Request.Header)
	}
	w.got = nil
	for i := range wrongPasswords {
		if res = try("192.0.2.1", "ada", fmt.Sprint("open sesame", i)); res.StatusCode != 401 {
			t.Errorf("wrong password %d: %d", i, res.StatusCode)
		}
	}
	// Now the right one must wait as well, or guessing would go on.
	if res = try("192.0.2.1", "ada", "open sesame"); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || w.got != nil {
		t.Errorf("after too many wrong ones: %d", res.StatusCode)
	}
	if res = try("192.0.2.2", "ada", "open sesame"); res.StatusCode != 200 {
		t.Errorf("from elsewhere: %d", res.StatusCode)
	}
	if n := len(w.records.list); n != 2 {
		t.Errorf("%d executions are recorded", n)
	}
}

// slowSecrets takes a second to open each.
type slowSecrets struct{ secrets }

func (s slowSecrets) Secret(ctx context.Context, appID, name string) (string, error) {
	time.Sleep(time.Second)
	return s.secrets.Secret(ctx, appID, name)
}

func TestBasicGuardInParallel(t *testing.T) {
	const callers = 100
	for _, c := range []struct {
		what, password string
		want           map[int]int
	}{
		{"guesses", "open sesame?", map[int]int{401: wrongPasswords, 429: callers - wrongPasswords}},
		{"the right one", "open sesame", map[int]int{200: callers}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := guarded(t, store.Guard{Kind: store.GuardBasic, Username: "ada", Secret: "PASSWORD"})
			w.cfg.Secrets = slowSecrets{w.cfg.Secrets.(secrets)}
			w.cfg.Executor = invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
				return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 200}}, nil
			})
			statuses := make([]int, callers)
			var wg sync.WaitGroup
			for i := range statuses {
				wg.Go(func() {
					r := httptest.NewRequest("GET", "http://localhost/demo/hello", nil)
					r.RemoteAddr = "192.0.2.1:1234"
					r.SetBasicAuth("ada", c.password)
					statuses[i] = w.do(r).StatusCode
				})
			}
			wg.Wait()
			got := map[int]int{}
			for _, status := range statuses {
				got[status]++
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.what, got, c.want)
			}
		})
	}
}

func hexOf(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func post(w *world, body string, header ...string) *http.Response {
	r := httptest.NewRequest("POST", "http://localhost/demo/hello", strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.do(r)
}

func TestHMACGuard(t *testing.T) {
	w := guarded(t, store.Guard{Kind: store.GuardHMAC, Secret: "KEY"})
	if res := post(w, "the body"); res.StatusCode != 401 || !strings.Contains(body(t, res), "X-Hub-Signature-256 must be there") || w.got != nil {
		t.Errorf("without a signature: %d", res.StatusCode)
	}
	if res := post(w, "another body", "X-Hub-Signature-256", "sha256="+hexOf("key", "the body")); res.StatusCode != 401 || w.got != nil {
		t.Errorf("a signature of another body: %d", res.StatusCode)
	}
	for range 2 { // GitHub delivers the same again when somebody asks for that
		w.got = nil
		res := post(w, "the body", "X-Hub-Signature-256", "sha256="+hexOf("key", "the body"))
		if res.StatusCode != 200 || string(w.got.Request.Body) != "the body" || w.got.Request.Header.Get("X-Hub-Signature-256") == "" {
			t.Errorf("signed: %d", res.StatusCode)
		}
	}
	if res := post(w, strings.Repeat("x", 101), "X-Hub-Signature-256", "sha256="+hexOf("key", strings.Repeat("x", 101))); res.StatusCode != 413 {
		t.Errorf("a body that is too large: %d", res.StatusCode)
	}
	if res := post(w, "", "X-Hub-Signature-256", "sha256="+hexOf("key", "")); res.StatusCode != 200 {
		t.Errorf("no body: %d", res.StatusCode)
	}
}

func TestTimedHMACGuard(t *testing.T) {
	w := guarded(t, store.Guard{Kind: store.GuardHMAC, Secret: "KEY", Header: "X-Sig", TimestampHeader: "X-Time", Tolerance: 60})
	send := func(at time.Time) int {
		stamp := fmt.Sprint(at.Unix())
		return post(w, "body", "X-Sig", hexOf("key", stamp+".body"), "X-Time", stamp).StatusCode
	}
	now := time.Now()
	for _, c := range []struct {
		what string
		at   time.Time
		want int
	}{
		{"now", now, 200},
		{"the same again", now, 409},
		{"another time", now.Add(-time.Second), 200},
		{"too old", now.Add(-2 * time.Minute), 401},
		{"too new", now.Add(2 * time.Minute), 401},
	} {
		if got := send(c.at); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	// What the script could not do may be sent again, until it could.
	failing := now.Add(-2 * time.Second)
	answer := w.answer
	w.answer = func(*invoke.Start) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusError, Response: &invoke.Response{Status: 500}}, nil
	}
	for range 2 {
		if got := send(failing); got != 500 {
			t.Errorf("a script that fails: %d", got)
		}
	}
	w.answer = answer
	if got := send(failing); got != 200 {
		t.Errorf("once it does not: %d", got)
	}
	if got := send(failing); got != 409 {
		t.Errorf("after that: %d", got)
	}
}

// What failed without effect may be sent again, what had one may not.
func TestSignedAgain(t *testing.T) {
	answered := func(st store.Status, code int) func(*invoke.Start) (*invoke.Result, error) {
		return func(*invoke.Start) (*invoke.Result, error) {
			return &invoke.Result{Status: st, Response: &invoke.Response{Status: code}}, nil
		}
	}
	lost := func(err error) func(*invoke.Start) (*invoke.Result, error) {
		return func(*invoke.Start) (*invoke.Result, error) { return nil, err }
	}
	died := errors.New("it died")
	for _, c := range []struct {
		what    string
		answer  func(*invoke.Start) (*invoke.Result, error)
		commits []error // what the store says to each
		again   bool
	}{
		{"ok", answered(store.StatusOK, 200), nil, false},
		{"ok, with changes", answered(store.StatusOK, 200), []error{nil}, false},
		{"a redirect", answered(store.StatusOK, 303), nil, false},
		{"http_error(429)", answered(store.StatusOK, 429), nil, true},
		{"http_error(503)", answered(store.StatusError, 503), nil, true},
		{"a throw", answered(store.StatusError, 500), nil, true},
		{"a timeout", answered(store.StatusTimeout, 504), nil, true},
		{"a limit", answered(store.StatusLimit, 507), nil, true},
		{"rejected", answered(store.StatusRejected, 503), nil, true},
		{"cancelled", answered(store.StatusCancelled, 499), nil, true},
		{"a conflict", answered(store.StatusError, 409), []error{store.ErrConflict}, true},
		{"no database", answered(store.StatusError, 503), []error{store.ErrUnavailable}, true},
		{"no executor", lost(invoke.ErrUnreachable), nil, true},
		{"a lost executor", lost(died), nil, true},
		{"a lost executor, with changes", lost(died), []error{nil}, false},
		{"a throw after a flush", answered(store.StatusError, 500), []error{nil}, false},
		{"a conflict after a flush", answered(store.StatusError, 409), []error{nil, store.ErrConflict}, false},
		{"cancelled after a flush", answered(store.StatusCancelled, 499), []error{nil}, false},
		{"an error returned with changes", answered(store.StatusOK, 422), []error{nil}, false},
	} {
		w := guarded(t, store.Guard{Kind: store.GuardHMAC, Secret: "KEY", Header: "X-Sig", TimestampHeader: "X-Time"})
		data, runs := &kept{}, 0
		w.cfg.Data = data
		w.cfg.Executor = invoketest.Func(func(ctx context.Context, s *invoke.Start, h invoke.Host) (*invoke.Result, error) {
			runs++
			for i, err := range c.commits {
				data.err = err
				if _, err := h.Commit(ctx, &invoke.Commit{RunID: s.RunID, Seq: int64(i + 1)}); err != nil {
					t.Errorf("%s: %v", c.what, err)
				}
			}
			return c.answer(s)
		})
		stamp := fmt.Sprint(time.Now().Unix())
		want := 1
		if c.again {
			want = 2
		}
		for range 2 {
			post(w, "body", "X-Sig", hexOf("key", stamp+".body"), "X-Time", stamp)
		}
		if runs != want {
			t.Errorf("%s: sent twice it ran %d times, want %d", c.what, runs, want)
		}
	}
}

func TestStandardWebhooksGuard(t *testing.T) {
	w := guarded(t, store.Guard{Kind: store.GuardHMAC, Secret: "KEY", Scheme: store.SchemeStandard})
	w.cfg.Secrets.(secrets)["id-demo/KEY"] = "whsec_" + base64.StdEncoding.EncodeToString([]byte("key"))
	stamp := fmt.Sprint(time.Now().Unix())
	raw, err := hex.DecodeString(hexOf("key", "msg_1."+stamp+".{}"))
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{"Webhook-Id", "msg_1", "Webhook-Timestamp", stamp, "Webhook-Signature", "v1,AAAA v1," + base64.StdEncoding.EncodeToString(raw)}
	if res := post(w, "{}", headers...); res.StatusCode != 200 {
		t.Errorf("signed: %d %s", res.StatusCode, body(t, res))
	}
	if res := post(w, "{}", headers...); res.StatusCode != 409 {
		t.Errorf("again: %d", res.StatusCode)
	}
	headers[1] = "msg_2"
	if res := post(w, "{}", headers...); res.StatusCode != 401 {
		t.Errorf("another ID: %d", res.StatusCode)
	}
}

// A guard whose secret cannot be read lets nobody in and tells nobody why.
func TestGuardsWithoutTheirSecret(t *testing.T) {
	for _, secret := range []string{"BROKEN", "GONE"} {
		w := guarded(t, store.Guard{Kind: store.GuardHMAC, Secret: secret})
		res := post(w, "x", "X-Hub-Signature-256", "sha256="+hexOf("key", "x"))
		if text := body(t, res); res.StatusCode != 503 || w.got != nil || strings.Contains(text, "hunter2") || strings.Contains(text, secret) {
			t.Errorf("%s: %d, %s", secret, res.StatusCode, text)
		}
		w = guarded(t, store.Guard{Kind: store.GuardBasic, Secret: secret, Username: "ada"})
		if res := post(w, "x", "Authorization", "Basic YWRhOg=="); res.StatusCode != 503 || w.got != nil {
			t.Errorf("%s: %d", secret, res.StatusCode)
		}
	}
}

// A run's host answers with the deployment's variables and the app's secrets.
func TestHostSettings(t *testing.T) {
	h := &host{cfg: &Config{Secrets: secrets{"a/KEY": "key"}}, app: &snapshot{vars: map[string]string{"REGION": "eu"}}, start: &invoke.Start{AppID: "a"}}
	vars, err := h.Variables(t.Context())
	if err != nil || vars["REGION"] != "eu" {
		t.Errorf("variables: %v, %v", vars, err)
	}
	if v, err := h.Secret(t.Context(), "KEY"); v != "key" || err != nil {
		t.Errorf("secret: %q, %v", v, err)
	}
	if _, err := h.Secret(t.Context(), "NONE"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no secret: %v", err)
	}
	if _, err := h.Secret(t.Context(), "BROKEN"); !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a broken one: %v", err)
	}
	none := &host{cfg: &Config{}, start: &invoke.Start{}}
	if _, err := none.Secret(t.Context(), "KEY"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("without secrets: %v", err)
	}
}
