package postgres

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/store/migrate"
)

var errCutShort = errors.New("the backup is cut short: copy it again")

// Restore loads what Backup wrote into the database at url and brings it to this
// program's schema. It refuses a database that holds data, and a backup that is
// damaged or newer than this program; then no row is added.
func Restore(ctx context.Context, url string, r io.Reader) error {
	in := tar.NewReader(r)
	head, err := readHead(in)
	if err != nil {
		return err
	}
	version, err := migrate.Known(head.Migrations, migrationFiles())
	if err != nil {
		return fmt.Errorf("the backup cannot be restored: %w", err)
	}
	cfg, err := parseConfig(url)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := checkServer(ctx, pool); err != nil {
		return err
	}
	if err := checkEmpty(ctx, pool); err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	if err := migrate.UpTo(ctx, db, migrate.PostgreSQL, migrationFiles(), migrationLock{}, version); err != nil {
		return err
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return load(ctx, tx, in, head) })
	if err != nil {
		return classify(err)
	}
	if err := migrateUp(ctx, pool); err != nil {
		return err
	}
	// COPY brings rows, not the sequence that numbered them.
	_, err = pool.Exec(ctx, `SELECT setval('kv_versions', greatest((SELECT max(version) FROM kv), 1))`)
	return classify(err)
}

func readHead(in *tar.Reader) (backupHead, error) {
	var head backupHead
	h, err := in.Next()
	if err != nil || h.Name != headName {
		return head, errors.New("the file is not a PostgreSQL backup of PiCloud: was it made with another database?")
	}
	if err := json.NewDecoder(in).Decode(&head); err != nil {
		return head, fmt.Errorf("%s: %w", headName, err)
	}
	if head.Format != backupFormat || head.Database != "postgres" {
		return head, fmt.Errorf("the backup has format %d of %q: this program reads format %d of \"postgres\"", head.Format, head.Database, backupFormat)
	}
	return head, nil
}

// checkEmpty refuses a database with a row in any table of its schema.
func checkEmpty(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, `SELECT relname FROM pg_catalog.pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relpersistence = 'p' AND relname <> 'schema_migrations' ORDER BY relname`)
	if err != nil {
		return classify(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return classify(err)
	}
	for _, t := range tables {
		var full bool
		if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+quote(t)+`)`).Scan(&full); err != nil {
			return classify(err)
		}
		if full {
			return fmt.Errorf("the database holds data already (in table %s): restore into an empty one", t)
		}
	}
	return nil
}

// load copies the tables and checks that all rows came.
func load(ctx context.Context, tx pgx.Tx, in *tar.Reader, head backupHead) error {
	pieces := &pieceReader{in: in}
	if err := pieces.next(); err != nil {
		return err
	}
	loaded := make(map[string]int64)
	for _, t := range head.Tables {
		pieces.table = "tables/" + t.Name + "/"
		tag, err := tx.Conn().PgConn().CopyFrom(ctx, pieces, fmt.Sprintf(`COPY %s (%s) FROM STDIN`, quote(t.Name), quoteAll(t.Columns)))
		if pieces.err != nil {
			return pieces.err
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		loaded[t.Name] = tag.RowsAffected()
	}
	if pieces.name != endName {
		return fmt.Errorf("the backup has %s where its end should be", pieces.name)
	}
	var end backupEnd
	if err := json.NewDecoder(in).Decode(&end); err != nil {
		return fmt.Errorf("%w (%s: %w)", errCutShort, endName, err)
	}
	for _, t := range head.Tables {
		if loaded[t.Name] != end.Rows[t.Name] {
			return fmt.Errorf("table %s has %d rows in the backup, which should have %d: it is damaged", t.Name, loaded[t.Name], end.Rows[t.Name])
		}
	}
	return nil
}

// pieceReader reads the files of one table as one.
type pieceReader struct {
	in    *tar.Reader
	table string // path of its files
	name  string // of the file in.Read reads
	err   error  // what went wrong other than the table's end
}

func (p *pieceReader) next() error {
	h, err := p.in.Next()
	if err != nil {
		p.err = fmt.Errorf("%w (%w)", errCutShort, err)
		return p.err
	}
	p.name = h.Name
	return nil
}

func (p *pieceReader) Read(b []byte) (int, error) {
	for strings.HasPrefix(p.name, p.table) {
		n, err := p.in.Read(b)
		if n > 0 {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			p.err = fmt.Errorf("%w (%w)", errCutShort, err)
			return 0, p.err
		}
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}
