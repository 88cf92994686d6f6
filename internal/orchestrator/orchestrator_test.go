package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apps is a store of apps in memory.
type apps struct {
	mu        sync.Mutex
	manifests map[string]store.Manifest
	number    int64
	reads     int
	err       error
	changed   func(store.Change)
	before    func() // called in each read
}

func (a *apps) ActiveDeployment(_ context.Context, slug string) (store.App, store.Deployment, error) {
	a.mu.Lock()
	a.reads++
	m, ok := a.manifests[slug]
	number, err, before := a.number, a.err, a.before
	a.mu.Unlock()
	if before != nil {
		before()
	}
	if err != nil {
		return store.App{}, store.Deployment{}, err
	}
	if !ok {
		return store.App{}, store.Deployment{}, fmt.Errorf("app %q: %w", slug, store.ErrNotFound)
	}
	return store.App{ID: "id-" + slug, Slug: slug}, store.Deployment{Number: number, Manifest: m}, nil
}

func (a *apps) App(_ context.Context, id string) (store.App, error) {
	slug, ok := strings.CutPrefix(id, "id-")
	if a.mu.Lock(); ok {
		_, ok = a.manifests[slug]
	}
	a.mu.Unlock()
	if !ok {
		return store.App{}, fmt.Errorf("app %q: %w", id, store.ErrNotFound)
	}
	return store.App{ID: id, Slug: slug}, nil
}

func (a *apps) Source(_ context.Context, hash string) (string, error) {
	return "source of " + hash, nil
}

func (a *apps) Subscribe(f func(store.Change)) func() {
	a.changed = f
	return func() { a.changed = nil }
}

func (a *apps) Ping(context.Context) error { return a.err }

// set gives the app a manifest and tells of it.
func (a *apps) set(slug string, m store.Manifest) {
	a.mu.Lock()
	a.manifests[slug] = m
	a.number++
	a.mu.Unlock()
	a.changed(store.Change{AppID: "id-" + slug, Slug: slug})
}

func endpoints(names ...string) store.Manifest {
	m := store.Manifest{Scripts: map[string]store.ManifestScript{}}
	for _, n := range names {
		m.Scripts[n] = store.ManifestScript{ScriptID: "s-" + n, Version: 3, SourceHash: "h-" + n, Endpoint: true}
	}
	return m
}

type records struct {
	mu   sync.Mutex
	list []store.Execution
}

func (r *records) Record(e store.Execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
}

// world is an orchestrator with everything around it.
type world struct {
	*Orchestrator
	apps    *apps
	records *records
	got     *invoke.Start // of the last run
	answer  func(*invoke.Start) (*invoke.Result, error)
}

func newWorld(t *testing.T, change func(*Config)) *world {
	w := &world{apps: &apps{manifests: map[string]store.Manifest{}}, records: &records{}}
	m := endpoints("hello", "index", "orders")
	m.Scripts["lib"] = store.ManifestScript{ScriptID: "s-lib", Version: 1, SourceHash: "h-lib"}
	w.apps.manifests["demo"] = m
	w.answer = func(*invoke.Start) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("hi")}}, nil
	}
	cfg := Config{
		Store: w.apps, Recorder: w.records, Limits: store.Limits{RequestBytes: 100, Operations: 1000},
		Control: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "control "+r.URL.Path) }),
		Executor: invoketest.Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
			w.got = s
			return w.answer(s)
		}),
		AppsDomain: "apps.example",
	}
	if change != nil {
		change(&cfg)
	}
	w.Orchestrator = New(cfg)
	t.Cleanup(w.Close)
	return w
}

func (w *world) do(r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result()
}

