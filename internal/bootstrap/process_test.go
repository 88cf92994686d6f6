package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/idle"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/testdir"
)

// binary builds picloud once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "picloud-test-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	return picloudtest.Build(context.Background(), dir)
})

var binaryDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir)
	}
	pgtest.Stop()
	os.Exit(code)
}

// processes runs a test on a picloud process, once on each database.
func processes(t *testing.T, test func(t *testing.T, options picloudtest.Options)) {
	run := func(name string, env func(t *testing.T) []string) {
		t.Run(name, func(t *testing.T) {
			bin, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			test(t, picloudtest.Options{Binary: bin, Data: testdir.New(t), Env: env(t), Stderr: t.Output()})
		})
	}
	run("sqlite", func(*testing.T) []string { return nil })
	run("postgres", func(t *testing.T) []string { return []string{"PICLOUD_DATABASE_URL=" + pgtest.Database(t)} })
}

// launch starts a process that is killed at the test's end at the latest.
func launch(t *testing.T, o picloudtest.Options) *picloudtest.Server {
	t.Helper()
	s, err := picloudtest.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	return s
}

// loggedLines is what each execution of the script logs; an execution that has
// fewer was half-written.
const loggedLines = 3

func countingScript(n int) string {
	return fmt.Sprintf("for i in 0..%d { print(`line ${i}`) }\n%d\n", loggedLines, n)
}

// A pipe whose reader goes away leaves no copy of the database behind, and
// a server that cannot log goes on.
func TestClosedPipes(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	closed := func() *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		t.Cleanup(func() { w.Close() })
		return w
	}
	s := launch(t, picloudtest.Options{Binary: bin, Data: dir, Stderr: closed()})
	resp, err := http.PostForm(s.URL+"/_/login", url.Values{"username": {"nobody"}, "password": {"of no account"}}) // which is logged
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp, err = http.Get(s.URL + "/readyz"); err != nil {
		t.Fatalf("after a line that could not be logged: %v", err)
	}
	resp.Body.Close()

	backup := exec.CommandContext(t.Context(), bin, "backup", "-", "--data", dir)
	backup.Stdout = closed()
	var said strings.Builder
	backup.Stderr = &said
	if err := backup.Run(); err == nil || !strings.Contains(said.String(), "broken pipe") {
		t.Errorf("a backup to nobody: %v, %q", err, said.String())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".backup-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestKill kills picloud again and again while it deploys, runs and records,
// and looks each time whether what it had confirmed is there, and whether what
// it recorded is whole.
func TestKill(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		confirmed := 0 // the number in the newest source that a deployment was confirmed for
		recorded := map[string]bool{}
		for round := range 5 {
			s := instanceOn(t, o)
			if round == 0 {
				s.app("demo", nil)
			} else {
				checkAfterKill(ctx, s, confirmed, recorded)
			}
			confirmed = loadUntilKilled(ctx, s, confirmed)
		}
		s := instanceOn(t, o)
		checkAfterKill(ctx, s, confirmed, recorded)
		if len(recorded) == 0 {
			t.Error("nothing was recorded in any round")
		}
		s.stop()
	})
}

// loadUntilKilled deploys one version after the other while others call it,
// kills the process in the middle, and returns the last confirmed number.
func loadUntilKilled(ctx context.Context, s *instance, confirmed int) int {
	t := s.t
	t.Helper()
	if err := picloudtest.Deploy(ctx, s.Client, "demo", "count", countingScript(confirmed+1)); err != nil {
		t.Fatal(err)
	}
	confirmed++
	var all sync.WaitGroup
	var answered atomic.Int64
	enough := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				if _, err := picloudtest.Get(ctx, s.URL+"/demo/count"); err != nil {
					return // it was killed
				}
				if answered.Add(1) == 300 {
					close(enough)
				}
			}
		})
	}
	all.Go(func() {
		for {
			if err := picloudtest.Deploy(ctx, s.Client, "demo", "count", countingScript(confirmed+1)); err != nil {
				var refused *client.Error
				if errors.As(err, &refused) {
					t.Errorf("a deployment was refused: %v", err)
				}
				return
			}
			confirmed++
		}
	})
	select {
	case <-enough:
	case <-ctx.Done():
		t.Error("the load did not get through")
	}
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	all.Wait()
	return confirmed
}

func checkAfterKill(ctx context.Context, s *instance, confirmed int, recorded map[string]bool) {
	t := s.t
	t.Helper()
	text, err := picloudtest.Get(ctx, s.URL+"/demo/count")
	if err != nil {
		t.Fatal(err)
	}
	// The deployment that was under way may have been made without being confirmed.
	if text != fmt.Sprint(confirmed) && text != fmt.Sprint(confirmed+1) {
		t.Errorf("after the kill the script answers %s, want the confirmed %d, or the next", text, confirmed)
	}
	found := map[string]bool{}
	for before := ""; ; {
		page, err := s.ListExecutions(ctx, "demo", client.ExecutionQuery{Limit: 500, Before: before, Logs: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			found[e.ID] = true
			if e.Script != "count" || e.Status != "ok" || e.HTTPStatus != 200 || len(e.Logs) != loggedLines || e.Operations == 0 {
				t.Fatalf("an execution is half-written: %+v", e)
			}
			for i, line := range e.Logs {
				if line.Message != fmt.Sprintf("line %d", i) {
					t.Fatalf("an execution's log is mixed up: %+v", e.Logs)
				}
			}
		}
		if before = page.Next; before == "" {
			break
		}
	}
	for id := range recorded {
		if !found[id] {
			t.Fatalf("the execution %s, which was there before the kill, is gone", id)
		}
	}
	for id := range found {
		recorded[id] = true
	}
}

// TestIdle looks for a stretch of time in which nothing at all wakes the
// process up. One is enough: whatever polls, polls in every such stretch.
func TestIdle(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	const (
		stretch  = 3 * time.Second
		attempts = 10
		resident = 40 << 20
	)
	processes(t, func(t *testing.T, o picloudtest.Options) {
		t.Parallel()
		s := instanceOn(t, o)
		s.app("demo", map[string]string{"hello": `"hello"`})
		for i := range 10 {
			later := client.SetSchedule{Cron: "@every 48h", Script: "hello"}
			if _, _, err := s.SetSchedule(t.Context(), "demo", fmt.Sprintf("later-%d", i), later); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			if _, err := picloudtest.Get(t.Context(), s.URL+"/demo/hello"); err != nil {
				t.Fatal(err)
			}
		}
		tick := time.NewTicker(stretch)
		defer tick.Stop()
		var seen []string
		before, err := picloudtest.ReadUsage(s.PID())
		if err != nil {
			t.Fatal(err)
		}
		for range int(idle.Quiet/stretch) + attempts {
			<-tick.C
			after, err := picloudtest.ReadUsage(s.PID())
			if err != nil {
				t.Fatal(err)
			}
			used := after.Sub(before)
			before = after
			if used.Switches == 0 && used.CPU == 0 {
				if used.Resident > resident {
					t.Errorf("idle, it holds %d MiB, want at most %d", used.Resident>>20, resident>>20)
				}
				return
			}
			seen = append(seen, fmt.Sprintf("%d wake-ups, %s", used.Switches, used.CPU))
		}
		t.Errorf("there was no stretch of %s without a wake-up:\n%s", stretch, strings.Join(seen, "\n"))
	})
}
