package executor

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/store"
)

// calls is a Caller that answers everything itself.
type calls func(r *outbound.Request) (status int, header http.Header, body string)

func (f calls) Do(_ context.Context, r *outbound.Request) (*outbound.Response, []outbound.Exchange, error) {
	status, header, body := f(r)
	url, _, _ := strings.Cut(r.URL, "#")
	return &outbound.Response{Status: status, Header: header, URL: url, Length: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))},
		[]outbound.Exchange{{Method: r.Method, Host: "api.example.com", Status: status, Started: time.Now()}}, nil
}

// rates is what examples call.
var rates = calls(func(r *outbound.Request) (int, http.Header, string) {
	if r.Method == "HEAD" {
		return 200, nil, ""
	}
	return 200, http.Header{"Content-Type": {"application/json"}}, `{"rate":1.5}`
})

// shown writes a request down.
var shown = calls(func(r *outbound.Request) (int, http.Header, string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %d %q", r.Method, r.URL, r.Redirects, r.Body)
	for _, name := range []string{"Accept", "Content-Type", "Idempotency-Key", "X-N"} {
		if v := r.Header[name]; v != nil {
			fmt.Fprintf(&b, " %s=%s", strings.ToLower(name), strings.Join(v, "|"))
		}
	}
	return 200, nil, b.String()
})

func TestHTTPRequests(t *testing.T) {
	onBoth(t, Config{HTTP: shown}, func(t *testing.T, b *bench) {
		const u = `"https://a.example/x"`
		for src, want := range map[string]string{
			`http::get(` + u + `)`: `GET https://a.example/x 5 ""`,
			`http::get(` + u + `, #{ query: #{ q: "a b", n: [1, 2] } })`:                                             `GET https://a.example/x?n=1&n=2&q=a%20b 5 ""`,
			`http::get("https://a.example/x?y=1#f", #{ query: #{ q: 1 } })`:                                          `GET https://a.example/x?y=1&q=1 5 ""`,
			`http::get(` + u + `, #{ query: #{}, redirects: 0 })`:                                                    `GET https://a.example/x 0 ""`,
			`http::get(` + u + `, #{ headers: #{ accept: "x/y", "X-n": 7 } })`:                                       `GET https://a.example/x 5 "" accept=x/y x-n=7`,
			`http::delete(` + u + `)`:                                                                                `DELETE https://a.example/x 5 ""`,
			`http::post(` + u + `, "text")`:                                                                          `POST https://a.example/x 5 "text" content-type=text/plain; charset=utf-8`,
			`http::post(` + u + `, blob(2, 65))`:                                                                     `POST https://a.example/x 5 "AA" content-type=application/octet-stream`,
			`http::put(` + u + `, #{ b: 1.0, a: () })`:                                                               `PUT https://a.example/x 5 "{\"a\":null,\"b\":1.0}" content-type=application/json`,
			`http::patch(` + u + `, 5)`:                                                                              `PATCH https://a.example/x 5 "5" content-type=application/json`,
			`http::post(` + u + `, ())`:                                                                              `POST https://a.example/x 5 ""`,
			`http::post(` + u + `, (), #{ form: #{ a: "1 2", b: true } })`:                                           `POST https://a.example/x 5 "a=1%202&b=true" content-type=application/x-www-form-urlencoded`,
			`http::post(` + u + `, "<a/>", #{ headers: #{ "Content-Type": "text/xml" } })`:                           `POST https://a.example/x 5 "<a/>" content-type=text/xml`,
			`http::request("options", ` + u + `)`:                                                                    `OPTIONS https://a.example/x 5 ""`,
			`http::request("POST", ` + u + `, #{ json: () })`:                                                        `POST https://a.example/x 5 "null" content-type=application/json`,
			`http::request("PUT", ` + u + `, #{ body: "b", timeout: 0.5, max_bytes: 1000 })`:                         `PUT https://a.example/x 5 "b" content-type=text/plain; charset=utf-8`,
			`http::get(` + u + `, #{ headers: #{ "idempotency-key": "mine" } })`:                                     `GET https://a.example/x 5 "" idempotency-key=mine`,
			`let r = http::get(` + u + `); let s = r; s.status == 200 && r.ok && r.json_error == () ; s`:             "",
			`let a = http::get(` + u + `); let b = http::post(` + u + `, 1); if a.body == b.body { throw "same" } a`: `GET https://a.example/x 5 ""`,
		} {
			res := b.run(`let answer = { `+src+` }; answer.body`, nil)
			if want == "" {
				continue
			}
			if got := string(res.Response.Body); got != want || res.Status != store.StatusOK {
				t.Errorf("%s\n got %s (%s)\nwant %s", src, got, res.Error, want)
			}
		}
	})
}

