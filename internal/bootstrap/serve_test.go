package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/testdir"
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
	more  *sync.Cond
	at    chan string
	found bool
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text.Write(p)
	a.more.Broadcast()
	if _, rest, ok := strings.Cut(a.text.String(), "PiCloud is at "); ok && !a.found {
		if url, _, ok := strings.Cut(rest, "\n"); ok {
			a.found = true
			a.at <- url
		}
	}
	return len(p), nil
}

// wait returns everything printed once it holds the text.
func (a *announcement) wait(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !strings.Contains(a.text.String(), text) {
		a.more.Wait()
	}
	return a.text.String()
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
	out.more = sync.NewCond(&out.mu)
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

// onEach runs a test on each database. args are the flags that name a fresh one
// with every call of its argument.
func onEach(t *testing.T, test func(t *testing.T, fresh func() (args []string))) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func() []string { return []string{"--data", testdir.New(t)} })
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, func() []string { return []string{"--data", testdir.New(t), "--database", pgtest.Database(t)} })
	})
}

// setUp creates the owner ada by the link that s printed.
func setUp(t *testing.T, s *server, password string) {
	t.Helper()
	link, err := url.Parse(regexp.MustCompile(`http://\S+/_/setup#\S+`).FindString(s.out.wait("/_/setup#")))
	if err != nil || link.Fragment == "" {
		t.Fatalf("no set-up link in %q: %v", s.out.String(), err)
	}
	c, err := client.New(s.url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateOwner(t.Context(), link.Fragment, "ada", password); err != nil {
		t.Fatal(err)
	}
}

func canSignIn(t *testing.T, s *server, password string) bool {
	t.Helper()
	c, err := client.New(s.url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.SignIn(t.Context(), "ada", password)
	if err != nil && client.Status(err) != http.StatusUnauthorized {
		t.Fatal(err)
	}
	return err == nil
}

func TestResetPassword(t *testing.T) {
	onEach(t, func(t *testing.T, fresh func() []string) {
		args := fresh()
		reset := func(password string, more ...string) (string, error) {
			return run(t.Context(), password, append(append([]string{"owner", "reset-password"}, args...), more...)...)
		}
		s := start(t, args...)
		if _, err := reset("long-enough"); err == nil || !strings.Contains(err.Error(), "no such owner") {
			t.Errorf("before there is an owner: %v, want an error", err)
		}
		setUp(t, s, "before-before")

		if out, err := reset("first-new-one\n", "--username", "Ada"); err != nil || !strings.Contains(out, "password of ada is changed") {
			t.Fatalf("beside a running picloud: %q, %v", out, err)
		}
		if canSignIn(t, s, "before-before") || !canSignIn(t, s, "first-new-one") {
			t.Error("beside a running picloud: the password did not change")
		}
		for _, c := range []struct{ password, want string }{{"short", "8"}, {"", "empty"}} {
			if _, err := reset(c.password); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("password %q: %v, want an error with %q", c.password, err, c.want)
			}
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if out, err := reset("second-new-one"); err != nil || !strings.Contains(out, "ada") {
			t.Fatalf("without a running picloud: %q, %v", out, err)
		}
		if s := start(t, args...); !canSignIn(t, s, "second-new-one") {
			t.Error("without a running picloud: the password did not change")
		}
	})
}

func TestTheSocketIsPrivateAndSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	// What a killed process leaves: a socket at which nobody answers.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := run(t.Context(), "after-after", "owner", "reset-password", "--data", dir); err == nil || !strings.Contains(err.Error(), "no such owner") {
		t.Errorf("with a socket left behind: %v, want to be told that there is no owner", err)
	}
	s := start(t, "--data", dir)
	if info, err := os.Stat(filepath.Join(dir, socketFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want one that only this user can open", info, err)
	}
	if _, err := ReadStats(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStats(t.Context(), dir); !errors.Is(err, errNotRunning) {
		t.Errorf("after the stop: %v, want %v", err, errNotRunning)
	}
}

func TestBackupAndRestore(t *testing.T) {
	onEach(t, func(t *testing.T, fresh func() []string) {
		here, elsewhere := fresh(), fresh()
		s := start(t, here...)
		setUp(t, s, "before-before")
		file := filepath.Join(t.TempDir(), "picloud.backup")
		if _, err := run(t.Context(), "", append([]string{"backup", file}, here...)...); err != nil {
			t.Fatalf("beside a running picloud: %v", err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the backup: %v, %v; want a file that only this user can read", info, err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		if _, err := run(t.Context(), "", append([]string{"backup", file}, here...)...); err == nil || !strings.Contains(err.Error(), "exists") {
			t.Errorf("onto an older backup: %v, want an error", err)
		}
		if _, err := run(t.Context(), "", append([]string{"restore", file}, here...)...); err == nil {
			t.Error("it restored under a running picloud")
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := run(t.Context(), "", append([]string{"restore", file}, here...)...); err == nil {
			t.Error("it restored over a database")
		}
		if _, err := run(t.Context(), "not a backup", append([]string{"restore", "-"}, elsewhere...)...); err == nil {
			t.Error("it restored what is no backup")
		}

		piped, err := run(t.Context(), "", append([]string{"backup", "-"}, here...)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(t.Context(), piped, append([]string{"restore", "-"}, elsewhere...)...); err != nil {
			t.Fatal(err)
		}
		if s := start(t, elsewhere...); !canSignIn(t, s, "before-before") {
			t.Error("the restored owner has another password")
		}
	})
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
		{"the port is taken", []string{"--listen", taken.Addr().String(), "--data", testdir.New(t)}, []string{taken.Addr().String(), "taken by another program", "--listen"}},
		{"no address of this machine", []string{"--listen", "192.0.2.1:0", "--data", testdir.New(t)}, []string{"192.0.2.1:0", "not an address of this machine"}},
		{"an unknown host", []string{"--listen", "nowhere.invalid:0", "--data", testdir.New(t)}, []string{"nowhere.invalid:0"}},
		{"the data directory is a file", []string{"--listen", "127.0.0.1:0", "--data", file}, []string{file, "--data"}},
		{"the data directory cannot be made", []string{"--listen", "127.0.0.1:0", "--data", "/proc/picloud"}, []string{"/proc/picloud", "--data"}},
		{"the data directory is in use", []string{"--listen", "127.0.0.1:0", "--data", used}, []string{used, "in use"}},
		{"the database does not answer", []string{"--listen", "127.0.0.1:0", "--data", testdir.New(t), "--database", "postgres://ada:s3cret@127.0.0.1:1/picloud"}, []string{"127.0.0.1:1/picloud", "--database", "refused"}},
		{"an unknown command", []string{"server"}, []string{`unknown command "server"`}},
		{"an unknown command of secrets", []string{"secrets", "rotate"}, []string{`unknown command "rotate" for "picloud secrets"`}},
		{"an unknown command of owner", []string{"owner", "reset"}, []string{`unknown command "reset" for "picloud owner"`}},
		{"a mistyped data directory", []string{"backup", "x", "--data", file + "s"}, []string{file + "s", "--data"}},
		{"no file to back up to", []string{"backup"}, []string{"one FILE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := run(ctx, "", c.args...)
			if err == nil {
				t.Fatal("it started")
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error %q shows a password", err)
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
			l, err := process.Listen(ctx, "127.0.0.1:0", "listen")
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
			go func() {
				ended <- serveHTTP(ctx, l, handler, func() time.Duration { return c.patience }, time.Second, func() {}, quiet())
			}()
			answer := make(chan string, 1)
			go func() {
				resp, err := http.Get(process.BaseURL(l.Addr()))
				if err != nil {
					answer <- "cut off"
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				if len(body) == 0 { // the handler had ended before its connection was closed
					answer <- "cut off"
					return
				}
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
			if _, err := http.Get(process.BaseURL(l.Addr())); err == nil {
				t.Error("after the stop it still answers")
			}
		})
	}
}

// An operator may let scripts run longer than the server's own times.
func TestAResponseOutlastsItsScript(t *testing.T) {
	for _, wall := range []time.Duration{time.Second, 10 * time.Minute} {
		if got := responseTimeout(wall); got < requestTimeout+wall+time.Minute {
			t.Errorf("a script that may run for %v has its connection cut after %v", wall, got)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
