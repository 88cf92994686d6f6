// Package channels shows and changes what waits for scripts: the messages of
// queues, subscriptions, schedules and KV triggers, which are all alike.
package channels

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// ChannelState is how many messages there are of a channel, by state.
type ChannelState struct {
	Paused   bool       `json:"paused" doc:"Nothing is delivered until it is resumed"`
	Ready    int64      `json:"ready" doc:"Messages that are due"`
	Delayed  int64      `json:"delayed" doc:"Messages that are due later: sent with a delay, or to be tried again"`
	InFlight int64      `json:"in_flight" doc:"Messages that an execution works on"`
	Dead     int64      `json:"dead" doc:"Dead letters: messages that used up their attempts"`
	Oldest   *time.Time `json:"oldest,omitempty" doc:"When the oldest message that is ready fell due"`
}

// StateOf shows a channel's state.
func StateOf(s store.ChannelState) ChannelState {
	w := ChannelState{Paused: s.Paused, Ready: s.Ready, Delayed: s.Delayed, InFlight: s.Leased, Dead: s.Dead}
	if !s.Oldest.IsZero() {
		w.Oldest = &s.Oldest
	}
	return w
}

// Delivery says which script messages are delivered to, and how.
type Delivery struct {
	Script              string `json:"script" maxLength:"200" example:"mailer" doc:"The script that runs"`
	Concurrency         int64  `json:"concurrency,omitempty" doc:"How many executions run at once on a node, 1 to 256; default 4"`
	BatchSize           int64  `json:"batch_size,omitempty" doc:"How many messages one execution gets, 1 to 100; default 1. With more, the script finds the array events in place of event"`
	MaxAttempts         int64  `json:"max_attempts,omitempty" doc:"How many failed deliveries make a message a dead letter, 1 to 100; default 5"`
	BackoffMS           int64  `json:"backoff_ms,omitempty" doc:"Milliseconds before the second attempt; default 1000. It doubles with each attempt, and each wait is shortened at random by up to half"`
	BackoffMaxMS        int64  `json:"backoff_max_ms,omitempty" doc:"The longest wait, in milliseconds; default 600000"`
	VisibilityTimeoutMS int64  `json:"visibility_timeout_ms,omitempty" doc:"Milliseconds after which a message goes to another node when its own no longer answers, from 1000; default 30000"`
}

// Store returns d as the store keeps it.
func (d Delivery) Store() store.Delivery { return store.Delivery(d) }

// DeliveryOf shows what the store keeps, with the defaults in place.
func DeliveryOf(d store.Delivery) Delivery { return Delivery(d.WithDefaults()) }

// Message is one that waits, is worked on, or is dead.
type Message struct {
	ID        string          `json:"id"`
	State     string          `json:"state" enum:"ready,delayed,in-flight,dead"`
	Source    string          `json:"source" doc:"What the script sees as event.source: the queue, topic, schedule or key"`
	Type      string          `json:"type" doc:"The payload's type in Rhai" example:"map"`
	Payload   json.RawMessage `json:"payload" doc:"As JSON: a char is a string, a blob one in base64, a range its text, a float that is no number one of \"NaN\", \"Infinity\", \"-Infinity\""`
	Depth     int64           `json:"depth" doc:"How many messages led to it, itself included: 1 if no execution caused it"`
	Attempts  int64           `json:"attempts" doc:"Deliveries that failed"`
	Crashes   int64           `json:"crashes" doc:"Deliveries that ended with the death of their process"`
	CreatedAt time.Time       `json:"created_at"`
	DueAt     time.Time       `json:"due_at" doc:"When it may be delivered; in flight: when it may be if its node no longer answers"`
	DeadAt    *time.Time      `json:"dead_at,omitempty"`
	LastError string          `json:"last_error,omitempty" doc:"Why the last delivery failed"`
}

func messageOf(m store.Message, now time.Time) (Message, error) {
	v, err := value.Decode(m.Payload, nil)
	if err != nil {
		return Message{}, err
	}
	shown := Message{
		ID: m.ID, State: string(m.State(now)), Source: m.Source, Type: v.TypeName(), Payload: value.JSON(v), Depth: m.Depth,
		Attempts: m.Attempts, Crashes: m.Crashes, CreatedAt: m.CreatedAt, DueAt: m.DueAt, LastError: m.LastError,
	}
	if !m.DeadAt.IsZero() {
		shown.DeadAt = &m.DeadAt
	}
	return shown, nil
}

// Chosen says which messages: some, or all. Nothing said is never all.
type Chosen struct {
	IDs []string `json:"ids,omitempty" nullable:"false" maxItems:"1000" doc:"Those with these IDs, at least one; or else all must be true"`
	All bool     `json:"all,omitempty" doc:"All of them, in place of ids"`
}

func (c Chosen) check() error {
	switch {
	case c.All && c.IDs != nil:
		return api.Invalid("body.ids", "give ids, or all: true, not both", nil)
	case !c.All && len(c.IDs) == 0:
		return api.Invalid("body.ids", "name at least one message in ids, or give all: true for all of them", nil)
	}
	if err := store.CheckMessageIDs(c.IDs); err != nil {
		return api.Invalid("body.ids", strings.TrimPrefix(err.Error(), store.ErrInvalid.Error()+": "), nil)
	}
	return nil
}

// in says in the audit log what is concerned.
func (c Chosen) in(what string) string {
	switch {
	case c.All:
		return "all " + what
	case len(c.IDs) == 1:
		return "of its " + what + " " + c.IDs[0]
	}
	return "some of its " + what
}

// Purge says which messages to delete.
type Purge struct {
	Dead bool `json:"dead,omitempty" doc:"Dead letters; else those that are ready or delayed"`
	Chosen
}

// Count is how many messages were concerned.
type Count struct {
	Count int64 `json:"count"`
}