func TestHTTPMistakes(t *testing.T) {
	b := newBench(t, New(Config{HTTP: rates}))
	for src, want := range map[string]string{
		`http::request("G T", "https://a.example/")`:                            `"G T" is no method`,
		`http::request("CONNECT", "https://a.example/")`:                        `the method CONNECT cannot be sent`,
		`http::get("https://a.example/", #{ tiemout: 1 })`:                      `there is no option "tiemout"`,
		`http::get("https://a.example/", #{ timeout: 0 })`:                      `the option timeout is a number of seconds`,
		`http::get("https://a.example/", #{ timeout: "1s" })`:                   `the option timeout is a number of seconds`,
		`http::get("https://a.example/", #{ redirects: -1 })`:                   `the option redirects is how many`,
		`http::get("https://a.example/", #{ max_bytes: 0 })`:                    `the option max_bytes is how large`,
		`http::get("https://a.example/", #{ max_bytes: 5 })`:                    `the answer takes more than 5 bytes`,
		`http::get("https://a.example/", #{ headers: 1 })`:                      `the option headers is a map`,
		`http::get("https://a.example/", #{ headers: #{ "a b": 1 } })`:          `"a b" is not the name of a header`,
		`http::get("https://a.example/", #{ headers: #{ a: "x\r\nHost: y" } })`: `the value of the header a contains a line break`,
		`http::get("https://a.example/", #{ headers: #{ a: [1] } })`:            `the value of the header a must be text or a number`,
		`http::get("https://a.example/", #{ query: 1 })`:                        `the option query is a map`,
		`http::post("https://a.example/", 1, #{ json: 2 })`:                     `there is more than one body`,
		`http::request("POST", "https://a.example/", #{ json: 2, form: #{} })`:  `there is more than one body`,
		`http::request("POST", "https://a.example/", #{ form: 2 })`:             `the option form is a map`,
		`http::request("POST", "https://a.example/", #{ body: 2 })`:             `the option body is text or a blob`,
		`http::post("https://a.example/", || 1)`:                                `cannot be written as JSON`,
		`http::get("https://a.example/").json().missing.x`:                      ``,
		`kv::transaction(|| http::get("https://a.example/"))`:                   `not inside kv::transaction`,
	} {
		res := b.run(`let said = ""; try { `+src+` } catch (e) { said = `+"`${e}`"+` } said`, nil)
		if got := string(res.Response.Body); !strings.Contains(got, want) || res.Status != store.StatusOK || got == "" && want != "" {
			t.Errorf("%s\n got %s (%s)\nwant %s", src, got, res.Error, want)
		}
	}
}

// An event's calls carry a key that is the same when it is delivered again.
func TestIdempotencyKey(t *testing.T) {
	b := newBench(t, New(Config{HTTP: shown}))
	src := `let a = http::get("https://a.example/").body; let b = http::post("https://a.example/", "x").body;
		let c = http::get("https://a.example/", #{ headers: #{ "idempotency-key": "own" } }).body; log::info(a + "\n" + b + "\n" + c);`
	for range 2 {
		res := b.run(src, func(s *invoke.Start) {
			s.Request, s.Trigger, s.Event = nil, "queue", &invoke.Event{ID: "0190a000-0000-7000-8000-00000000000e", Kind: "queue", Source: "q", Payload: []byte{1, 0}, Attempt: 1}
		})
		if len(res.Logs) != 1 {
			t.Fatalf("%s: %s", res.Status, res.Error)
		}
		const id = "0190a000-0000-7000-8000-00000000000e"
		want := `GET https://a.example/ 5 "" idempotency-key=` + id + ":1\n" + `POST https://a.example/ 5 "x" content-type=text/plain; charset=utf-8 idempotency-key=` + id + ":2\n" + `GET https://a.example/ 5 "" idempotency-key=own`
		if res.Logs[0].Message != want {
			t.Errorf("got %s\nwant %s", res.Logs[0].Message, want)
		}
	}
}

