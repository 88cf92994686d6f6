package bootstrap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/testdir"
)

func TestAStopWritesWhatWasRecorded(t *testing.T) {
	const runs = 20
	processes(t, func(t *testing.T, o picloudtest.Options) {
		s := instanceOn(t, o)
		s.app("demo", map[string]string{"hello": `print("hello"); "hello"`})
		for range runs {
			if _, err := picloudtest.Get(t.Context(), s.URL+"/demo/hello"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Stop(); err != nil { // before a batch is due
			t.Fatal(err)
		}
		s = instanceOn(t, o)
		page, err := s.ListExecutions(t.Context(), "demo", client.ExecutionQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != runs {
			t.Errorf("after the stop %d executions are recorded, want %d", len(page.Items), runs)
		}
	})
}

// transcript keeps what a process says. It never holds up who writes: that
// would keep the process from ending.
type transcript struct {
	mu   sync.Mutex
	more *sync.Cond
	said bytes.Buffer
}

func newTranscript() *transcript {
	r := &transcript{}
	r.more = sync.NewCond(&r.mu)
	return r
}

func (r *transcript) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.more.Broadcast()
	return r.said.Write(p)
}

// await waits until text has been said, for a minute.
func (r *transcript) await(t *testing.T, text string) {
	t.Helper()
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		late = true
		r.more.Broadcast()
	})
	defer timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for !strings.Contains(r.said.String(), text) {
		if late {
			t.Fatalf("after a minute it has not said %q, but:\n%s", text, r.said.String())
		}
		r.more.Wait()
	}
}

// TestASecondSignalStopsAtOnce holds a request open that would keep a stop
// waiting for longer than this test may take.
func TestASecondSignalStopsAtOnce(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	log := newTranscript()
	s := launch(t, picloudtest.Options{Binary: bin, Data: testdir.New(t), Args: []string{"--stop-timeout", "1h"}, Stderr: log})
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
	log.await(t, "msg=stopping")
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log.await(t, "stopped at once")
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
	s := start(t, "--data", testdir.New(t))
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