func (w *world) get(host, target string) *http.Response {
	r := httptest.NewRequest("GET", "http://placeholder"+target, nil)
	r.Host = host
	r.RequestURI = target
	return w.do(r)
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRouting(t *testing.T) {
	w := newWorld(t, nil)
	const control, own = "localhost:8080", "demo.localhost:8080"
	for _, tc := range []struct {
		host, target string
		want         string // "script rest", "control", or a status
	}{
		{control, "/demo/hello", "hello "},
		{control, "/demo/hello/", "hello "},
		{control, "/demo/hello/a/b", "hello a/b"},
		{control, "/demo/hello/a%2Fb/c%20d", "hello a/b/c d"},
		{control, "/demo/hello/a//b/../c/", "hello a//b/../c/"},
		{control, "/demo/hello?x=/y/z", "hello "},
		{control, "/demo", "index "},
		{control, "/demo/", "index "},
		{control, "/demo/index", "index "},
		{control, "/demo/lib", "404"},
		{control, "/demo/nothing", "404"},
		{control, "/demo//hello", "404"},
		{control, "/demo/./hello", "404"},
		{control, "/demo%2Fhello", "404"},
		{control, "/demo/hel%6Co", "hello "},
		{control, "/%64emo/hel%6Co/%61", "hello a"},
		{control, "/%61pi/v1/whoami", "control"},
		{control, "/%5F/login", "control"},
		{control, "/demo/hel%00lo", "404"},
		{control, "/de%00mo/hello", "404"},
		{control, "/%FF/hello", "404"},
		{control, "/demo/hello%2F", "404"},
		{control, "/%64emo%2Fhello", "404"},
		{control, "/demo/%2e%2e/api", "404"},
		{own, "/hel%6Co/x", "hello x"},
		{control, "/Demo/hello", "404"},
		{control, "/other/hello", "404"},
		{control, "/", "control"},
		{control, "//demo/hello", "control"},
		{control, "/api/v1/whoami", "control"},
		{control, "/_/login", "control"},
		{control, "/_anything", "control"},
		{control, "/.well-known/x", "control"},
		{control, "/favicon.ico", "control"},
		{control, "/metrics", "control"},
		{"127.0.0.1:8080", "/demo/hello", "hello "},
		{"[::1]:8080", "/demo/hello", "hello "},
		{"apps.example", "/demo/hello", "hello "},
		{own, "/hello/x", "hello x"},
		{own, "/", "index "},
		{own, "/demo/hello", "404"},
		{own, "/api/v1/whoami", "404"},
		{own, "/_/login", "404"},
		{own, "/healthz", "404"},
		{"DEMO.LocalHost", "/hello", "hello "},
		{"demo.localhost.", "/hello", "hello "},
		{"demo.apps.example", "/hello", "hello "},
		{"demo.apps.example:443", "/hello", "hello "},
		{"a.demo.apps.example", "/hello", "404"},
		{"other.localhost", "/hello", "404"},
		{".localhost", "/demo/hello", "hello "},
	} {
		w.got = nil
		res := w.get(tc.host, tc.target)
		got := fmt.Sprint(res.StatusCode)
		switch b := body(t, res); {
		case w.got != nil:
			got = w.got.Script + " " + w.got.Request.Params[0].Value
		case strings.HasPrefix(b, "control"):
			got = "control"
		case res.Header.Get("Content-Type") != "application/problem+json":
			t.Errorf("%s%s: an error of type %q", tc.host, tc.target, res.Header.Get("Content-Type"))
		}
		if got != tc.want {
			t.Errorf("%s%s: got %q, want %q", tc.host, tc.target, got, tc.want)
		}
	}
}

func TestStartAndRecord(t *testing.T) {
	w := newWorld(t, nil)
	m := endpoints("hello")
	m.Limits = store.Limits{Operations: 500, RequestBytes: 1 << 30}
	s := m.Scripts["hello"]
	s.Limits = store.Limits{RequestBytes: 50}
	m.Scripts["hello"] = s
	w.apps.set("demo", m)
	w.answer = func(s *invoke.Start) (*invoke.Result, error) {
		return &invoke.Result{
			Status: store.StatusError, Error: "oops", Operations: 7, PeakMemory: 8, Duration: 9,
			StartedAt: time.UnixMicro(10), Response: &invoke.Response{Status: 500}, Logs: []store.LogLine{{Message: "m"}}, LogsDropped: 11,
		}, nil
	}
	r := httptest.NewRequest("PUT", "/demo/hello/x?a=b", strings.NewReader("the body"))
	r.Host, r.RemoteAddr = "localhost:1", "192.0.2.1:5"
	res := w.do(r)
	if res.StatusCode != 500 || w.got == nil {
		t.Fatalf("status %d", res.StatusCode)
	}
	g := w.got
	if g.AppID != "id-demo" || g.App != "demo" || g.ScriptID != "s-hello" || g.Version != 3 || g.Deployment != 1 || g.Program != "h-hello" || g.Trigger != "http" {
		t.Errorf("start: %+v", g)
	}
	if g.Limits != (store.Limits{Operations: 500, RequestBytes: 50}) {
		t.Errorf("limits: %+v", g.Limits)
	}
	q := g.Request
	if q.Method != "PUT" || q.URL != "http://localhost:1/demo/hello/x?a=b" || q.Path != "/demo/hello/x" || q.Query != "a=b" || string(q.Body) != "the body" || q.IP != "192.0.2.1" {
		t.Errorf("request: %+v", q)
	}
	if len(w.records.list) != 1 {
		t.Fatalf("%d executions recorded", len(w.records.list))
	}
	e := w.records.list[0]
	if e.ID == "" || e.ID != g.RunID || e.ID != res.Header.Get("Picloud-Execution-Id") {
		t.Errorf("IDs differ: %q, %q, %q", e.ID, g.RunID, res.Header.Get("Picloud-Execution-Id"))
	}
	e.ID = ""
	want := store.Execution{
		AppID: "id-demo", ScriptID: "s-hello", Script: "hello", Version: 3, Deployment: 1, Trigger: "http",
		Status: store.StatusError, Error: "oops", Method: "PUT", Path: "/demo/hello/x", HTTPStatus: 500,
		StartedAt: time.UnixMicro(10), Duration: 9, Operations: 7, PeakMemory: 8, Logs: []store.LogLine{{Message: "m"}}, LogsDropped: 11,
	}
	if fmt.Sprint(e) != fmt.Sprint(want) {
		t.Errorf("recorded %+v\nwant     %+v", e, want)
	}
}

func TestExecutionIDs(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	id, err := uuid.Parse(newExecutionID(now))
	if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		t.Errorf("%v is no UUIDv7 (%v)", id, err)
	}
	if sec, nsec := id.Time().UnixTime(); sec != now.Unix() || nsec/1e6 != 678 {
		t.Errorf("%v is of %d.%09d", id, sec, nsec)
	}
	seen := map[string]bool{}
	last := ""
	for i := range 1000 {
		id := newExecutionID(now.Add(time.Duration(i) * time.Microsecond))
		if seen[id] || id <= last {
			t.Fatalf("%s follows %s", id, last)
		}
		seen[id], last = true, id
	}
}

