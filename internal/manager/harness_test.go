package manager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/manager/version"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/store/sqlite"
	"github.com/picloud/picloud/internal/testdir"
	"github.com/picloud/picloud/rhai"
)

// cheap keeps the tests from waiting for passwords.
var cheap = auth.Params{Passes: 1, MemoryKiB: 64, Threads: 1}

// clock is the instance's clock. It moves only when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// patience bounds a wait for an answer.
const patience = 2 * time.Minute

// recorder is a store.ExecutionFeed over the store's executions.
type recorder struct {
	store.Executions
	mu       sync.Mutex
	watchers map[int]func([]store.Execution)
	changed  chan struct{} // closed when watchers come or go
	next     int
	dropped  map[string]int64
}

func (r *recorder) Dropped(appID string) int64 { return r.dropped[appID] }

func (r *recorder) record(t *testing.T, batch ...store.Execution) {
	t.Helper()
	if err := r.WriteExecutions(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	r.tell(batch)
}

func (r *recorder) tell(batch []store.Execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.watchers {
		f(batch)
	}
}

func (r *recorder) Watch(f func([]store.Execution)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers == nil {
		r.watchers = map[int]func([]store.Execution){}
	}
	r.next++
	n := r.next
	r.watchers[n] = f
	r.tellChanged()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, n)
		r.tellChanged()
	}
}

// tellChanged lets those go on who wait for a change. r.mu is held.
func (r *recorder) tellChanged() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// watching returns how many watch, and what is closed when that changes.
func (r *recorder) watching() (n int, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return len(r.watchers), r.changed
}

// instance is a control plane on SQLite, on a real listener.
type instance struct {
	t       *testing.T
	store   store.Store
	rec     *recorder
	setup   *auth.Setup
	manager *manager.Manager
	server  *httptest.Server
	clock   *clock
	log     *logBuffer
	vault   *secret.Vault
}

// instanceLimits are the instance's limits in tests.
var instanceLimits = store.Limits{Operations: 1_000_000, WallTimeMS: 10_000}

func TestMain(m *testing.M) { pgtest.Main(m) }

// onSQLite and onPostgres open an empty store of each kind.
func onSQLite(t *testing.T) (store.Store, store.Executions) {
	s, err := sqlite.Open(t.Context(), testdir.New(t))
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Executions()
}

func onPostgres(t *testing.T) (store.Store, store.Executions) {
	s, err := postgres.Open(t.Context(), pgtest.Database(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Executions()
}

// onBoth runs a test on either store: for what rests on how they behave.
func onBoth(t *testing.T, test func(t *testing.T, in *instance)) {
	t.Run("SQLite", func(t *testing.T) { test(t, startOn(t, onSQLite)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, startOn(t, onPostgres)) })
}

func start(t *testing.T, change ...func(*manager.Config)) *instance {
	t.Helper()
	return startOn(t, onSQLite, change...)
}

func startOn(t *testing.T, open func(*testing.T) (store.Store, store.Executions), change ...func(*manager.Config)) *instance {
	t.Helper()
	s, executions := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	in := &instance{
		t: t, store: s, rec: &recorder{Executions: executions}, log: &logBuffer{},
		clock: &clock{at: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)},
	}
	var err error
	if in.vault, err = secret.Open(t.Context(), s, secret.Source{Name: "the test", Text: secret.NewKey().Text()}); err != nil {
		t.Fatal(err)
	}
	hasher := auth.NewHasher(cheap)
	in.setup = auth.NewSetup(s, hasher, in.clock.now)
	c := manager.Config{
		Store: s, Vault: in.vault, Executions: in.rec, Feed: in.rec,
		Auth: auth.NewAuthenticator(s, hasher, in.clock.now), Setup: in.setup,
		Engine: rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxSourceSize: 1 << 20})), Limits: instanceLimits, Now: in.clock.now,
		Log: slog.New(slog.NewTextHandler(in.log, nil)), Version: version.ServerVersion{Version: "1.2.3"},
	}
	for _, f := range change {
		f(&c)
	}
	in.manager = manager.New(c)
	in.server = httptest.NewServer(in.manager)
	t.Cleanup(func() {
		in.manager.EndStreams()
		in.server.Close()
	})
	return in
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// errUnheardOf is a failure that tells of the inside.
var errUnheardOf = errors.New("pg_hba.conf says no")

