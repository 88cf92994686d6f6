package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/migrate/migratetest"
	"github.com/picloud/picloud/internal/store/storetest"
	"github.com/picloud/picloud/internal/testdir"
)

func TestUpgrades(t *testing.T) {
	raw := func(t *testing.T, dir string) *sql.DB {
		t.Helper()
		db, err := sql.Open("sqlite", dsn(filepath.Join(dir, mainFile), "auto_vacuum(INCREMENTAL)"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	filled := testdir.New(t)
	s, err := Open(t.Context(), filled)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migratetest.RunUpgrades(t, migratetest.Upgrades{
		Dialect: migrate.SQLite, Files: migrationsOf("main"), Filled: raw(t, filled), NoForeignKeys: `PRAGMA foreign_keys = OFF`,
		Empty: storetest.EmptyTables,
		Open: func(t *testing.T) (*sql.DB, func(*testing.T)) {
			dir := testdir.New(t)
			db := raw(t, dir)
			if err := claimFile(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			return db, func(t *testing.T) {
				s, err := Open(t.Context(), dir)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				storetest.Upgraded(t, s)
			}
		},
	})
}