// What the database cannot hold is not handed to it.
func TestRecordedTextIsClean(t *testing.T) {
	w := newWorld(t, nil)
	w.get("localhost", "/demo/hello/a%00b%ffc"+strings.Repeat("x", 5000))
	e := w.records.list[0]
	if !strings.HasPrefix(e.Path, "/demo/hello/a\uFFFDb\uFFFDc") || len(e.Path) > maxText+10 {
		t.Errorf("recorded %d bytes, %q", len(e.Path), e.Path[:20])
	}
}

func TestSnapshotsFollowTheStore(t *testing.T) {
	w := newWorld(t, nil)
	version := func() int64 {
		w.got = nil
		w.get("localhost", "/demo/hello")
		if w.got == nil {
			return -1
		}
		return w.got.Deployment
	}
	if first, second := version(), version(); first != 0 || second != 0 || w.apps.reads != 1 {
		t.Fatalf("two requests ran versions %d and %d and read the store %d times", first, second, w.apps.reads)
	}
	w.apps.set("demo", endpoints("hello"))
	if v := version(); v != 1 {
		t.Errorf("after a deployment number 1 the next request runs %d", v)
	}
	// Unknown slugs are not asked for again, until something changes.
	before := w.apps.reads
	w.get("localhost", "/new/hello")
	w.get("localhost", "/new/hello")
	if w.apps.reads != before+1 {
		t.Errorf("an unknown app is read %d times", w.apps.reads-before)
	}
	w.apps.set("new", endpoints("hello"))
	if res := w.get("localhost", "/new/hello"); res.StatusCode != 200 {
		t.Errorf("a new app answers %d", res.StatusCode)
	}
	// Renamed: the change names the old slug.
	w.apps.mu.Lock()
	w.apps.manifests["newer"] = w.apps.manifests["new"]
	delete(w.apps.manifests, "new")
	w.apps.mu.Unlock()
	w.get("localhost", "/newer/hello")
	w.apps.changed(store.Change{AppID: "id-new", Slug: "new"})
	if a, b := w.get("localhost", "/new/hello").StatusCode, w.get("localhost", "/newer/hello").StatusCode; a != 404 || b != 200 {
		t.Errorf("after renaming the old slug answers %d, the new one %d", a, b)
	}
	// What may have been missed.
	w.apps.mu.Lock()
	w.apps.number = 77
	w.apps.mu.Unlock()
	w.apps.changed(store.Change{})
	if v := version(); v != 77 {
		t.Errorf("after a gap the next request runs %d", v)
	}
}

