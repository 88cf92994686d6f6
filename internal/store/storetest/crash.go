package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// crashEnv carries the store's location to the process that is to be killed.
const crashEnv = "PICLOUD_STORETEST_CRASH"

// IsCrashing tells the process that is to be killed from the one that tests.
func IsCrashing() bool { return os.Getenv(crashEnv) != "" }

// OpenAt opens the store at a location in whatever process it is called.
type OpenAt func(ctx context.Context, location string) (store.Store, store.Executions, error)

// Crash kills a process that writes, with SIGKILL and several times over, and
// shows each time that everything it had acknowledged is there, and nothing in
// part. The calling test runs in the killed process too: what comes before Crash
// must do no harm there.
func Crash(t *testing.T, location string, open OpenAt) {
	if IsCrashing() {
		if err := writeUntilKilled(os.Getenv(crashEnv), open); err != nil {
			fmt.Println("failed", err)
		}
		os.Exit(1)
	}
	for round := range 3 {
		acknowledged := killWriter(t, location, 150*(round+1))
		s, x, err := open(t.Context(), location)
		must(t, "opening after the crash", err)
		checkAcknowledged(t, s, x, acknowledged)
		must(t, "Close", s.Close())
	}
}

// killWriter starts this test in another process, kills it after some lines and
// returns all that it printed.
func killWriter(t *testing.T, location string, lines int) []string {
	t.Helper()
	// A slow disk makes the writer slow, which is no failure.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), crashEnv+"="+location)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, "StdoutPipe", err)
	must(t, "starting the writer", cmd.Start())
	var got []string
	kinds, killed := map[string]bool{}, false
	for in := bufio.NewScanner(out); in.Scan(); {
		got = append(got, in.Text())
		kind, _, _ := strings.Cut(in.Text(), " ")
		kinds[kind] = true
		// On a busy machine one kind of writer can be far ahead of the others.
		if len(got) >= lines && len(kinds) == 3 && !killed {
			must(t, "Kill", cmd.Process.Kill())
			killed = true
		}
	}
	_ = cmd.Wait() // it was killed
	if !killed {
		t.Fatalf("the writer ended by itself: %s", got[max(0, len(got)-3):])
	}
	return got
}

