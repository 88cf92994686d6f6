package executor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/local"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sources is a host that serves sources from memory.
type sources struct {
	mu      sync.Mutex
	byHash  map[string]string
	reads   int
	commits []*invoke.Commit
	outcome invoke.Outcome // of every commit; none: what data say
	data    *memory.Data

	variables map[string]string
	secrets   map[string]string
	asked     int   // how often for either
	closed    error // why secrets cannot be read
}

func (s *sources) Variables(context.Context) (map[string]string, error) {
	s.asked++
	return s.variables, s.closed
}

func (s *sources) Secret(_ context.Context, name string) (string, error) {
	s.asked++
	if s.closed != nil {
		return "", s.closed
	}
	v, ok := s.secrets[name]
	if !ok {
		return "", fmt.Errorf("the secret %s: %w", name, store.ErrNotFound)
	}
	return v, nil
}

func (s *sources) Source(_ context.Context, hash string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	src, ok := s.byHash[hash]
	if !ok {
		return "", fmt.Errorf("source %s: %w", hash, store.ErrNotFound)
	}
	return src, nil
}

func (s *sources) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits = append(s.commits, c)
	if s.outcome.Verdict != 0 {
		return s.outcome, nil
	}
	_, err := s.data.Commit(ctx, store.Commit{AppID: "app", Reads: c.Reads, Ops: c.Ops, At: time.Now()})
	switch {
	case errors.Is(err, store.ErrConflict):
		return invoke.Outcome{Verdict: invoke.Conflict, Detail: err.Error()}, nil
	case err != nil:
		return invoke.Outcome{Verdict: invoke.Refused, Detail: err.Error()}, nil
	}
	return invoke.Outcome{Verdict: invoke.Committed}, nil
}

func (s *sources) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	return s.data.KVGet(ctx, "app", keys, time.Now())
}

func (s *sources) List(ctx context.Context, q invoke.Query) (p invoke.Page, err error) {
	p.Entries, p.More, err = s.data.KVList(ctx, store.KVQuery{AppID: "app", Prefix: q.Prefix, After: q.After, Limit: q.Limit}, time.Now())
	return p, err
}

func (s *sources) add(src string) string {
	sum := sha256.Sum256([]byte(src))
	hash := hex.EncodeToString(sum[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byHash[hash] = src
	return hash
}

// testLimits are what runs in tests get unless they say otherwise.
var testLimits = store.Limits{
	Operations: 20_000_000, WallTimeMS: 10_000, MemoryBytes: 16 << 20, CallDepth: 64,
	ResponseBytes: 1 << 20, LogLines: 100, LogBytes: 10_000,
}

// bench runs scripts on an executor that is reached in one of two ways.
type bench struct {
	t    testing.TB
	exec invoke.Executor
	host *sources
	app  string
}

func onBoth(t *testing.T, cfg Config, f func(*testing.T, *bench)) {
	t.Run("local", func(t *testing.T) { f(t, newBench(t, local.New(New(cfg)))) })
	t.Run("remote", func(t *testing.T) {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "x.sock"))
		if err != nil {
			t.Fatal(err)
		}
		s := remote.NewServer(New(cfg))
		go s.Serve(l)
		c := remote.NewUnixClient(l.Addr().String())
		t.Cleanup(func() {
			c.Close()
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
		f(t, newBench(t, c))
	})
}

func newBench(t testing.TB, e invoke.Executor) *bench {
	return &bench{t: t, exec: e, host: &sources{byHash: map[string]string{}, data: memory.New()}, app: "app"}
}

// start is a run of a script, which f may change.
func (b *bench) start(src string, f func(*invoke.Start)) *invoke.Start {
	s := &invoke.Start{
		RunID: "0190a000-0000-7000-8000-000000000001", AppID: b.app, App: "demo", ScriptID: "s", Script: "main", Version: 1, Deployment: 1,
		Program: b.host.add(src), Limits: testLimits, Trigger: "http",
		Request: &invoke.Request{Method: "GET", URL: "http://demo.localhost/main", Path: "/main", IP: "192.0.2.7", Params: []invoke.Param{{Name: "rest"}}},
	}
	s.Scripts = map[string]string{"main": s.Program}
	if f != nil {
		f(s)
	}
	return s
}

func (b *bench) run(src string, f func(*invoke.Start)) *invoke.Result {
	b.t.Helper()
	res, err := b.exec.Run(b.t.Context(), b.start(src, f), b.host)
	if err != nil {
		b.t.Fatalf("%s: %v", src, err)
	}
	return res
}

// answer is a response in short: status, content type, body.
func answer(r *invoke.Result) string {
	if r.Response == nil {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Response.Status, r.Response.Header.Get("Content-Type"), r.Response.Body))
}

func TestReturnValues(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		for src, want := range map[string]string{
			``:                                "204",
			`let x = 1;`:                      "204",
			`()`:                              "204",
			`"hello"`:                         "200 text/plain; charset=utf-8 hello",
			`""`:                              "200 text/plain; charset=utf-8",
			"`a${1+1}`":                       "200 text/plain; charset=utf-8 a2",
			`blob(2, 65)`:                     "200 application/octet-stream AA",
			`42`:                              "200 application/json 42",
			`1.0`:                             "200 application/json 1.0",
			`true`:                            "200 application/json true",
			`'x'`:                             `200 application/json "x"`,
			`[1, "a", ()]`:                    `200 application/json [1,"a",null]`,
			`#{ b: 1, a: [] }`:                `200 application/json {"a":[],"b":1}`,
			`json("x")`:                       `200 application/json "x"`,
			`text("x").status(201)`:           "201 text/plain; charset=utf-8 x",
			`html("<p>")`:                     "200 text/html; charset=utf-8 <p>",
			`response(404)`:                   "404",
			`response(409).json(#{ e: 1 })`:   `409 application/json {"e":1}`,
			`response(200).body(blob(1, 66))`: "200 application/octet-stream B",
			`json(1).header("content-type", "application/x+json")`: "200 application/x+json 1",
			`return "early"; "late"`:                               "200 text/plain; charset=utf-8 early",
			`let r = text("a"); r.status(418); r`:                  "418 text/plain; charset=utf-8 a",
			`fn f() { json([1]) } f().status(202)`:                 "202 application/json [1]",
			`text("Zoë")`:                                          "200 text/plain; charset=utf-8 Zoë",
		} {
			res := b.run(src, nil)
			if got := answer(res); got != want || res.Status != store.StatusOK || res.Error != "" {
				t.Errorf("%s\n got %s (%s, %s)\nwant %s", src, got, res.Status, res.Error, want)
			}
		}
	})
}