// with returns another control plane on the same users, with another store.
func (in *instance) with(s store.Store) *instance {
	other := *in
	other.log = &logBuffer{}
	hasher := auth.NewHasher(cheap)
	m := manager.New(manager.Config{
		Store: s, Vault: in.vault, Executions: in.rec, Feed: in.rec, Auth: auth.NewAuthenticator(s, hasher, in.clock.now),
		Setup: auth.NewSetup(s, hasher, in.clock.now), Engine: rhai.NewEngine(), Now: in.clock.now,
		Log: slog.New(slog.NewTextHandler(other.log, nil)), Version: version.ServerVersion{Version: "1.2.3"},
	})
	other.server = httptest.NewServer(m)
	in.t.Cleanup(other.server.Close)
	return &other
}

// owner makes the owner ada and returns her token.
func (in *instance) owner() string {
	in.t.Helper()
	if _, err := in.setup.CreateOwner(in.t.Context(), "ada", "correct horse"); err != nil {
		in.t.Fatal(err)
	}
	return in.signIn("ada", "correct horse")
}

// user makes a user with a role and returns their token.
func (in *instance) user(name string, role store.Role) string {
	in.t.Helper()
	phc, err := auth.NewHasher(cheap).Hash(in.t.Context(), "correct horse")
	if err != nil {
		in.t.Fatal(err)
	}
	err = in.store.CreateUser(in.t.Context(), store.User{
		ID: store.NewID(), Username: name, Role: role, PasswordHash: phc, CreatedAt: in.clock.now(), UpdatedAt: in.clock.now(),
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return in.signIn(name, "correct horse")
}

func (in *instance) signIn(name, password string) string {
	in.t.Helper()
	r := in.do(call{method: "POST", path: "/sessions", body: map[string]any{"username": name, "password": password}})
	r.want(201)
	return r.str("token")
}

// call is a request to the API.
type call struct {
	method, path string
	token        string // bearer
	body         any    // string and io.Reader as they are, anything else as JSON
	header       http.Header
}

// reply is the answer to a call.
type reply struct {
	t      *testing.T
	name   string
	status int
	header http.Header
	body   []byte
	data   map[string]any
}

// do sends a call and checks what holds for every answer: it is documented,
// errors are problem details, and nothing is stored by caches.
func (in *instance) do(c call) *reply {
	in.t.Helper()
	var body io.Reader
	switch b := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case io.Reader: // of a length that is not known ahead
		body = b
	default:
		data, err := json.Marshal(b)
		if err != nil {
			in.t.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, c.method, in.server.URL+"/api/v1"+c.path, body)
	if err != nil {
		in.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		r.Header[k] = v
	}
	rsp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		in.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	defer rsp.Body.Close()
	out := &reply{t: in.t, name: c.method + " " + c.path, status: rsp.StatusCode, header: rsp.Header}
	if out.body, err = io.ReadAll(rsp.Body); err != nil {
		in.t.Fatalf("%s: %v", out.name, err)
	}
	if len(out.body) > 0 {
		if err := json.Unmarshal(out.body, &out.data); err != nil {
			in.t.Fatalf("%s: the answer is no JSON object: %s", out.name, out.body)
		}
	}
	checkDocumented(in.t, c.method, c.path, rsp.StatusCode)
	wantType := "application/json"
	if rsp.StatusCode >= 400 {
		wantType = "application/problem+json"
		if int(out.num("status")) != rsp.StatusCode || out.str("title") == "" || out.str("detail") == "" {
			in.t.Errorf("%s: incomplete problem: %s", out.name, out.body)
		}
	}
	if rsp.StatusCode != 204 && rsp.Header.Get("Content-Type") != wantType {
		in.t.Errorf("%s: Content-Type is %q, want %q", out.name, rsp.Header.Get("Content-Type"), wantType)
	}
	if rsp.Header.Get("Cache-Control") != "no-store" {
		in.t.Errorf("%s: Cache-Control is %q", out.name, rsp.Header.Get("Cache-Control"))
	}
	if rsp.Header.Get("PiCloud-Version") != "1.2.3" {
		in.t.Errorf("%s: PiCloud-Version is %q", out.name, rsp.Header.Get("PiCloud-Version"))
	}
	if _, leaked := out.data["$schema"]; leaked {
		in.t.Errorf("%s: the answer has a $schema", out.name)
	}
	return out
}

func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s answers %d, want %d: %s", r.name, r.status, status, r.body)
	}
	return r
}

