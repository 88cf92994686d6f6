package orchestrator

import (
	"context"

	"github.com/picloud/picloud/internal/invoke"
)

// host is what runs may ask.
type host struct{ store Store }

// Source implements invoke.Host.
func (h *host) Source(ctx context.Context, hash string) (string, error) {
	return h.store.Source(ctx, hash)
}

// Commit implements invoke.Host. The store keeps no data of scripts yet, so
// only a commit that changes nothing can succeed.
func (h *host) Commit(_ context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	if c.Empty() {
		return invoke.Outcome{Verdict: invoke.Committed}, nil
	}
	return invoke.Outcome{Verdict: invoke.Quota, Detail: "this release keeps no data of scripts"}, nil
}