// writeUntilKilled prints a line for each thing that the store acknowledged.
func writeUntilKilled(location string, open OpenAt) error {
	ctx := context.Background()
	s, x, err := open(ctx, location)
	if err != nil {
		return err
	}
	app := newApp("app-" + newID())
	if err := s.CreateApp(ctx, app, "writer"); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for w := range 4 {
		wg.Go(func() {
			for {
				text := strings.Repeat(newID()+"\n", 200)
				d, err := s.DeployScript(ctx, deployOf(app, fmt.Sprintf("s%d", w), text, at(0)))
				if err != nil {
					errs <- err
					return
				}
				fmt.Printf("deploy %s %d %s %d %s\n", app.ID, d.Deployment, d.Script.ID, d.Version.Number, d.Version.SourceHash)
			}
		})
	}
	for w := range 2 {
		wg.Go(func() {
			key := fmt.Sprintf("n%d", w)
			for n := 1; ; n++ {
				c := store.Commit{AppID: app.ID, RunID: newID(), Seq: 1, Ops: []store.KVOp{add(key, 1)}, At: at(0)}
				if _, err := s.Commit(ctx, c); err != nil {
					errs <- err
					return
				}
				fmt.Printf("kv %s %s %d\n", app.ID, key, n)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for {
				var batch []store.Execution
				for n := range 20 {
					e := execution(app.ID, app.ID, time.Now())
					// What a whole execution has can be told from itself.
					e.Operations = int64(n)
					for i := range n {
						e.Logs = append(e.Logs, store.LogLine{At: e.StartedAt, Level: "info", Line: i, Message: string(noise(300))})
					}
					batch = append(batch, e)
				}
				if err := x.WriteExecutions(ctx, batch); err != nil {
					errs <- err
					return
				}
				fmt.Println("executions", strings.Join(ids(batch), " "))
			}
		})
	}
	return <-errs
}

func checkAcknowledged(t *testing.T, s store.Store, x store.Executions, lines []string) {
	t.Helper()
	ctx := t.Context()
	deployed, executed := 0, 0
	added := map[[2]string]int64{} // by app and key
	for i, line := range lines {
		var appID, scriptID, sum string
		var deployment, version int64
		if n, _ := fmt.Sscanf(line, "deploy %s %d %s %d %s", &appID, &deployment, &scriptID, &version, &sum); n == 5 {
			d, err := s.Deployment(ctx, appID, deployment)
			must(t, "an acknowledged deployment", err)
			entry := store.ManifestScript{}
			for _, m := range d.Manifest.Scripts {
				if m.ScriptID == scriptID {
					entry = m
				}
			}
			equal(t, "its manifest", entry, store.ManifestScript{ScriptID: scriptID, Version: version, SourceHash: sum, Endpoint: true})
			v, err := s.ScriptVersion(ctx, scriptID, version)
			must(t, "its version", err)
			equal(t, "hash of its source", hash(v.Source), sum)
			deployed++
			continue
		}
		var key string
		var count int64
		if n, _ := fmt.Sscanf(line, "kv %s %s %d", &appID, &key, &count); n == 3 {
			at := [2]string{appID, key}
			added[at] = max(added[at], count)
			continue
		}
		if list, ok := strings.CutPrefix(line, "executions "); ok {
			for _, id := range strings.Fields(list) {
				e, err := x.Execution(ctx, id)
				must(t, "an acknowledged execution", err)
				checkWhole(t, e)
			}
			executed++
			continue
		}
		if i < len(lines)-1 { // the last may be cut
			t.Fatalf("the writer says: %s", line)
		}
	}
	if deployed == 0 || executed == 0 || len(added) == 0 {
		t.Errorf("of %d lines %d were deployments, %d executions, and %d counters were added to: the test shows nothing", len(lines), deployed, executed, len(added))
	}
	for of, count := range added {
		got, err := s.KVGet(ctx, of[0], []string{of[1]}, at(0))
		must(t, "KVGet", err)
		n := int64(0)
		if len(got) == 1 {
			n, _ = value.DecodeInt(got[0].Value)
		}
		// The one under way at the end may have been made.
		if n != count && n != count+1 {
			t.Errorf("%d additions were acknowledged, the counter %s holds %d", count, of[1], n)
		}
	}
	// Also what it had not come to acknowledge is whole or not there.
	apps, err := s.ListApps(ctx, store.Page{Limit: 1000})
	must(t, "ListApps", err)
	for _, app := range apps {
		list, err := x.ListExecutions(ctx, store.ExecutionFilter{AppID: app.ID, Limit: 1000, Logs: true})
		must(t, "ListExecutions", err)
		for _, e := range list {
			checkWhole(t, e)
		}
		a, d, err := s.ActiveDeployment(ctx, app.Slug)
		must(t, "ActiveDeployment", err)
		all, err := s.ListDeployments(ctx, a.ID, store.Page{Limit: 1})
		must(t, "ListDeployments", err)
		equal(t, "the newest deployment is the active one", all[0].Number, d.Number)
		for name, m := range d.Manifest.Scripts {
			v, err := s.ScriptVersion(ctx, m.ScriptID, m.Version)
			must(t, "the version of "+name, err)
			equal(t, "hash of its source", hash(v.Source), m.SourceHash)
		}
	}
}

func checkWhole(t *testing.T, e store.Execution) {
	t.Helper()
	if int64(len(e.Logs)) != e.Operations {
		t.Errorf("execution %s has %d of %d log lines", e.ID, len(e.Logs), e.Operations)
	}
	for i, l := range e.Logs {
		if l.Line != i || len(l.Message) != 300 {
			t.Errorf("execution %s: log line %d is %d with %d bytes", e.ID, i, l.Line, len(l.Message))
		}
	}
}
