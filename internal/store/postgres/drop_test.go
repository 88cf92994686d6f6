package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// Two that find too many dead letters at the same moment take away what is too much
// once.
func TestConcurrentDropsAreOne(t *testing.T) {
	url := migrated(t)
	s := open(t, url)
	app := uuid.NewString()
	if err := s.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	c, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
	claim := func(n int) []store.Message {
		t.Helper()
		var list []store.Message
		for i := range n {
			list = append(list, messageAt(c, now.Add(time.Duration(i)*time.Microsecond)))
		}
		if _, err := s.Enqueue(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		list, _, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: n, Lease: time.Hour, Owner: "a", Boot: "a", At: now.Add(time.Second)})
		if err != nil || len(list) != n {
			t.Fatalf("claimed %d, %v", len(list), err)
		}
		return list
	}
	die := func(list ...store.Message) error {
		back := make([]store.Returned, len(list))
		for i := range list {
			back[i] = store.Returned{ID: list[i].ID, DueAt: now, Dead: true, Error: "no"}
		}
		return s.Return(t.Context(), list[0].Lease, back, now)
	}
	old := claim(20)
	if err := die(old...); err != nil {
		t.Fatal(err)
	}
	two := claim(2)
	s.SetQuota(store.Quota{Kept: 12})
	// Both find the oldest while somebody looks at it.
	conn := connect(t, url)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM messages WHERE dead_at > 0 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for i := range two {
		go func() { done <- die(two[i]) }()
	}
	waitFor(t, url, `SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range two {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	u, err := s.MessageUsage(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if u.Dead != 12 || u.Dropped != 10 {
		t.Errorf("%d dead letters are kept and %d dropped, want 12 and 10", u.Dead, u.Dropped)
	}
}
