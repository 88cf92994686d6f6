package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/picloud/picloud/internal/store/sqlstore"
)

// txConn is the writer's connection, inside a call.
type txConn struct{ w *writer }

func (c txConn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.w.stmts[query]; ok {
		return s, nil
	}
	s, err := c.w.conn.PrepareContext(ctx, query)
	if err == nil {
		c.w.stmts[query] = s
	}
	return s, err
}

func (c txConn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, constraint(err)
	}
	return r.RowsAffected()
}

// constraint adds the common SQL's errors to the driver's.
func constraint(err error) error {
	switch {
	case isUnique(err):
		return fmt.Errorf("%w: %w", sqlstore.ErrUnique, err)
	case code(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", sqlstore.ErrForeignKey, err)
	}
	return err
}

// Later is sqlstore.Conn's: here nothing is gained by waiting.
func (c txConn) Later(ctx context.Context, then func(sqlstore.Rows, error) error, query string, args ...any) error {
	rows, err := c.Query(ctx, query, args...)
	return then(rows, err)
}

func (c txConn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, constraint(err)
	}
	return txRows{rows}, nil
}

// txRows are a query's with the common SQL's errors.
type txRows struct{ *sql.Rows }

func (r txRows) Err() error { return constraint(r.Rows.Err()) }