func TestDeliveredID(t *testing.T) {
	one, two := invoke.Event{ID: "a"}, invoke.Event{ID: "b"}
	for _, x := range []struct {
		s    invoke.Start
		want string
	}{
		{invoke.Start{}, ""},
		{invoke.Start{Event: &one}, "a"},
		{invoke.Start{Request: &invoke.Request{}, Lease: &invoke.Lease{Messages: []string{"m"}}}, "m"},
		{invoke.Start{Batch: []invoke.Event{two}}, "b"},
		{invoke.Start{Batch: []invoke.Event{one, two}}, "fb8e20fc2e4c3f248c60c39bd652f3c1"},
	} {
		if got := deliveredID(&x.s); got != x.want {
			t.Errorf("%+v: %q, want %q", x.s, got, x.want)
		}
	}
}

// outside runs scripts that may call s, whose address is the constant `at`.
func outside(t *testing.T, h http.HandlerFunc) (b *bench, run func(src string, f func(*invoke.Start)) *invoke.Result) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	client := outbound.New(outbound.Config{})
	t.Cleanup(client.Close)
	b = newBench(t, New(Config{HTTP: client}))
	return b, func(src string, f func(*invoke.Start)) *invoke.Result {
		t.Helper()
		return b.run(`const at = "`+s.URL+`"; `+src, func(start *invoke.Start) {
			start.Outbound = &invoke.Outbound{Networks: []string{"127.0.0.1"}}
			if f != nil {
				f(start)
			}
		})
	}
}

func TestHTTPForReal(t *testing.T) {
	_, run := outside(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, strings.Repeat("x", 100_000))
			z.Close()
		case "/redirect":
			http.Redirect(w, r, "/json", http.StatusFound)
		case "/broken":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/broken-chunk", "/broken-chunks", "/broken-gzip":
			c, out, _ := w.(http.Hijacker).Hijack()
			defer c.Close()
			switch r.URL.Path {
			case "/broken-chunk":
				fmt.Fprint(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n20\r\npart")
			case "/broken-chunks": // between two
				fmt.Fprint(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
			default:
				fmt.Fprint(out, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
				z := gzip.NewWriter(out)
				fmt.Fprint(z, strings.Repeat("x", 100_000))
				z.Flush() // and no Close: the end is missing
			}
			out.Flush()
		case "/bytes":
			w.Write([]byte{0xff, 0, 0x41})
		case "/404":
			w.Header().Add("X-Two", "a")
			w.Header().Add("X-Two", "b")
			w.WriteHeader(404)
		default:
			fmt.Fprint(w, `{"a": [1, 2.5]}`)
		}
	})
	for src, want := range map[string]string{
		`http::get(at + "/json").json().a[1]`:                                                                                    "2.5",
		`http::get(at + "/redirect").url == at + "/json"`:                                                                        "true",
		`http::get(at + "/redirect", #{ redirects: 0 }).headers.location`:                                                        "/json",
		`http::get(at + "/gzip").body.len()`:                                                                                     "100000",
		`let said = ""; try { http::get(at + "/gzip", #{ max_bytes: 99999 }) } catch (e) { said = e; } said`:                     "http::get: the answer takes more than 99999 bytes; the option max_bytes allows more",
		`http::get(at + "/gzip", #{ max_bytes: 100000 }).bytes().len()`:                                                          "100000",
		`let r = http::get(at + "/404"); [r.status, r.ok, r.headers["x-two"], r.body]`:                                           `[404,false,"a, b",""]`,
		`let r = http::get(at + "/bytes"); [r.bytes().len(), r.body.len(), r.bytes()[0]]`:                                        `[3,3,255]`,
		`http::request("HEAD", at + "/json").body`:                                                                               "",
		`let said = ""; try { http::get(at + "/404").json() } catch (e) { said = e; } said`:                                      "the answer (status 404) is not valid JSON: the text ends where a value is expected (line 1, column 1 of the JSON)",
		`let said = ""; try { http::get(at + "/broken") } catch (e) { said = e.index_of("the answer broke off") > 0; } said`:     "true",
		`let said = ""; try { http::get(at + "/broken-chunk") } catch (e) { said = e; } said`:                                    "http::get: the answer broke off: unexpected EOF",
		`let said = ""; try { http::get(at + "/broken-chunks") } catch (e) { said = e; } said`:                                   "http::get: the answer broke off: unexpected EOF",
		`let said = ""; try { http::get(at + "/broken-gzip") } catch (e) { said = e; } said`:                                     "http::get: the answer broke off: unexpected EOF",
		`let said = ""; try { http::get("http://127.0.0.2:9/") } catch (e) { said = e; } said`:                                   "http::get: 127.0.0.2 is a loopback address: an admin of the instance can open it to the app (pic apps update APP --add-open-network ADDRESS)",
		`let said = ""; try { http::get("https://127.0.0.1" + at.sub_string(16)) } catch (e) { said = e.contains("TLS"); } said`: "true",
	} {
		res := run(src, nil)
		if got := string(res.Response.Body); got != want {
			t.Errorf("%s\n got %s (%s)\nwant %s", src, got, res.Error, want)
		}
	}
}

