package client

import (
	"context"
	"net/http"
)

// ListQueues returns an app's queues by name: those that have a consumer, and
// those that something was sent to.
func (c *Client) ListQueues(ctx context.Context, app string, p Page) (ListQueue, error) {
	return call[ListQueue](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListQueues(ctx, app, &ListQueuesParams{Limit: p.limit(), After: p.after()})
	})
}

// Queue returns a queue of an app.
func (c *Client) Queue(ctx context.Context, app, name string) (Queue, error) {
	return call[Queue](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetQueue(ctx, app, name) })
}

// ConsumeQueue has a script consume a queue, in place of the one that did.
func (c *Client) ConsumeQueue(ctx context.Context, app, name string, d Delivery) (q Queue, created bool, err error) {
	status, err := callStatus(ctx, &q, func(ctx context.Context) (*http.Response, error) { return c.api.ConsumeQueue(ctx, app, name, d) })
	return q, status == http.StatusCreated, err
}

// ReleaseQueue takes a queue's consumer away. Its messages wait for the next.
func (c *Client) ReleaseQueue(ctx context.Context, app, name string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.ReleaseQueue(ctx, app, name) })
	return err
}

// SendMessage sends a message to a queue. It is durable when this returns.
func (c *Client) SendMessage(ctx context.Context, app, queue string, m SendMessage) (SentMessage, error) {
	return call[SentMessage](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.SendMessage(ctx, app, queue, m) })
}

// ListQueueMessages returns a page of a queue's messages, the oldest first.
func (c *Client) ListQueueMessages(ctx context.Context, app, name string, q MessageQuery) (ListMessage, error) {
	return call[ListMessage](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListQueueMessages(ctx, app, name, &ListQueueMessagesParams{
			State: optional(ListQueueMessagesParamsState(q.State)), Limit: q.limit(), After: q.after(),
		})
	})
}

// RedriveQueue has dead letters of a queue delivered again: those with the IDs,
// or all. It returns how many.
func (c *Client) RedriveQueue(ctx context.Context, app, name string, which Chosen) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.RedriveQueue(ctx, app, name, which)
	})
	return n.Count, err
}

// PurgeQueue deletes messages of a queue that wait, or dead letters: those with
// the IDs, or all. It returns how many.
func (c *Client) PurgeQueue(ctx context.Context, app, name string, p Purge) (int64, error) {
	n, err := call[Count](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.PurgeQueue(ctx, app, name, p) })
	return n.Count, err
}

// PauseQueue keeps a queue's messages from being delivered, or has them delivered
// again.
func (c *Client) PauseQueue(ctx context.Context, app, name string, paused bool) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		if paused {
			return c.api.PauseQueue(ctx, app, name)
		}
		return c.api.ResumeQueue(ctx, app, name)
	})
	return err
}
