package postgres_test

import (
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
