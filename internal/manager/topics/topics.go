// Package topics manages which scripts are told of what is published, and
// publishes.
package topics

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/channels"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
	"github.com/picloud/picloud/internal/value"
)

// Subscription delivers what is published on matching topics to a script.
type Subscription struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern" example:"orders.*"`
	channels.Delivery
	State channels.ChannelState `json:"state"`
}

// Subscribe is what a subscription is to be.
type Subscribe struct {
	Pattern string `json:"pattern" maxLength:"1000" example:"orders.*" doc:"Tokens with dots between them; * stands for one token, > at the end for one or more"`
	channels.Delivery
}

// PublishEvent is an event.
type PublishEvent struct {
	Payload json.RawMessage `json:"payload,omitempty" doc:"Any JSON: a number without a fraction is an integer in Rhai; null, or nothing, is ()"`
}

// Published says which subscriptions get an event.
type Published struct {
	Topic      string          `json:"topic"`
	Deliveries []TopicDelivery `json:"deliveries" nullable:"false"`
}

// TopicDelivery is an event's copy for one subscription.
type TopicDelivery struct {
	Subscription string `json:"subscription"`
	EventID      string `json:"event_id" doc:"What the script sees as event.id"`
}

const (
	noun = "subscription"
	all  = "/apps/{app}/subscriptions"
	one  = all + "/{name}"
	tag  = "topics"
)

// Register adds the operations.
func Register(a *api.API, st channels.Store, now func() time.Time) {
	s := &service{channels.Config{
		Kind: store.ChannelTopic, Noun: noun, ID: "Subscription", Path: one, Tag: tag, Clearing: &sync.Mutex{}, Store: st, Now: now,
		Has: func(m *store.Manifest, name string) bool { _, ok := m.Subscriptions[name]; return ok },
	}}
	api.Register(a, api.Op{
		ID: "listSubscriptions", Method: http.MethodGet, Path: all, Tag: tag, Action: auth.ViewScripts,
		Summary: "List an app's subscriptions by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "getSubscription", Method: http.MethodGet, Path: one, Tag: tag, Action: auth.ViewScripts,
		Summary: "Show a subscription",
	}, s.show)
	api.Register(a, api.Op{
		ID: "subscribe", Method: http.MethodPut, Path: one, Tag: tag, Action: auth.ChangeScripts, AlsoStatus: http.StatusCreated,
		Summary:     "Tell a script of what is published on matching topics",
		Description: "Creates the subscription (201), or replaces its settings (200): what waits is delivered by the new ones.",
	}, s.subscribe)
	api.Register(a, api.Op{
		ID: "unsubscribe", Method: http.MethodDelete, Path: one, Tag: tag, Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Remove a subscription", Description: "What is left of its messages is deleted.",
	}, s.unsubscribe)
	api.Register(a, api.Op{
		ID: "publishEvent", Method: http.MethodPost, Path: "/apps/{app}/topics/{topic}/events", Tag: tag, Action: auth.InvokeScripts,
		Summary: "Publish an event", Description: "Answers when it is durable. Nobody has to subscribe.",
		Status: http.StatusAccepted, MaxBody: 2 * store.MaxPayload, Errors: []int{http.StatusInsufficientStorage},
	}, s.publish)
	channels.Register(a, s.Config)
}

type service struct{ channels.Config }

func of(name string, m store.ManifestSubscription, state store.ChannelState) Subscription {
	return Subscription{Name: name, Pattern: m.Pattern, Delivery: channels.DeliveryOf(m.Delivery), State: channels.StateOf(state)}
}

func subscriptions(m *store.Manifest) *map[string]store.ManifestSubscription { return &m.Subscriptions }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*channels.Listing[Subscription], error) {
	return channels.List(ctx, &s.Config, in.PageQuery, subscriptions, of)
}

func (s *service) show(ctx context.Context, in *channels.Path) (*channels.Answer[Subscription], error) {
	return channels.Show(ctx, &s.Config, in.Name, subscriptions, of)
}

func (s *service) subscribe(ctx context.Context, in *struct {
	channels.Path
	Body Subscribe
},
) (*channels.Answer[Subscription], error) {
	if err := store.CheckTriggerName(noun, in.Name); err != nil {
		return nil, api.Invalid("path.name", err.Error(), in.Name)
	}
	if err := topic.CheckPattern(in.Body.Pattern); err != nil {
		return nil, api.Invalid("body.pattern", err.Error(), in.Body.Pattern)
	}
	wanted := store.ManifestSubscription{Pattern: in.Body.Pattern, Delivery: in.Body.Delivery.Store()}
	if err := channels.CheckDelivery(wanted.Delivery); err != nil {
		return nil, err
	}
	note := fmt.Sprintf("subscription %s: %s to %s", in.Name, in.Body.Pattern, in.Body.Script)
	return channels.Set(ctx, &s.Config, in.Name, note, in.Body.Script, wanted, subscriptions,
		func() (*channels.Answer[Subscription], error) { return s.show(ctx, &in.Path) })
}

func (s *service) unsubscribe(ctx context.Context, in *channels.Path) (*struct{}, error) {
	s.Clearing.Lock()
	defer s.Clearing.Unlock()
	if err := channels.Delete(ctx, &s.Config, in.Name, "remove the subscription "+in.Name, subscriptions, channels.Unknown(ctx, noun, in.Name)); err != nil {
		return nil, err
	}
	return nil, channels.Clear(ctx, s.Config, in.Name)
}

type publishedOutput struct{ Body Published }

func (s *service) publish(ctx context.Context, in *struct {
	api.AppPath
	Topic string `path:"topic" maxLength:"1000" example:"orders.created"`
	Body  PublishEvent
},
) (*publishedOutput, error) {
	if err := topic.Check(in.Topic); err != nil {
		return nil, api.Invalid("path.topic", err.Error(), in.Topic)
	}
	e := topic.Event{AppID: api.App(ctx).ID, Topic: in.Topic, Depth: 1, At: s.Now()}
	raw := in.Body.Payload
	if len(raw) == 0 {
		raw = json.RawMessage("null")
	}
	v, err := value.FromJSON(raw)
	if err != nil {
		return nil, api.Invalid("body.payload", err.Error(), nil)
	}
	if e.Payload, err = value.Encode(v); err != nil {
		return nil, api.Invalid("body.payload", err.Error(), nil)
	}
	m, err := channels.Active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	added, err := s.Store.Enqueue(ctx, e.Messages(topic.Subscriptions(m).Match(in.Topic))...)
	if err != nil {
		return nil, err
	}
	out := &publishedOutput{Published{Topic: in.Topic, Deliveries: make([]TopicDelivery, len(added))}}
	for i := range added {
		out.Body.Deliveries[i] = TopicDelivery{added[i].Name, added[i].ID}
	}
	return out, nil
}