// A read that began before a change must not serve requests that come after.
func TestReadOvertakenByAChange(t *testing.T) {
	w := newWorld(t, nil)
	reading, release := make(chan struct{}), make(chan struct{})
	w.apps.before = func() { reading <- struct{}{}; <-release }
	first := make(chan int, 1)
	go func() { first <- w.get("localhost", "/demo/hello").StatusCode }()
	<-reading
	w.apps.mu.Lock()
	w.apps.before = nil
	w.apps.mu.Unlock()
	w.apps.set("demo", endpoints("only"))
	if s := w.get("localhost", "/demo/hello").StatusCode; s != 404 {
		t.Errorf("a request after the change got %d, want 404", s)
	}
	close(release)
	<-first
	if s := w.get("localhost", "/demo/only").StatusCode; s != 200 {
		t.Errorf("the overtaken read was kept: %d", s)
	}
}

func TestDatabaseDown(t *testing.T) {
	w := newWorld(t, nil)
	w.apps.err = errors.New("gone")
	res := w.get("localhost", "/demo/hello")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || strings.Contains(body(t, res), "gone") {
		t.Errorf("got %d", res.StatusCode)
	}
	if s := w.get("localhost", "/readyz").StatusCode; s != 503 {
		t.Errorf("/readyz: %d", s)
	}
	if s := w.get("localhost", "/healthz").StatusCode; s != 200 {
		t.Errorf("/healthz: %d", s)
	}
	w.apps.err = nil
	if s := w.get("localhost", "/demo/hello").StatusCode; s != 200 {
		t.Errorf("an error is kept: %d", s)
	}
	if s := w.get("localhost", "/readyz").StatusCode; s != 200 {
		t.Errorf("/readyz: %d", s)
	}
}

func TestBodyLimit(t *testing.T) {
	w := newWorld(t, nil)
	for name, r := range map[string]*http.Request{
		"with a length":    httptest.NewRequest("POST", "/demo/hello", strings.NewReader(strings.Repeat("x", 101))),
		"without a length": httptest.NewRequest("POST", "/demo/hello", io.MultiReader(strings.NewReader(strings.Repeat("x", 101)))),
	} {
		w.got = nil
		res := w.do(r)
		if res.StatusCode != 413 || !strings.Contains(body(t, res), "100 bytes") || w.got != nil {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
	}
	for name, r := range map[string]*http.Request{
		"with a length":    httptest.NewRequest("POST", "/demo/hello", strings.NewReader(strings.Repeat("x", 100))),
		"without a length": httptest.NewRequest("POST", "/demo/hello", io.MultiReader(strings.NewReader(strings.Repeat("x", 100)))),
	} {
		if res := w.do(r); res.StatusCode != 200 || len(w.got.Request.Body) != 100 {
			t.Errorf("at the limit, %s: got %d", name, res.StatusCode)
		}
	}
	if w.bodies.Load() != 0 {
		t.Errorf("%d bytes are still reserved", w.bodies.Load())
	}
}

func TestBodyMemory(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.BodyMemory = 100 << 10; c.Limits.RequestBytes = 1 << 20 })
	res := w.do(httptest.NewRequest("POST", "/demo/hello", strings.NewReader(strings.Repeat("x", 200<<10))))
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d", res.StatusCode)
	}
	if res := w.do(httptest.NewRequest("POST", "/demo/hello", strings.NewReader(strings.Repeat("x", 90<<10)))); res.StatusCode != 200 {
		t.Errorf("within the bound: %d", res.StatusCode)
	}
	if w.bodies.Load() != 0 {
		t.Errorf("%d bytes are still reserved", w.bodies.Load())
	}
}

