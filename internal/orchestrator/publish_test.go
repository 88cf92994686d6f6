package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// people know one session of an owner.
type people struct {
	auth.People
	err error
}

var sessionToken = "pics_" + strings.Repeat("x", 43)

func (p people) SessionByToken(_ context.Context, _ [32]byte, at time.Time) (store.Session, store.User, error) {
	return store.Session{LastUsedAt: at}, store.User{ID: "ada", Role: store.RoleOwner}, p.err
}

// kept is the data of runs that keeps what is committed and enqueued.
type kept struct {
	store.KV
	mu       sync.Mutex
	commits  []store.Commit
	messages []store.Message
	err      error
	known    bool // whatever comes, its idempotency key is known
}

func (k *kept) Commit(_ context.Context, c store.Commit) (int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.commits = append(k.commits, c)
	return 1, k.err
}

func (k *kept) Enqueue(_ context.Context, list ...store.Message) ([]store.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	if k.known {
		return nil, nil
	}
	k.messages = append(k.messages, list...)
	return list, nil
}

// subscribed is a manifest with three subscriptions.
func subscribed() store.Manifest {
	m := endpoints("hello")
	m.Subscriptions = map[string]store.ManifestSubscription{
		"mail":    {Pattern: "orders.created", Delivery: store.Delivery{Script: "hello"}},
		"journal": {Pattern: "orders.>", Delivery: store.Delivery{Script: "hello"}},
		"other":   {Pattern: "users.*", Delivery: store.Delivery{Script: "hello"}},
	}
	return m
}

// newTopics is a world with subscriptions, and the request that publishes there.
func newTopics(t *testing.T, p people) (*world, *kept, func(target, contentType, body string, change ...func(*http.Request)) *http.Response) {
	data := &kept{}
	w := newWorld(t, func(c *Config) {
		c.Data = data
		c.Limits.RequestBytes = 4 << 20
		c.Guard = auth.NewGuard(auth.NewAuthenticator(p, nil, time.Now), nil)
	})
	w.apps.set("demo", subscribed())
	return w, data, func(target, contentType, body string, change ...func(*http.Request)) *http.Response {
		r := httptest.NewRequest("POST", "http://localhost"+target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+sessionToken)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		for _, f := range change {
			f(r)
		}
		return w.do(r)
	}
}

func TestPublishFromOutside(t *testing.T) {
	w, data, post := newTopics(t, people{})
	const ce = `{"specversion":"1.0","id":"7","source":"/shop","type":"order.created","data":{"n":1}}`
	for _, c := range []struct {
		target, contentType, body string
		to, payload               string
		named                     bool
	}{
		{"/demo/_/events/orders.created", "application/json", `{"id":7,"price":1.5}`, "journal mail", `#{"id": 7, "price": 1.5}`, false},
		{"/demo/_/events/orders.paid", "application/json; charset=utf-8", `"x"`, "journal", `"x"`, false},
		{"/demo/_/events/orders.paid", "", ``, "journal", `()`, false},
		{"/demo/_/events/users%2Enew", "application/vnd.example+json", `[1]`, "other", `[1]`, false},
		{"/demo/_/events/nobody.listens", "application/json", `1`, "", ``, false},
		{"/demo/_/events/orders.created", "application/cloudevents+json", ce, "journal mail", `#{"data": #{"n": 1}, "id": "7", "source": "/shop", "specversion": "1.0", "type": "order.created"}`, true},
	} {
		data.messages = nil
		res := post(c.target, c.contentType, c.body)
		answer := body(t, res)
		if res.StatusCode != 202 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: %d %v %s", c.target, c.body, res.StatusCode, res.Header, answer)
			continue
		}
		var told published
		if err := json.Unmarshal([]byte(answer), &told); err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, m := range data.messages {
			names = append(names, m.Name)
			v, err := value.Decode(m.Payload, nil)
			if err != nil || v.Repr() != c.payload {
				t.Errorf("%s %s: payload %s, %v", c.target, c.body, v.Repr(), err)
			}
			if m.AppID != "id-demo" || m.Kind != store.ChannelTopic || m.Source != told.Topic || m.Depth != 1 || (m.IdempotencyKey != "") != c.named ||
				told.Deliveries[i] != (delivery{m.Name, m.ID}) || len(m.IdempotencyKey) > store.MaxIdempotencyKey {
				t.Errorf("%s %s: %+v", c.target, c.body, m)
			}
		}
		if got := strings.Join(names, " "); got != c.to {
			t.Errorf("%s %s: told %s, want %s", c.target, c.body, got, c.to)
		}
	}
	// On the app's own host, too.
	data.messages = nil
	res := post("/_/events/orders.paid", "application/json", `1`, func(r *http.Request) { r.Host = "demo.localhost" })
	if res.StatusCode != 202 || len(data.messages) != 1 {
		t.Errorf("on the app's host: %d", res.StatusCode)
	}
	if len(w.records.list) != 0 || w.got != nil {
		t.Error("a script ran for a publication")
	}
}