func TestResponses(t *testing.T) {
	b := newBench(t, New(Config{}))
	for src, want := range map[string]http.Header{
		`redirect("/a b/é?x=1")`:                                {"Location": {"/a%20b/%C3%A9?x=1"}},
		`text("").header("X-One", 1).header("x-one", "two")`:    {"Content-Type": {"text/plain; charset=utf-8"}, "X-One": {"two"}},
		`response(200).header("link", "a").header("link", "b")`: {"Link": {"a", "b"}},
		`response(200).set_cookie("a", "b")`:                    {"Set-Cookie": {"a=b; Path=/; HttpOnly; SameSite=Lax"}},
		`response(200).set_cookie("a", "1").set_cookie("b", "2", #{ max_age: 60, secure: true, http_only: false, same_site: "strict", path: "/x" })`: {
			"Set-Cookie": {"a=1; Path=/; HttpOnly; SameSite=Lax", "b=2; Path=/x; Max-Age=60; Secure; SameSite=Strict"},
		},
	} {
		res := b.run(src, nil)
		if fmt.Sprint(res.Response.Header) != fmt.Sprint(want) {
			t.Errorf("%s\n got %v (%s)\nwant %v", src, res.Response.Header, res.Error, want)
		}
	}
	for src, want := range map[string]string{
		"text(\"\").header(\"x\", \"a\\r\\nSet-Cookie: b=c\")": "line break",
		`text("").header("a b", "c")`:                          "not the name of a header",
		`text("").header("a", [])`:                             "must be text or a number",
		`text("").status(99)`:                                  "use 200 to 599",
		`response(1000)`:                                       "use 200 to 599",
		"redirect(\"/\\n\")":                                   "control character",
		`text("").set_cookie("a;b", "c")`:                      "not the name of a cookie",
		`text("").set_cookie("a", "b;c")`:                      "url::encode",
		`text("").set_cookie("a", "b", #{ nope: 1 })`:          "nope",
		`http_error(200, "x")`:                                 "use 400 to 599",
		`http_error(404, "x")`:                                 "throw http_error",
		`json(|| 1)`:                                           "cannot be written as JSON",
		`[Fn("x")]`:                                            "cannot be written as JSON",
		`0.0/0.0`:                                              "cannot be written as JSON",
	} {
		res := b.run(src, nil)
		if res.Status != store.StatusError || !strings.Contains(res.Error, want) || res.Response.Status != 500 {
			t.Errorf("%s\n got %s, %q, %d; want an error with %q", src, res.Status, res.Error, res.Response.Status, want)
		}
	}
	// The headers that answers share are never written.
	if len(textHeader) != 1 || len(jsonHeader) != 1 || len(htmlHeader) != 1 || len(bytesHeader) != 1 {
		t.Error("a script changed the headers of all answers")
	}
}

