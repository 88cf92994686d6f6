package executor

import (
	"fmt"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/topic"
	"github.com/picloud/picloud/rhai"
)

func topicModule() *rhai.Module {
	return rhai.NewModule("topic").
		Describe("Events for whoever subscribes: each subscription of the app whose pattern takes in the topic gets its own copy, " +
			"with its own attempts. Nobody has to. An event is published with the execution's other changes, at its end, " +
			"and not at all when an error ends it. See [the guide](../topics.md).").
		Register(&rhai.Native{
			Name: "publish", Params: params(textParam("topic"), anyParam("payload")), Returns: "()", Effects: rhai.Volatile,
			Doc: "Publishes an event. A topic is tokens of letters, digits, `-`, `_` and `:` with dots between them. " +
				"The payload is anything but a function, of up to 1 MiB in the form in which it is kept, and keeps its type.",
			Example: `topic::publish("orders.created", #{ id: 7 }) // null`,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				r := runOf(c.Context())
				if r == nil {
					return rhai.Value{}, throw("there are no topics outside an execution")
				}
				name := text(c, 0)
				if err := topic.Check(name); err != nil {
					return rhai.Value{}, throw("topic::publish: " + err.Error())
				}
				if err := r.checkDepth("topic::publish"); err != nil {
					return rhai.Value{}, err
				}
				if err := c.Charge(kvCharge); err != nil {
					return rhai.Value{}, err
				}
				payload, err := stored(c, 1)
				if err != nil {
					return rhai.Value{}, err
				}
				if err := r.message(len(name) + len(payload)); err != nil {
					return rhai.Value{}, err
				}
				r.unit.Publishes = append(r.unit.Publishes, invoke.Publish{Topic: name, Payload: payload})
				return rhai.Unit(), nil
			},
		})
}

// message makes room for one more message, of so many bytes, in the unit.
func (r *run) message(size int) error {
	u := &r.unit
	if len(u.Sends)+len(u.Publishes) >= maxUnitMessages || u.bytes+size > maxUnitBytes {
		return r.exceed(fmt.Sprintf("the limit of %d messages or %d MiB in one commit (%s)", maxUnitMessages, maxUnitBytes>>20, r.relief()))
	}
	u.bytes += size
	return nil
}