// at returns a member by its path, such as "script.name" or "items.0.slug".
func (r *reply) at(path string) any {
	r.t.Helper()
	var v any = r.data
	for _, step := range strings.Split(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(c) {
				r.t.Fatalf("%s: there is no %s in %s", r.name, path, r.body)
			}
			v = c[i]
		default:
			v = nil
		}
	}
	return v
}

// holds checks how many elements the array at a path has.
func (r *reply) holds(path string, n int) *reply {
	r.t.Helper()
	if list, ok := r.at(path).([]any); !ok || len(list) != n {
		r.t.Errorf("%s: want %d %s: %s", r.name, n, path, r.body)
	}
	return r
}

func (r *reply) str(path string) string { r.t.Helper(); s, _ := r.at(path).(string); return s }

func (r *reply) num(path string) float64 { r.t.Helper(); n, _ := r.at(path).(float64); return n }

// says checks that a problem's detail contains a text, and names a location.
func (r *reply) says(detail, location string) {
	r.t.Helper()
	if !strings.Contains(r.str("detail"), detail) {
		r.t.Errorf("%s: the detail %q does not say %q", r.name, r.str("detail"), detail)
	}
	if location != "" && r.str("errors.0.location") != location {
		r.t.Errorf("%s: location is %q, want %q", r.name, r.str("errors.0.location"), location)
	}
}

// document is what the tests read of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name     string         `json:"name"`
		In       string         `json:"in"`
		Required bool           `json:"required"`
		Schema   map[string]any `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema map[string]any `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses  map[string]any `json:"responses"`
	Security   []any          `json:"security"`
	Permission auth.Action    `json:"x-picloud-permission"`
}

var openAPI = sync.OnceValues(func() (document, error) {
	var d document
	w := httptest.NewRecorder()
	manager.New(manager.Config{}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.json", nil))
	err := json.Unmarshal(w.Body.Bytes(), &d)
	return d, err
})

// checkDocumented fails if the operation that a request reaches does not list
// the status it answered.
func checkDocumented(t *testing.T, method, path string, status int) {
	t.Helper()
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	var best string
	for p := range doc.Paths {
		pattern := strings.Split(p, "/")
		if len(pattern) != len(segments) {
			continue
		}
		fits := true
		for i, s := range pattern {
			fits = fits && (s == segments[i] || strings.HasPrefix(s, "{") && segments[i] != "")
		}
		if fits && (best == "" || strings.Count(p, "{") < strings.Count(best, "{")) {
			best = p
		}
	}
	op, ok := doc.Paths[best][strings.ToLower(method)]
	if !ok {
		if !slices.Contains([]int{403, 404, 405}, status) {
			t.Errorf("%s %s answers %d, and is not in the document", method, path, status)
		}
		return
	}
	if _, ok := op.Responses[strconv.Itoa(status)]; !ok {
		t.Errorf("%s %s answers %d, which the document does not list for %s", method, path, status, op.OperationID)
	}
}