// Clients that announce large bodies and send nothing take no memory from
// those that do.
func TestAnnouncedBodiesHoldUpNobody(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.BodyMemory = 1 << 20; c.Limits.RequestBytes = 1 << 20 })
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 3 {
		reads := make(chan struct{})
		body := &stalled{ctx, sync.OnceFunc(func() { close(reads) })}
		r := httptest.NewRequest("POST", "/demo/hello", body)
		r.ContentLength = 1 << 20
		waiting.Go(func() {
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, r)
			if rec.Code != 400 {
				t.Errorf("a body that never came: %d", rec.Code)
			}
		})
		<-reads
	}
	if res := w.do(httptest.NewRequest("POST", "/demo/hello", strings.NewReader(strings.Repeat("x", 900<<10)))); res.StatusCode != 200 {
		t.Errorf("beside bodies that do not come: %d", res.StatusCode)
	}
	cancel()
	waiting.Wait()
	if w.bodies.Load() != 0 {
		t.Errorf("%d bytes are still reserved", w.bodies.Load())
	}
}

// stalled is a body of which nothing comes until ctx ends.
type stalled struct {
	ctx   context.Context
	began func()
}

func (s *stalled) Read([]byte) (int, error) {
	s.began()
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestCredentialsAreTakenOut(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct{ name, in, want string }{
		{"Cookie", "picloud_session=s", ""},
		{"Cookie", "a=1; picloud_session=s; b=2", "a=1; b=2"},
		{"Cookie", "__Host-picloud_session=s;c=3", "c=3"},
		{"Cookie", "PICLOUD_session=s; a=1", "a=1"},
		{"Cookie", "a=picloud_session", "a=picloud_session"},
		{"Authorization", "Bearer pics_abc", ""},
		{"Authorization", "bearer   pic_key_abc", ""},
		{"Authorization", "Bearer picsetup_abc", ""},
		{"Authorization", "pics_abc", ""},
		{"Authorization", "Bearer sk_live_abc", "Bearer sk_live_abc"},
		{"Authorization", "Bearer picnic", "Bearer picnic"},
		{"Authorization", "Basic cGljc19h", "Basic cGljc19h"},
		{"Proxy-Authorization", "Basic x", ""},
		{"X-Api-Key", "theirs", "theirs"},
	} {
		r := httptest.NewRequest("GET", "/demo/hello", nil)
		r.Header.Set(tc.name, tc.in)
		w.do(r)
		if got := w.got.Request.Header.Get(tc.name); got != tc.want {
			t.Errorf("%s: %s reaches the script as %q, want %q", tc.name, tc.in, got, tc.want)
		}
		if r.Header.Get(tc.name) != tc.in {
			t.Errorf("%s: the request itself was changed", tc.name)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.TrustedProxies = peer.Trust{netip.MustParsePrefix("10.0.0.0/8")} })
	r := httptest.NewRequest("GET", "/demo/hello", nil)
	r.RemoteAddr = "10.1.1.1:1"
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 192.0.2.7, 10.2.2.2")
	r.Header.Set("X-Forwarded-Proto", "https")
	w.do(r)
	if q := w.got.Request; q.IP != "192.0.2.7" || !strings.HasPrefix(q.URL, "https://") {
		t.Errorf("behind a proxy: %s, %s", q.IP, q.URL)
	}
	r.RemoteAddr = "192.0.2.200:1"
	w.do(r)
	if q := w.got.Request; q.IP != "192.0.2.200" || !strings.HasPrefix(q.URL, "http://") {
		t.Errorf("a client that pretends: %s, %s", q.IP, q.URL)
	}
}

// respondWith runs a script that answers with these headers.
func (w *world) respondWith(r *http.Request, status int, h http.Header) http.Header {
	w.answer = func(*invoke.Start) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: status, Header: h, Body: []byte("x")}}, nil
	}
	return w.do(r).Header
}

