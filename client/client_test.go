package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddresses(t *testing.T) {
	for _, base := range []string{"", "localhost:8080", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x#y", "http://[", "/x"} {
		if _, err := New(base); err == nil {
			t.Errorf("New(%q) takes it", base)
		}
	}
	for base, want := range map[string]string{"http://x": "http://x", "https://x:1/": "https://x:1", "http://x/sub/": "http://x/sub"} {
		if c, err := New(base); err != nil || c.BaseURL() != want {
			t.Errorf("New(%q): %v", base, err)
		}
	}
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	var body string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // a short body shows below
		got, body = r, string(b)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"script":{"name":"hello","a_later_member":1},"deployment":7}`)
	}, WithToken("pics_x"), WithUserAgent("pic/9"))
	endpoint := false
	made, created, err := c.DeployScript(t.Context(), "de/mo", "hello", DeployScript{Source: "1", Endpoint: &endpoint})
	if err != nil || !created || made.Deployment != 7 || made.Script.Name != "hello" {
		t.Errorf("answer: %+v, %v, %v", made, created, err)
	}
	if got.URL.EscapedPath() != "/api/v1/apps/de%2Fmo/scripts/hello" || got.Method != "PUT" || body != `{"endpoint":false,"source":"1"}`+"\n" && body != `{"endpoint":false,"source":"1"}` {
		t.Errorf("sent: %s %s %s", got.Method, got.URL, body)
	}
	if got.Header.Get("Authorization") != "Bearer pics_x" || got.Header.Get("User-Agent") != "pic/9" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("header: %v", got.Header)
	}

	_, err = c.ListExecutions(t.Context(), "demo", ExecutionQuery{Status: ExecutionStatusError, Limit: 5, Logs: true})
	if err != nil || got.URL.RawQuery != "status=error&limit=5&logs=true" {
		t.Errorf("query: %s (%v)", got.URL.RawQuery, err)
	}
	if _, err = c.ListApps(t.Context(), Page{}); err != nil || got.URL.RawQuery != "" {
		t.Errorf("query: %s (%v)", got.URL.RawQuery, err)
	}

	// Segments that would change the path are never sent.
	got = nil
	for _, name := range []string{"", ".", ".."} {
		if err := c.DeleteScript(t.Context(), "demo", name); err == nil || got != nil {
			t.Errorf("the script %q: %v, sent %v", name, err, got != nil)
		}
	}
}

func TestRefusals(t *testing.T) {
	reply := func(status int, kind, body string) error {
		t.Helper()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
		_, err := c.Whoami(t.Context())
		return err
	}
	err := reply(422, "application/problem+json", `{"status":422,"title":"Unprocessable Entity","detail":"no","line":2,"column":3,"source_line":"x","hint":"h","errors":[{"location":"body.source","message":"m"}]}`)
	var e *Error
	if !errors.As(err, &e) || e.Error() != "no" || e.Line != 2 || e.Column != 3 || e.SourceLine != "x" || e.Hint != "h" ||
		e.Errors[0].Location != "body.source" || e.RetryAfter != 3*time.Second || Status(err) != 422 {
		t.Errorf("refusal: %+v", err)
	}
	err = reply(502, "text/html", "<h1>Bad Gateway</h1>")
	if Status(err) != 502 || !strings.Contains(err.Error(), "is the address right?") || strings.Contains(err.Error(), "<h1>") {
		t.Errorf("a proxy's error: %v", err)
	}
	if err = reply(200, "text/html", "<h1>Welcome</h1>"); err == nil || !strings.Contains(err.Error(), "is the address right?") {
		t.Errorf("another server's page: %v", err)
	}
	if Status(nil) != 0 || Status(io.EOF) != 0 {
		t.Error("an error that is no refusal has a status")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server got %v", r.Header)
	}))
	t.Cleanup(other.Close)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusMovedPermanently)
	}, WithToken("pics_x"))
	if _, err := c.Whoami(t.Context()); err == nil || !strings.Contains(err.Error(), "use that as its address") {
		t.Errorf("redirected: %v", err)
	}
}

func TestFollowing(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "end" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"status":403,"title":"Forbidden","detail":"no"}`)
			return
		}
		fmt.Fprint(w, ": hello\n\nid: 1\nevent: execution\ndata: {\"id\":\"1\"}\n\n: \n\nid: 2\nevent: execution\ndata: {\"id\":\"2\"}\n\n")
	})
	var ids []string
	see := func(e Execution) error { ids = append(ids, e.ID); return nil }
	if err := c.FollowExecutions(t.Context(), "demo", ExecutionQuery{}, see); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Join(ids, " ") != "1 2" {
		t.Errorf("followed %v: %v", ids, err)
	}
	if err := c.FollowExecutions(t.Context(), "demo", ExecutionQuery{}, func(Execution) error { return io.EOF }); err != io.EOF {
		t.Errorf("f's error comes back as %v", err)
	}
	if err := c.FollowExecutions(t.Context(), "demo", ExecutionQuery{After: "end"}, see); Status(err) != 403 {
		t.Errorf("refused: %v", err)
	}
}

func TestFollowingASilentServer(t *testing.T) {
	for _, answers := range []bool{true, false} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if answers {
				fmt.Fprint(w, ": here\n\n")
				http.NewResponseController(w).Flush() //nolint:errcheck // the client says what it got
			}
			<-r.Context().Done()
		})
		c.silence = 10 * time.Millisecond
		err := c.FollowExecutions(t.Context(), "demo", ExecutionQuery{}, func(Execution) error { return nil })
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "silent") {
			t.Errorf("answers %v: %v", answers, err)
		}
	}
}

func TestRequestsEnd(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Whoami(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = limited(context.Background())
	defer cancel()
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > DefaultTimeout {
		t.Errorf("a request without a deadline gets %v", at)
	}
}
