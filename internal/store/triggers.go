package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Delivery says which script a trigger's messages are delivered to, and how. A
// zero field means the default.
type Delivery struct {
	Script string `json:"script"`
	// Concurrency is how many executions of this trigger run at once on a node.
	Concurrency int64 `json:"concurrency,omitempty"`
	// BatchSize is how many messages one execution gets; more than 1: as an array.
	BatchSize int64 `json:"batch_size,omitempty"`
	// MaxAttempts is how many failed deliveries make a message a dead letter.
	MaxAttempts int64 `json:"max_attempts,omitempty"`
	// BackoffMS is the wait before the second attempt, in milliseconds. It doubles
	// with each attempt up to BackoffMaxMS; each wait is shortened at random by up to half.
	BackoffMS    int64 `json:"backoff_ms,omitempty"`
	BackoffMaxMS int64 `json:"backoff_max_ms,omitempty"`
	// VisibilityTimeoutMS is how long a message stays with a node that no longer
	// answers. While the node lives the message stays with it.
	VisibilityTimeoutMS int64 `json:"visibility_timeout_ms,omitempty"`
}

// DefaultDelivery is what zero fields of a Delivery mean.
var DefaultDelivery = Delivery{
	Concurrency: 4, BatchSize: 1, MaxAttempts: 5, BackoffMS: 1000, BackoffMaxMS: 10 * 60 * 1000, VisibilityTimeoutMS: 30_000,
}

// maxDelivery is what the fields of a Delivery can be at most.
var maxDelivery = Delivery{
	Concurrency: 256, BatchSize: 100, MaxAttempts: 100, BackoffMS: 24 * 3600_000, BackoffMaxMS: 24 * 3600_000, VisibilityTimeoutMS: 12 * 3600_000,
}

// MinVisibilityTimeoutMS is the shortest visibility timeout: a lease has to last
// longer than it takes to extend it.
const MinVisibilityTimeoutMS = 1000

// WithDefaults returns d with the default in place of each zero field.
func (d Delivery) WithDefaults() Delivery {
	e := DefaultDelivery
	d.Concurrency = cmp.Or(d.Concurrency, e.Concurrency)
	d.BatchSize = cmp.Or(d.BatchSize, e.BatchSize)
	d.MaxAttempts = cmp.Or(d.MaxAttempts, e.MaxAttempts)
	d.BackoffMS = cmp.Or(d.BackoffMS, e.BackoffMS)
	d.BackoffMaxMS = cmp.Or(d.BackoffMaxMS, max(e.BackoffMaxMS, d.BackoffMS))
	d.VisibilityTimeoutMS = cmp.Or(d.VisibilityTimeoutMS, e.VisibilityTimeoutMS)
	return d
}