// What the publisher names is named alike for each subscription, and by topic.
func TestPublishedTwice(t *testing.T) {
	_, data, post := newTopics(t, people{})
	named := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Idempotency-Key", name) }
	}
	const ce = `{"specversion":"1.0","id":"7","source":"/shop","type":"t"}`
	post("/demo/_/events/orders.paid", "", "1", named("a"))
	post("/demo/_/events/orders.paid", "", "2", named("a"))
	post("/demo/_/events/orders.sent", "", "3", named("a"))
	post("/demo/_/events/orders.paid", "application/cloudevents+json", ce)
	post("/demo/_/events/orders.paid", "application/cloudevents+json", strings.Replace(ce, `"t"`, `"u"`, 1))
	post("/demo/_/events/orders.paid", "application/cloudevents+json", strings.Replace(ce, "/shop", "/stop", 1))
	data.known = true
	if res := post("/demo/_/events/orders.paid", "", "1", named("a")); res.StatusCode != 202 || !strings.Contains(body(t, res), `"deliveries":[],"duplicate":true`) {
		t.Errorf("again: %d", res.StatusCode)
	}
	if res := post("/demo/_/events/nobody.listens", "", "1", named("a")); strings.Contains(body(t, res), "duplicate") {
		t.Error("what nobody hears is no duplicate")
	}
	var keys []string
	for _, m := range data.messages {
		keys = append(keys, m.IdempotencyKey)
	}
	if len(keys) != 6 || keys[0] != keys[1] || keys[0] == keys[2] || keys[3] != keys[4] || keys[3] == keys[5] || keys[0] == keys[3] {
		t.Errorf("the keys: %v", keys)
	}
}

func TestPublishRefused(t *testing.T) {
	_, data, post := newTopics(t, people{})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, c := range []struct {
		target, contentType, body string
		change                    func(*http.Request)
		status                    int
		says                      string
	}{
		{"/demo/_/events/orders.created", "", "1", header("Authorization", ""), 401, "Bearer TOKEN"},
		{"/demo/_/events/orders.*", "", "1", nil, 422, "no wildcards"},
		{"/demo/_/events/a%00b", "", "1", nil, 422, "contains"},
		{"/demo/_/events/", "", "1", nil, 422, "topic is empty"},
		{"/demo/_/events", "", "1", nil, 404, "events/{topic}"},
		{"/demo/_/other", "", "1", nil, 404, "events/{topic}"},
		{"/none/_/events/a", "", "1", nil, 404, "no app"},
		{"/demo/_/events/a", "", "1", func(r *http.Request) { r.Method = "PUT" }, 405, "POST"},
		{"/demo/_/events/a", "application/json", "{", nil, 422, "payload as JSON"},
		{"/demo/_/events/a", "application/json", "", nil, 422, "payload as JSON"},
		{"/demo/_/events/a", "application/json", `"\ud800"`, nil, 422, `ud800 is half a surrogate pair`},
		{"/demo/_/events/a", "text/plain", "x", nil, 415, "application/json"},
		{"/demo/_/events/a", "a b", "1", nil, 415, "Content-Type"},
		{"/demo/_/events/a", "application/cloudevents+json", "{}", nil, 422, "specversion"},
		{"/demo/_/events/a", "application/cloudevents-batch+json", "[]", nil, 415, "one by one"},
		{"/demo/_/events/a", "application/json", "1", header("Ce-Specversion", "1.0"), 415, "structured"},
		{"/demo/_/events/a", "", "1", header("Idempotency-Key", strings.Repeat("x", 257)), 422, "257 bytes"},
		{"/demo/_/events/a", "", "1", header("Idempotency-Key", ""), 422, "the Idempotency-Key is empty"},
		{"/demo/_/events/a", "application/json", "", nil, 422, "the body is empty"},
		{"/demo/_/events/a", "application/json", `"` + strings.Repeat("x", 1<<20) + `"`, nil, 422, "more than 1048576 bytes"},
		{"/demo/_/events/a", "application/json", strings.Repeat(" ", maxEvent+1), nil, 413, "larger than the limit"},
	} {
		if c.change == nil {
			c.change = func(*http.Request) {}
		}
		res := post(c.target, c.contentType, c.body, c.change)
		if text := body(t, res); res.StatusCode != c.status || !strings.Contains(text, c.says) || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %.40s: %d %s, want %d %s", c.target, c.body, res.StatusCode, text, c.status, c.says)
		}
	}
	if len(data.messages) != 0 {
		t.Errorf("%d messages were kept", len(data.messages))
	}
	for err, status := range map[error]int{
		store.ErrUnavailable: 503, store.ErrUnknownOutcome: 503, fmt.Errorf("app demo: %w", store.ErrNotFound): 404, store.ErrInvalid: 422, store.ErrQuota: 507,
	} {
		data.err = err
		if res := post("/demo/_/events/orders.paid", "", "1"); res.StatusCode != status || (status == 503) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("%v: answered %d", err, res.StatusCode)
		}
	}
	// Where nobody keeps the guard, nobody publishes.
	w := newWorld(t, nil)
	if res := w.do(httptest.NewRequest("POST", "http://localhost/demo/_/events/a", strings.NewReader("1"))); res.StatusCode != 403 {
		t.Errorf("without a guard: %d", res.StatusCode)
	}
	// On somebody's own machine, anybody does.
	w = newWorld(t, func(c *Config) { c.Open, c.Data = true, &kept{} })
	if res := w.do(httptest.NewRequest("POST", "http://localhost/demo/_/events/a", strings.NewReader("1"))); res.StatusCode != 202 {
		t.Errorf("on somebody's own machine: %d", res.StatusCode)
	}
}

