package invoke

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// call runs "pic invoke" against a server that echoes what it got.
func call(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Authorization", "Cookie"} {
			if v := r.Header.Get(name); v != "" {
				t.Errorf("the request carries %s: %s", name, v)
			}
		}
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/demo/moved" {
			http.Redirect(w, r, "/demo/elsewhere", http.StatusFound)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/demo/broken") {
			if r.URL.Path == "/demo/broken/recorded" {
				w.Header().Set("Picloud-Execution-Id", "an-id")
			}
			w.WriteHeader(500)
		}
		fmt.Fprintf(w, "%s %s type=%q length=%d x=%q host=%q body=%q", r.Method, r.URL.RequestURI(),
			r.Header.Get("Content-Type"), r.ContentLength, r.Header.Values("X-Test"), strings.Split(r.Host, ":")[0], b)
	}))
	defer srv.Close()
	env := map[string]string{credentials.EnvURL: srv.URL, credentials.EnvToken: "secret-token"}
	var out, errs bytes.Buffer
	streams := &terminal.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs, Getenv: func(k string) string { return env[k] }}
	cmd := Command(cli.New(streams, "v1"))
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func TestRequests(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "order.json")
	if err := os.WriteFile(file, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"plain", "", []string{"demo/hello"}, `GET /demo/hello type="" length=0 x=[] host="127.0.0.1" body=""`},
		{"rest and query", "", []string{"demo/hello/a/b?x=1&y=%20"}, `GET /demo/hello/a/b?x=1&y=%20 type="" length=0 x=[] host="127.0.0.1" body=""`},
		{"what no URL can hold", "", []string{"demo/hello/ä b?x=ü&y=a b"}, `GET /demo/hello/%C3%A4%20b?x=%C3%BC&y=a%20b type="" length=0 x=[] host="127.0.0.1" body=""`},
		{"the app's root", "", []string{"demo?x=1"}, `GET /demo/?x=1 type="" length=0 x=[] host="127.0.0.1" body=""`},
		{"json", "", []string{"demo/hello", "-d", `{"a":1}`}, `POST /demo/hello type="application/json" length=7 x=[] host="127.0.0.1" body="{\"a\":1}"`},
		{"text", "", []string{"demo/hello", "-d", `hi`, "-X", "put"}, `PUT /demo/hello type="text/plain; charset=utf-8" length=2 x=[] host="127.0.0.1" body="hi"`},
		{"empty body", "", []string{"demo/hello", "-d", ""}, `POST /demo/hello type="text/plain; charset=utf-8" length=0 x=[] host="127.0.0.1" body=""`},
		{"file", "", []string{"demo/hello", "-d", "@" + file}, `POST /demo/hello type="application/json" length=7 x=[] host="127.0.0.1" body="{\"a\":1}"`},
		{"standard input", "piped\x00", []string{"demo/hello", "-d", "@-"}, `POST /demo/hello type="application/octet-stream" length=-1 x=[] host="127.0.0.1" body="piped\x00"`},
		{
			"headers", "",
			[]string{"demo/hello", "-H", "X-Test: 1", "-H", "x-test:2", "-H", "Host: demo.localhost", "-H", "content-type: text/csv"},
			`GET /demo/hello type="text/csv" length=0 x=["1" "2"] host="demo.localhost" body=""`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, err := call(t, c.stdin, c.args...)
			if err != nil || out != c.want || errs != "" {
				t.Errorf("\n got %s\nwant %s\nstderr %q, error %v", out, c.want, errs, err)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	out, errs, err := call(t, "", "demo/broken", "-i")
	if exit.Code(err) != exit.Answer || err.Error() != "the endpoint answered 500 Internal Server Error" {
		t.Errorf("500: %v (code %d)", err, exit.Code(err))
	}
	if h := exit.Hint(err); h != "What it logged: pic logs demo/broken --limit 1" {
		t.Errorf("hint %q", h)
	}
	if _, _, err := call(t, "", "demo/broken/recorded"); exit.Hint(err) != "What it logged: pic logs --execution an-id" {
		t.Errorf("hint %q", exit.Hint(err))
	}
	if !strings.HasPrefix(out, "GET /demo/broken") {
		t.Errorf("the body of a failure is missing: %q", out)
	}
	if !strings.HasPrefix(errs, "HTTP/1.1 500 Internal Server Error\n") || !strings.Contains(errs, "\nContent-Length: ") {
		t.Errorf("-i wrote %q", errs)
	}
	_, _, err = call(t, "", "demo/moved")
	if exit.Code(err) != exit.Answer || exit.Hint(err) != "It redirects to /demo/elsewhere" {
		t.Errorf("redirect: %v, hint %q", err, exit.Hint(err))
	}
}

func TestWrongUsage(t *testing.T) {
	for want, args := range map[string][]string{
		`invoke needs APP/SCRIPT`: {},
		`"/" is no APP/SCRIPT`:    {"/"},
		`"http://localhost:8080/demo/x" is an address: give APP/SCRIPT, without http:// and the host`: {"http://localhost:8080/demo/x"},
		`-H "nonsense" is no header: write 'NAME: VALUE'`:                                             {"demo/x", "-H", "nonsense"},
		`-d: open /no/such/file: no such file or directory`:                                           {"demo/x", "-d", "@/no/such/file"},
		`invoke takes 1 argument; "demo/y" is too many`:                                               {"demo/x", "demo/y"},
	} {
		_, _, err := call(t, "", args...)
		if err == nil || err.Error() != want || exit.Code(err) != exit.Usage {
			t.Errorf("%q: %v (code %d), want %s", args, err, exit.Code(err), want)
		}
	}
}
