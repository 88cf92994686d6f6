// Package store holds PiCloud's records and the contracts by which services
// reach them. Drivers live in the packages below it; storetest runs one suite
// on each of them.
//
// All times are UTC with microsecond precision, taken from the program's
// clock. All methods are safe for concurrent use and end when their context
// does. A method that changes something has committed it durably when it
// returns nil; after an error other than ErrUnknownOutcome nothing has changed.
package store

import (
	"context"
	"errors"
	"io"
	"strings"
)

// The errors a caller can tell apart with errors.Is. Drivers wrap them with
// what was looked for.
var (
	ErrNotFound       = errors.New("not found")
	ErrTaken          = errors.New("already exists")
	ErrNotEmpty       = errors.New("not empty")
	ErrInvalid        = errors.New("invalid")
	ErrLastOwner      = errors.New("the last owner must stay one")
	ErrUnknownOutcome = errors.New("the connection was lost while committing: the outcome is unknown")
	ErrUnavailable    = errors.New("the database is unavailable")
)

// InUseError says that something cannot go because of what needs it.
type InUseError struct {
	By []string // in words
}

// Error implements error.
func (e *InUseError) Error() string { return "in use by " + strings.Join(e.By, ", ") }

// Store is everything the control plane and the orchestrator keep, except
// executions (see Executions).
type Store interface {
	Users
	Sessions
	Members
	APIKeys
	Audit
	Apps
	Scripts
	Deployments
	Data
	Schedules
	Secrets

	// Subscribe registers f to be called after each committed change of an app,
	// in this process before the changing call returns, and for changes by
	// other processes as soon as the database tells of them. After a time in
	// which changes may have been missed f receives the zero Change, which
	// means: forget everything cached. f must not block or call the store.
	// The returned function ends the subscription.
	Subscribe(f func(Change)) (stop func())

	// Ping reports whether the database answers.
	Ping(ctx context.Context) error

	// Backup writes a consistent copy of everything, executions excepted, to w
	// while the store is in use. Its format is the driver's own; the package
	// bootstrap knows how to restore each.
	Backup(ctx context.Context, w io.Writer) error

	// Close waits for running calls and releases the database.
	Close() error
}

// Change names an app whose record or active deployment changed. A rename is
// told as two: of the old slug and of the new.
type Change struct {
	AppID string
	Slug  string // a slug by which the app was, or now is, reached
}
