package postgres

import (
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/migrate/migratetest"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

const golden = "testdata/picloud.schema.txt"

func openSQL(t *testing.T) *sql.DB {
	cfg, err := parseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSchema(t *testing.T) {
	db := openSQL(t)
	if err := migrate.Up(t.Context(), db, migrate.PostgreSQL, migrationFiles(), migrationLock{}); err != nil {
		t.Fatal(err)
	}
	migratetest.Golden(t, db, migrate.PostgreSQL, "the PostgreSQL database", golden)
}

func TestSchemaGuards(t *testing.T) {
	migratetest.RunGuards(t, openSQL, migrate.PostgreSQL, migrationFiles(), golden)
}
