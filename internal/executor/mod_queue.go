package executor

import (
	"fmt"
	"math"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

func queueModule() *rhai.Module {
	return rhai.NewModule("queue").
		Describe("Work for later: a message waits in a queue until the script that consumes it has handled it. "+
			"It is sent with the execution's other changes, at its end, and not at all when an error ends it. See [the guide](../queues.md).").
		Register(
			sendFunction(params(textParam("queue"), anyParam("payload")),
				"Sends a message. The payload is anything but a function, of up to 1 MiB in the form in which it is kept, and keeps its type.",
				`queue::send("emails", #{ to: "ada@example.com" }) // null`),
			sendFunction(params(textParam("queue"), anyParam("payload"), param("options", rhai.TMap)),
				"Sends a message. `delay`: it is delivered after so many seconds. `idempotency_key`: if the queue got a message with this key within the last 24 hours, nothing is sent.",
				`queue::send("reminders", "pay", #{ delay: 3600, idempotency_key: "invoice-7" }) // null`),
		)
}

func sendFunction(p []rhai.Param, doc, example string) *rhai.Native {
	return &rhai.Native{
		Name: "send", Params: p, Returns: "()", Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := runOf(c.Context())
			if r == nil {
				return rhai.Value{}, throw("there are no queues outside an execution")
			}
			m := invoke.Send{Queue: text(c, 0)}
			if err := store.CheckTriggerName("queue", m.Queue); err != nil {
				return rhai.Value{}, throw("queue::send: " + err.Error())
			}
			if err := r.checkDepth("queue::send"); err != nil {
				return rhai.Value{}, err
			}
			if err := c.Charge(kvCharge); err != nil {
				return rhai.Value{}, err
			}
			var err error
			if m.Payload, err = stored(c, 1); err != nil {
				return rhai.Value{}, err
			}
			if len(p) > 2 {
				if err := sendOptions(&m, c.Arg(2)); err != nil {
					return rhai.Value{}, err
				}
			}
			if err := r.message(len(m.Queue) + len(m.Payload) + len(m.IdempotencyKey)); err != nil {
				return rhai.Value{}, err
			}
			r.unit.Sends = append(r.unit.Sends, m)
			return rhai.Unit(), nil
		},
	}
}

// checkDepth refuses a message whose chain would be too long: most likely it
// never ends.
func (r *run) checkDepth(what string) error {
	if r.start.Depth() < store.MaxDepth {
		return nil
	}
	return throw(fmt.Sprintf("%s: this event is number %d of a chain in which each caused the next; no longer one is allowed, lest it never end", what, store.MaxDepth))
}

func sendOptions(m *invoke.Send, options rhai.Value) (err error) {
	options.EachEntry(func(name string, v rhai.Value) bool {
		seconds, isNumber := v.AsFloat()
		if n, isInt := v.AsInt(); isInt {
			seconds, isNumber = float64(n), true
		}
		s, isText := v.AsString()
		switch {
		case name == "delay" && isNumber && !math.IsNaN(seconds) && seconds >= 0 && seconds <= store.MaxDelay.Seconds():
			m.Delay = time.Duration(seconds * 1e9)
		case name == "delay":
			err = throw(fmt.Sprintf("the option delay of queue::send is a number of seconds from 0 to %.0f", store.MaxDelay.Seconds()))
		// The length is that of the key as it is kept: cleaned, it may be longer.
		case name == "idempotency_key" && isText && s != "" && len(clean(s)) <= store.MaxIdempotencyKey:
			m.IdempotencyKey = clean(s)
		case name == "idempotency_key":
			err = throw(fmt.Sprintf("the option idempotency_key of queue::send is a text of 1 to %d bytes", store.MaxIdempotencyKey))
		default:
			err = throw(fmt.Sprintf("queue::send has no option %q: there are delay and idempotency_key", name))
		}
		return err == nil
	})
	return err
}
