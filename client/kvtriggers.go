package client

import (
	"context"
	"net/http"
)

// ListKVTriggers returns an app's KV triggers by name.
func (c *Client) ListKVTriggers(ctx context.Context, app string, p Page) (ListKVTrigger, error) {
	return call[ListKVTrigger](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListKVTriggers(ctx, app, &ListKVTriggersParams{Limit: p.limit(), After: p.after()})
	})
}

// KVTrigger returns a KV trigger of an app.
func (c *Client) KVTrigger(ctx context.Context, app, name string) (KVTrigger, error) {
	return call[KVTrigger](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetKVTrigger(ctx, app, name) })
}

// SetKVTrigger creates a KV trigger of an app, or replaces its settings.
func (c *Client) SetKVTrigger(ctx context.Context, app, name string, t SetKVTrigger) (set KVTrigger, created bool, err error) {
	status, err := callStatus(ctx, &set, func(ctx context.Context) (*http.Response, error) { return c.api.SetKVTrigger(ctx, app, name, t) })
	return set, status == http.StatusCreated, err
}

// DeleteKVTrigger removes a KV trigger of an app, and what is left of its messages.
func (c *Client) DeleteKVTrigger(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteKVTrigger(ctx, app, name) })
	return err
}

// ListKVTriggerMessages returns a page of a KV trigger's messages, the oldest first.
func (c *Client) ListKVTriggerMessages(ctx context.Context, app, name string, q MessageQuery) (ListMessage, error) {
	return call[ListMessage](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListKVTriggerMessages(ctx, app, name, &ListKVTriggerMessagesParams{
			State: optional(ListKVTriggerMessagesParamsState(q.State)), Limit: q.limit(), After: q.after(),
		})
	})
}

// RedriveKVTrigger has dead letters of a KV trigger delivered again: those with
// the IDs, or all. It returns how many.
func (c *Client) RedriveKVTrigger(ctx context.Context, app, name string, which Chosen) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.RedriveKVTrigger(ctx, app, name, which)
	})
	return n.Count, err
}

// PurgeKVTrigger deletes messages of a KV trigger that wait, or dead letters:
// those with the IDs, or all. It returns how many.
func (c *Client) PurgeKVTrigger(ctx context.Context, app, name string, p Purge) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.PurgeKVTrigger(ctx, app, name, p) })
	return n.Count, err
}

// PauseKVTrigger keeps a KV trigger's messages from being delivered, or has them
// delivered again.
func (c *Client) PauseKVTrigger(ctx context.Context, app, name string, paused bool) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		if paused {
			return c.api.PauseKVTrigger(ctx, app, name)
		}
		return c.api.ResumeKVTrigger(ctx, app, name)
	})
	return err
}
