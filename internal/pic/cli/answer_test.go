package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/pic/terminal/terminaltest"
)

// listScripts lists the scripts of a server that has three pages of them.
func listScripts(t *testing.T, stderr io.Writer) (stdout string, requests []string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method+" "+r.URL.Path+" "+r.URL.Query().Get("after"))
		w.Header().Set("Content-Type", "application/json")
		next := map[string]string{"": "a/1", "a/1": "a/2"}[r.URL.Query().Get("after")]
		fmt.Fprintf(w, `{"items":[{"app":"a","name":"of %s"}],"next":%q}`, next, next)
	}))
	defer srv.Close()
	vars := map[string]string{credentials.EnvDir: t.TempDir(), credentials.EnvURL: srv.URL, credentials.EnvToken: "pics_x"}
	var out bytes.Buffer
	env := New(&terminal.Streams{In: strings.NewReader(""), Out: &out, Err: stderr, Getenv: func(k string) string { return vars[k] }}, "1.0.0")
	columns := []output.Column[client.Script]{{Name: "name", Value: func(s client.Script) string { return s.Name }}}
	err := List(t.Context(), env, columns, "none", func(ctx context.Context, c *client.Client, p client.Page) ([]client.Script, string, error) {
		l, err := c.ListAllScripts(ctx, p)
		return l.Items, l.Next, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), requests
}

// A listing is one request a page, to one path: what is shown together was read
// together, whatever apps there are.
func TestListReadsPageByPage(t *testing.T) {
	var said bytes.Buffer
	out, requests := listScripts(t, &said)
	if out != "name\nof a/1\nof a/2\nof \n" || said.Len() > 0 {
		t.Errorf("it answers %q and says %q", out, said.String())
	}
	if got := strings.Join(requests, ", "); got != "GET /api/v1/scripts , GET /api/v1/scripts a/1, GET /api/v1/scripts a/2" {
		t.Errorf("it asks %s", got)
	}
}

// On a terminal it says how far it is, and leaves nothing of that.
func TestProgressOnATerminal(t *testing.T) {
	person, program := terminaltest.Open(t)
	listScripts(t, program)
	fmt.Fprint(program, "end\n")
	const want = "\r\x1b[K1 read …\r\x1b[K2 read …\r\x1b[Kend"
	if got := read(t, person, len(want)); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func read(t *testing.T, f *os.File, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}
