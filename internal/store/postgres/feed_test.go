package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

func executed(at time.Time) store.Execution {
	return store.Execution{
		ID: store.NewIDAt(at), AppID: store.NewID(), ScriptID: store.NewID(), Script: "hello", Trigger: "http",
		Status: store.StatusOK, StartedAt: at, Logs: []store.LogLine{{At: at, Level: "info", Message: "hi"}},
	}
}

// Who follows executions in one process hears of what another records, and no
// longer than it wants to.
func TestFeed(t *testing.T) {
	url := pgtest.Database(t)
	writer, reader := open(t, url), open(t, url)
	writer.Executions().Tell()
	heard := make(chan store.Execution, 500)
	stop := reader.Executions().Watch(func(batch []store.Execution) {
		for _, e := range batch {
			heard <- e
		}
	})
	now := time.Now().UTC().Truncate(time.Microsecond)
	batch := make([]store.Execution, 450) // more than one notification holds
	for i := range batch {
		batch[i] = executed(now)
	}
	if err := writer.Executions().WriteExecutions(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for _, want := range batch {
		got := <-heard
		if got.ID != want.ID || len(got.Logs) != 1 || got.Logs[0].Message != "hi" {
			t.Fatalf("heard of %+v, want %+v", got, want)
		}
	}
	stop()
	waitFor(t, url, `SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% follow'`)
}

// Before one process reads, the others write what they have recorded; one that does
// not answer is not waited for without end.
func TestGather(t *testing.T) {
	url := pgtest.Database(t)
	reader := open(t, url)
	written := make(chan string, 2)
	keep := func(name string) {
		if _, err := reader.KeepNode(t.Context(), store.Node{Name: name, Kind: store.NodeOrchestrator, Boot: name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b"} {
		open(t, url).OnGather(func(context.Context) { written <- name })
		keep(name)
	}
	reader.Gather(t.Context())
	if a, b := <-written, <-written; a == b {
		t.Errorf("%s has written twice", a)
	}
	keep("gone")
	reader.Gather(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reader.Gather(ctx)
}
