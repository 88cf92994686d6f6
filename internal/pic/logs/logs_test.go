package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/terminal"
)

func sample(id, status string) client.Execution {
	at := time.Date(2026, 3, 1, 12, 0, 5, 123456000, time.UTC)
	return client.Execution{
		ID: id, App: "demo", Script: "hello", Version: 2, Trigger: "http", Status: client.ExecutionStatus(status),
		HTTPStatus: 200, StartedAt: at, DurationUs: 1234,
		Logs: []client.LogLine{
			{At: at.Add(time.Millisecond), Level: "info", Source: "print", Line: 3, Column: 5, Message: "a\tb"},
			{At: at.Add(2 * time.Millisecond), Level: "warn", Source: "log", Message: "careful"},
		},
	}
}

func TestShow(t *testing.T) {
	failed := sample("2", "error")
	failed.Error, failed.HTTPStatus, failed.LogsDropped, failed.Logs = "boom (line 1, position 1)\nin call to function 'f'", 500, 7, nil
	executions := []client.Execution{sample("1", "ok"), failed}
	for format, want := range map[output.Format]string{
		output.Table: `TIME                      SCRIPT        STATUS     HTTP  DURATION
2026-03-01T12:00:05.123Z  hello         ok         200   1.234 ms
  info 3:5 a\tb
  warn careful
2026-03-01T12:00:05.123Z  hello         error      500   1.234 ms
  boom (line 1, position 1)
    in call to function 'f'
  7 log lines over the limit were dropped
`,
		output.TSV: strings.ReplaceAll(`kind|time|script|version|trigger|status|http_status|duration_ms|level|position|message|execution|logs_dropped
execution|2026-03-01T12:00:05.123Z|hello|2|http|ok|200|1.234||||1|
line|2026-03-01T12:00:05.124Z|hello|2|http|ok|200|1.234|info|3:5|a\tb|1|
line|2026-03-01T12:00:05.125Z|hello|2|http|ok|200|1.234|warn||careful|1|
execution|2026-03-01T12:00:05.123Z|hello|2|http|error|500|1.234|||boom (line 1, position 1)\nin call to function 'f'|2|7
`, "|", "\t"),
	} {
		var b strings.Builder
		if err := show(&output.Writer{W: &b, Format: format, Width: 20}, executions); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("%s:\n%s", format, d)
		}
	}
}

// lockedBuffer is written by the command and read by the test.
type lockedBuffer struct {
	more chan struct{} // tells of new text
	mu   sync.Mutex
	b    bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func command(t *testing.T, url string) (*cli.Env, *lockedBuffer, *lockedBuffer) {
	t.Helper()
	out, errs := &lockedBuffer{more: make(chan struct{}, 1)}, &lockedBuffer{}
	vars := map[string]string{credentials.EnvURL: url, credentials.EnvToken: "token", credentials.EnvDir: t.TempDir()}
	s := &terminal.Streams{In: strings.NewReader(""), Out: out, Err: errs, Getenv: func(k string) string { return vars[k] }}
	return cli.New(s, "test"), out, errs
}

// A connection that breaks is made again after the last execution that came, so
// that none is shown twice and none is left out.
func TestFollowGoesOnWhereItEnded(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var afters []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/apps/demo/executions", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(client.ExecutionPage{Items: []client.Execution{sample("id-1", "ok")}, Dropped: 3})
	})
	mux.HandleFunc("GET /api/v1/apps/demo/executions/stream", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		afters = append(afters, r.URL.Query().Get("after"))
		n := len(afters)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		b, _ := json.Marshal(sample(fmt.Sprintf("id-%d", n+1), "ok"))
		fmt.Fprintf(w, "event: execution\nid: id-%d\ndata: %s\n\n", n+1, b)
		w.(http.Flusher).Flush()
		if n == 2 {
			<-ctx.Done()
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer stop() // else a failure waits for the stream
	env, out, errs := command(t, srv.URL)

	done := make(chan error, 1)
	go func() {
		cmd := Command(env)
		cmd.SetArgs([]string{"demo", "--follow"})
		done <- cmd.ExecuteContext(ctx)
	}()
	deadline := time.After(time.Minute)
	for !strings.Contains(out.String(), "\tid-3\t\n") {
		select {
		case err := <-done:
			t.Fatalf("it ended: %v\n%s%s", err, out, errs)
		case <-deadline:
			t.Fatalf("no third execution:\n%s%s", out, errs)
		case <-out.more:
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff([]string{"id-1", "id-2"}, afters); d != "" {
		t.Error(d)
	}
	for _, id := range []string{"id-1", "id-2", "id-3"} {
		if n := strings.Count(out.String(), "execution\t2026-03-01T12:00:05.123Z\thello\t2\thttp\tok\t200\t1.234\t\t\t\t"+id+"\t\n"); n != 1 {
			t.Errorf("%s was shown %d times:\n%s", id, n, out)
		}
	}
	if n := strings.Count(out.String(), "kind\t"); n != 1 {
		t.Errorf("%d headers", n)
	}
	said := "3 executions of demo since the server started could not be recorded and are not shown.\nThe connection ended ("
	if !strings.HasPrefix(errs.String(), said) {
		t.Errorf("standard error: %q", errs)
	}
}

func TestFollowEndsWhenRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"status":403,"title":"Forbidden","detail":"not yours"}`)
	}))
	defer srv.Close()
	env, _, _ := command(t, srv.URL)
	conn, err := env.Connect()
	if err != nil {
		t.Fatal(err)
	}
	w, err := env.Writer()
	if err != nil {
		t.Fatal(err)
	}
	err = follow(t.Context(), env, conn, options{app: "demo"}, newPrinter(w), nil)
	if exit.Code(err) != exit.NotAllowed || err.Error() != "not yours (HTTP 403)" {
		t.Errorf("got %v (code %d)", err, exit.Code(err))
	}
}
