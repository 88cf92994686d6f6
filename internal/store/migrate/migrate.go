// Package migrate brings a database to the schema a program was built with.
//
// Migrations are numbered SQL files, applied in order, each in a transaction
// together with the row of schema_migrations that names it and its SHA-256. A
// database whose applied migrations are not the program's own is refused, so
// that nobody runs on a schema that only looks right.
package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migration is one numbered file.
type Migration struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`   // of the file
	SHA256  string `json:"sha256"` // hex, of the file's bytes with line ends as \n
}

// List returns the migrations in dir's root, by version. Names are
// NNNNN_words.sql.
func List(dir fs.FS) ([]Migration, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	byVersion := make(map[int64]Migration)
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil || v < 1 {
			return nil, fmt.Errorf("migration %s: the name must begin with a number and an underscore", name)
		}
		if other, ok := byVersion[v]; ok {
			return nil, fmt.Errorf("migrations %s and %s have the same number", other.Name, name)
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		byVersion[v] = Migration{Version: v, Name: name, SHA256: hex.EncodeToString(sum[:])}
	}
	return slices.SortedFunc(maps.Values(byVersion), func(a, b Migration) int { return int(a.Version - b.Version) }), nil
}

// Dialect is the kind of database.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// Up applies what is missing and verifies what is there. Its errors name the
// migration and say what to do. locker keeps two processes from migrating at
// once; it is nil where only one can have the database open.
func Up(ctx context.Context, db *sql.DB, dialect Dialect, dir fs.FS, locker lock.SessionLocker) error {
	return UpTo(ctx, db, dialect, dir, locker, math.MaxInt64)
}

// UpTo is Up as far as a version.
func UpTo(ctx context.Context, db *sql.DB, dialect Dialect, dir fs.FS, locker lock.SessionLocker, version int64) error {
	known, err := List(dir)
	if err != nil {
		return err
	}
	// Verified before anything is applied, and once more after: another process
	// may have migrated while this one waited for the lock.
	if err := Verify(ctx, db, dialect, dir); err != nil {
		return err
	}
	opts := []goose.ProviderOption{
		goose.WithStore(&recorder{dialect: dialect, known: known}),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	}
	if locker != nil {
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, dir, opts...)
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) && partial.Failed != nil {
			return fmt.Errorf("migration %s failed, its changes are undone: %w", path.Base(partial.Failed.Source.Path), partial.Err)
		}
		return fmt.Errorf("migrating the database: %w", err)
	}
	return Verify(ctx, db, dialect, dir)
}

// Verify reports whether every migration applied to db is one of dir's,
// unedited. A database without any is fine.
func Verify(ctx context.Context, db *sql.DB, dialect Dialect, dir fs.FS) error {
	applied, err := Applied(ctx, db, dialect)
	if err != nil {
		return err
	}
	_, err = Known(applied, dir)
	return err
}

// Known reports whether every one of the applied migrations is one of dir's,
// unedited, and returns the highest version.
func Known(applied []Migration, dir fs.FS) (version int64, err error) {
	known, err := List(dir)
	if err != nil {
		return 0, err
	}
	for _, a := range applied {
		i := slices.IndexFunc(known, func(m Migration) bool { return m.Version == a.Version })
		switch {
		case i < 0:
			return 0, fmt.Errorf("migration %s is unknown to this program: a newer version wrote it; use that version or a newer one", a.Name)
		case known[i].SHA256 != a.SHA256:
			return 0, fmt.Errorf("migration %s was edited after it was applied (SHA-256 then %.12s…, now %.12s…): put the file back as it was and make the change in a new migration",
				known[i].Name, a.SHA256, known[i].SHA256)
		}
		version = max(version, a.Version)
	}
	return version, nil
}

// Applied returns the migrations that db says it has, by version.
func Applied(ctx context.Context, db *sql.DB, dialect Dialect) ([]Migration, error) {
	exists, err := (&recorder{dialect: dialect}).TableExists(ctx, db)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT version, name, sha256 FROM `+table+` WHERE version > 0 ORDER BY version`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Migration
	for rows.Next() {
		var m Migration
		if err := rows.Scan(&m.Version, &m.Name, &m.SHA256); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}
