package store

import (
	"context"
	"time"
)

// Status says how an execution ended.
type Status string

// The execution statuses.
const (
	StatusOK        Status = "ok"
	StatusError     Status = "error"
	StatusTimeout   Status = "timeout"
	StatusLimit     Status = "limit"
	StatusRejected  Status = "rejected"
	StatusCancelled Status = "cancelled"
)

// Execution is one run of a script.
type Execution struct {
	ID         string // UUIDv7, so that IDs sort by start
	AppID      string
	ScriptID   string
	Script     string // its name at the time
	Version    int64
	Deployment int64
	Trigger    string // "http", "schedule", "queue", …
	Status     Status
	Error      string // what the script's author needs to know; empty when ok
	// EventIDs are those of the messages it handled, in their order, none if it
	// answered somebody who waits; EventSource is where they came from, empty if they do
	// not agree.
	EventIDs    []string
	EventSource string
	Method      string
	Path        string
	HTTPStatus  int
	StartedAt   time.Time
	Duration    time.Duration
	Operations  int64
	PeakMemory  int64 // bytes, by the engine's model
	Logs        []LogLine
	// LogsDropped counts lines that the log limits cut.
	LogsDropped int64
	Calls       []Call // by the module http, in their order
	// CallsDropped counts calls beyond what a record keeps.
	CallsDropped int64
}

// Call is an HTTP request that a script sent, or was refused; each redirect is
// one more.
type Call struct {
	At       time.Time
	Method   string
	Host     string        // with the port unless it is the scheme's own
	Status   int           // 0: no answer came
	Duration time.Duration // until the answer was read
	Error    string
}

// LogLine is one line a script logged.
type LogLine struct {
	At      time.Time
	Level   string // debug, info, warn, error; print is info, debug is debug
	Source  string // print, debug or log
	Line    int    // position in the script; 0 unknown
	Column  int
	Message string
}

// ExecutionFilter selects executions, newest first.
type ExecutionFilter struct {
	AppID    string
	ScriptID string // empty: all of the app
	Status   Status // empty: any
	Before   string // executions with a lower ID, for paging back
	After    string // executions with a higher ID, for following
	Limit    int    // 1 to 1000
	// Logs asks for the log lines and the calls, too.
	Logs bool
}

// Retention bounds what is kept of executions. Zero: no bound.
type Retention struct {
	MaxAge   time.Duration // since the execution started
	MaxBytes int64         // on disk, indexes included
}

// Executions keeps the record of executions. It is apart from Store because
// recording may lose what a crash catches in its buffer, and because it gives
// disk back. An execution is written whole, with its log lines, or not at all.
// What was written survives the program's death; a machine or database server
// that crashes may lose the last moments.
type Executions interface {
	// WriteExecutions adds a batch in one transaction; executions that are there
	// already stay as they are. IDs must be UUIDv7, those of app and script
	// UUIDs, else it is ErrInvalid.
	WriteExecutions(ctx context.Context, batch []Execution) error
	ListExecutions(ctx context.Context, f ExecutionFilter) ([]Execution, error)
	// Execution returns one with its log lines.
	Execution(ctx context.Context, id string) (Execution, error)
	// Prune removes what r no longer keeps, gives the space back to the file
	// system, and returns how many executions went and when the oldest that is
	// left reaches MaxAge (zero: none is left, or there is no such bound).
	Prune(ctx context.Context, r Retention, now time.Time) (removed int64, next time.Time, err error)
	// DeleteAppExecutions removes everything recorded for an app.
	DeleteAppExecutions(ctx context.Context, appID string) error
	Close() error
}

// ExecutionFeed tells of executions as they are recorded, for those who follow
// them. IDs sort by start and executions are recorded at their end, so asking
// again for what has a higher ID would miss the slow ones.
type ExecutionFeed interface {
	// Watch registers f to be called with each batch once it is
	// written, log lines included. f must not block, nor change the batch. The
	// returned function ends it.
	Watch(f func(batch []Execution)) (stop func())

	// Dropped says how many of an app's executions ended without being recorded
	// since this process started.
	Dropped(appID string) int64
}
