package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func TestDeliveryCheck(t *testing.T) {
	for _, c := range []struct {
		d     store.Delivery
		field string
	}{
		{store.Delivery{}, ""},
		{store.DefaultDelivery, ""},
		{store.Delivery{}.WithDefaults(), ""},
		{store.Delivery{BackoffMS: 3600_000}.WithDefaults(), ""},
		{store.Delivery{Concurrency: 257}, "concurrency"},
		{store.Delivery{Concurrency: -1}, "concurrency"},
		{store.Delivery{BatchSize: 101}, "batch_size"},
		{store.Delivery{MaxAttempts: -3}, "max_attempts"},
		{store.Delivery{BackoffMS: 24*3600_000 + 1}, "backoff_ms"},
		{store.Delivery{BackoffMS: 20, BackoffMaxMS: 10}, "backoff_max_ms"},
		{store.Delivery{VisibilityTimeoutMS: 999}, "visibility_timeout_ms"},
	} {
		if field, problem := c.d.Check(); field != c.field || (problem == "") != (field == "") {
			t.Errorf("%+v: %q, %q, want %q", c.d, field, problem, c.field)
		}
	}
}

// Spans of time are said in the unit of the field, and as people read them.
func TestDeliveryCheckSays(t *testing.T) {
	for _, c := range []struct {
		d    store.Delivery
		want string
	}{
		{store.Delivery{Concurrency: 257}, "257 is not possible: it is at least 1 and at most 256"},
		{store.Delivery{BackoffMS: 3600_000, BackoffMaxMS: 60_000}, "60000 ms is not possible: it is at least 3600000 ms (1h0m0s) and at most 86400000 ms (24h0m0s)"},
	} {
		if _, problem := c.d.Check(); problem != c.want {
			t.Errorf("%+v: %s, want %s", c.d, problem, c.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	d := store.Delivery{BackoffMS: 100, BackoffMaxMS: 1000}
	for failed, want := range []time.Duration{100, 100, 200, 400, 800, 1000, 1000} {
		if got := d.Backoff(int64(failed), 0); got != want*time.Millisecond {
			t.Errorf("after %d: %v", failed, got)
		}
	}
	if got := d.Backoff(1000, 0.5); got != 750*time.Millisecond {
		t.Errorf("late, with jitter: %v", got)
	}
}

func TestManifestDelivery(t *testing.T) {
	m := store.Manifest{
		Scripts:    map[string]store.ManifestScript{"a": {Endpoint: true}, "b": {}},
		Queues:     map[string]store.ManifestQueue{"q": {store.Delivery{Script: "a"}}, "orphan": {store.Delivery{Script: "gone"}}},
		KVTriggers: map[string]store.ManifestKVTrigger{"k": {Delivery: store.Delivery{Script: "a"}}},
	}
	for _, c := range []struct {
		kind   store.ChannelKind
		name   string
		script string
	}{
		{store.ChannelQueue, "q", "a"},
		{store.ChannelKV, "k", "a"},
		{store.ChannelHTTP, "a", "a"},
		{store.ChannelQueue, "orphan", ""},
		{store.ChannelQueue, "none", ""},
		{store.ChannelHTTP, "b", ""},
		{store.ChannelTopic, "q", ""},
	} {
		if d, ok := m.Delivery(c.kind, c.name); ok != (c.script != "") || ok && d.Script != c.script {
			t.Errorf("%s %s: %+v, %v", c.kind, c.name, d, ok)
		}
	}
	if got := m.TriggersOf("a"); !slices.Equal(got, []string{`the KV trigger "k"`, `the queue "q"`}) {
		t.Errorf("the triggers of a: %q", got)
	}
}
