package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// KVQuery selects keys of an app in their order. The zero value is the first page.
type KVQuery struct {
	Prefix string
	Page
}

// ListKV returns a page of an app's keys with their values.
func (c *Client) ListKV(ctx context.Context, app string, q KVQuery) (ListKVEntry, error) {
	return call[ListKVEntry](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListKV(ctx, app, &ListKVParams{Prefix: optional(q.Prefix), Limit: q.limit(), After: q.after()})
	})
}

// KV returns a key of an app with its value.
func (c *Client) KV(ctx context.Context, app, key string) (KVEntry, error) {
	return call[KVEntry](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.GetKV(ctx, app, &GetKVParams{Key: key})
	})
}

// SetKV sets a key of an app to a value in JSON. After ttl the key goes by
// itself; 0: never.
func (c *Client) SetKV(ctx context.Context, app, key string, value json.RawMessage, ttl time.Duration) (KVEntry, error) {
	return call[KVEntry](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.SetKV(ctx, app, &SetKVParams{Key: key}, SetKV{Value: value, TTL: ttl.Seconds()})
	})
}

// DeleteKV deletes a key of an app.
func (c *Client) DeleteKV(ctx context.Context, app, key string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteKV(ctx, app, &DeleteKVParams{Key: key})
	})
	return err
}
