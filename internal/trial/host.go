package trial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Data is what the app's scripts keep.
type Data interface {
	KVGet(ctx context.Context, appID string, keys []string, at time.Time) ([]store.KVEntry, error)
	KVList(ctx context.Context, q store.KVQuery, at time.Time) (entries []store.KVEntry, more bool, err error)
	Commit(ctx context.Context, c store.Commit) (version int64, err error)
}

// Host is what a run may ask in a test. What it sends is kept for assertions; it
// starts nothing.
type Host struct {
	Trial *Trial
	Data  Data
	AppID string
	From  func(ctx context.Context, hash string) (string, error) // sources
}

var _ invoke.Host = (*Host)(nil)

// Source implements invoke.Host.
func (h *Host) Source(ctx context.Context, hash string) (string, error) { return h.From(ctx, hash) }

// Get implements invoke.Host.
func (h *Host) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	return h.Data.KVGet(ctx, h.AppID, keys, h.Trial.Now())
}

// List implements invoke.Host.
func (h *Host) List(ctx context.Context, q invoke.Query) (p invoke.Page, err error) {
	p.Entries, p.More, err = h.Data.KVList(ctx, store.KVQuery{AppID: h.AppID, Prefix: q.Prefix, After: q.After, Limit: q.Limit}, h.Trial.Now())
	return p, err
}

// Variables implements invoke.Host.
func (h *Host) Variables(context.Context) (map[string]string, error) {
	h.Trial.mu.Lock()
	defer h.Trial.mu.Unlock()
	return maps.Clone(h.Trial.variables), nil
}

// Secret implements invoke.Host.
func (h *Host) Secret(_ context.Context, name string) (string, error) {
	h.Trial.mu.Lock()
	defer h.Trial.mu.Unlock()
	value, ok := h.Trial.secrets[name]
	if !ok {
		return "", fmt.Errorf("the secret %s: %w", name, store.ErrNotFound)
	}
	return value, nil
}

// Commit implements invoke.Host.
func (h *Host) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	_, err := h.Data.Commit(ctx, store.Commit{AppID: h.AppID, RunID: c.RunID, Seq: c.Seq, Reads: c.Reads, Ops: c.Ops, At: h.Trial.Now()})
	out := invoke.Outcome{Verdict: invoke.Committed}
	switch {
	case err == nil:
		h.Trial.committed(c)
		return out, nil
	case errors.Is(err, store.ErrConflict):
		out.Verdict = invoke.Conflict
	case errors.Is(err, store.ErrInvalid):
		out.Verdict = invoke.Refused
	default:
		out.Verdict = invoke.Unavailable
	}
	out.Detail = err.Error()
	return out, nil
}
