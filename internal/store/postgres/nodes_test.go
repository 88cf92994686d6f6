package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

func nodes(t *testing.T, s *postgres.Store, want ...store.Node) {
	t.Helper()
	got, err := s.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, append([]store.Node{}, got...)); d != "" && len(want)+len(got) > 0 {
		t.Errorf("the nodes (-want +got):\n%s", d)
	}
}

func keep(t *testing.T, s *postgres.Store, n store.Node, lease time.Duration) {
	t.Helper()
	if err := s.KeepNode(t.Context(), n, lease); err != nil {
		t.Fatal(err)
	}
}

func TestNodes(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	nodes(t, s)
	a := store.Node{Name: "a", Kind: store.NodeExecutor, Boot: "1", Address: "10.0.0.1:8082", Version: "0.1"}
	b := store.Node{Name: "b", Kind: store.NodeExecutor, Boot: "2", Address: "10.0.0.2:8082", Version: "0.1"}
	keep(t, s, b, time.Minute)
	keep(t, s, a, time.Minute)
	nodes(t, s, a, b)
	again := a
	again.Boot, again.Address = "3", "10.0.0.1:9000"
	keep(t, s, again, time.Minute)
	nodes(t, s, again, b)
	if err := s.RemoveNode(t.Context(), a); err != nil { // it has begun anew since
		t.Fatal(err)
	}
	nodes(t, s, again, b)
	if err := s.RemoveNode(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	nodes(t, s, b)
	keep(t, s, a, -time.Microsecond)
	nodes(t, s, b)

	first := store.Node{Name: "a", Kind: store.NodeManager, Boot: "4", Address: "10.0.0.1:8081", Version: "0.1"}
	second := store.Node{Name: "b", Kind: store.NodeManager, Boot: "5", Address: "10.0.0.2:8081", Version: "0.1"}
	keep(t, s, first, time.Minute)
	keep(t, s, second, time.Minute)
	nodes(t, s, b, second)
}

// Who waits leads as soon as who led has lost its connection, and that one knows.
func TestLead(t *testing.T) {
	url := pgtest.Database(t)
	one, two := open(t, url), open(t, url)
	lost, _, err := one.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	given, giveUp := context.WithCancel(t.Context())
	refused := make(chan error, 1)
	go func() {
		_, _, err := two.Lead(given)
		refused <- err
	}()
	waitFor(t, url, `SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	giveUp()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("while another leads: %v", err)
	}
	leads := make(chan func(), 1)
	go func() {
		_, release, err := two.Lead(t.Context())
		if err != nil {
			t.Error(err)
		}
		leads <- release
	}()
	select {
	case <-leads:
		t.Fatal("two lead")
	case <-lost:
		t.Fatal("nobody leads")
	default:
	}
	exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% lead'
		AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)`)
	<-lost
	(<-leads)()
}

// waitFor asks until the answer is true: the server has no other way of telling.
func waitFor(t *testing.T, url, question string) {
	t.Helper()
	conn := connect(t, url)
	for {
		var yes bool
		if err := conn.QueryRow(t.Context(), question).Scan(&yes); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		if yes {
			return
		}
	}
}

// What one process has been told is known to another that has asked whether it is.
func TestHere(t *testing.T) {
	url := pgtest.Database(t)
	one, two := open(t, url), open(t, url)
	now := time.Now().UTC().Truncate(time.Microsecond)
	for n := range 50 {
		seen := make(chan store.Change, 100)
		stop := two.Subscribe(func(c store.Change) { seen <- c })
		app := store.App{ID: store.NewID(), Slug: "app" + string(rune('a'+n/26)) + string(rune('a'+n%26)), CreatedAt: now, UpdatedAt: now}
		if err := one.CreateApp(t.Context(), app, ""); err != nil {
			t.Fatal(err)
		}
		if err := two.Here(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		close(seen)
		found := false
		for c := range seen {
			found = found || c.AppID == app.ID || c == store.Change{}
		}
		if !found {
			t.Fatalf("round %d: the change has not arrived", n)
		}
	}
}