func TestRequest(t *testing.T) {
	b := newBench(t, New(Config{}))
	post := func(s *invoke.Start) {
		s.Request = &invoke.Request{
			Method: "POST", URL: "http://demo.localhost/orders/7/items?sort=price&tag=a&tag=b&e=", Path: "/orders/7/items",
			Query:  "sort=price&tag=a&tag=b&e=&bad=%zz",
			Header: http.Header{"Content-Type": {"application/json"}, "X-Two": {"a", "b"}, "Cookie": {`theme=dark; q="x y"; theme=light`, "c=1"}},
			Params: []invoke.Param{{Name: "rest", Value: "7/items"}}, Body: []byte(`{"email":"ada@example.com","n":[1,2.5]}`), IP: "192.0.2.7",
		}
	}
	for src, want := range map[string]string{
		`request.method`:            "POST",
		`request.url`:               "http://demo.localhost/orders/7/items?sort=price&tag=a&tag=b&e=",
		`request.path`:              "/orders/7/items",
		`request.params.rest`:       "7/items",
		`request.params.none == ()`: "true",
		`request.query`:             `{"e":"","sort":"price","tag":"a"}`,
		`request.query.sort`:        "price",
		`request.headers`:           `{"content-type":"application/json","cookie":"theme=dark; q=\"x y\"; theme=light, c=1","x-two":"a, b"}`,
		`request.headers["x-two"]`:  "a, b",
		`request.cookies`:           `{"c":"1","q":"x y","theme":"dark"}`,
		`request.body.len`:          "39",
		`request.bytes().len`:       "39",
		`request.json().n[1]`:       "2.5",
		`request.ip`:                "192.0.2.7",
		`request.id`:                "0190a000-0000-7000-8000-000000000001",
		`type_of(request)`:          "Request",
		"`${request}`":              "POST /orders/7/items",
		`let q = request.query; q.x = 1; [q.x, request.query.x]`:    "[1,null]",
		`let a = request.json(); a.n.push(3); request.json().n.len`: "2",
		`fn f(r) { r.method } f(request)`:                           "POST",
	} {
		res := b.run(src, post)
		if got := string(res.Response.Body); got != want {
			t.Errorf("%s\n got %s (%s)\nwant %s", src, got, res.Error, want)
		}
	}
	if res := b.run(`request.method = "PUT"; 1`, post); res.Status != store.StatusError {
		t.Errorf("the request can be written: %s", answer(res))
	}
}

func TestBodies(t *testing.T) {
	b := newBench(t, New(Config{}))
	with := func(kind, body string) func(*invoke.Start) {
		return func(s *invoke.Start) {
			s.Request.Header = http.Header{"Content-Type": {kind}}
			s.Request.Body = []byte(body)
		}
	}
	multipart := "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: image/png\r\n\r\n\x00\xff\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ntwo\r\n--B--\r\n"
	for _, tc := range []struct{ kind, body, src, want string }{
		{"application/x-www-form-urlencoded", "a=1+2&b=%C3%A9&a=3", `request.form()`, `200 application/json {"a":"1 2","b":"é"}`},
		{"multipart/form-data; boundary=B", multipart, `let f = request.form(); [f.a, f.f.filename, f.f.type, f.f.data.len, f.f.data[1]]`, `200 application/json ["one","x.bin","image/png",2,255]`},
		{"application/x-www-form-urlencoded", "a=%zz", `request.form()`, "400"},
		{"multipart/form-data", "x", `request.form()`, "400"},
		{"multipart/form-data; boundary=B", "--B\r\nbroken", `request.form()`, "400"},
		{"application/x-www-form-urlencoded", "a" + strings.Repeat("&", maxFormFields-1), `request.form()`, `200 application/json {"a":""}`},
		{"application/x-www-form-urlencoded", "a" + strings.Repeat("&", maxFormFields), `request.form()`, "400"},
		{"text/plain", "x", `request.form()`, "400"},
		{"", "x", `request.form()`, "400"},
		{";;", "x", `request.form()`, "400"},
		{"", "a\xffb\x00", `request.body`, "200 text/plain; charset=utf-8 a\uFFFDb\uFFFD"},
		{"", "\xff", `request.bytes()[0]`, "200 application/json 255"},
		{"", `{"a":`, `request.json()`, "400"},
		{"", ``, `request.json()`, "400"},
		{"", `{"a":`, `json::parse(request.body)`, "400"},
		{
			"", `{"a":`, `try { request.json() } catch (e) { return #{ status: e.status, message: e.message }; }`,
			`200 application/json {"message":"the request's body is not valid JSON: the text ends where a value is expected (line 1, column 6 of the JSON)","status":400}`,
		},
		{"", `x`, `json::parse("{")`, "500"},
		{"", `x`, `try { json::parse("{") } catch (e) { return e; }`, `200 text/plain; charset=utf-8 not valid JSON: expected a key in double quotes (line 1, column 2 of the JSON)`},
	} {
		res := b.run(tc.src, with(tc.kind, tc.body))
		if got := answer(res); !strings.HasPrefix(got, tc.want) || len(tc.want) > 3 && got != tc.want {
			t.Errorf("%s with %q\n got %s (%s)\nwant %s", tc.src, tc.body, got, res.Error, tc.want)
		}
	}
	res := b.run(`request.json()`, with("", `{"a":`))
	if !strings.Contains(answer(res), "not valid JSON") || res.Status != store.StatusOK {
		t.Errorf("malformed JSON: %s, %s", res.Status, answer(res))
	}
}

