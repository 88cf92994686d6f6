package bootstrap

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// run runs picloud with the given standard input and arguments.
func run(ctx context.Context, stdin string, args ...string) (stdout string, err error) {
	var out bytes.Buffer
	root := Command(&terminal.Streams{In: strings.NewReader(stdin), Out: &out, Err: io.Discard, Getenv: func(string) string { return "" }})
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return out.String(), err
}

// server is a picloud that runs in this process.
type server struct {
	url  string
	out  *announcement
	stop func() error
}

// announcement collects what picloud prints and tells when it says where it is.
type announcement struct {
	mu    sync.Mutex
	text  strings.Builder
	at    chan string
	found bool
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text.Write(p)
	if _, rest, ok := strings.Cut(a.text.String(), "PiCloud is at "); ok && !a.found {
		if url, _, ok := strings.Cut(rest, "\n"); ok {
			a.found = true
			a.at <- url
		}
	}
	return len(p), nil
}

func (a *announcement) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}

func start(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := &announcement{at: make(chan string, 1)}
	root := Command(&terminal.Streams{In: strings.NewReader(""), Out: out, Err: t.Output(), Getenv: func(string) string { return "" }})
	root.SetArgs(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	var once sync.Once
	var stopErr error
	s := &server{out: out, stop: func() error {
		once.Do(func() {
			cancel()
			stopErr = <-ended
		})
		return stopErr
	}}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("picloud ended with: %v", err)
		}
	})
	select {
	case s.url = <-out.at:
	case err := <-ended:
		ended <- nil
		t.Fatalf("picloud did not start: %v", err)
	}
	return s
}

func withOwner(t *testing.T, dir, username, password string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.NewSetup(s, auth.NewHasher(auth.DefaultParams), manager.Now).CreateOwner(t.Context(), username, password); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// passwordIs reports whether the only owner in dir has this password.
func passwordIs(t *testing.T, dir, password string) bool {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	users, err := s.ListUsers(t.Context())
	if err != nil || len(users) != 1 || users[0].Role != store.RoleOwner {
		t.Fatalf("users %v, error %v; want one owner", users, err)
	}
	ok, err := auth.NewHasher(auth.DefaultParams).Verify(t.Context(), users[0].PasswordHash, password)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestResetPassword(t *testing.T) {
	dir := t.TempDir()
	withOwner(t, dir, "ada", "before-before")
	if out, err := run(t.Context(), "first-new-one\n", "owner", "reset-password", "--data", dir); err != nil || !strings.Contains(out, "password of ada is changed") {
		t.Fatalf("stopped: %q, %v", out, err)
	}
	if !passwordIs(t, dir, "first-new-one") {
		t.Error("stopped: the password did not change")
	}

	s := start(t, "--data", dir)
	if out, err := run(t.Context(), "second-new-one", "owner", "reset-password", "--data", dir, "--username", "Ada"); err != nil || !strings.Contains(out, "ada") {
		t.Fatalf("running: %q, %v", out, err)
	}
	if info, err := os.Stat(filepath.Join(dir, socketFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want one that only this user can open", info, err)
	}
	for _, c := range []struct{ password, want string }{{"short", "8"}, {"", "empty"}} {
		if _, err := run(t.Context(), c.password, "owner", "reset-password", "--data", dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("password %q: %v, want an error with %q", c.password, err, c.want)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if !passwordIs(t, dir, "second-new-one") {
		t.Error("running: the password did not change")
	}
}

func TestResetPasswordAfterAKill(t *testing.T) {
	dir := t.TempDir()
	withOwner(t, dir, "ada", "before-before")
	// What a killed process leaves: a socket at which nobody answers.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := run(t.Context(), "after-after", "owner", "reset-password", "--data", dir); err != nil {
		t.Fatal(err)
	}
	start(t, "--data", dir)
	if _, err := run(t.Context(), "once-more-now", "owner", "reset-password", "--data", dir); err != nil {
		t.Fatal(err)
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "new")
	withOwner(t, dir, "ada", "before-before")
	s := start(t, "--data", dir)
	file := filepath.Join(t.TempDir(), "picloud.backup")
	if _, err := run(t.Context(), "", "backup", file, "--data", dir); err != nil {
		t.Fatalf("beside a running picloud: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v; want a file that only this user can read", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := run(t.Context(), "", "backup", file, "--data", dir); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("onto an older backup: %v, want an error", err)
	}
	if _, err := run(t.Context(), "", "restore", file, "--data", dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("restoring under a running picloud: %v, want an error", err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), "", "restore", file, "--data", dir); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("restoring over a database: %v, want an error", err)
	}

	piped, err := run(t.Context(), "", "backup", "-", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), piped, "restore", "-", "--data", elsewhere); err != nil {
		t.Fatal(err)
	}
	if !passwordIs(t, elsewhere, "before-before") {
		t.Error("the restored owner has another password")
	}
	start(t, "--data", elsewhere)
}

func TestWhatKeepsItFromStarting(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	start(t, "--data", used)

	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"the port is taken", []string{"--listen", taken.Addr().String(), "--data", t.TempDir()}, []string{taken.Addr().String(), "taken by another program", "--listen"}},
		{"no address of this machine", []string{"--listen", "192.0.2.1:0", "--data", t.TempDir()}, []string{"192.0.2.1:0", "not an address of this machine"}},
		{"an unknown host", []string{"--listen", "nowhere.invalid:0", "--data", t.TempDir()}, []string{"nowhere.invalid:0"}},
		{"the data directory is a file", []string{"--listen", "127.0.0.1:0", "--data", file}, []string{file, "--data"}},
		{"the data directory cannot be made", []string{"--listen", "127.0.0.1:0", "--data", "/proc/picloud"}, []string{"/proc/picloud", "--data"}},
		{"the data directory is in use", []string{"--listen", "127.0.0.1:0", "--data", used}, []string{used, "in use"}},
		{"an unknown command", []string{"server"}, []string{`unknown command "server"`}},
		{"a mistyped data directory", []string{"backup", "x", "--data", file + "s"}, []string{file + "s", "--data"}},
		{"no file to back up to", []string{"backup"}, []string{"one FILE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := run(ctx, "", c.args...)
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestStopWaitsForRequestsUnderWay(t *testing.T) {
	for _, c := range []struct {
		name     string
		patience time.Duration
		finish   bool
	}{{"finished", time.Minute, true}, {"cut off", time.Millisecond, false}} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			l, err := listen(ctx, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			began, finish := make(chan struct{}), make(chan struct{})
			cutOff := make(chan struct{})
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(began)
				select {
				case <-finish:
					_, _ = io.WriteString(w, "finished")
				case <-r.Context().Done():
					close(cutOff)
				}
			})
			ended := make(chan error, 1)
			go func() { ended <- serveHTTP(ctx, l, handler, c.patience, func() {}, quiet()) }()
			answer := make(chan string, 1)
			go func() {
				resp, err := http.Get(baseURL(l.Addr()))
				if err != nil {
					answer <- "cut off"
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				answer <- string(body)
			}()
			<-began
			stop()
			if c.finish {
				close(finish)
			} else {
				<-cutOff
			}
			if err := <-ended; err != nil {
				t.Errorf("the server ended with: %v", err)
			}
			if got := <-answer; got != c.name {
				t.Errorf("the request under way: %s, want %s", got, c.name)
			}
			if _, err := http.Get(baseURL(l.Addr())); err == nil {
				t.Error("after the stop it still answers")
			}
		})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
