package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/migrate/migratetest"
	"github.com/picloud/picloud/internal/testdir"
)

func TestSchema(t *testing.T) {
	for _, c := range []struct{ migrations, file, golden string }{
		{"main", mainFile, "testdata/picloud.schema.txt"},
		{"executions", executionsFile, "testdata/executions.schema.txt"},
	} {
		t.Run(c.file, func(t *testing.T) {
			db, err := openDatabase(t.Context(), filepath.Join(testdir.New(t), c.file), migrationsOf(c.migrations), durable)
			if err != nil {
				t.Fatal(err)
			}
			defer db.close()
			migratetest.Golden(t, db.readers, migrate.SQLite, "the SQLite file "+c.file, c.golden)
		})
	}
}

func TestSchemaGuards(t *testing.T) {
	migratetest.RunGuards(t, func(t *testing.T) *sql.DB {
		db, err := sql.Open("sqlite", dsn(filepath.Join(testdir.New(t), "x.db"), "auto_vacuum(INCREMENTAL)"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}, migrate.SQLite, migrationsOf("main"), "testdata/picloud.schema.txt")
}
