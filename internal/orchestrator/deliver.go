package orchestrator

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/orchestrator/dispatch"
	"github.com/picloud/picloud/internal/store"
)

// Deliver begins to deliver messages: first those that a former process of this
// node had leased. StopDelivering ends it.
func (o *Orchestrator) Deliver(ctx context.Context) error { return o.dispatch.Start(ctx) }

// StopDelivering begins no more deliveries and waits for those under way as long
// as ctx lives; then it cancels them. Their messages are delivered again.
func (o *Orchestrator) StopDelivering(ctx context.Context) { o.dispatch.Close(ctx) }

func (o *Orchestrator) newDispatcher() *dispatch.Dispatcher {
	c := dispatch.Config{
		Queue: o.cfg.Queue, Target: o.target, Known: o.known, Run: o.deliver, Owner: o.cfg.Node, Boot: o.cfg.Boot,
	}
	if k := o.cfg.Idle; k != nil {
		c.Begin, c.End = k.Begin, k.End
	}
	return dispatch.New(c)
}

// trigger names what starts a script, beside HTTP requests, in an app.
type trigger struct {
	kind store.ChannelKind
	name string
}

// target returns what a channel's messages are delivered to in the app's active
// deployment.
func (o *Orchestrator) target(ctx context.Context, c store.Channel) (*dispatch.Target, error) {
	snap, err := o.apps.appByID(ctx, c.AppID)
	if err != nil {
		return nil, err
	}
	t := snap.delivers(c)
	if t == nil {
		return nil, fmt.Errorf("the %s %q has no script: %w", c.Kind, c.Name, store.ErrNotFound)
	}
	return t, nil
}

// known is target as far as the app's deployment is at hand; nil otherwise.
func (o *Orchestrator) known(c store.Channel) *dispatch.Target {
	snap := o.apps.knownByID(c.AppID)
	if snap == nil {
		return nil
	}
	return snap.delivers(c)
}

// delivers returns where a channel's messages go, nil if it has no script.
func (s *snapshot) delivers(c store.Channel) *dispatch.Target {
	if c.Kind != store.ChannelHTTP {
		return s.triggers[trigger{c.Kind, c.Name}]
	}
	endpoint := s.scripts[c.Name]
	if endpoint == nil {
		return nil
	}
	return &dispatch.Target{Start: endpoint.start, Delivery: store.Delivery{Script: c.Name}, Data: s}
}

// deliver runs a delivery and records the execution.
func (o *Orchestrator) deliver(ctx context.Context, start *invoke.Start, t *dispatch.Target) dispatch.Outcome {
	if e := start.Event; e != nil && e.Kind == string(store.ChannelHTTP) {
		q, err := decodeRequest(e.Payload)
		if err != nil {
			return dispatch.Outcome{Result: &invoke.Result{Status: store.StatusError, Error: err.Error()}}
		}
		if e.Attempt == 1 {
			start.RunID = e.ID // what the client was told; only the execution that is recorded first keeps it
		}
		start.Request, start.Event = q, nil
	}
	h := &host{cfg: &o.cfg, app: t.Data.(*snapshot), start: start}
	res, err := o.cfg.Executor.Run(ctx, start, h)
	out := dispatch.Outcome{Result: res, Err: err, Acked: h.acked, Verdict: h.verdict}
	if err != nil {
		res = lost(err)
	}
	if start.Request != nil && res.Response == nil {
		res.Response = &invoke.Response{Status: statusOf(res)}
	}
	// What conflicted, or found no place to run, is run again at once or soon.
	if h.verdict != invoke.Conflict && res.Status != store.StatusRejected {
		o.cfg.Recorder.Record(execution(start, res))
	}
	return out
}

// committed notes what became of a commit of a delivery.
func (h *host) committed(ctx context.Context, c *invoke.Commit, v invoke.Verdict, err error) {
	h.verdict = v
	h.changed = h.changed || v == invoke.Committed
	h.acked = h.acked || v == invoke.Committed && len(c.Acks) > 0
	if v == invoke.Unavailable && ctx.Err() == nil {
		slog.ErrorContext(ctx, "a run's changes could not be committed", "run", c.RunID, "error", err)
	}
}
