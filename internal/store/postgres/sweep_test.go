package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// Processes that sweep at the same moment, as they do because the same is due for all,
// give up a request that nobody ran once.
func TestConcurrentSweepsAreOne(t *testing.T) {
	url := migrated(t)
	s, other := open(t, url), open(t, url)
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	m := messageAt(store.Channel{AppID: app, Kind: store.ChannelHTTP, Name: "hello"}, now)
	m.TokenHash, m.Payload = "token", []byte("request")
	if _, err := s.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	// Both find it while somebody looks at it.
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM messages FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for _, x := range []store.Store{s, other} {
		go func() {
			_, err := x.Sweep(t.Context(), now.Add(store.InvocationMemory))
			done <- err
		}()
	}
	waitFor(t, url, `SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	u, err := s.MessageUsage(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if want := (store.MessageUsage{Dead: 1, DeadBytes: 7, Channels: 1}); u != want {
		t.Errorf("the app has %+v, want %+v", u, want)
	}
}

// What is claimed while a purge waits for it is worked on, and stays.
func TestPurgeLeavesWhatIsClaimedMeanwhile(t *testing.T) {
	url := migrated(t)
	s := open(t, url)
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	c := queueOf(app, "emails")
	m := messageAt(c, time.Now().UTC().Truncate(time.Microsecond))
	if _, err := s.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE messages SET lease = 'lease', owner = 'node', boot = 'boot'`); err != nil {
		t.Fatal(err)
	}
	purged := make(chan int64)
	go func() {
		n, err := s.Purge(t.Context(), c, false, nil)
		if err != nil {
			t.Error(err)
		}
		purged <- n
	}()
	waitFor(t, url, `SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-purged; n != 0 {
		t.Errorf("purged %d", n)
	}
	if got, err := s.Message(t.Context(), app, m.ID); err != nil || got.Lease != "lease" {
		t.Errorf("it is %+v, %v", got, err)
	}
}

// A sweep that finds nothing to remove changes nothing and locks nothing, however many
// consumers wait for work.
func TestASweepLeavesIdleConsumersAlone(t *testing.T) {
	url := migrated(t)
	s := open(t, url)
	const apps = 20
	for i := range apps {
		app, now := uuid.NewString(), time.Now().UTC().Truncate(time.Microsecond)
		if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: fmt.Sprint("app", i)}, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ChangeManifest(t.Context(), app, "", "x", now, func(m *store.Manifest) error {
			m.Scripts = map[string]store.ManifestScript{"mail": {}}
			m.Queues = map[string]store.ManifestQueue{"emails": {Delivery: store.Delivery{Script: "mail"}}}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		c := queueOf(app, "emails")
		m := messageAt(c, now)
		if _, err := s.Enqueue(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Purge(t.Context(), c, false, []string{m.ID}); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, url)
	transactions := func() (n int64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := transactions()
	if _, err := s.Sweep(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	// The server's own may be among them.
	if n := transactions() - before; n >= apps {
		t.Errorf("a sweep made %d transactions that change something", n)
	}
	var left int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM channels`).Scan(&left); err != nil || left != apps {
		t.Errorf("%d channels are left, %v", left, err)
	}
}
