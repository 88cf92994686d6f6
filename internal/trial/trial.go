// Package trial is what one test of pic test works on: an app of its own with a
// clock that stands still, stubs in the place of other servers, and what its
// scripts sent. Scripts reach it by the module test, which the executor has for
// such tests.
package trial

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Start is what the clock shows when a test begins.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Answer is what the app answered to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// App runs the scripts of the app that is tested.
type App interface {
	// Serve answers a request to the app.
	Serve(ctx context.Context, r *http.Request) Answer
	// Deliver runs a script with an event, or with a batch of them.
	Deliver(ctx context.Context, script string, batch bool, events []invoke.Event) (*invoke.Result, error)
}

// Failure is what an assertion found.
type Failure struct {
	Message          string
	Expected, Actual string // as texts; empty when there is nothing to compare
	Compared         bool
	Line, Column     int
}

// Trial is the state of one test. It is safe for concurrent use.
type Trial struct {
	App App

	mu         sync.Mutex
	now        time.Time
	variables  map[string]string
	secrets    map[string]string
	stubs      []Stub
	calls      []Call
	sent       []Sent
	published  []invoke.Publish
	executions []store.Execution
	failure    *Failure
}

// Sent is a message in a queue.
type Sent struct {
	invoke.Send
	Delivered bool // by the test
}

// New returns the state in which a test begins.
func New() *Trial {
	return &Trial{now: Start, variables: map[string]string{}, secrets: map[string]string{}}
}

// Now is what the clock shows.
func (t *Trial) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// SetNow sets the clock.
func (t *Trial) SetNow(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = at.UTC().Truncate(time.Microsecond)
}

// SetVariable sets a variable of the app.
func (t *Trial) SetVariable(name, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.variables[name] = value
}

// SetSecret sets a secret of the app.
func (t *Trial) SetSecret(name, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets[name] = value
}

// Record keeps an execution that has ended.
func (t *Trial) Record(e store.Execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.executions = append(t.executions, e)
}

// Executions returns the executions of the app's scripts, in the order of their ends.
func (t *Trial) Executions() []store.Execution {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]store.Execution(nil), t.executions...)
}

// Fail keeps what an assertion found. The last one counts.
func (t *Trial) Fail(f Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure = &f
}

// Failure is what the last assertion that failed found, nil if none did.
func (t *Trial) Failure() *Failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

// Sent returns the messages that were sent to a queue.
func (t *Trial) Sent(queue string) []Sent {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Sent
	for _, s := range t.sent {
		if s.Queue == queue {
			list = append(list, s)
		}
	}
	return list
}

// Take returns the oldest message of a queue that was not delivered yet, and
// marks it as delivered; false: there is none.
func (t *Trial) Take(queue string) (invoke.Send, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.sent {
		if s := &t.sent[i]; s.Queue == queue && !s.Delivered {
			s.Delivered = true
			return s.Send, true
		}
	}
	return invoke.Send{}, false
}

// Published returns what was published on a topic.
func (t *Trial) Published(topic string) []invoke.Publish {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []invoke.Publish
	for _, p := range t.published {
		if p.Topic == topic {
			list = append(list, p)
		}
	}
	return list
}

// committed keeps what a commit sent. A key that a queue knows adds nothing.
func (t *Trial) committed(c *invoke.Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
next:
	for _, s := range c.Sends {
		for i := range t.sent {
			if k := s.IdempotencyKey; k != "" && t.sent[i].Queue == s.Queue && t.sent[i].IdempotencyKey == k {
				continue next
			}
		}
		t.sent = append(t.sent, Sent{Send: s})
	}
	t.published = append(t.published, c.Publishes...)
}
