package executor

import (
	"fmt"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/rhai"
)

// event is what started the run, as scripts have it. The payload is made when a
// script first asks for it.
type event struct {
	ev      *invoke.Event
	payload rhai.Value // unit until it is made
}

var eventType = rhai.NewType[*event]("Event").
	Describe("What started the script, if that was no HTTP request: the constant `event`. " +
		"A script that gets its messages in batches finds the array `events` instead, also when there is only one.").
	Print(func(e *event) string { return fmt.Sprintf("%s event %s", e.ev.Kind, e.ev.ID) })

func eventGetter(name, returns, doc, example string, f func(*rhai.Call, *event) (rhai.Value, error)) *rhai.Native {
	return &rhai.Native{
		Name: "get$" + name, Params: params(hostParam("event", eventType.HostType())), Returns: returns, Doc: doc, Example: example,
		Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			v, _, _ := c.Arg(0).AsHost()
			return f(c, v.(*event))
		},
	}
}

func eventFunctions() []*rhai.Native {
	return []*rhai.Native{
		eventGetter("id", "string", "Names the event. It stays the same when the event is delivered again.",
			`event.id // "01993c5e-7a00-7000-8000-000000000007"`,
			func(c *rhai.Call, e *event) (rhai.Value, error) { return c.String(e.ev.ID) }),
		eventGetter("kind", "string", "What it came by: `queue`, `topic`, `schedule` or `kv`.", `event.kind // "queue"`,
			func(c *rhai.Call, e *event) (rhai.Value, error) { return c.String(e.ev.Kind) }),
		eventGetter("source", "string", "The queue, the topic, the schedule, or the key that was changed.", `event.source // "emails"`,
			func(c *rhai.Call, e *event) (rhai.Value, error) { return c.String(e.ev.Source) }),
		eventGetter("payload", "any", "What was sent or published, with its type.", `event.payload.to // "ada@example.com"`,
			func(c *rhai.Call, e *event) (rhai.Value, error) {
				if len(e.ev.Payload) == 0 {
					return rhai.Unit(), nil
				}
				return once(&e.payload, func() (rhai.Value, error) { return loaded(c, e.ev.Payload) })
			}),
		eventGetter("attempt", "int", "Counts the deliveries of this event: 1 is the first. What a conflict runs again is not counted.", `event.attempt // 1`,
			func(_ *rhai.Call, e *event) (rhai.Value, error) { return rhai.Int(int64(e.ev.Attempt)), nil }),
		eventGetter("time", "int", "When it came about, in milliseconds since 1970.", `time::iso(event.time) // "2026-03-01T12:00:00.000Z"`,
			func(_ *rhai.Call, e *event) (rhai.Value, error) { return rhai.Int(e.ev.Time.UnixMilli()), nil }),
	}
}

// fillEvents puts the event, or the batch, into the scope.
func (r *run) fillEvents(s *rhai.Scope) {
	if e := r.start.Event; e != nil {
		s.PushConst("event", rhai.Host(eventType.HostType(), &event{ev: e}))
	}
	if batch := r.start.Batch; batch != nil {
		list := make([]rhai.Value, len(batch))
		for i := range batch {
			list[i] = rhai.Host(eventType.HostType(), &event{ev: &batch[i]})
		}
		s.PushConst("events", rhai.Array(list))
	}
}

// checkStale asks, when the run of an event failed, whether what it read is still
// true: if not, that is why, and err says so.
func (r *run) checkStale(err error) error {
	if !r.start.IsEvent() || len(r.unit.Reads) == 0 || r.broken != nil || !catchable(err) {
		return err
	}
	r.unit.revert()
	if stale := r.commit(); stale != nil && r.refusal.outcome.Verdict == invoke.Conflict {
		return stale
	}
	return err
}
