package bootstrap

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

func TestAStopWritesWhatWasRecorded(t *testing.T) {
	const runs = 20
	processes(t, func(t *testing.T, o picloudtest.Options) {
		s := launch(t, o)
		owner, err := s.SignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := owner.CreateApp(t.Context(), "demo"); err != nil {
			t.Fatal(err)
		}
		if err := picloudtest.Deploy(t.Context(), owner, "demo", "hello", `print("hello"); "hello"`); err != nil {
			t.Fatal(err)
		}
		for range runs {
			if _, err := picloudtest.Get(t.Context(), s.URL+"/demo/hello"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Stop(); err != nil { // before a batch is due
			t.Fatal(err)
		}
		s = launch(t, o)
		if owner, err = s.SignIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := owner.ListExecutions(t.Context(), "demo", client.ExecutionQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != runs {
			t.Errorf("after the stop %d executions are recorded, want %d", len(page.Items), runs)
		}
	})
}

// TestASecondSignalStopsAtOnce holds a request open that would keep a stop
// waiting for longer than this test may take.
func TestASecondSignalStopsAtOnce(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	stderr, log := io.Pipe()
	s := launch(t, picloudtest.Options{Binary: bin, Data: t.TempDir(), Args: []string{"--stop-timeout", "1h"}, Stderr: log})
	said := make(chan string)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			said <- lines.Text()
		}
	}()
	await := func(text string) {
		t.Helper()
		for line := range said {
			if strings.Contains(line, text) {
				return
			}
		}
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The answer of the first shows that the second, behind it, is being read.
	_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"+
		"POST /_/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("msg=stopping")
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("stopped at once")
	var exit *exec.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want exit code 1", err)
	}
}

func TestSystemdIsTold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	s := start(t, "--data", t.TempDir())
	heard := func() string {
		b := make([]byte, 100)
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := heard(); got != "READY=1" {
		t.Errorf("at the start systemd hears %q", got)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if got := heard(); got != "STOPPING=1" {
		t.Errorf("at the stop systemd hears %q", got)
	}
}
