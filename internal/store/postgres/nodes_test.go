package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
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
	if _, err := s.KeepNode(t.Context(), n, lease); err != nil {
		t.Fatal(err)
	}
}

// How much of a lease is left says who extends it, for this start of the process.
func TestWhatIsLeftOfALease(t *testing.T) {
	s := open(t, pgtest.Database(t))
	for _, c := range []struct {
		what     string
		boot     string
		lease    time.Duration
		from, to time.Duration
	}{
		{"a new one", "1", time.Hour, 0, 0},
		{"one that holds", "1", -time.Second, time.Hour - time.Minute, time.Hour},
		{"one that has ended", "1", time.Hour, 0, 0},
		{"that of an earlier start", "2", time.Hour, 0, 0},
	} {
		left, err := s.KeepNode(t.Context(), store.Node{Name: "a", Kind: store.NodeOrchestrator, Boot: c.boot}, c.lease)
		if err != nil || left < c.from || left > c.to {
			t.Errorf("%s: %v is left, %v", c.what, left, err)
		}
	}
}

// What a node was handling whose lease has ended is given free once, whoever asks, and
// what those handle that live is not.
func TestNodesThatAreGoneAreRecovered(t *testing.T) {
	url := migrated(t)
	s, other := open(t, url), open(t, url)
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	c, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
	claim := func(owner, boot string) store.Message {
		t.Helper()
		if _, err := s.Enqueue(t.Context(), messageAt(c, now)); err != nil {
			t.Fatal(err)
		}
		list, _, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: 1, Lease: time.Hour, Owner: owner, Boot: boot, At: now})
		if err != nil || len(list) != 1 {
			t.Fatalf("claimed %v, %v", list, err)
		}
		return list[0]
	}
	node := func(name, boot string) store.Node {
		return store.Node{Name: name, Kind: store.NodeOrchestrator, Boot: boot}
	}
	lives, dead, again, unknown := claim("lives", "1"), claim("dead", "1"), claim("dead", "2"), claim("unknown", "1")
	keep(t, s, node("lives", "1"), time.Hour)
	keep(t, s, node("dead", "1"), -time.Microsecond)
	keep(t, s, store.Node{Name: "lives", Kind: store.NodeExecutor, Boot: "1"}, -time.Microsecond)
	keep(t, s, node("lives", "1"), time.Hour) // one that lives takes nobody off the list by that
	heard := hearDue(t, other)
	type result struct {
		gone []string
		n    int64
		err  error
	}
	results := make(chan result, 8)
	for i := range cap(results) {
		go func() {
			var r result
			r.gone, r.n, r.err = []*postgres.Store{s, other}[i%2].RecoverNodes(t.Context(), now)
			results <- r
		}()
	}
	var all []string
	total := int64(0)
	for range cap(results) {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		all, total = append(all, r.gone...), total+r.n
	}
	if len(all) != 1 || all[0] != "dead" || total != 1 {
		t.Errorf("gone are %v with %d messages", all, total)
	}
	expectDueAfter(t, heard, c, notice{})
	for _, m := range []store.Message{lives, dead, again, unknown} {
		got, err := s.Message(t.Context(), app, m.ID)
		free := m.ID == dead.ID
		if err != nil || (got.Owner == "") != free || (got.Crashes == 1) != free {
			t.Errorf("of %s is left %+v, %v", m.Owner, got, err)
		}
	}
	nodes(t, s, node("lives", "1"))
}

// A node may have died after it returned a message and before it told of that, so
// others look, also when it was handling nothing.
func TestNodesThatAreGoneMayHaveToldNothing(t *testing.T) {
	url := migrated(t)
	s := open(t, url)
	heard := hearDue(t, s)
	other := open(t, url)
	expectDue(t, heard, notice{}) // of its start
	keep(t, s, store.Node{Name: "dead", Kind: store.NodeOrchestrator, Boot: "1"}, -time.Microsecond)
	heardByOther := hearDue(t, other)
	if gone, n, err := s.RecoverNodes(t.Context(), time.Now()); err != nil || len(gone) != 1 || n != 0 {
		t.Fatalf("gone are %v with %d messages, %v", gone, n, err)
	}
	expectDue(t, heard, notice{})
	expectDue(t, heardByOther, notice{})
}

// A node that could not give back what it had leased stays on the list until its lease
// ends: then others do.
func TestANodeThatLeavesMessagesBehindIsRecovered(t *testing.T) {
	s := open(t, migrated(t))
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	c, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
	if _, err := s.Enqueue(t.Context(), messageAt(c, now)); err != nil {
		t.Fatal(err)
	}
	a := store.Node{Name: "a", Kind: store.NodeOrchestrator, Boot: "1"}
	if list, _, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: 1, Lease: time.Hour, Owner: a.Name, Boot: a.Boot, At: now}); err != nil || len(list) != 1 {
		t.Fatalf("claimed %v, %v", list, err)
	}
	keep(t, s, a, -time.Microsecond)
	if err := s.RemoveNode(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if gone, n, err := s.RecoverNodes(t.Context(), now); err != nil || len(gone) != 1 || n != 1 {
		t.Errorf("gone are %v with %d messages, %v", gone, n, err)
	}
	keep(t, s, a, time.Hour)
	if err := s.RemoveNode(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	nodes(t, s)
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

// A process whose connections are all at work, or wait, still says that it lives.
func TestSignsOfLifeWaitForNobody(t *testing.T) {
	url := migrated(t)
	s := open(t, url+"&pool_max_conns=2")
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE channels`); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			_, err := s.Enqueue(t.Context(), messageAt(queueOf(app, "emails"), now))
			done <- err
		}()
	}
	waitFor(t, url, `SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n := store.Node{Name: "a", Kind: store.NodeOrchestrator, Boot: "1"}
	if _, err := s.KeepNode(ctx, n, time.Minute); err != nil {
		t.Error(err)
	}
	if list, err := s.Nodes(ctx); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
