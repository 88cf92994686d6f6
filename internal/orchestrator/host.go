package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// host is what one run may ask.
type host struct {
	cfg *Config
	app string // ID
	run string // ID

	variables map[string]string // of the run's deployment
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Source implements invoke.Host.
func (h *host) Source(ctx context.Context, hash string) (string, error) {
	return h.cfg.Store.Source(ctx, hash)
}

// Variables implements invoke.Host.
func (h *host) Variables(context.Context) (map[string]string, error) { return h.variables, nil }

// Secret implements invoke.Host.
func (h *host) Secret(ctx context.Context, name string) (string, error) {
	return h.cfg.secret(ctx, h.app, name)
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
	return h.cfg.Data.KVGet(ctx, h.app, keys, now())
}

// List implements invoke.Host.
func (h *host) List(ctx context.Context, q invoke.Query) (p invoke.Page, err error) {
	p.Entries, p.More, err = h.cfg.Data.KVList(ctx, store.KVQuery{AppID: h.app, Prefix: q.Prefix, After: q.After, Limit: q.Limit}, now())
	return p, err
}

// Commit implements invoke.Host.
func (h *host) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	if len(c.Sends) > 0 || len(c.Publishes) > 0 || len(c.Acks) > 0 {
		return invoke.Outcome{Verdict: invoke.Refused, Detail: "this release has no messages"}, nil
	}
	if c.RunID != h.run {
		return invoke.Outcome{Verdict: invoke.Refused, Detail: "the commit is of another run"}, nil
	}
	_, err := h.cfg.Data.Commit(ctx, store.Commit{
		AppID: h.app, RunID: c.RunID, Seq: c.Seq, Reads: c.Reads, Ops: c.Ops, At: now(), MaxBytes: h.cfg.KVBytes,
	})
	out := invoke.Outcome{Verdict: verdict(err)}
	if err != nil {
		out.Detail = err.Error()
		if out.Verdict == invoke.Unavailable && ctx.Err() == nil {
			slog.ErrorContext(ctx, "a run's changes could not be committed", "run", c.RunID, "error", err)
		}
	}
	return out, nil
}

func verdict(err error) invoke.Verdict {
	switch {
	case err == nil:
		return invoke.Committed
	case errors.Is(err, store.ErrConflict):
		return invoke.Conflict
	case errors.Is(err, store.ErrQuota):
		return invoke.Quota
	case errors.Is(err, store.ErrInvalid), errors.Is(err, store.ErrNotFound):
		return invoke.Refused
	}
	return invoke.Unavailable
}