// Whoever counts a body, its length is sent, and none is chunked.
func TestEachResponseHasALength(t *testing.T) {
	for _, size := range []int{0, 1, countedBody, countedBody + 1, 1 << 20} {
		w := newWorld(t, nil)
		w.answer = func(*invoke.Start) (*invoke.Result, error) {
			return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 200, Body: make([]byte, size)}}, nil
		}
		server := httptest.NewServer(w)
		for _, method := range []string{"GET", "HEAD"} {
			r, _ := http.NewRequest(method, server.URL+"/demo/hello", nil)
			res, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.ContentLength != int64(size) || len(res.TransferEncoding) > 0 || method == "GET" && len(body) != size {
				t.Errorf("%s of %d bytes: Content-Length %d, transfer encoding %q, %d bytes came, %v", method, size, res.ContentLength, res.TransferEncoding, len(body), err)
			}
		}
		server.Close()
	}
}

func TestOriginRules(t *testing.T) {
	w := newWorld(t, nil)
	control := httptest.NewRequest("GET", "http://localhost/demo/hello", nil)
	own := httptest.NewRequest("GET", "http://demo.localhost/hello", nil)
	evil := http.Header{
		"Content-Security-Policy": {"sandbox allow-same-origin allow-scripts", "default-src *"},
		"Service-Worker-Allowed":  {"/"}, "Clear-Site-Data": {`"*"`}, "Strict-Transport-Security": {"max-age=9"},
		"Access-Control-Allow-Origin": {"null"}, "Access-Control-Allow-Credentials": {"true"},
		"Connection": {"close"}, "Transfer-Encoding": {"chunked"}, "Content-Length": {"999"}, "Upgrade": {"h2c"},
		"X-Accel-Redirect": {"/etc/passwd"}, "X-Sendfile": {"/etc/passwd"}, "Picloud-Execution-Id": {"fake"},
		"X-Split": {"a\r\nSet-Cookie: picloud_session=x"}, "X-Bad\nName": {"a"}, "x-lower": {"a"}, "X-Good": {"a"},
		"Set-Cookie": {
			"picloud_session=x", "PICLOUD_session=x; Path=/", "__Host-picloud_session=x; Secure; Path=/", " picloud_x=1", "=picloud_session=x",
			"nonsense", "ok=1; Path=/", "wide=1; Domain=example; Path=/; HttpOnly", "split=1\nX: y",
		},
		"Www-Authenticate": {`Basic realm="your PiCloud password"`},
	}
	for name, r := range map[string]*http.Request{"control": control, "own": own} {
		h := w.respondWith(r, 200, evil.Clone())
		for _, gone := range []string{"Connection", "Transfer-Encoding", "Upgrade", "X-Accel-Redirect", "X-Sendfile", "X-Split"} {
			if v, ok := h[gone]; ok {
				t.Errorf("%s: %s: %q leaves", name, gone, v)
			}
		}
		for _, bad := range []string{"X-Bad\nName", "x-lower"} {
			if _, ok := h[bad]; ok {
				t.Errorf("%s: a header named %q leaves", name, bad)
			}
		}
		if h.Get("X-Good") != "a" || h.Get("Content-Length") == "999" || h.Get("Picloud-Execution-Id") == "fake" {
			t.Errorf("%s: %v", name, h)
		}
	}
	h := w.respondWith(control, 200, evil.Clone())
	for _, gone := range []string{"Service-Worker-Allowed", "Clear-Site-Data", "Strict-Transport-Security", "Access-Control-Allow-Credentials", "Set-Cookie", "Www-Authenticate"} {
		if v, ok := h[gone]; ok {
			t.Errorf("%s: %q leaves the control host", gone, v)
		}
	}
	if got := h["Content-Security-Policy"]; len(got) != 3 || got[0] != sandboxPolicy {
		t.Errorf("policies: %q", got)
	}
	if got := h["Access-Control-Allow-Origin"]; !slices.Equal(got, []string{"*"}) {
		t.Errorf("allowed origins: %q", got)
	}
	h = w.respondWith(own, 200, evil.Clone())
	if got := h["Content-Security-Policy"]; !slices.Equal(got, evil["Content-Security-Policy"]) {
		t.Errorf("on its own host the script's policies are %q", got)
	}
	if got := h["Set-Cookie"]; !slices.Equal(got, []string{"ok=1; Path=/", "wide=1; Path=/; HttpOnly"}) {
		t.Errorf("on its own host the script's cookies are %q", got)
	}
	if h.Get("Www-Authenticate") == "" || h.Get("Service-Worker-Allowed") != "/" || h.Get("Access-Control-Allow-Origin") != "null" {
		t.Errorf("on its own host the script's headers are %v", h)
	}
	// Errors that PiCloud answers in the script's place are on the same origin.
	for _, target := range []string{"/demo/nothing", "/nothing/x", "/demo/lib"} {
		if got := w.get("localhost", target).Header.Get("Content-Security-Policy"); got != sandboxPolicy {
			t.Errorf("%s: policy %q", target, got)
		}
	}
	if got := w.get("localhost", "/api/v1/x").Header.Get("Content-Security-Policy"); got != "" {
		t.Errorf("the control plane gets the policy %q", got)
	}
}

