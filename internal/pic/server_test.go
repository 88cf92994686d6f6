package pic_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"

	"github.com/picloud/picloud/internal/testdir"
)

// The owner of every server under test.
const (
	owner         = "ada"
	ownerPassword = "correct horse battery staple"
)

// server is a running picloud, with the programs it was built with.
type server struct {
	url      string
	other    string // of another node; empty: there is none
	programs string // directory of pic and picloud
	cmd      *exec.Cmd
	stderr   *tail
}

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestOnServers holds everything that needs a server: one on each store and a
// cluster, shared by the journeys, the examples and the guides.
func TestOnServers(t *testing.T) {
	programs := t.TempDir()
	out, err := exec.Command("go", "build", "-o", programs, "../../cmd/pic", "../../cmd/picloud").CombinedOutput()
	if err != nil {
		t.Fatalf("building pic and picloud: %v\n%s", err, out)
	}
	single := func(database func(testing.TB) string) func(*testing.T) *server {
		return func(t *testing.T) *server { return start(t, programs, database(t)) }
	}
	for name, start := range map[string]func(*testing.T) *server{
		"sqlite":   single(func(testing.TB) string { return "" }),
		"postgres": single(pgtest.Database),
		"cluster":  func(t *testing.T) *server { return startCluster(t, programs) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			t.Run("journeys", func(t *testing.T) { journeys(t, s) })
			t.Run("examples", func(t *testing.T) { examples(t, s.elsewhere()) })
			t.Run("guides", func(t *testing.T) { guides(t, s) })
		})
	}
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start starts picloud on a free port and waits until it says where. It ends
// with the test, and must end well.
func start(t *testing.T, programs, database string) *server {
	t.Helper()
	s := &server{programs: programs, stderr: &tail{}}
	s.cmd = exec.Command(filepath.Join(programs, "picloud"), "serve", "--listen", "127.0.0.1:0", "--data", testdir.New(t))
	s.cmd.Env = append(os.Environ(), "PICLOUD_OWNER_USERNAME="+owner, "PICLOUD_OWNER_PASSWORD="+ownerPassword, "PICLOUD_DATABASE_URL="+database)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("picloud ended: %v\n%s", err, s.stderr)
		}
		r.Close()
		if t.Failed() {
			t.Logf("picloud wrote:\n%s", s.stderr)
		}
	})
	found := make(chan string, 1)
	go func() {
		defer close(found)
		sc := bufio.NewScanner(io.TeeReader(r, s.stderr))
		for sc.Scan() {
			if u := listening.FindString(sc.Text()); u != "" {
				select {
				case found <- u:
				default:
				}
			}
		}
	}()
	select {
	case u, ok := <-found:
		if !ok {
			t.Fatalf("picloud ended before it listened:\n%s", s.stderr)
		}
		s.url = u
	case <-time.After(patience):
		t.Fatalf("picloud does not say where it listens:\n%s", s.stderr)
	}
	s.waitReady(t)
	return s
}

// elsewhere is the same server through another node, if it has several.
func (s *server) elsewhere() *server {
	if s.other == "" {
		return s
	}
	return &server{url: s.other, other: s.url, programs: s.programs, cmd: s.cmd, stderr: s.stderr}
}

// startCluster starts a cluster of two nodes. The first has the active manager, the
// second is the one that is asked; examples go through the first.
func startCluster(t *testing.T, programs string) *server {
	t.Helper()
	if err := picloudtest.BuildCluster(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	s := &server{programs: programs, stderr: &tail{}}
	dir, err := os.MkdirTemp("", "picloud-") // short: a socket's path is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, err := picloudtest.StartCluster(context.WithoutCancel(t.Context()), picloudtest.ClusterOptions{
		Programs: programs, Dir: dir, Database: pgtest.Database(t), Nodes: 2, Stderr: s.stderr,
		Env: []string{"PICLOUD_OWNER_USERNAME=" + owner, "PICLOUD_OWNER_PASSWORD=" + ownerPassword},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, s.stderr)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("the cluster ended: %v\n%s", err, s.stderr)
		}
		if t.Failed() {
			t.Logf("the cluster wrote:\n%s", s.stderr)
		}
	})
	s.url, s.other = c.Nodes[1].URL, c.Nodes[0].URL
	s.waitReady(t)
	return s
}

// waitReady asks until the server says that it is ready.
func (s *server) waitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("picloud is not ready: %v\n%s", err, s.stderr)
		}
	}
}

// environment returns what pic runs with: nothing of the person who runs the
// tests, and a configuration directory in work.
func (s *server) environment(work string) []string {
	return []string{
		"PATH=" + s.programs + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + work,
		"PICLOUD_CONFIG_DIR=" + filepath.Join(work, "config"),
		"PICLOUD_URL=",
		"PICLOUD_TOKEN=",
		"NO_COLOR=",
		"URL=" + s.url,
		"OWNER=" + owner,
		"PASSWORD=" + ownerPassword,
	}
}

// tail keeps the last 64 KiB that were written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - 64<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