func TestErrors(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		for _, tc := range []struct {
			src    string
			status int
			record store.Status
			author string // in the error for the author
			body   string // in the answer
		}{
			{`throw http_error(422, "an order needs items");`, 422, store.StatusOK, "", "an order needs items"},
			{`throw http_error(404);`, 404, store.StatusOK, "", "Not Found"},
			{`throw http_error(409, #{ taken: "ada" });`, 409, store.StatusOK, "", `{"taken":"ada"}`},
			{`fn f() { throw http_error(403, "no"); } f()`, 403, store.StatusOK, "", "no"},
			{`throw http_error(503, "later");`, 503, store.StatusError, "later", "later"},
			{"let x = 1;\nthrow \"secret\";", 500, store.StatusError, "secret (line 2", "execution_id"},
			{`let a = [1]; a[5]`, 500, store.StatusError, "out of bounds", "The script failed"},
			{`nothing()`, 500, store.StatusError, "nothing", "The script failed"},
			{`import "lib" as l; 1`, 500, store.StatusError, "lib", "The script failed"},
			{`let x = `, 500, store.StatusError, "does not compile", "does not compile"},
			{"let x = 0;\n1 / x", 500, store.StatusError, "Division by zero: 1 / 0 (line 2, position 3)", "The script failed"},
			{"fn f(x) { x / 0 }\nf(1)", 500, store.StatusError, "Division by zero: 1 / 0 (line 1, position 13)\nin call to function 'f' (line 2, position 1)", "The script failed"},
			{`hex::decode("4x")`, 500, store.StatusError, "not valid hexadecimal: 'x' is no hexadecimal digit", "The script failed"},
			{`hex::decode("4é")`, 500, store.StatusError, "not valid hexadecimal: a character is no hexadecimal digit", "The script failed"},
			{`hex::decode("4")`, 500, store.StatusError, "not valid hexadecimal: the number of digits is odd", "The script failed"},
			{`base64::decode("SG!k")`, 500, store.StatusError, "not valid base64: the character at index 2 does not belong there", "The script failed"},
			{`0.0 / 0.0`, 500, store.StatusError, "NaN cannot be written as JSON", "The script failed"},
		} {
			res := b.run(tc.src, nil)
			body := string(res.Response.Body)
			if res.Response.Status != tc.status || res.Status != tc.record || !strings.Contains(res.Error, tc.author) || !strings.Contains(body, tc.body) {
				t.Errorf("%s\ngot %d, %s, %q\n%s", tc.src, res.Response.Status, res.Status, res.Error, body)
			}
			if tc.status == 500 && (strings.Contains(body, "secret") || strings.Contains(body, "position") || !strings.Contains(body, "0190a000-0000-7000-8000-000000000001")) {
				t.Errorf("%s: the answer is\n%s", tc.src, body)
			}
			if (res.Error == "") != (tc.record == store.StatusOK) {
				t.Errorf("%s: %s with the error %q", tc.src, res.Status, res.Error)
			}
		}
	})
}

