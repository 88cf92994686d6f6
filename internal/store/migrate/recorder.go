package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3/database"
)

const table = "schema_migrations"

var tableExists = map[Dialect]string{
	SQLite:     `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '` + table + `'`,
	PostgreSQL: `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('` + table + `')`,
}

// recorder is goose's store of applied versions. Goose inserts a version in the
// transaction of its migration, so the checksum is as atomic as the schema.
type recorder struct {
	dialect Dialect
	known   []Migration
}

var _ database.StoreExtender = (*recorder)(nil)

func (r *recorder) Tablename() string { return table }

func (r *recorder) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var n int
	err := db.QueryRowContext(ctx, tableExists[r.dialect]).Scan(&n)
	return n > 0, err
}

func (r *recorder) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, `CREATE TABLE `+table+` (
		version BIGINT NOT NULL PRIMARY KEY,
		name    TEXT   NOT NULL,
		sha256  TEXT   NOT NULL
	)`)
	return err
}

func (r *recorder) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	// Version 0 is goose's sign that the table is its own.
	m := Migration{Name: "none"}
	if req.Version != 0 {
		var ok bool
		if m, ok = r.find(req.Version); !ok {
			return fmt.Errorf("migration %d has no file", req.Version)
		}
	}
	_, err := db.ExecContext(ctx, `INSERT INTO `+table+` (version, name, sha256) VALUES ($1, $2, $3)`, m.Version, m.Name, m.SHA256)
	return err
}

func (r *recorder) find(version int64) (Migration, bool) {
	for _, m := range r.known {
		if m.Version == version {
			return m, true
		}
	}
	return Migration{}, false
}

func (r *recorder) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	_, err := db.ExecContext(ctx, `DELETE FROM `+table+` WHERE version = $1`, version)
	return err
}

func (r *recorder) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var v int64
	err := db.QueryRowContext(ctx, `SELECT version FROM `+table+` WHERE version = $1`, version).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("migration %d: %w", version, database.ErrVersionNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &database.GetMigrationResult{IsApplied: true}, nil
}

func (r *recorder) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var v sql.NullInt64
	if err := db.QueryRowContext(ctx, `SELECT max(version) FROM `+table).Scan(&v); err != nil {
		return 0, err
	}
	if !v.Valid {
		return 0, database.ErrVersionNotFound
	}
	return v.Int64, nil
}

func (r *recorder) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := db.QueryContext(ctx, `SELECT version FROM `+table+` ORDER BY version DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*database.ListMigrationsResult
	for rows.Next() {
		m := &database.ListMigrationsResult{IsApplied: true}
		if err := rows.Scan(&m.Version); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}
