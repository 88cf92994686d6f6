// Package invoke is the contract between an orchestrator and an executor: how
// a run of a script is started, what the run may ask of its host, and how it
// ends. It holds types only. Package local carries the contract inside one
// process, package remote over one multiplexed stream; invoketest runs one
// suite over both.
//
// The executor has no database. What a run reads, and what it wants changed,
// goes through Host; everything a run changes is committed in one piece (see
// Commit). Runs happen at least once; PiCloud's own effects happen once.
package invoke

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Executor runs scripts.
//
// Run returns when the run has ended, whatever its end: a script's error, a
// limit, a cancelled context and a refusal for overload are all Results. The
// error is non-nil only when the executor could not be reached (ErrUnreachable:
// the run did not start and may be started elsewhere) or was lost on the way
// (ErrLost: the run may have committed). Run is safe for concurrent use. It
// neither changes nor keeps what start points to after it has returned.
//
// Cancelling ctx cancels the run. Run waits for it to end, for a bounded time.
type Executor interface {
	Run(ctx context.Context, start *Start, host Host) (*Result, error)
}

// The errors of Executor.Run.
var (
	ErrUnreachable = errors.New("the executor cannot be reached: the run did not start")
	ErrLost        = errors.New("the executor was lost during the run: its outcome is unknown")
)

// Start says what to run. It is not changed once it has been handed over.
type Start struct {
	RunID      string // the execution's ID, UUIDv7
	AppID      string
	App        string // slug
	ScriptID   string
	Script     string // name
	Version    int64
	Deployment int64
	Program    string            // hex SHA-256 of the script's source
	Scripts    map[string]string // every script of the deployment by name, to the hash of its source; for imports
	Limits     store.Limits      // each field set: the sum of instance, app and script
	Trigger    string            // "http", later "schedule", "queue", …
	Request    *Request          // for the trigger "http"
	Event      *Event            // for every other trigger, unless it delivers in batches
	Batch      []Event           // then one or more of them
	Deadline   time.Time         // the run is cut then if not earlier by Limits.WallTimeMS; zero: none
	Outbound   *Outbound         // what the run may call; nil: the public internet
	Lease      *Lease            // of the delivery; nil for a plain HTTP request
}

// Request is an HTTP request as a script may see it: PiCloud's own credentials
// are already taken out.
type Request struct {
	Method string
	URL    string      // absolute, as the client asked for it
	Path   string      // decoded
	Query  string      // raw, without the question mark
	Header http.Header // canonical names
	Params []Param     // what the route matched, in its order
	Body   []byte      // whole
	IP     string      // of the client, behind trusted proxies
}

// Param is a path parameter.
type Param struct{ Name, Value string }

// Outbound is what the HTTP calls of a run may reach. Package outbound says how
// hosts and networks are written.
type Outbound struct {
	Hosts    []string // and no others; none: every public host
	Networks []string // open although they are not public
}

// Event is what a trigger delivers.
type Event struct {
	ID      string
	Kind    string
	Source  string
	Payload []byte // in the tagged codec of values
	Attempt int    // 1 for the first delivery
	Time    time.Time
	// Depth counts the events that led to this one, itself included: 1 for what
	// no execution caused. What the run sends has one more, up to store.MaxDepth.
	Depth int64
}

// IsEvent reports whether the run is one of a message: everything it does is
// committed together with the acknowledgement, and what it read is validated.
func (s *Start) IsEvent() bool { return s.Event != nil || s.Batch != nil || s.Lease != nil }

// Depth is that of the run's event; 0 for a plain HTTP request.
func (s *Start) Depth() int64 {
	depth := int64(0)
	if s.Event != nil {
		depth = s.Event.Depth
	}
	for i := range s.Batch {
		depth = max(depth, s.Batch[i].Depth)
	}
	return depth
}

// Lease is the right to work on a delivery until it expires. Acknowledging
// with a token that is no longer current loses (LeaseLost).
type Lease struct {
	Token    string
	Expires  time.Time
	Messages []string // IDs of what was delivered, which the run's commit acknowledges
}

// Result says how a run ended.
type Result struct {
	Status      store.Status
	Error       string    // for the script's author, with the position; empty when ok
	Response    *Response // for HTTP runs, set whatever the status
	StartedAt   time.Time
	Duration    time.Duration
	Operations  int64
	PeakMemory  int64 // bytes, by the engine's model
	Logs        []store.LogLine
	LogsDropped int64 // lines that the log limits cut
	// Calls are those by the module http.
	Calls        []store.Call
	CallsDropped int64 // calls beyond what a record keeps
	// RetryAfter is set with StatusRejected: when to come again.
	RetryAfter time.Duration
}

// Response is the answer to an HTTP request.
type Response struct {
	Status int
	Header http.Header // canonical names; may be nil
	Body   []byte
}

// Host is what a run may ask of the side that started it. Each call ends when
// its context does. A run makes one call at a time.
type Host interface {
	// Source returns the source with the given hex SHA-256.
	Source(ctx context.Context, hash string) (string, error)
	// Get returns those of the keys, of the run's app, that exist, in no order.
	Get(ctx context.Context, keys []string) ([]Entry, error)
	// List returns a page of the app's keys with their values.
	List(ctx context.Context, q Query) (Page, error)
	// Variables returns the variables of the run's deployment, by name. They are
	// not to be changed.
	Variables(ctx context.Context) (map[string]string, error)
	// Secret returns the value of a secret of the run's app, as it is now;
	// store.ErrNotFound if there is none. It is nothing to be logged or kept.
	Secret(ctx context.Context, name string) (string, error)
	// Commit makes a run's changes durable, all of them or none. An error is
	// one of the transport (the outcome is then unknown); what the store
	// decided is in the Outcome.
	Commit(ctx context.Context, c *Commit) (Outcome, error)
}