func TestImports(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		lib := func(name, src string) func(*invoke.Start) {
			return func(s *invoke.Start) { s.Scripts[name] = b.host.add(src) }
		}
		res := b.run(`import "pricing" as p; p::double(21)`, lib("pricing", `fn double(x) { log::info("in the library"); 2 * x }`))
		if answer(res) != "200 application/json 42" || len(res.Logs) != 1 {
			t.Errorf("got %s (%s), logs %v", answer(res), res.Error, res.Logs)
		}
		// A new version of the library counts at once, the old one where it is named.
		res = b.run(`import "pricing" as p; p::double(21)`, lib("pricing", `fn double(x) { 3 * x }`))
		if answer(res) != "200 application/json 63" {
			t.Errorf("with the new library: %s (%s)", answer(res), res.Error)
		}
		res = b.run(`import "broken" as p; 1`, lib("broken", `let x = `))
		if res.Status != store.StatusError || !strings.Contains(res.Error, "broken") {
			t.Errorf("a library that does not compile: %s, %s", res.Status, res.Error)
		}
		res = b.run(`import "main" as p; 1`, nil)
		if res.Status == store.StatusOK {
			t.Errorf("a script that imports itself: %s", answer(res))
		}
		res = b.run(`import "a" as p; 1`, func(s *invoke.Start) {
			lib("a", `import "b" as b; fn x() {}`)(s)
			lib("b", `import "a" as a; fn y() {}`)(s)
		})
		if res.Status == store.StatusOK {
			t.Errorf("libraries that import one another: %s", answer(res))
		}
	})
}

func TestLogs(t *testing.T) {
	b := newBench(t, New(Config{}))
	res := b.run("print(\"one\");\n  debug(\"two\");\nlog::warn(#{ a: 1 });\nlog::error(\"four\", #{ id: 7 });\nprint(\"a\\x00b\");", nil)
	var got []string
	for _, l := range res.Logs {
		got = append(got, fmt.Sprintf("%d:%d %s %s %s", l.Line, l.Column, l.Level, l.Source, l.Message))
		if time.Since(l.At) > time.Minute || l.At.Location() != time.UTC {
			t.Errorf("a line is of %v", l.At)
		}
	}
	want := []string{"1:1 info print one", `2:3 debug debug "two"`, `3:6 warn log {"a":1}`, `4:6 error log four {"id":7}`, "5:1 info print a\uFFFDb"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s (%s)", strings.Join(got, "\n"), strings.Join(want, "\n"), res.Error)
	}
	res = b.run(`for i in 0..250 { print(i); }`, nil)
	if len(res.Logs) != 100 || res.LogsDropped != 150 || res.Status != store.StatusOK {
		t.Errorf("250 lines: kept %d, dropped %d, %s %s", len(res.Logs), res.LogsDropped, res.Status, res.Error)
	}
	res = b.run("let s = \"0123456789\"; while s.len < 5000 { s += s; } print(s); print(s); print(s);", nil)
	if len(res.Logs) != 2 || res.LogsDropped != 1 || !strings.HasSuffix(res.Logs[1].Message, "…") || len(res.Logs[0].Message)+len(res.Logs[1].Message) > 10_010 {
		t.Errorf("too many bytes: kept %d, dropped %d (%s)", len(res.Logs), res.LogsDropped, res.Error)
	}
	// Logs of a run that failed are kept.
	res = b.run(`print("before"); throw "x";`, nil)
	if len(res.Logs) != 1 || res.Status != store.StatusError {
		t.Errorf("a failed run: %v", res.Logs)
	}
}

func TestStats(t *testing.T) {
	b := newBench(t, New(Config{}))
	res := b.run(`let a = []; for i in 0..1000 { a.push(i); } a.len`, nil)
	if res.Operations < 1000 || res.PeakMemory < 8000 || res.Duration <= 0 || res.StartedAt.IsZero() {
		t.Errorf("operations %d, memory %d, duration %v, started %v", res.Operations, res.PeakMemory, res.Duration, res.StartedAt)
	}
	failed := b.run(`for i in 0..1000 { } throw 1`, nil)
	if failed.Operations < 1000 {
		t.Errorf("a failed run counts %d operations", failed.Operations)
	}
	again := b.run(`let a = []; for i in 0..1000 { a.push(i); } a.len`, nil)
	if again.Operations != res.Operations || again.PeakMemory != res.PeakMemory {
		t.Errorf("the same run counts %d and %d, then %d and %d", res.Operations, res.PeakMemory, again.Operations, again.PeakMemory)
	}
}