func TestHTTPTimeouts(t *testing.T) {
	release := make(chan struct{})
	_, run := outside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-body" {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	if res := run(`http::get(at + "/slow-body", #{ max_bytes: 1, timeout: 0 })`, nil); len(res.Calls) != 0 {
		t.Errorf("a call that was not made: %+v", res.Calls)
	}
	for _, path := range []string{"/", "/slow-body"} {
		res := run(`let said = ""; try { http::get(at + "`+path+`", #{ timeout: 0.05 }) } catch (e) { said = e; } said`, nil)
		if got := string(res.Response.Body); got != "http::get: no whole answer within 50ms" {
			t.Errorf("%s: %s (%s)", path, got, res.Error)
		}
		if len(res.Calls) != 1 || res.Calls[0].Error != "no whole answer within 50ms" {
			t.Errorf("%s: calls %+v", path, res.Calls)
		}
		// The wall time of the run comes first, and no catch helps.
		res = run(`let said = ""; try { http::get(at + "`+path+`") } catch (e) { said = "caught"; } said`, func(s *invoke.Start) { s.Limits.WallTimeMS = 50 })
		if res.Status != store.StatusTimeout {
			t.Errorf("%s under a wall time: %s %s", path, res.Status, res.Error)
		}
		if len(res.Calls) != 1 || res.Calls[0].Error != "the execution ended before the answer was there" {
			t.Errorf("%s under a wall time: calls %+v", path, res.Calls)
		}
	}
}

// What does not fit the run's memory ends it, before it is held.
func TestHTTPMemory(t *testing.T) {
	_, run := outside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			w.Header().Set("Content-Length", fmt.Sprint(6<<20))
		}
		for range 6 << 4 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	for _, path := range []string{"/known", "/unknown"} {
		res := run(`http::get(at + "`+path+`").status`, func(s *invoke.Start) { s.Limits.MemoryBytes = 4 << 20 })
		if res.Status != store.StatusLimit || res.PeakMemory > 4<<20 {
			t.Errorf("%s: %s %s, peak %d", path, res.Status, res.Error, res.PeakMemory)
		}
		if res := run(`http::get(at + "`+path+`").bytes().len()`, nil); answer(res) != fmt.Sprintf("200 application/json %d", 6<<20) && path == "/known" {
			t.Errorf("%s with enough memory: %s %s", path, answer(res), res.Error)
		}
	}
}

func TestHTTPRecord(t *testing.T) {
	_, run := outside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/r" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
		if r.URL.Path == "/large" {
			fmt.Fprint(w, "large")
		}
	})
	if res := run(`http::get(at + "/large", #{ max_bytes: 1 })`, nil); len(res.Calls) != 1 || !strings.HasPrefix(res.Calls[0].Error, "the answer takes more than 1 bytes") {
		t.Errorf("an answer that is too large: %+v", res.Calls)
	}
	res := run(`http::post(at + "/r?token=secret", "x"); try { http::get("http://10.0.0.1/") } catch {} throw "end"`, nil)
	if len(res.Calls) != 3 {
		t.Fatalf("%+v", res.Calls)
	}
	for i, want := range []store.Call{{Method: "POST", Status: 303}, {Method: "GET", Status: 200}, {Method: "GET", Host: "10.0.0.1"}} {
		c := res.Calls[i]
		if c.Method != want.Method || c.Status != want.Status || want.Host != "" && c.Host != want.Host || (c.Error == "") != (want.Status > 0) || c.Duration <= 0 || c.At.IsZero() {
			t.Errorf("call %d: %+v", i, c)
		}
		if strings.Contains(fmt.Sprint(c), "secret") {
			t.Errorf("a secret in %+v", c)
		}
	}
	b := newBench(t, New(Config{HTTP: rates}))
	res = b.run(`for i in 0..105 { http::get("https://api.example.com/rate"); }`, nil)
	if len(res.Calls) != maxRecorded || res.CallsDropped != 5 {
		t.Errorf("%d calls, %d dropped", len(res.Calls), res.CallsDropped)
	}
	res = b.run(`for i in 0..1001 { http::get("https://api.example.com/rate"); }`, nil)
	if res.Status != store.StatusLimit {
		t.Errorf("1001 calls: %s", res.Status)
	}
}
