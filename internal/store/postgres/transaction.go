package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// transaction is one on a connection. Each journey to the server costs more than most
// statements, so what begins it, and statements whose results are not needed at
// once, travel with the next statement.
type transaction struct {
	conn    *pgx.Conn
	begun   bool
	waiting []statement
}

// maxWaiting bounds how many statements wait.
const maxWaiting = 64

// statement waits to be sent. then, unless it is nil, is called with its result.
type statement struct {
	query string
	args  []any
	then  func(sqlstore.Rows, error) error
}

func begin(conn *pgx.Conn, settings []string) *transaction {
	t := &transaction{conn: conn, waiting: []statement{{query: "begin isolation level read committed read write"}}}
	for _, s := range settings {
		t.waiting = append(t.waiting, statement{query: s})
	}
	return t
}

// send sends what waits, and a statement whose result is the batch's next.
func (t *transaction) send(ctx context.Context, query string, args ...any) (results pgx.BatchResults, err error) {
	batch := &pgx.Batch{}
	waiting := t.waiting
	t.begun, t.waiting = true, nil
	for _, s := range waiting {
		batch.Queue(s.query, s.args...)
	}
	batch.Queue(query, args...)
	results = t.conn.SendBatch(ctx, batch)
	for i := range waiting {
		if err := received(results, &waiting[i]); err != nil {
			_ = results.Close() // which fails for the same reason, if for any
			return nil, err
		}
	}
	return results, nil
}

func received(results pgx.BatchResults, s *statement) error {
	rows, err := results.Query()
	if s.then == nil {
		rows.Close()
		return constraint(rows.Err())
	}
	if err != nil {
		return s.then(nil, constraint(err))
	}
	return errors.Join(s.then(pgRows{rows}, nil), pgRows{rows}.Close())
}

// Later is sqlstore.Conn's.
func (t *transaction) Later(ctx context.Context, then func(sqlstore.Rows, error) error, query string, args ...any) error {
	if len(t.waiting) == maxWaiting {
		if _, err := t.Exec(ctx, `select`); err != nil {
			return err
		}
	}
	t.waiting = append(t.waiting, statement{query, args, then})
	return nil
}

// Exec is sqlstore.Conn's.
func (t *transaction) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.exec(ctx, query, args...)
	return tag.RowsAffected(), constraint(err)
}

func (t *transaction) exec(ctx context.Context, query string, args ...any) (tag pgconn.CommandTag, err error) {
	if len(t.waiting) == 0 {
		return t.conn.Exec(ctx, query, args...)
	}
	results, err := t.send(ctx, query, args...)
	if err != nil {
		return tag, err
	}
	tag, err = results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query is sqlstore.Conn's.
func (t *transaction) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if len(t.waiting) == 0 {
		rows, err := t.conn.Query(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		return pgRows{rows}, nil
	}
	results, err := t.send(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, constraint(errors.Join(err, results.Close()))
	}
	return lastRows{pgRows{rows}, results}, nil
}

// lastRows are those of a batch's last statement.
type lastRows struct {
	pgRows
	batch pgx.BatchResults
}

func (r lastRows) Close() error {
	err := r.pgRows.Close()
	if closed := classify(r.batch.Close()); err == nil {
		err = closed
	}
	return err
}

// commit has done what waits and ends the transaction. If the connection was lost it
// is not known how.
func (t *transaction) commit(ctx context.Context) error {
	if !t.begun && !t.wanted() {
		return nil
	}
	tag, err := t.exec(ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	var refused *pgconn.PgError
	switch {
	case err == nil, tag.String() == "COMMIT": // whatever has become of the connection since
		return nil
	case errors.As(err, &refused) && refused.SeverityUnlocalized != "PANIC", // what is in the journal it may find when it starts again
		errors.Is(err, pgx.ErrTxCommitRollback), t.failed():
		t.rollback(ctx)
		return classify(err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
}

// failed reports whether the server has refused a statement, so that it has not
// committed. The error need not show it: it may be one that then has made of it.
func (t *transaction) failed() bool { return t.conn.PgConn().TxStatus() == 'E' }

// wanted reports whether more waits than the beginning.
func (t *transaction) wanted() bool {
	for i := range t.waiting {
		if t.waiting[i].then != nil {
			return true
		}
	}
	return false
}

// rollback undoes the transaction. If that fails the connection is not used again,
// which ends the transaction too.
func (t *transaction) rollback(ctx context.Context) {
	if t.begun {
		_, _ = t.conn.Exec(ctx, "rollback")
	}
}