func TestCORS(t *testing.T) {
	w := newWorld(t, nil)
	m := endpoints("hello")
	m.CORS.Origins = []string{"https://a.example"}
	w.apps.set("strict", m)
	for _, tc := range []struct {
		host, target, origin string
		allow, credentials   string
	}{
		{"localhost", "/demo/hello", "https://x.example", "*", ""},
		{"demo.localhost", "/hello", "https://x.example", "*", ""},
		{"localhost", "/strict/hello", "https://a.example", "https://a.example", ""},
		{"strict.localhost", "/hello", "https://a.example", "https://a.example", "true"},
		{"strict.localhost", "/hello", "https://x.example", "", ""},
		{"strict.localhost", "/hello", "", "", ""},
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			r := httptest.NewRequest(method, "http://"+tc.host+tc.target, nil)
			r.Header.Set("Origin", tc.origin)
			r.Header.Set("Access-Control-Request-Method", "PUT")
			r.Header.Set("Access-Control-Request-Headers", "x-one, authorization")
			w.got = nil
			res := w.do(r)
			h := res.Header
			if a, c := h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"); a != tc.allow || c != tc.credentials {
				t.Errorf("%s %s%s from %s: allowed %q, credentials %q", method, tc.host, tc.target, tc.origin, a, c)
			}
			if method == "GET" {
				continue
			}
			if res.StatusCode != 204 || w.got != nil || h.Get("Allow") != anyMethod {
				t.Errorf("OPTIONS %s%s: status %d, Allow %q", tc.host, tc.target, res.StatusCode, h.Get("Allow"))
			}
			if tc.allow != "" && (h.Get("Access-Control-Allow-Methods") != anyMethod || h.Get("Access-Control-Allow-Headers") != "x-one, authorization") {
				t.Errorf("OPTIONS %s%s: %v", tc.host, tc.target, h)
			}
		}
	}
	if s := w.do(httptest.NewRequest("OPTIONS", "/demo/nothing", nil)).StatusCode; s != 404 {
		t.Errorf("OPTIONS of what is not there: %d", s)
	}
}

func TestHeadAndBodyless(t *testing.T) {
	w := newWorld(t, nil)
	srv := httptest.NewServer(w)
	defer srv.Close()
	res, err := srv.Client().Head(srv.URL + "/demo/hello")
	if err != nil || res.StatusCode != 200 || res.ContentLength != 2 || w.got.Request.Method != "HEAD" {
		t.Errorf("HEAD: %v, %v", res, err)
	}
	for _, status := range []int{204, 304} {
		h := w.respondWith(httptest.NewRequest("GET", "/demo/hello", nil), status, http.Header{"Content-Type": {"a/b"}})
		if h.Get("Content-Type") != "" || h.Get("Content-Length") != "" {
			t.Errorf("%d: %v", status, h)
		}
	}
	srv.Client().CloseIdleConnections()
}

