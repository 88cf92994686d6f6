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

// transaction is one on a connection. What begins it travels with its first
// statement, which saves a journey to the server.
type transaction struct {
	conn  *pgx.Conn
	begin []string // until the first statement
}

func begin(conn *pgx.Conn, settings []string) *transaction {
	return &transaction{conn, append([]string{"begin isolation level read committed read write"}, settings...)}
}

// first sends the first statement; its result is the batch's next.
func (t *transaction) first(ctx context.Context, query string, args []any) (pgx.BatchResults, error) {
	batch := &pgx.Batch{}
	for _, s := range t.begin {
		batch.Queue(s)
	}
	batch.Queue(query, args...)
	before := len(t.begin)
	t.begin = nil
	results := t.conn.SendBatch(ctx, batch)
	for range before {
		if _, err := results.Exec(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	return results, nil
}

// Exec is sqlstore.Conn's.
func (t *transaction) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if t.begin == nil {
		tag, err := t.conn.Exec(ctx, query, args...)
		return tag.RowsAffected(), constraint(err)
	}
	results, err := t.first(ctx, query, args)
	if err != nil {
		return 0, constraint(err)
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag.RowsAffected(), constraint(err)
}

// Query is sqlstore.Conn's.
func (t *transaction) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if t.begin == nil {
		rows, err := t.conn.Query(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		return pgRows{rows}, nil
	}
	results, err := t.first(ctx, query, args)
	if err != nil {
		return nil, constraint(err)
	}
	rows, err := results.Query()
	if err != nil {
		return nil, constraint(errors.Join(err, results.Close()))
	}
	return firstRows{pgRows{rows}, results}, nil
}

// firstRows are those of a transaction's first statement.
type firstRows struct {
	pgRows
	batch pgx.BatchResults
}

func (r firstRows) Close() error {
	err := r.pgRows.Close()
	if closed := classify(r.batch.Close()); err == nil {
		err = closed
	}
	return err
}

// commit ends the transaction. If the connection was lost it is not known how.
func (t *transaction) commit(ctx context.Context) error {
	if t.begin != nil {
		return nil
	}
	tag, err := t.conn.Exec(ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	var refused *pgconn.PgError
	if err == nil || errors.As(err, &refused) || errors.Is(err, pgx.ErrTxCommitRollback) {
		return classify(err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
}

// rollback undoes the transaction. If that fails the connection is not used again,
// which ends the transaction too.
func (t *transaction) rollback(ctx context.Context) {
	if t.begin == nil {
		_, _ = t.conn.Exec(ctx, "rollback")
	}
}
