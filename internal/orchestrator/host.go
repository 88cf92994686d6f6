package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
)

// host is what one run may ask.
type host struct {
	cfg   *Config
	app   *snapshot // what the run began with
	start *invoke.Start

	verdict invoke.Verdict // of the last commit
	acked   bool           // the delivery's messages are done
	changed bool           // at least one commit was made
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Source implements invoke.Host.
func (h *host) Source(ctx context.Context, hash string) (string, error) {
	return h.cfg.Store.Source(ctx, hash)
}

// Variables implements invoke.Host.
func (h *host) Variables(context.Context) (map[string]string, error) { return h.app.vars, nil }

// Secret implements invoke.Host.
func (h *host) Secret(ctx context.Context, name string) (string, error) {
	return h.cfg.secret(ctx, h.start.AppID, name)
}

// secret returns the value of an app's secret. Why it cannot be opened is for the
// operator's log.
func (c *Config) secret(ctx context.Context, appID, name string) (string, error) {
	if c.Secrets == nil {
		return "", fmt.Errorf("the secret %s: %w", name, store.ErrNotFound)
	}
	value, err := c.Secrets.Secret(ctx, appID, name)
	if err == nil || errors.Is(err, store.ErrNotFound) || ctx.Err() != nil {
		return value, err
	}
	slog.ErrorContext(ctx, "a secret cannot be read", "app_id", appID, "secret", name, "error", err)
	return "", fmt.Errorf("the secret %s cannot be read at the moment: %w", name, store.ErrUnavailable)
}

// Get implements invoke.Host.
func (h *host) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	return h.cfg.Data.KVGet(ctx, h.start.AppID, keys, now())
}

// List implements invoke.Host.
func (h *host) List(ctx context.Context, q invoke.Query) (p invoke.Page, err error) {
	p.Entries, p.More, err = h.cfg.Data.KVList(ctx, store.KVQuery{AppID: h.start.AppID, Prefix: q.Prefix, After: q.After, Limit: q.Limit}, now())
	return p, err
}

// Commit implements invoke.Host.
func (h *host) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	if c.RunID != h.start.RunID {
		return invoke.Outcome{Verdict: invoke.Refused, Detail: "the commit is of another run"}, nil
	}
	at := now()
	change := store.Commit{
		AppID: h.start.AppID, RunID: c.RunID, Seq: c.Seq, Reads: c.Reads, Ops: c.Ops, At: at, MaxBytes: h.cfg.KVBytes,
		Messages: h.messages(c, at), Acks: c.Acks,
	}
	if c.Lease != nil {
		change.Lease = c.Lease.Token
	}
	if c.Response != nil && len(c.Acks) == 1 {
		change.Finished = &store.Invocation{ID: c.Acks[0], Script: h.start.Script, Response: encodeResponse(c.Response)}
	}
	if len(h.app.watched) > 0 && len(c.Ops) > 0 {
		change.Watch = &store.KVWatch{Triggers: h.app.watched, Depth: h.start.Depth() + 1}
	}
	_, err := h.cfg.Data.Commit(ctx, change)
	out := invoke.Outcome{Verdict: verdict(err)}
	if err != nil {
		out.Detail = err.Error()
	}
	h.committed(ctx, c, out.Verdict, err)
	return out, nil
}

// messages are what a commit sends, and what it publishes for those who
// subscribe in the deployment that the run began with.
func (h *host) messages(c *invoke.Commit, at time.Time) []store.Message {
	if len(c.Sends)+len(c.Publishes) == 0 {
		return nil
	}
	depth := h.start.Depth() + 1
	var list []store.Message
	for i := range c.Sends {
		s := &c.Sends[i]
		list = append(list, store.Message{
			ID: store.NewID(), Channel: store.Channel{AppID: h.start.AppID, Kind: store.ChannelQueue, Name: s.Queue},
			Source: s.Queue, Payload: s.Payload, Depth: depth, CreatedAt: at, DueAt: at.Add(s.Delay), IdempotencyKey: s.IdempotencyKey,
		})
	}
	for i := range c.Publishes {
		if len(list) > store.MaxCommitMessages {
			break // the store refuses them all
		}
		p := &c.Publishes[i]
		e := topic.Event{AppID: h.start.AppID, Topic: p.Topic, Payload: p.Payload, Depth: depth, At: at}
		list = append(list, e.Messages(h.app.topics.Match(p.Topic))...)
	}
	return list
}

func verdict(err error) invoke.Verdict {
	switch {
	case err == nil:
		return invoke.Committed
	case errors.Is(err, store.ErrConflict):
		return invoke.Conflict
	case errors.Is(err, store.ErrLeaseLost):
		return invoke.LeaseLost
	case errors.Is(err, store.ErrQuota):
		return invoke.Quota
	case errors.Is(err, store.ErrInvalid), errors.Is(err, store.ErrNotFound):
		return invoke.Refused
	}
	return invoke.Unavailable
}
