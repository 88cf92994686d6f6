package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// MessageQuery selects messages. The zero value is the first page of all.
type MessageQuery struct {
	State string // ready, delayed, in-flight or dead
	Page
}

// ListSubscriptions returns an app's subscriptions by name.
func (c *Client) ListSubscriptions(ctx context.Context, app string, p Page) (ListSubscription, error) {
	return call[ListSubscription](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSubscriptions(ctx, app, &ListSubscriptionsParams{Limit: p.limit(), After: p.after()})
	})
}

// Subscription returns a subscription of an app.
func (c *Client) Subscription(ctx context.Context, app, name string) (Subscription, error) {
	return call[Subscription](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetSubscription(ctx, app, name) })
}

// Subscribe creates a subscription of an app, or replaces its settings.
func (c *Client) Subscribe(ctx context.Context, app, name string, s Subscribe) (sub Subscription, created bool, err error) {
	status, err := callStatus(ctx, &sub, func(ctx context.Context) (*http.Response, error) { return c.api.Subscribe(ctx, app, name, s) })
	return sub, status == http.StatusCreated, err
}

// Unsubscribe removes a subscription of an app, and what is left of its messages.
func (c *Client) Unsubscribe(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.Unsubscribe(ctx, app, name) })
	return err
}

// PublishEvent publishes an event with a payload in JSON.
func (c *Client) PublishEvent(ctx context.Context, app, topic string, payload json.RawMessage) (Published, error) {
	return call[Published](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.PublishEvent(ctx, app, topic, PublishEvent{Payload: payload})
	})
}

// ListSubscriptionMessages returns a page of a subscription's messages, the oldest first.
func (c *Client) ListSubscriptionMessages(ctx context.Context, app, name string, q MessageQuery) (ListMessage, error) {
	return call[ListMessage](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSubscriptionMessages(ctx, app, name, &ListSubscriptionMessagesParams{
			State: optional(ListSubscriptionMessagesParamsState(q.State)), Limit: q.limit(), After: q.after(),
		})
	})
}

// RedriveSubscription has dead letters of a subscription delivered again: those
// with the IDs, or all. It returns how many.
func (c *Client) RedriveSubscription(ctx context.Context, app, name string, which Chosen) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.RedriveSubscription(ctx, app, name, which)
	})
	return n.Count, err
}

// PurgeSubscription deletes messages of a subscription that wait, or dead
// letters: those with the IDs, or all. It returns how many.
func (c *Client) PurgeSubscription(ctx context.Context, app, name string, p Purge) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.PurgeSubscription(ctx, app, name, p) })
	return n.Count, err
}

// PauseSubscription keeps a subscription's messages from being delivered, or has
// them delivered again.
func (c *Client) PauseSubscription(ctx context.Context, app, name string, paused bool) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		if paused {
			return c.api.PauseSubscription(ctx, app, name)
		}
		return c.api.ResumeSubscription(ctx, app, name)
	})
	return err
}
