package offline

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/exchange"
	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/pic/dotenv"
	"github.com/picloud/picloud/internal/store"
)

// runtime returns a Runtime behind a server, and what it has recorded.
func runtime(t *testing.T, app string) (*Runtime, *httptest.Server, func() []store.Execution) {
	t.Helper()
	var mu sync.Mutex
	var recorded []store.Execution
	r, err := New(Config{App: app, Record: func(e store.Execution) {
		mu.Lock()
		defer mu.Unlock()
		recorded = append(recorded, e)
	}, Other: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r)
	t.Cleanup(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r, srv, func() []store.Execution {
		mu.Lock()
		defer mu.Unlock()
		return append([]store.Execution(nil), recorded...)
	}
}

// do sends a request and returns the answer with its body.
func do(t *testing.T, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, body := do(t, req)
	return res.StatusCode, string(body)
}

// The examples answer offline what they answer on a server.
func TestExamplesOffline(t *testing.T) {
	const root = "../../../examples"
	checks, err := filepath.Glob(filepath.Join(root, "*", "*.check"))
	if err != nil || len(checks) < 6 {
		t.Fatalf("%d checks (%v)", len(checks), err)
	}
	for _, check := range checks {
		folder := filepath.Dir(check)
		app := filepath.Base(folder)
		t.Run(app, func(t *testing.T) {
			r, srv, _ := runtime(t, app)
			var scripts []dev.Script
			for _, pattern := range []string{"*.rhai", "lib/*.rhai"} {
				files, err := filepath.Glob(filepath.Join(folder, pattern))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					source, err := os.ReadFile(f)
					if err != nil {
						t.Fatal(err)
					}
					name := strings.TrimSuffix(filepath.Base(f), ".rhai")
					scripts = append(scripts, dev.Script{Name: name, Source: string(source), Library: pattern != "*.rhai"})
				}
			}
			if err := r.Deploy(scripts, store.Manifest{}); err != nil {
				t.Fatal(err)
			}
			if f, err := os.Open(filepath.Join(folder, ".env")); err == nil {
				values, err := dotenv.Read(f)
				f.Close()
				if err != nil {
					t.Fatal(err)
				}
				r.Settings(values)
			}
			text, err := os.ReadFile(check)
			if err != nil {
				t.Fatal(err)
			}
			exchanges, err := exchange.Parse(filepath.Base(check), string(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range exchanges {
				req, err := x.Request(t.Context(), srv.URL+"/"+app)
				if err != nil {
					t.Fatal(err)
				}
				res, body := do(t, req)
				if err := x.Check(res.StatusCode, res.Header, body); err != nil {
					t.Errorf("line %d: %s %s: %v", x.Line, x.Method, x.Target, err)
				}
			}
		})
	}
}

func TestDeployReplacesAndRecords(t *testing.T) {
	r, srv, recorded := runtime(t, "demo")
	if status, _ := get(t, srv.URL+"/demo/hello"); status != http.StatusNotFound {
		t.Errorf("before anything was deployed: %d", status)
	}
	deploy := func(source string) {
		t.Helper()
		if err := r.Deploy([]dev.Script{{Name: "hello", Source: source}}, store.Manifest{}); err != nil {
			t.Fatal(err)
		}
	}
	deploy(`print("one"); "1"`)
	if status, body := get(t, srv.URL+"/demo/hello"); status != 200 || body != "1" {
		t.Errorf("%d %q", status, body)
	}
	deploy(`"2"`)
	if status, body := get(t, srv.URL+"/demo/hello"); status != 200 || body != "2" {
		t.Errorf("after a change: %d %q", status, body)
	}
	deploy(`"2" +`)
	if status, body := get(t, srv.URL+"/demo/hello"); status != 500 || !strings.Contains(body, "does not compile") {
		t.Errorf("broken: %d %q", status, body)
	}
	if f := r.Check("hello", "// fine\n\"2\" +"); len(f) != 1 || f[0].Line != 2 || f[0].Column == 0 || !f[0].Fatal {
		t.Errorf("Check: %+v", f)
	}
	if f := r.Check("hello", "let x = null;"); len(f) != 1 || !strings.Contains(f[0].Hint, "written ()") {
		t.Errorf("Check of a common mistake: %+v", f)
	}
	if f := r.Check("hello", "request.path + total"); len(f) != 1 || f[0].Column != 16 || f[0].Fatal {
		t.Errorf("Check of an unknown variable: %+v", f)
	}
	imports := `import "mony" as m; import "hello" as h; m::f(); h::f()`
	if f := r.Check("hello", imports); len(f) != 2 || f[0].Fatal || !strings.Contains(f[0].Message, `imports "mony"`) || !strings.Contains(f[1].Message, "imports itself") {
		t.Errorf("Check of imports of nothing and of itself: %+v", f)
	}
	if f := r.Check("other", imports); len(f) != 1 {
		t.Errorf("Check of an import of what is there: %+v", f)
	}
	if f := r.Check("hello", "1 + 1"); f != nil {
		t.Errorf("Check of what is right: %+v", f)
	}

	got := recorded()
	if len(got) != 3 || got[0].Status != store.StatusOK || got[2].Status != store.StatusError {
		t.Fatalf("recorded %+v", got)
	}
	if l := got[0].Logs; len(l) != 1 || l[0].Message != "one" || l[0].Line != 1 {
		t.Errorf("logs %+v", l)
	}

	if err := r.Deploy([]dev.Script{{Name: "No Name", Source: "1"}}, store.Manifest{}); err == nil {
		t.Error("a script without a proper name was deployed")
	}
	if _, err := New(Config{App: "No App"}); err == nil {
		t.Error("an app without a proper name was made")
	}
}

// Many requests and deployments at once: each answer is of one deployment,
// whole.
func TestDeployUnderRequests(t *testing.T) {
	r, srv, _ := runtime(t, "demo")
	deploy := func(v string) {
		if err := r.Deploy([]dev.Script{
			{Name: "hello", Source: `import "lib" as lib; "` + v + `" + lib::version()`},
			{Name: "lib", Source: `fn version() { "` + v + `" }`, Library: true},
		}, store.Manifest{}); err != nil {
			t.Error(err)
		}
	}
	deploy("a")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/demo/hello", nil)
				if err != nil {
					t.Error(err)
					return
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 || len(body) != 2 || body[0] != body[1] {
					t.Errorf("%d %q, %v", res.StatusCode, body, err)
				}
			}
		})
	}
	for i := range 50 {
		deploy(string(rune('a' + i%26)))
	}
	wg.Wait()
}

// A queue that gets messages for nobody is told of, once.
func TestUnconsumed(t *testing.T) {
	told := make(chan string, 10)
	r, err := New(Config{App: "demo", Record: func(store.Execution) {}, Unconsumed: func(queue string) { told <- queue }, Other: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(context.Background()) }()
	err = r.Deploy([]dev.Script{{Name: "send", Source: `queue::send("mials", 1); queue::send("mails", 1); queue::send("mials", 2);`}, {Name: "mailer", Source: "1"}},
		store.Manifest{Queues: map[string]store.ManifestQueue{"mails": {Delivery: store.Delivery{Script: "mailer"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/demo/send", nil))
		if w.Code != http.StatusNoContent {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if queue := <-told; queue != "mials" || len(told) != 0 {
		t.Errorf("told of %s, and %d more", queue, len(told))
	}
}
