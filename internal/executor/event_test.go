package executor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// ofQueue makes a run one of messages of a queue, with the given payloads.
func ofQueue(t *testing.T, batch bool, payloads ...rhai.Value) func(*invoke.Start) {
	t.Helper()
	var events []invoke.Event
	lease := &invoke.Lease{Token: "lease", Expires: time.Now().Add(time.Hour)}
	for i, p := range payloads {
		raw, err := value.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		e := invoke.Event{ID: fmt.Sprintf("m%d", i+1), Kind: "queue", Source: "emails", Payload: raw, Attempt: i + 1, Time: time.UnixMilli(1000), Depth: int64(i + 1)}
		lease.Messages = append(lease.Messages, e.ID)
		events = append(events, e)
	}
	return func(s *invoke.Start) {
		s.Request, s.Trigger, s.Lease = nil, "queue", lease
		if batch {
			s.Batch = events
		} else {
			s.Event = &events[0]
		}
	}
}

func TestEvents(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		for _, c := range []struct {
			script string
			batch  bool
			kept   string
			failed string
		}{
			{script: `kv::set("k", [event.id, event.kind, event.source, event.payload, event.attempt, event.time])`, kept: `k=["m1", "queue", "emails", 7, 1, 1000]`},
			{script: `kv::set("k", events.len() + events[1].payload)`, batch: true, kept: "k=10"},
			{script: `for e in events { kv::add(e.source, e.attempt) }`, batch: true, kept: "emails=3"},
			{script: `event`, batch: true, failed: "Variable not found: event (line 1, position 1)\na batch of messages started it: what came is in events"},
			{script: `request.json()`, failed: "one queue event started it: what came is in event"},
			{script: `events`, failed: "events"},
			{script: `request`, failed: "request"},
			{script: `kv::set("k", 1); throw "no"`, failed: "no"},
			{script: `kv::set("k", 1); throw http_error(404, "gone")`, failed: "gone"},
			{script: `#{ not: "an answer" }`},
		} {
			b.host.commits = nil
			b.host.data = newBench(t, nil).host.data
			res := b.run(c.script, ofQueue(t, c.batch, rhai.Int(7), rhai.Int(8)))
			if (res.Status == store.StatusOK) != (c.failed == "") || !strings.Contains(res.Error, c.failed) {
				t.Errorf("%s: %s (%s)", c.script, res.Status, res.Error)
			}
			if got := b.kept(); got != c.kept {
				t.Errorf("%s: kept %s, want %s", c.script, got, c.kept)
			}
			want := 1
			if c.failed != "" {
				want = 0
			}
			if len(b.host.commits) != want {
				t.Fatalf("%s: %d commits", c.script, len(b.host.commits))
			}
			if want == 1 {
				got := b.host.commits[0]
				if len(got.Acks) != 2 || got.Acks[1] != "m2" || got.Lease == nil || got.Lease.Token != "lease" {
					t.Errorf("%s: acknowledged %v under %v", c.script, got.Acks, got.Lease)
				}
			}
		}
	})
}

func TestQueueSend(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		b.run(`queue::send("emails", #{ n: 1.0 }); queue::send("later", (), #{ delay: 1.5, idempotency_key: "k" })`, nil)
		if len(b.host.commits) != 1 || len(b.host.commits[0].Sends) != 2 {
			t.Fatalf("commits %+v", b.host.commits)
		}
		sends := b.host.commits[0].Sends
		v, err := value.Decode(sends[0].Payload, func(int) error { return nil })
		if err != nil || v.String() != `#{"n": 1.0}` || sends[0].Queue != "emails" {
			t.Errorf("sent %v to %s, %v", v, sends[0].Queue, err)
		}
		if s := sends[1]; s.Queue != "later" || s.Delay != 1500*time.Millisecond || s.IdempotencyKey != "k" {
			t.Errorf("sent %+v", s)
		}
		for script, want := range map[string]string{
			`queue::send("No", 1)`:                          `contains 'N'`,
			`queue::send("", 1)`:                            "is empty",
			`queue::send("a", || 1)`:                        "",
			`queue::send("a", 1, #{ delay: -1 })`:           "delay",
			`queue::send("a", 1, #{ delay: "x" })`:          "delay",
			`queue::send("a", 1, #{ delay: 1e300 })`:        "delay",
			`queue::send("a", 1, #{ idempotency_key: "" })`: "idempotency_key",
			`let k = "\x00"; k.pad(256, '\x00'); queue::send("a", 1, #{ idempotency_key: k })`: "idempotency_key",
			`queue::send("a", 1, #{ when: 1 })`:                                                `no option "when"`,
			`queue::send("a", 1); throw "late"`:                                                "late",
			`for i in 0..2000 { queue::send("a", i) }`:                                         "1000 messages",
			`let s = "x"; s.pad(1048577, "x"); queue::send("a", s)`:                            "",
		} {
			b.host.commits = nil
			if res := b.run(script, nil); res.Status == store.StatusOK || !strings.Contains(res.Error, want) || len(b.host.commits) != 0 {
				t.Errorf("%s: %s (%s), %d commits", script, res.Status, res.Error, len(b.host.commits))
			}
		}
		deep := func(s *invoke.Start) {
			ofQueue(t, false, rhai.Unit())(s)
			s.Event.Depth = store.MaxDepth
		}
		for _, script := range []string{`queue::send("a", 1)`, `topic::publish("a", 1)`} {
			if res := b.run(script, deep); !strings.Contains(res.Error, "number 16 of a chain") {
				t.Errorf("%s: %s", script, res.Error)
			}
		}
	})
}

// An event's run that fails after it read what has changed since is a conflict,
// not a failure of the script's.
func TestStaleFailure(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.keep("n", rhai.Int(1))
	for _, c := range []struct {
		script  string
		meddled bool
		want    string
	}{
		{`kv::get("n"); throw "odd"`, false, "odd"},
		{`kv::get("n"); throw "odd"`, true, "has changed meanwhile"},
		{`throw "odd"`, true, "odd"},
		{`kv::get("n"); loop {}`, true, "operations"},
	} {
		times := 0
		if c.meddled {
			times = 1
		}
		res, err := b.exec.Run(t.Context(), b.start(c.script, ofQueue(t, false, rhai.Unit())), &meddler{b.host, b, times})
		if err != nil || !strings.Contains(res.Error, c.want) {
			t.Errorf("%s: %s (%s), %v", c.script, res.Status, res.Error, err)
		}
	}
}
