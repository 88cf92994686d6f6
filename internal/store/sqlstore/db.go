// Package sqlstore implements the store's contracts once, in SQL that SQLite
// and PostgreSQL both understand. A driver supplies a DB, its DDL and what only
// its database can do (backup, notifications, partitions).
//
// The common SQL keeps to: $1 parameters; BIGINT microseconds for times; text
// keys compared bytewise; bytes for payloads; INSERT … ON CONFLICT and
// RETURNING. It does not use LIKE, arrays, JSON operators, SQL booleans or the
// database's clock.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// ErrUnique is what a driver's Exec and Query wrap when a row would break a
// unique constraint.
var ErrUnique = errors.New("unique constraint")

// ErrForeignKey is what a driver's Exec and Query wrap when a row names one that
// does not exist.
var ErrForeignKey = errors.New("foreign key constraint")

// Rows is the result of a query. It must be closed.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Conn runs statements. Values are int64, string and []byte, in both directions.
type Conn interface {
	Exec(ctx context.Context, query string, args ...any) (affected int64, err error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	// Later runs a statement before the next one, or before the commit at the latest,
	// and calls then, which closes the rows, with its result. A statement that fails
	// fails the transaction, with the error that then returns; of one that does not,
	// then returns nil. It may be run at once.
	Later(ctx context.Context, then func(Rows, error) error, query string, args ...any) error
}

// DB is a database as the common SQL sees it.
type DB interface {
	// Query reads committed data outside a transaction.
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	// Write runs f in a transaction and returns once that is durable. When f
	// fails the transaction leaves nothing behind and f's error is returned. f
	// may run more than once, so it must set its results afresh each time; it
	// must use only the Conn it is given. Rows it locks by an UPDATE stay locked
	// to the end, and statements after that see all earlier commits.
	Write(ctx context.Context, f func(ctx context.Context, tx Conn) error) error
}

// Store implements store.Store except Ping, Backup and Close, which drivers add.
type Store struct {
	db DB
	// Changes is where committed changes are announced.
	*Changes
	// tell passes a committed change on to other processes.
	tell func(store.Change)
	// Watchers is where messages that may be due are announced.
	*Watchers
	handOff
	// tellDue passes that on to other processes.
	tellDue func(c store.Channel, due time.Time)
	// willTell is called before a transaction that may add messages.
	willTell func(context.Context)
	channels channels
	quota    atomic.Pointer[store.Quota]
	rooms    rooms
	dialect  Dialect
	// relaxed is db for what may be lost in a power cut.
	relaxed DB
}

// Config is what a driver supplies.
type Config struct {
	DB      DB
	Dialect Dialect
	// Relaxed, if it is not nil, is DB with transactions that need not be durable
	// when they return. What is read after such a transaction sees it, and a
	// durable one after it makes it durable as well.
	Relaxed DB
	// Tell, which may be nil, is called with each committed change after this
	// process's subscribers, TellDue with each channel that was announced. TellDue
	// must not block.
	Tell    func(store.Change)
	TellDue func(c store.Channel, due time.Time)
	// WillTell, which may be nil, is called before a transaction that may add
	// messages, so that other processes know of it if this one dies in between.
	WillTell func(context.Context)
}

// New returns the store on a database.
func New(c Config) *Store {
	if c.Tell == nil {
		c.Tell = func(store.Change) {}
	}
	if c.WillTell == nil {
		c.WillTell = func(context.Context) {}
	}
	if c.Relaxed == nil {
		c.Relaxed = c.DB
	}
	return &Store{
		db: audited{c.DB}, relaxed: c.Relaxed, dialect: c.Dialect,
		Changes: &Changes{}, tell: c.Tell, Watchers: &Watchers{}, tellDue: c.TellDue, willTell: c.WillTell,
	}
}

// change runs f in a transaction and announces the changes it returned.
func (s *Store) change(ctx context.Context, f func(ctx context.Context, tx Conn) ([]store.Change, error)) error {
	var changes []store.Change
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		changes, err = f(ctx, tx)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrUnknownOutcome) {
		return err
	}
	for _, c := range changes {
		s.Announce(c)
		s.tell(c)
	}
	return err
}

// querier is what DB and Conn have in common.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// one scans the only row of a query into dest; sql.ErrNoRows if there is none.
func one(ctx context.Context, q querier, dest []any, query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return scanOne(rows, dest)
}

// oneLater is one by Later; then is called with the error.
func oneLater(ctx context.Context, tx Conn, dest []any, then func(error) error, query string, args ...any) error {
	return tx.Later(ctx, func(rows Rows, err error) error {
		if err == nil {
			err = scanOne(rows, dest)
		}
		return then(err)
	}, query, args...)
}

func scanOne(rows Rows, dest []any) (err error) {
	if !rows.Next() {
		err = rows.Err()
		if err == nil {
			err = sql.ErrNoRows
		}
	} else {
		err = rows.Scan(dest...)
	}
	return errors.Join(err, rows.Close())
}

// each calls f for every row of a query.
func each(ctx context.Context, q querier, f func(Rows) error, query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := f(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// found turns sql.ErrNoRows into store.ErrNotFound that names what was looked for.
func found(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf(format+": %w", append(args, store.ErrNotFound)...)
	}
	return err
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// limit keeps a page within the bounds that store.Page names.
func limit(n int) int64 { return int64(min(max(n, 1), 1000)) }
