package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// migrated returns the URL of a database that has the newest schema already.
func migrated(t *testing.T) string {
	t.Helper()
	return pgtest.Copy(t, func(url string) error {
		s, err := postgres.Open(context.Background(), url, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func wantError(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", wants)
	}
	for _, w := range wants {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want %q in it", err, w)
		}
	}
}

// connect opens a connection beside the store's.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, url, statement string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, migrated(t)) })
}

func TestExecutions(t *testing.T) {
	storetest.RunExecutions(t, func(t *testing.T) (store.Executions, func() int64) {
		url := migrated(t)
		return open(t, url).Executions(), func() (size int64) {
			if err := connect(t, url).QueryRow(t.Context(), `SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
				FROM pg_partition_tree('executions')`).Scan(&size); err != nil {
				t.Fatal(err)
			}
			return size
		}
	})
}

func TestBackup(t *testing.T) {
	storetest.RunBackup(t,
		func(t *testing.T) store.Store { return open(t, migrated(t)) },
		func(t *testing.T, backup []byte) (store.Store, error) {
			url := pgtest.Database(t)
			if err := postgres.Restore(t.Context(), url, bytes.NewReader(backup)); err != nil {
				var users int
				// A refused backup has left no row, at most empty tables.
				if countErr := connect(t, url).QueryRow(t.Context(), `SELECT count(*) FROM users`).Scan(&users); countErr == nil && users > 0 {
					t.Errorf("a refused backup (%v) left %d users", err, users)
				}
				return nil, err
			}
			return open(t, url), nil
		})
}

func TestRestoreRefuses(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	if err := s.CreateUser(t.Context(), store.User{ID: "u", Username: "ada", Role: store.RoleOwner}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := postgres.Backup(t.Context(), url, &b); err != nil { // beside the open store
		t.Fatal(err)
	}
	wantError(t, postgres.Restore(t.Context(), url, bytes.NewReader(b.Bytes())), "holds data already", "table users", "an empty one")

	newer := bytes.Replace(b.Bytes(), []byte(`"name": "00001_control_plane.sql"`), []byte(`"name": "00001_control_plane.sqx"`), 1)
	newer = bytes.Replace(newer, []byte(`"version": 1,`), []byte(`"version":99,`), 1)
	wantError(t, postgres.Restore(t.Context(), pgtest.Database(t), bytes.NewReader(newer)), "unknown to this program", "newer")

	wantError(t, postgres.Restore(t.Context(), url, strings.NewReader("SQLite format 3\x00")), "not a PostgreSQL backup")
	wantError(t, postgres.Backup(t.Context(), pgtest.Database(t), &b), "nothing to back up")
}

func TestCrashOfTheProgram(t *testing.T) {
	if storetest.IsCrashing() {
		storetest.Crash(t, "", openBoth)
	}
	storetest.Crash(t, pgtest.Database(t), func(ctx context.Context, url string) (store.Store, store.Executions, error) {
		// The server goes on with what it was told last, a commit perhaps, until it
		// notices that nobody listens: what is looked at would change meanwhile.
		exec(t, url, `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		return openBoth(ctx, url)
	})
}

func openBoth(ctx context.Context, url string) (store.Store, store.Executions, error) {
	s, err := postgres.Open(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	return s, s.Executions(), nil
}

func TestUnsafeServersAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	c, err := pgtest.Start("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	_, _, err = openBoth(t.Context(), c.URL)
	wantError(t, err, "fsync off", "set fsync = on")

	url := pgtest.Database(t)
	var name string
	if err := connect(t, url).QueryRow(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	exec(t, url, fmt.Sprintf(`ALTER DATABASE %s SET synchronous_commit = off`, name))
	_, _, err = openBoth(t.Context(), url)
	wantError(t, err, "synchronous_commit is off")
}

func TestBadURLs(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://localhost/x":                                  "must begin with postgres://",
		"postgres://u:hunter2@localhost:notaport/x":            "port",
		"postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2": "unavailable",
	} {
		_, _, err := openBoth(t.Context(), url)
		wantError(t, err, want)
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}
