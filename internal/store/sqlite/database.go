package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// applicationID marks our files ("PiCl"), see https://sqlite.org/pragma.html#pragma_application_id.
const applicationID = 0x5069436c

// durability says what survives a power cut. A killed process loses nothing
// acknowledged either way.
type durability string

const (
	// durable: an fsync before each commit is acknowledged.
	durable durability = "FULL"
	// recent: the last writes may be lost, the file stays whole.
	recent durability = "NORMAL"
)

// database is one SQLite file: a writer and a pool of readers.
type database struct {
	path    string
	writer  *writer
	readers *sql.DB
	stmts   sync.Map // query → *sql.Stmt of readers
	closed  atomic.Bool
}

var _ sqlstore.DB = (*database)(nil)

func openDatabase(ctx context.Context, path string, migrations fs.FS, d durability) (_ *database, err error) {
	// Made here so that its mode, which its journal inherits, is ours.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the database cannot be opened: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	writers, err := sql.Open("sqlite", dsn(path,
		"auto_vacuum(INCREMENTAL)", // first: it cannot change once the file has a header
		"journal_mode(WAL)",
		fmt.Sprintf("synchronous(%s)", d),
		"foreign_keys(1)",
		fmt.Sprintf("journal_size_limit(%d)", 4<<20)))
	if err != nil {
		return nil, err
	}
	writers.SetMaxOpenConns(1)
	db := &database{path: path}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Base(path), errors.Join(err, writers.Close()))
		}
	}()
	if err := claimFile(ctx, writers); err != nil {
		return nil, err
	}
	if err := migrate.Up(ctx, writers, migrate.SQLite, migrations, nil); err != nil {
		return nil, err
	}
	readers, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return nil, err
	}
	n := min(max(runtime.GOMAXPROCS(0), 2), 4)
	readers.SetMaxOpenConns(n)
	readers.SetMaxIdleConns(n)
	db.readers = readers
	if db.writer, err = newWriter(ctx, writers); err != nil {
		return nil, errors.Join(err, readers.Close())
	}
	return db, nil
}

// dsn names path with pragmas that are set, in their order, on each connection.
func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// claimFile marks a new file as ours and refuses one that is somebody else's.
func claimFile(ctx context.Context, db *sql.DB) error {
	var id, tables int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if id == applicationID {
		return nil
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	if id != 0 || tables != 0 {
		return errors.New("the file is a SQLite database, but not one of PiCloud's")
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID))
	return err
}

// Query is sqlstore.DB's.
func (db *database) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if db.closed.Load() {
		return nil, errClosed
	}
	stmt, ok := db.stmts.Load(query)
	if !ok {
		s, err := db.readers.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		var lost bool
		if stmt, lost = db.stmts.LoadOrStore(query, s); lost {
			s.Close()
		}
	}
	return stmt.(*sql.Stmt).QueryContext(ctx, args...)
}

// Write is sqlstore.DB's.
func (db *database) Write(ctx context.Context, f func(context.Context, sqlstore.Conn) error) error {
	return db.writer.write(ctx, false, f)
}

// relaxed is the database for what may be lost in a power cut.
type relaxed struct{ *database }

// Write is sqlstore.DB's.
func (db relaxed) Write(ctx context.Context, f func(context.Context, sqlstore.Conn) error) error {
	return db.writer.write(ctx, true, f)
}

// close ends the writer first, whose connection checkpoints the journal.
func (db *database) close() error {
	db.closed.Store(true)
	return errors.Join(db.writer.close(), db.readers.Close())
}

// code is SQLite's extended result code of err, 0 if it has none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// primary is the result code without its extension.
func primary(err error) int { return code(err) & 0xff }

func isUnique(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
