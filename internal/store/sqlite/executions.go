package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// Executions is a store.Executions in a file of its own.
type Executions struct {
	sqlstore.Executions
	db *database

	close    sync.Once
	closeErr error
}

var _ store.Executions = (*Executions)(nil)

func openExecutions(ctx context.Context, dir string) (*Executions, error) {
	db, err := openDatabase(ctx, filepath.Join(dir, executionsFile), migrationsOf("executions"), recent)
	if err != nil {
		return nil, fmt.Errorf("the record of executions cannot be opened (move %s away to begin a new one): %w", executionsFile, err)
	}
	return &Executions{Executions: sqlstore.Executions{DB: db}, db: db}, nil
}

// insertSQL inserts a row. Its parameters have no names, because SQLite looks
// for a name by going through all of them. A batch that is written again changes
// nothing.
const insertSQL = `INSERT INTO executions (id, first_id, count, app_id, script_id, status, detail, logs)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// WriteExecutions is store.Executions's.
func (x *Executions) WriteExecutions(ctx context.Context, batch []store.Execution) error {
	rows, err := sqlstore.EncodeExecutions(batch)
	if err != nil || len(rows) == 0 {
		return err
	}
	return x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		for i := range rows {
			r := &rows[i]
			if _, err := tx.Exec(ctx, insertSQL, r.ID, r.FirstID, r.Count, r.AppID, r.ScriptID, r.Status, r.Detail, r.Logs); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prune is store.Executions's. MaxBytes counts the file's pages in use, with an
// empty journal.
func (x *Executions) Prune(ctx context.Context, r store.Retention, now time.Time) (removed int64, next time.Time, err error) {
	if r.MaxAge > 0 {
		n, err := x.pruneAge(ctx, sqlstore.ExecutionIDAt(now.Add(-r.MaxAge)))
		if removed += n; err != nil {
			return removed, time.Time{}, err
		}
	}
	if r.MaxBytes > 0 {
		n, err := x.pruneSize(ctx, r.MaxBytes)
		if removed += n; err != nil {
			return removed, time.Time{}, err
		}
	}
	if err := x.shrink(ctx); err != nil {
		return removed, time.Time{}, err
	}
	if r.MaxAge > 0 {
		oldest, err := x.OldestExecution(ctx)
		if err != nil {
			return removed, time.Time{}, err
		}
		if oldest != nil {
			next = sqlstore.ExecutionIDTime(oldest).Add(r.MaxAge)
		}
	}
	return removed, next, nil
}

func (x *Executions) pruneAge(ctx context.Context, cutoff []byte) (removed int64, err error) {
	for {
		rows, n, err := x.DeleteOldest(ctx, cutoff, sqlstore.MaxDelete)
		removed += n
		if err != nil || rows == 0 {
			return removed, err
		}
	}
}

func (x *Executions) pruneSize(ctx context.Context, maxBytes int64) (removed int64, err error) {
	size, err := x.size(ctx)
	if err == nil && x.db.bytesOnDisk() > maxBytes {
		err = x.db.checkpoint(ctx)
	}
	// From few at a time to as many as the size of those that went suggests, so
	// that little goes that could have stayed.
	for n := int64(16); err == nil && size.used() > maxBytes; {
		var deleted, executions int64
		deleted, executions, err = x.DeleteOldest(ctx, sqlstore.MaxExecutionID, n)
		removed += executions
		if err != nil || deleted == 0 { // an empty file has its smallest size
			break
		}
		before := size
		size, err = x.size(ctx)
		if freed := before.used() - size.used(); freed > 0 {
			n = (size.used() - maxBytes) * deleted / freed
		} else {
			n *= 2
		}
		n = min(max(n, 16), sqlstore.MaxDelete)
	}
	return removed, err
}

// DeleteAppExecutions is store.Executions's.
func (x *Executions) DeleteAppExecutions(ctx context.Context, appID string) error {
	if err := x.Executions.DeleteAppExecutions(ctx, appID); err != nil {
		return err
	}
	return x.shrink(ctx)
}

// fileSize is how a file divides, in pages.
type fileSize struct{ pages, free, pageSize int64 }

func (s fileSize) used() int64 { return (s.pages - s.free) * s.pageSize }

func (x *Executions) size(ctx context.Context) (s fileSize, err error) {
	row := x.db.readers.QueryRowContext(ctx, `SELECT
		(SELECT page_count FROM pragma_page_count),
		(SELECT freelist_count FROM pragma_freelist_count),
		(SELECT page_size FROM pragma_page_size)`)
	return s, row.Scan(&s.pages, &s.free, &s.pageSize)
}

// vacuumPages bounds how many free pages one transaction gives back, so that
// recording never waits long for it.
const vacuumPages = 1000

// shrink gives free pages back to the file system. One in fifty is kept: they
// will be used again at once.
func (x *Executions) shrink(ctx context.Context) error {
	vacuumed := false
	for {
		before, err := x.size(ctx)
		if err != nil {
			return err
		}
		if before.free <= max(64, before.pages/50) {
			break
		}
		err = x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
			rows, err := tx.Query(ctx, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, vacuumPages))
			if err != nil {
				return err
			}
			for rows.Next() { // each step frees a page
			}
			return errors.Join(rows.Err(), rows.Close())
		})
		if err != nil {
			return err
		}
		after, err := x.size(ctx)
		if err != nil {
			return err
		}
		if after.pages >= before.pages {
			return fmt.Errorf("%s does not shrink: auto_vacuum is off; move the file away while PiCloud is stopped", executionsFile)
		}
		vacuumed = true
	}
	if !vacuumed {
		return nil
	}
	return x.db.checkpoint(ctx)
}

// bytesOnDisk is the size of the file and its journal.
func (db *database) bytesOnDisk() (n int64) {
	for _, path := range []string{db.path, db.path + "-wal"} {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

// checkpoint moves the journal into the file and empties it. What a reader
// still needs stays for the next time.
func (db *database) checkpoint(ctx context.Context) (err error) {
	// On a connection of its own: it cannot run inside the writer's transactions.
	c, err := sql.Open("sqlite", dsn(db.path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var busy, log, moved int64
	return c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved)
}

// Close is store.Executions's.
func (x *Executions) Close() error {
	x.close.Do(func() { x.closeErr = x.db.close() })
	return x.closeErr
}
