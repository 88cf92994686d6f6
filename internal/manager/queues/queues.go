// Package queues manages who consumes an app's queues, and sends to them.
package queues

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/channels"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// Queue is one that has a consumer, or had messages.
type Queue struct {
	Name     string                `json:"name"`
	Consumer *channels.Delivery    `json:"consumer,omitempty" doc:"Who consumes it; absent: nobody, and messages wait"`
	State    channels.ChannelState `json:"state"`
}

// SendMessage is a message to be.
type SendMessage struct {
	Payload        json.RawMessage `json:"payload,omitempty" doc:"Any JSON: a number without a fraction is an integer in Rhai; null, or nothing, is ()"`
	Delay          float64         `json:"delay,omitempty" minimum:"0" maximum:"31536000" doc:"Seconds after which it is delivered"`
	IdempotencyKey string          `json:"idempotency_key,omitempty" minLength:"1" maxLength:"256" doc:"If the queue got a message with this key within the last 24 hours, nothing is sent"`
}

// SentMessage says what became of it.
type SentMessage struct {
	ID   string `json:"id,omitempty" doc:"What the script sees as event.id; absent when nothing was sent"`
	Sent bool   `json:"sent" doc:"false: the queue knows the idempotency key already"`
}

const (
	noun = "queue"
	all  = "/apps/{app}/queues"
	one  = all + "/{name}"
	tag  = "queues"
)

// Register adds the operations.
func Register(a *api.API, st channels.Store, now func() time.Time) {
	s := &service{channels.Config{
		Kind: store.ChannelQueue, Noun: noun, ID: "Queue", Path: one, Tag: tag, Store: st, Now: now,
		Has: func(m *store.Manifest, name string) bool { _, ok := m.Queues[name]; return ok },
	}}
	api.Register(a, api.Op{
		ID: "listQueues", Method: http.MethodGet, Path: all, Tag: tag, Action: auth.ViewScripts,
		Summary: "List an app's queues by name", Description: "Those that have a consumer, and those that something was sent to.",
	}, s.list)
	api.Register(a, api.Op{
		ID: "getQueue", Method: http.MethodGet, Path: one, Tag: tag, Action: auth.ViewScripts,
		Summary: "Show a queue",
	}, s.show)
	api.Register(a, api.Op{
		ID: "consumeQueue", Method: http.MethodPut, Path: one, Tag: tag, Action: auth.ChangeScripts, AlsoStatus: http.StatusCreated,
		Summary:     "Have a script consume a queue",
		Description: "Gives the queue a consumer (201), or replaces it and its settings (200): what waits is delivered by the new ones.",
	}, s.consume)
	api.Register(a, api.Op{
		ID: "releaseQueue", Method: http.MethodDelete, Path: one, Tag: tag, Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Take a queue's consumer away", Description: "Its messages stay and wait for the next.",
	}, s.release)
	api.Register(a, api.Op{
		ID: "sendMessage", Method: http.MethodPost, Path: one + "/messages", Tag: tag, Action: auth.InvokeScripts,
		Summary: "Send a message to a queue", Description: "Answers when it is durable. A queue needs no creating.",
		Status: http.StatusAccepted, MaxBody: 2 * store.MaxPayload, Errors: []int{http.StatusInsufficientStorage},
	}, s.send)
	channels.Register(a, s.Config)
}

type service struct{ channels.Config }

func of(name string, m *store.Manifest, state store.ChannelState) Queue {
	q := Queue{Name: name, State: channels.StateOf(state)}
	if c, ok := m.Queues[name]; ok {
		d := channels.DeliveryOf(c.Delivery)
		q.Consumer = &d
	}
	return q
}

func consumers(m *store.Manifest) *map[string]store.ManifestQueue { return &m.Queues }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*channels.Listing[Queue], error) {
	m, err := channels.Active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	states, err := s.States(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(m.Queues)), maps.Keys(states))
	slices.Sort(names)
	return channels.ByName(slices.Compact(names), in.PageQuery, func(name string) Queue { return of(name, m, states[name]) }), nil
}

func (s *service) show(ctx context.Context, in *channels.Path) (*channels.Answer[Queue], error) {
	m, err := channels.Active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	state, err := s.State(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if !s.Has(m, in.Name) && state == (store.ChannelState{Channel: state.Channel}) {
		return nil, channels.Unknown(ctx, noun, in.Name)
	}
	return &channels.Answer[Queue]{Status: http.StatusOK, Body: of(in.Name, m, state)}, nil
}

func (s *service) consume(ctx context.Context, in *struct {
	channels.Path
	Body channels.Delivery
},
) (*channels.Answer[Queue], error) {
	if err := store.CheckTriggerName(noun, in.Name); err != nil {
		return nil, api.Invalid("path.name", err.Error(), in.Name)
	}
	wanted := store.ManifestQueue{Delivery: in.Body.Store()}
	if err := channels.CheckDelivery(wanted.Delivery); err != nil {
		return nil, err
	}
	return channels.Set(ctx, &s.Config, in.Name, fmt.Sprintf("queue %s: to %s", in.Name, in.Body.Script), in.Body.Script, wanted, consumers,
		func() (*channels.Answer[Queue], error) { return s.show(ctx, &in.Path) })
}

func (s *service) release(ctx context.Context, in *channels.Path) (*struct{}, error) {
	return nil, channels.Delete(ctx, &s.Config, in.Name, "queue "+in.Name+": no consumer", consumers,
		api.Refuse(http.StatusNotFound, "the queue %.100q of %s has no consumer", in.Name, api.App(ctx).Slug))
}

type sentOutput struct{ Body SentMessage }

func (s *service) send(ctx context.Context, in *struct {
	channels.Path
	Body SendMessage
},
) (*sentOutput, error) {
	if err := store.CheckTriggerName(noun, in.Name); err != nil {
		return nil, api.Invalid("path.name", err.Error(), in.Name)
	}
	if err := store.CheckIdempotencyKey(in.Body.IdempotencyKey); err != nil {
		return nil, api.Invalid("body.idempotency_key", err.Error(), in.Body.IdempotencyKey)
	}
	raw := in.Body.Payload
	if len(raw) == 0 {
		raw = json.RawMessage("null")
	}
	v, err := value.FromJSON(raw)
	if err != nil {
		return nil, api.Invalid("body.payload", err.Error(), nil)
	}
	payload, err := value.Encode(v)
	if err != nil {
		return nil, api.Invalid("body.payload", err.Error(), nil)
	}
	now := s.Now()
	added, err := s.Store.Enqueue(ctx, store.Message{
		ID: store.NewIDAt(now), Channel: store.Channel{AppID: api.App(ctx).ID, Kind: s.Kind, Name: in.Name}, Source: in.Name,
		Payload: payload, Depth: 1, CreatedAt: now, DueAt: now.Add(time.Duration(in.Body.Delay * 1e9)).Truncate(time.Microsecond),
		IdempotencyKey: in.Body.IdempotencyKey,
	})
	if err != nil {
		return nil, err
	}
	out := &sentOutput{}
	if out.Body.Sent = len(added) == 1; out.Body.Sent {
		out.Body.ID = added[0].ID
	}
	return out, nil
}
