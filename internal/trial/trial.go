// Package trial is what one test of pic test works on: an app of its own with a
// clock that stands still, stubs in the place of other servers, and what its
// scripts sent. Scripts reach it by the module test, which the executor has for
// such tests.
package trial

import (
	"context"
	"net/http"
	"slices"
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
	// Scripts are the names of the scripts that can be run, in their order.
	Scripts() []string
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

// Thrown is what a test got to catch because a script that it ran has failed.
type Thrown struct {
	Text   string // what is caught
	Script string
	Error  string // as the script's execution records it, with the place in the script
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
	sent       []*Message
	published  []*Message
	told       map[subscription]int // how many of published a subscription has got
	failed     map[subscription]int // deliveries of the next one that failed
	executions []store.Execution
	failure    *Failure
	thrown     *Thrown
	notes      []string
}

// Message is what was sent to a queue or published on a topic.
type Message struct {
	ID             string
	Source         string // the queue or the topic
	Payload        []byte // as package value writes it
	SentAt, DueAt  time.Time
	IdempotencyKey string
	Failed         int  // deliveries
	Delivered      bool // from its queue, without an error
}

// New returns the state in which a test begins.
func New() *Trial {
	return &Trial{now: Start, variables: map[string]string{}, secrets: map[string]string{}, told: map[subscription]int{}, failed: map[subscription]int{}}
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

// Throw keeps what a script that failed threw into the test. The last one counts.
func (t *Trial) Throw(e Thrown) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.thrown = &e
}

// Thrown is what the last script that failed threw into the test, nil if none did.
func (t *Trial) Thrown() *Thrown {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.thrown
}

// maxNotes bounds what is kept beside the executions.
const maxNotes = 20

// Note keeps what may explain why a test failed, once.
func (t *Trial) Note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.notes) < maxNotes && !slices.Contains(t.notes, text) {
		t.notes = append(t.notes, text)
	}
}

// Notes returns what may explain why a test failed.
func (t *Trial) Notes() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.notes)
}

// Sent returns the messages that were sent to a queue.
func (t *Trial) Sent(queue string) []Message { return t.from(&t.sent, queue) }

// Published returns what was published on a topic.
func (t *Trial) Published(topic string) []Message { return t.from(&t.published, topic) }

func (t *Trial) from(all *[]*Message, source string) []Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Message
	for _, m := range *all {
		if m.Source == source {
			list = append(list, *m)
		}
	}
	return list
}

// Take returns the oldest message of a queue that is due and was not delivered
// yet; false: there is none. done says how its delivery ended: with an error the
// message stays.
func (t *Trial) Take(queue string) (m Message, done func(error), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.sent {
		if m.Source == queue && !m.Delivered && !m.DueAt.After(t.now) {
			return *m, func(err error) {
				t.mu.Lock()
				defer t.mu.Unlock()
				if m.Delivered = err == nil; err != nil {
					m.Failed++
				}
			}, true
		}
	}
	return Message{}, nil, false
}

// subscription is a script that gets what is published on topics that match.
type subscription struct{ pattern, script string }

// Next is Take for the events of topics that match, each of which every script
// gets for itself.
func (t *Trial) Next(pattern, script string, matches func(topic string) bool) (m Message, done func(error), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := subscription{pattern, script}
	for ; t.told[s] < len(t.published); t.told[s]++ {
		if m := *t.published[t.told[s]]; matches(m.Source) {
			m.Failed = t.failed[s]
			return m, func(err error) {
				t.mu.Lock()
				defer t.mu.Unlock()
				if err != nil {
					t.failed[s]++
					return
				}
				t.told[s]++
				t.failed[s] = 0
			}, true
		}
	}
	return Message{}, nil, false
}

// committed keeps what a commit sent. A key that a queue knows adds nothing.
func (t *Trial) committed(c *invoke.Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
next:
	for _, s := range c.Sends {
		for _, m := range t.sent {
			if k := s.IdempotencyKey; k != "" && m.Source == s.Queue && m.IdempotencyKey == k && t.now.Sub(m.SentAt) < store.IdempotencyMemory {
				continue next
			}
		}
		t.sent = append(t.sent, &Message{ID: store.NewID(), Source: s.Queue, Payload: s.Payload, SentAt: t.now, DueAt: t.now.Add(s.Delay), IdempotencyKey: s.IdempotencyKey})
	}
	for _, p := range c.Publishes {
		t.published = append(t.published, &Message{ID: store.NewID(), Source: p.Topic, Payload: p.Payload, SentAt: t.now, DueAt: t.now})
	}
}
