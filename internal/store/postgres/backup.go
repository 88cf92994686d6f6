package postgres

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/store/migrate"
)

// A backup is a tar file:
//
//	picloud-backup.json      what it is: see backupHead
//	tables/NAME/000001.copy  a table in COPY's text format, cut into pieces of
//	                         up to 4 MiB at any byte, tables in the order in
//	                         which foreign keys let them be loaded
//	end.json                 how many rows each table has; a backup without it
//	                         was cut short
//
// All tables are read in one snapshot. Executions are left out.
const (
	backupFormat = 1
	headName     = "picloud-backup.json"
	endName      = "end.json"
	pieceSize    = 4 << 20
)

// backupHead is the first file of a backup.
type backupHead struct {
	Format     int                 `json:"format"`
	Database   string              `json:"database"` // "postgres"
	CreatedAt  time.Time           `json:"created_at"`
	Migrations []migrate.Migration `json:"migrations"` // that the schema had
	Tables     []backupTable       `json:"tables"`
}

type backupTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// backupEnd is the last file of a backup.
type backupEnd struct {
	Rows map[string]int64 `json:"rows"`
}

// Backup is store.Store's. It writes a tar file; see the constants above it.
func (s *Store) Backup(ctx context.Context, w io.Writer) error { return backup(ctx, s.pool, w) }

// Backup writes a consistent copy of the database at url to w, beside whoever
// uses it.
func Backup(ctx context.Context, url string, w io.Writer) error {
	cfg, err := parseConfig(url)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	return backup(ctx, pool, w)
}

func backup(ctx context.Context, pool *pgxpool.Pool, w io.Writer) error {
	migrations, err := appliedMigrations(ctx, pool)
	if err != nil {
		return classify(err)
	}
	if len(migrations) == 0 {
		return errors.New("there is nothing to back up: the database has none of PiCloud's tables")
	}
	head := backupHead{Format: backupFormat, Database: "postgres", CreatedAt: time.Now().UTC(), Migrations: migrations}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var err error
		if head.Tables, err = backupTables(ctx, tx); err != nil {
			return err
		}
		out := tar.NewWriter(w)
		if err := writeJSON(out, headName, head, head.CreatedAt); err != nil {
			return err
		}
		end := backupEnd{Rows: make(map[string]int64)}
		for _, t := range head.Tables {
			pieces := &pieceWriter{out: out, table: t.Name, at: head.CreatedAt}
			tag, err := tx.Conn().PgConn().CopyTo(ctx, pieces, fmt.Sprintf(`COPY %s (%s) TO STDOUT`, quote(t.Name), quoteAll(t.Columns)))
			if err == nil {
				err = pieces.flush()
			}
			if err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			end.Rows[t.Name] = tag.RowsAffected()
		}
		if err := writeJSON(out, endName, end, head.CreatedAt); err != nil {
			return err
		}
		return out.Close()
	})
	return classify(err)
}

func appliedMigrations(ctx context.Context, pool *pgxpool.Pool) ([]migrate.Migration, error) {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	return migrate.Applied(ctx, db, migrate.PostgreSQL)
}

// backupTables returns the tables that a backup has, each after those that its
// foreign keys name.
func backupTables(ctx context.Context, tx pgx.Tx) ([]backupTable, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),
			ARRAY(SELECT f.confrelid::regclass::text FROM pg_catalog.pg_constraint f
				WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
			AND c.relpersistence = 'p' AND c.relname <> 'schema_migrations'
		GROUP BY c.oid, c.relname ORDER BY c.relname`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	needs := make(map[string][]string)
	var left []backupTable
	for rows.Next() {
		var t backupTable
		var parents []string
		if err := rows.Scan(&t.Name, &t.Columns, &parents); err != nil {
			return nil, err
		}
		needs[t.Name] = parents
		left = append(left, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var sorted []backupTable
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(t backupTable) bool {
			return !slices.ContainsFunc(needs[t.Name], func(parent string) bool {
				return slices.ContainsFunc(left, func(o backupTable) bool { return o.Name == parent })
			})
		})
		if i < 0 {
			return nil, fmt.Errorf("the foreign keys of %s and others form a circle", left[0].Name)
		}
		sorted = append(sorted, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return sorted, nil
}

func quoteAll(names []string) string {
	var b bytes.Buffer
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(n))
	}
	return b.String()
}

func writeJSON(out *tar.Writer, name string, v any, at time.Time) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(out, name, append(text, '\n'), at)
}

func writeFile(out *tar.Writer, name string, content []byte, at time.Time) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: at, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

// pieceWriter cuts a table into files, whose size tar wants to know first.
type pieceWriter struct {
	out   *tar.Writer
	table string
	at    time.Time
	n     int
	buf   []byte
}

func (p *pieceWriter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(pieceSize-len(p.buf), len(rest))
		p.buf = append(p.buf, rest[:n]...)
		rest = rest[n:]
		if len(p.buf) == pieceSize {
			if err := p.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}

func (p *pieceWriter) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	p.n++
	err := writeFile(p.out, fmt.Sprintf("tables/%s/%06d.copy", p.table, p.n), p.buf, p.at)
	p.buf = p.buf[:0]
	return err
}
