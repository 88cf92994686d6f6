package postgres

import (
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/migrate/migratetest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/store/storetest"
)

func TestUpgrades(t *testing.T) {
	raw := func(t *testing.T, url string) *sql.DB {
		t.Helper()
		cfg, err := parseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		db := stdlib.OpenDB(*cfg.ConnConfig)
		t.Cleanup(func() { db.Close() })
		return db
	}
	filled := pgtest.Database(t)
	s, err := Open(t.Context(), filled, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if _, err := s.KeepNode(t.Context(), store.Node{Name: "a", Kind: store.NodeManager}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migratetest.RunUpgrades(t, migratetest.Upgrades{
		Dialect: migrate.PostgreSQL, Files: migrationFiles(), Filled: raw(t, filled), NoForeignKeys: `SET session_replication_role = replica`,
		Empty: storetest.EmptyTables,
		Lost:  map[string]string{"executions": "recording is allowed to lose"},
		Open: func(t *testing.T) (*sql.DB, func(*testing.T)) {
			url := pgtest.Database(t)
			return raw(t, url), func(t *testing.T) {
				s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				storetest.Upgraded(t, s)
			}
		},
	})
}
