package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// database is the common SQL's view of a pool.
type database struct {
	pool *pgxpool.Pool
	// unknown, which may be nil, is called after a commit whose outcome is not known.
	unknown func()
}

var _ sqlstore.DB = (*database)(nil)

// Query is sqlstore.DB's.
func (db *database) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	rows, err := db.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	return pgRows{rows}, nil
}

// relaxed is a database whose commits the server answers before they are on disk:
// for what may be lost in a power cut.
type relaxed struct{ *database }

// Write is sqlstore.DB's.
func (db relaxed) Write(ctx context.Context, f func(context.Context, sqlstore.Conn) error) error {
	return db.write(ctx, f, `set local synchronous_commit = off`)
}

// A transaction that loses against others is run again, this often at most.
const attempts = 10

// commitTimeout bounds the wait for an answer to COMMIT, which the caller's
// context does not end: its outcome would be unknown.
var commitTimeout = 10 * time.Second

// Write is sqlstore.DB's.
func (db *database) Write(ctx context.Context, f func(context.Context, sqlstore.Conn) error) error {
	return db.write(ctx, f)
}

func (db *database) write(ctx context.Context, f func(context.Context, sqlstore.Conn) error, settings ...string) error {
	for attempt := 1; ; attempt++ {
		err := db.writeOnce(ctx, f, settings)
		if attempt == attempts || !lostRace(err) {
			return err
		}
	}
}

func (db *database) writeOnce(ctx context.Context, f func(context.Context, sqlstore.Conn) error, settings []string) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Release() // which closes one that is still in a transaction
	tx := begin(conn.Conn(), settings)
	finish := func(end func(context.Context)) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
		defer cancel()
		end(ctx)
	}
	committing := false
	defer func() {
		if !committing { // f failed or panicked
			finish(tx.rollback)
		}
	}()
	if err := f(ctx, tx); err != nil {
		return classify(err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	committing = true
	finish(func(ctx context.Context) { err = tx.commit(ctx) })
	if db.unknown != nil && errors.Is(err, store.ErrUnknownOutcome) {
		db.unknown()
	}
	return err
}

// lostRace tells an error that another transaction caused and that another
// attempt may not meet: serialization failure, deadlock, and a row that was
// deleted between its lookup and the check of the foreign key to it.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func lostRace(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01" || e.Code == "23503")
}

// classify adds the contract's errors to the driver's.
func classify(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		// Connection exceptions, insufficient resources, operator intervention,
		// system errors.
		for _, class := range []string{"08", "53", "57", "58"} {
			if strings.HasPrefix(e.Code, class) {
				return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
			}
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, puddle.ErrClosedPool) || pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// constraint adds the common SQL's errors to the driver's.
func constraint(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code {
		case "23505":
			return fmt.Errorf("%w: %w", sqlstore.ErrUnique, err)
		case "23503":
			return fmt.Errorf("%w: %w", sqlstore.ErrForeignKey, err)
		}
	}
	return err
}

// pgRows are pgx's with the errors of the contract.
type pgRows struct{ pgx.Rows }

func (r pgRows) Err() error { return constraint(classify(r.Rows.Err())) }

func (r pgRows) Close() error {
	r.Rows.Close()
	return classify(r.Rows.Err())
}

// migrationLock lets one process migrate and the others wait.
type migrationLock struct{}

// "picloud" on a telephone's keys; every process of an instance must agree.
const migrationLockKey = 7425683

func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLockKey)
	return err
}

func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLockKey)
	return err
}