// Check reports the first field that is out of bounds, by its JSON name, and in
// words for the person who chose it what is wrong; field is "" when all is well.
func (d Delivery) Check() (field, problem string) {
	for _, f := range []struct {
		name            string
		value, low, top int64
	}{
		{"concurrency", d.Concurrency, 1, maxDelivery.Concurrency},
		{"batch_size", d.BatchSize, 1, maxDelivery.BatchSize},
		{"max_attempts", d.MaxAttempts, 1, maxDelivery.MaxAttempts},
		{"backoff_ms", d.BackoffMS, 1, maxDelivery.BackoffMS},
		{"backoff_max_ms", d.BackoffMaxMS, max(1, d.BackoffMS), maxDelivery.BackoffMaxMS},
		{"visibility_timeout_ms", d.VisibilityTimeoutMS, MinVisibilityTimeoutMS, maxDelivery.VisibilityTimeoutMS},
	} {
		if f.value != 0 && (f.value < f.low || f.value > f.top) {
			if strings.HasSuffix(f.name, "_ms") {
				return f.name, fmt.Sprintf("%d ms is not possible: it is at least %d ms (%s) and at most %d ms (%s)",
					f.value, f.low, milliseconds(f.low), f.top, milliseconds(f.top))
			}
			return f.name, fmt.Sprintf("%d is not possible: it is at least %d and at most %d", f.value, f.low, f.top)
		}
	}
	return "", ""
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Backoff returns how long to wait after the given number of failed attempts, 1
// or more. random, at least 0 and below 1, is what it is shortened by: all of it
// is half.
func (d Delivery) Backoff(failed int64, random float64) time.Duration {
	d = d.WithDefaults()
	ms := d.BackoffMaxMS
	if shift := max(failed, 1) - 1; shift < 40 && d.BackoffMS<<shift < ms {
		ms = d.BackoffMS << shift
	}
	return time.Duration(float64(ms)*(1-random/2)*1000) * time.Microsecond
}

// ManifestQueue says who consumes a queue.
type ManifestQueue struct {
	Delivery
}

// ManifestSubscription delivers what is published on the topics that match a pattern.
type ManifestSubscription struct {
	Delivery
	Pattern string `json:"pattern"`
}

// ManifestSchedule delivers an event at each time that a cron expression names.
type ManifestSchedule struct {
	Delivery
	Cron     string `json:"cron"`               // five fields, or "@every 10m"
	Timezone string `json:"timezone,omitempty"` // IANA; empty: UTC
	Overlap  string `json:"overlap,omitempty"`  // "skip" (default), "queue", "allow"
	CatchUp  string `json:"catch_up,omitempty"` // "one" (default), "none"
	JitterMS int64  `json:"jitter_ms,omitempty"`
}

// delivery returns how its messages are delivered: one by one, and unless runs
// may overlap, one at a time.
func (s ManifestSchedule) delivery() Delivery {
	d := s.Delivery
	d.BatchSize = 1
	if s.Overlap != OverlapAllow {
		d.Concurrency = 1
	}
	return d
}

// Alone reports whether a message of the channel is not to be delivered while
// another one of it is worked on, on any node.
func (d Delivery) Alone(kind ChannelKind) bool {
	return kind == ChannelSchedule && d.Concurrency == 1
}

// ManifestKVTrigger delivers an event for each key under a prefix that a commit changed.
type ManifestKVTrigger struct {
	Delivery
	Prefix string `json:"prefix"`
}

// Delivery returns how a channel's messages are delivered; false when the
// deployment has no script for them. Those of the kind http are delivered to the
// script that the channel is named after.
func (m *Manifest) Delivery(kind ChannelKind, name string) (d Delivery, ok bool) {
	switch kind {
	case ChannelQueue:
		t, found := m.Queues[name]
		d, ok = t.Delivery, found
	case ChannelTopic:
		t, found := m.Subscriptions[name]
		d, ok = t.Delivery, found
	case ChannelSchedule:
		t, found := m.Schedules[name]
		d, ok = t.delivery(), found
	case ChannelKV:
		t, found := m.KVTriggers[name]
		d, ok = t.Delivery, found
	case ChannelHTTP:
		s, found := m.Scripts[name]
		d, ok = Delivery{Script: name}, found && s.Endpoint
	}
	if ok {
		_, ok = m.Scripts[d.Script]
	}
	return d, ok
}

// TriggersOf returns what delivers to a script, in words: `the queue "emails"`.
func (m *Manifest) TriggersOf(script string) []string {
	var list []string
	m.EachTrigger(func(kind ChannelKind, name string, d Delivery) {
		if d.Script == script {
			list = append(list, fmt.Sprintf("the %s %q", triggerNames[kind], name))
		}
	})
	slices.Sort(list)
	return list
}

var triggerNames = map[ChannelKind]string{
	ChannelQueue: "queue", ChannelTopic: "subscription", ChannelSchedule: "schedule", ChannelKV: "KV trigger",
}

// TriggerNoun is what a kind of trigger is called.
func TriggerNoun(kind ChannelKind) string { return triggerNames[kind] }

// EachTrigger calls f for every trigger, with the kind and name of its channel.
func (m *Manifest) EachTrigger(f func(kind ChannelKind, name string, d Delivery)) {
	for name, t := range m.Queues {
		f(ChannelQueue, name, t.Delivery)
	}
	for name, t := range m.Subscriptions {
		f(ChannelTopic, name, t.Delivery)
	}
	for name, t := range m.Schedules {
		f(ChannelSchedule, name, t.delivery())
	}
	for name, t := range m.KVTriggers {
		f(ChannelKV, name, t.Delivery)
	}
}
