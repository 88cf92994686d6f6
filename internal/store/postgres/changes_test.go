package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

// hear returns a channel of the changes that s announces.
func hear(t *testing.T, s *postgres.Store) <-chan store.Change {
	t.Helper()
	heard := make(chan store.Change, 1000)
	t.Cleanup(s.Subscribe(func(c store.Change) { heard <- c }))
	return heard
}

func expect(t *testing.T, heard <-chan store.Change, want store.Change) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Fatalf("heard %+v, want %+v", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("did not hear %+v", want)
	}
}

func createApp(t *testing.T, s store.Store, slug string) store.Change {
	t.Helper()
	a := store.App{ID: uuid.NewString(), Slug: slug}
	if err := s.CreateApp(t.Context(), a, "x"); err != nil {
		t.Fatal(err)
	}
	return store.Change{AppID: a.ID, Slug: slug}
}

func TestOtherProcessesHearOfChanges(t *testing.T) {
	url := migrated(t)
	a := open(t, url)
	heardByA := hear(t, a)
	b := open(t, url)
	heardByB := hear(t, b)
	// Whoever starts makes up for one that died before it could tell.
	expect(t, heardByA, store.Change{})

	one := createApp(t, a, "one")
	expect(t, heardByA, one) // once, and not again from the server
	expect(t, heardByB, one)
	two := createApp(t, b, "two")
	expect(t, heardByB, two)
	expect(t, heardByA, two)

	// What cannot be read means that anything may have changed.
	exec(t, url, `NOTIFY picloud_changes, 'nonsense'`)
	expect(t, heardByA, store.Change{})
	expect(t, heardByB, store.Change{})
}

const terminateListeners = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'picloud listen'`

func TestALostListenerAnnouncesThatAnythingMayHaveChanged(t *testing.T) {
	url := migrated(t)
	a := open(t, url)
	heard := hear(t, a)
	b := open(t, url)
	expect(t, heard, store.Change{})
	exec(t, url, terminateListeners)
	expect(t, heard, store.Change{})
	expect(t, heard, createApp(t, b, "after"))
}

func TestAServerThatRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	c, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	s := open(t, c.URL)
	heard := hear(t, s)
	before := createApp(t, s, "before")
	expect(t, heard, before)
	c.Kill()
	if err := s.CreateApp(t.Context(), store.App{ID: "x", Slug: "down"}, "x"); err == nil {
		t.Error("a write without a server succeeded")
	} else {
		wantError(t, err, store.ErrUnavailable.Error())
	}
	if _, err := s.AppBySlug(t.Context(), "before"); err == nil {
		t.Error("a read without a server succeeded")
	} else {
		wantError(t, err, store.ErrUnavailable.Error())
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	expect(t, heard, store.Change{})
	if got, err := s.AppBySlug(t.Context(), "before"); err != nil || got.ID != before.AppID {
		t.Errorf("what was acknowledged before the crash: %+v, %v", got, err)
	}
	expect(t, heard, createApp(t, s, "after"))
}