// A page of another origin may ask whether it may publish; as who looks at it it
// may not.
func TestPublishAcrossOrigins(t *testing.T) {
	w, _, _ := newTopics(t, people{})
	r := httptest.NewRequest("OPTIONS", "http://localhost/demo/_/events/orders.paid", nil)
	r.Header.Set("Origin", "https://example.com")
	r.Header.Set("Access-Control-Request-Method", "POST")
	if res := w.do(r); res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", res.StatusCode, res.Header)
	}
	r = httptest.NewRequest("POST", "http://localhost/demo/_/events/orders.paid", strings.NewReader("1"))
	r.AddCookie(&http.Cookie{Name: auth.SessionCookie, Value: sessionToken})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if res := w.do(r); res.StatusCode != 403 {
		t.Errorf("with a cookie from another site: %d", res.StatusCode)
	}
}

// What a run sends and publishes, and the keys it changes, become messages of
// the app, one deeper than the run's own.
func TestHostMessages(t *testing.T) {
	data := &kept{}
	m := subscribed()
	m.KVTriggers = map[string]store.ManifestKVTrigger{"index": {Prefix: "order/"}}
	snap := newSnapshot(store.App{ID: "app"}, store.Deployment{Manifest: m}, store.Limits{})
	payload, err := value.Encode(rhai.Int(1))
	if err != nil {
		t.Fatal(err)
	}
	c := &invoke.Commit{
		RunID: "run", Seq: 1, Ops: []invoke.Op{{Kind: invoke.OpSet, Key: "order/1", Value: payload}},
		Sends:     []invoke.Send{{Queue: "emails", Payload: payload, Delay: time.Minute, IdempotencyKey: "k"}},
		Publishes: []invoke.Publish{{Topic: "orders.created", Payload: payload}, {Topic: "users.new", Payload: payload}, {Topic: "no.one", Payload: payload}},
	}
	for depth, event := range []*invoke.Event{nil, {Depth: 1}, {Depth: 2}} {
		data.commits = nil
		h := &host{cfg: &Config{Data: data}, app: snap, start: &invoke.Start{AppID: "app", RunID: "run", Event: event}}
		if out, err := h.Commit(t.Context(), c); err != nil || out.Verdict != invoke.Committed {
			t.Fatal(out, err)
		}
		got := data.commits[0]
		var list []string
		for _, m := range got.Messages {
			list = append(list, fmt.Sprintf("%s %s %s +%v %s %d", m.Kind, m.Name, m.Source, m.DueAt.Sub(got.At), m.IdempotencyKey, m.Depth))
			if m.AppID != "app" || m.ID == "" || !m.CreatedAt.Equal(got.At) || string(m.Payload) != string(payload) {
				t.Errorf("%+v", m)
			}
		}
		want := strings.ReplaceAll("queue emails emails +1m0s k D\ntopic journal orders.created +0s  D\ntopic mail orders.created +0s  D\ntopic other users.new +0s  D", "D", fmt.Sprint(depth+1))
		if text := strings.Join(list, "\n"); text != want {
			t.Errorf("at depth %d:\n%s\nwant\n%s", depth, text, want)
		}
		if w := got.Watch; w == nil || w.Depth != int64(depth+1) || len(w.Triggers) != 1 || w.Triggers[0] != (store.KVTrigger{Name: "index", Prefix: "order/"}) {
			t.Errorf("at depth %d the watch is %+v", depth, w)
		}
	}
	// What changes no key wakes no trigger.
	data.commits = nil
	h := &host{cfg: &Config{Data: data}, app: snap, start: &invoke.Start{AppID: "app", RunID: "run"}}
	if _, err := h.Commit(t.Context(), &invoke.Commit{RunID: "run", Seq: 2, Publishes: c.Publishes}); err != nil || data.commits[0].Watch != nil {
		t.Errorf("%+v, %v", data.commits[0].Watch, err)
	}
}