func TestExecutorFailures(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name   string
		res    *invoke.Result
		err    error
		status int
		record store.Status
		retry  string
	}{
		{"unreachable", nil, fmt.Errorf("%w: no socket", invoke.ErrUnreachable), 503, store.StatusRejected, "1"},
		{"lost", nil, fmt.Errorf("%w: EOF", invoke.ErrLost), 503, store.StatusError, ""},
		{"rejected", &invoke.Result{Status: store.StatusRejected, RetryAfter: 2500 * time.Millisecond}, nil, 503, store.StatusRejected, "3"},
		{"timeout without a response", &invoke.Result{Status: store.StatusTimeout}, nil, 504, store.StatusTimeout, ""},
		{"a status that is none", &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Status: 77}}, nil, 500, store.StatusOK, ""},
	} {
		w.records.list = nil
		w.answer = func(*invoke.Start) (*invoke.Result, error) { return tc.res, tc.err }
		res := w.get("localhost", "/demo/hello")
		if res.StatusCode != tc.status || res.Header.Get("Retry-After") != tc.retry || strings.Contains(body(t, res), "EOF") {
			t.Errorf("%s: %d, Retry-After %q", tc.name, res.StatusCode, res.Header.Get("Retry-After"))
		}
		if len(w.records.list) != 1 || w.records.list[0].Status != tc.record {
			t.Errorf("%s: recorded %v", tc.name, w.records.list)
		}
	}
}

// data is a store.KV that takes no messages.
type data struct{ store.KV }

func (data) Enqueue(context.Context, ...store.Message) ([]store.Message, error) {
	return nil, store.ErrUnavailable
}

// failing is data whose commits end with an error.
type failing struct {
	data
	err error
}

func (f failing) Commit(context.Context, store.Commit) (int64, error) { return 0, f.err }

func TestHost(t *testing.T) {
	data := data{memory.New()}
	h := &host{cfg: &Config{Store: &apps{}, Data: data, KVBytes: 100}, app: &snapshot{}, start: &invoke.Start{AppID: "app", RunID: "run"}}
	if s, err := h.Source(t.Context(), "x"); s != "source of x" || err != nil {
		t.Errorf("source: %q, %v", s, err)
	}
	commit := func(want invoke.Verdict, c *invoke.Commit) {
		t.Helper()
		if out, err := h.Commit(t.Context(), c); err != nil || out.Verdict != want || (want == invoke.Committed) != (out.Detail == "") {
			t.Errorf("%+v: got %v, %v, want %v", c, out, err, want)
		}
	}
	a := []invoke.Op{{Kind: invoke.OpSet, Key: "a", Value: []byte("1")}}
	commit(invoke.Committed, &invoke.Commit{RunID: "run"})
	commit(invoke.Committed, &invoke.Commit{RunID: "run", Seq: 1, Ops: a})
	commit(invoke.Refused, &invoke.Commit{RunID: "other", Seq: 1, Ops: a})
	commit(invoke.Refused, &invoke.Commit{RunID: "run", Seq: 3, Ops: []invoke.Op{{Kind: invoke.OpSet}}})
	commit(invoke.Conflict, &invoke.Commit{RunID: "run", Seq: 4, Reads: []invoke.Read{{Key: "a"}}})
	commit(invoke.Quota, &invoke.Commit{RunID: "run", Seq: 5, Ops: []invoke.Op{{Kind: invoke.OpSet, Key: "b", Value: make([]byte, 100)}}})
	got, err := h.Get(t.Context(), []string{"a", "b"})
	if err != nil || len(got) != 1 || string(got[0].Value) != "1" {
		t.Errorf("Get: %v, %v", got, err)
	}
	page, err := h.List(t.Context(), invoke.Query{Prefix: "a", Limit: 10})
	if err != nil || len(page.Entries) != 1 || page.More {
		t.Errorf("List: %v, %v", page, err)
	}
	for _, err := range []error{store.ErrUnavailable, store.ErrUnknownOutcome, context.Canceled} {
		h.cfg.Data = failing{data, err}
		commit(invoke.Unavailable, &invoke.Commit{RunID: "run", Seq: 6, Ops: a})
	}
	h.cfg.Data = failing{data, store.ErrLeaseLost}
	commit(invoke.LeaseLost, &invoke.Commit{RunID: "run", Seq: 7, Acks: []string{"m"}, Lease: &invoke.Lease{Token: "l"}})
}
