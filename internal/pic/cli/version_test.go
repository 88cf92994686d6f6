package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// A server of another version is noticed by every command, and said once.
func TestAnotherVersionIsSaidOnce(t *testing.T) {
	server := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if server != "" {
			w.Header().Set(versionHeader, server)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[]}`)
	}))
	defer srv.Close()
	vars := map[string]string{credentials.EnvDir: t.TempDir(), credentials.EnvURL: srv.URL, credentials.EnvToken: "pics_x"}
	// run is a command that asks the server twice.
	run := func(version string) string {
		t.Helper()
		var said bytes.Buffer
		env := New(&terminal.Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &said, Getenv: func(k string) string { return vars[k] }}, version)
		for range 2 {
			conn, err := env.Connect()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Whoami(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return said.String()
	}
	for _, c := range []struct{ server, pic, want string }{
		{"", "1.0.0", ""}, // some proxy's answer
		{"1.0.0", "1.0.0", ""},
		{"1.1.0", "1.0.0", "The server runs PiCloud 1.1.0, which is newer than this pic 1.0.0: something may not work. Take the server's version of pic.\n"},
		{"1.1.0", "1.0.0", ""},
		{"0.9.0", "1.0.0", "The server runs PiCloud 0.9.0, which is older than this pic 1.0.0: something may not work. Take the server's version of pic, or upgrade the server.\n"},
		{"0.9.0", "1.0.0", ""},
		{"0.9.0", "1.0.1", "The server runs PiCloud 0.9.0, which is older than this pic 1.0.1: something may not work. Take the server's version of pic, or upgrade the server.\n"},
		{"nonsense", "1.0.0", ""},
	} {
		server = c.server
		if got := run(c.pic); got != c.want {
			t.Errorf("server %q, pic %q: said %q, want %q", c.server, c.pic, got, c.want)
		}
	}
	// Where nothing can be kept it is said again, once a command.
	vars[credentials.EnvDir] = t.TempDir()
	if err := os.Mkdir(filepath.Join(vars[credentials.EnvDir], "noted.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	server = "1.1.0"
	for range 2 {
		if got := run("1.0.0"); strings.Count(got, "newer than") != 1 {
			t.Errorf("without a directory: %q", got)
		}
	}
}
