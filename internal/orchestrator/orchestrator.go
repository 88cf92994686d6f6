// Package orchestrator is PiCloud's ingress: it decides by host and path what a
// request is for, hands the control plane's requests on, and has scripts
// answer the others.
//
// It does not know how the control plane works, where scripts run (see
// invoke.Executor), or which database there is.
package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/orchestrator/dispatch"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// Store is what the orchestrator needs of the store.
type Store interface {
	App(ctx context.Context, id string) (store.App, error)
	ActiveDeployment(ctx context.Context, slug string) (store.App, store.Deployment, error)
	Source(ctx context.Context, hash string) (string, error)
	Subscribe(f func(store.Change)) (stop func())
	Ping(ctx context.Context) error
}

// Data is what runs read and change.
type Data interface {
	KVGet(ctx context.Context, appID string, keys []string, at time.Time) ([]store.KVEntry, error)
	KVList(ctx context.Context, q store.KVQuery, at time.Time) (entries []store.KVEntry, more bool, err error)
	Commit(ctx context.Context, c store.Commit) (version int64, err error)
	Enqueue(ctx context.Context, list ...store.Message) (added []store.Message, err error)
}

// Secrets opens the apps' secrets.
type Secrets interface {
	// Secret returns the value of an app's secret; store.ErrNotFound if there is none.
	Secret(ctx context.Context, appID, name string) (string, error)
}

// Recorder takes the record of an execution. It must not block.
type Recorder interface {
	Record(store.Execution)
}

// Config wires an Orchestrator.
type Config struct {
	Store    Store
	Executor invoke.Executor
	Recorder Recorder
	Data     Data
	// Queue is what Deliver delivers, in the name of this Node, which no other
	// has and which it keeps for ever; Boot, if it is not empty, names this start of
	// its process.
	Queue      store.Queue
	Node, Boot string
	// Idle is told of deliveries; nil: nobody is.
	Idle interface {
		Begin()
		End()
	}
	Secrets Secrets // nil: there are none
	// KVBytes is how much each app may keep, keys and values together; 0: no bound.
	KVBytes int64
	// Control answers what is not for an app: the REST API, the pages, metrics.
	Control http.Handler
	// Limits are the instance's, every field set. Apps and scripts lower them.
	Limits store.Limits
	// AppsDomain makes {app}.AppsDomain an app's own host; empty: only
	// {app}.localhost is.
	AppsDomain string
	// TrustedProxies may say for whom they ask (X-Forwarded-For, -Proto).
	TrustedProxies peer.Trust
	// Guard decides who may call guarded endpoints and publish events; nil: nobody.
	Guard *auth.Guard
	// Open lets everybody publish events: on somebody's own machine, where there are
	// no keys.
	Open bool
	// BodyMemory bounds the request bodies held at once, in bytes; default 256 MiB.
	BodyMemory int64
}

// Orchestrator is the http.Handler of one PiCloud instance.
type Orchestrator struct {
	cfg    Config
	apps   *directory
	bodies atomic.Int64 // bytes of request bodies held now
	calls  *auth.Limiter
	wrong  *auth.Limiter // passwords at endpoints
	taken  auth.Replays  // signed requests

	dispatch *dispatch.Dispatcher
}

// New returns an Orchestrator. Close it to end its subscription.
func New(cfg Config) *Orchestrator {
	if cfg.BodyMemory <= 0 {
		cfg.BodyMemory = 256 << 20
	}
	cfg.AppsDomain = strings.ToLower(strings.Trim(cfg.AppsDomain, "."))
	o := &Orchestrator{cfg: cfg, calls: auth.NewLimiter(0, 0), wrong: auth.NewLimiter(wrongPasswords, wrongPasswordRefill)}
	o.dispatch = o.newDispatcher()
	o.apps = newDirectory(cfg.Store, cfg.Limits, o.dispatch.Scan)
	return o
}

// Close ends deliveries and the subscription to the store's changes.
func (o *Orchestrator) Close() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	o.dispatch.Close(ended)
	o.apps.close()
}

// ServeHTTP implements http.Handler. Paths are taken as they are: nothing is
// cleaned or redirected.
func (o *Orchestrator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if slug, own := o.appOfHost(r.Host); own {
		o.serveApp(w, r, slug, path, ownHost)
		return
	}
	first, rest, _ := cutSegment(path)
	switch {
	case path == "/healthz":
		o.health(w, r)
	case path == "/readyz":
		o.ready(w, r)
	case path == certificatePath:
		o.certificate(w, r)
	case reserved(first):
		if o.cfg.Control == nil {
			problem(w, r, http.StatusNotFound, "there is nothing here", "")
			return
		}
		o.cfg.Control.ServeHTTP(w, r)
	default:
		o.serveApp(w, r, first, rest, controlHost)
	}
}

// place is the kind of origin a script's response is on.
type place int

const (
	controlHost place = iota // shared with the dashboard and all other apps
	ownHost                  // the app's alone
)

// serveApp answers a request for the app; path is what follows its slug or host.
func (o *Orchestrator) serveApp(w http.ResponseWriter, r *http.Request, slug, path string, at place) {
	if at == controlHost {
		sandbox(w.Header())
	}
	app, err := o.apps.app(r.Context(), slug)
	if err != nil {
		o.lookupFailed(w, r, slug, err)
		return
	}
	name, rest, _ := cutSegment(path)
	if name == "" && (path == "" || path == "/") {
		name = "index"
	}
	t := app.scripts[name]
	if t == nil && name == reservedName {
		o.serveReserved(w, r, app, slug, rest, at)
		return
	}
	if t == nil {
		allowOrigin(w.Header(), r, app.cors, at)
		detail := fmt.Sprintf("the app %q has no endpoint %q", slug, printable(name))
		if name == "index" {
			detail = fmt.Sprintf("the app %q has no script named \"index\" to answer its root", slug)
		}
		problem(w, r, http.StatusNotFound, detail, "")
		return
	}
	if r.Method == http.MethodOptions {
		preflight(w, r, app.cors, at)
		return
	}
	if !o.admit(w, r, app, t, at) {
		return
	}
	o.run(w, r, app, t, rest, at)
}

func (o *Orchestrator) lookupFailed(w http.ResponseWriter, r *http.Request, slug string, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		problem(w, r, http.StatusNotFound, fmt.Sprintf("there is no app %q", printable(slug)), "")
	case r.Context().Err() != nil:
		problem(w, r, statusClientClosed, "the request was cancelled", "")
	default:
		slog.Error("an app cannot be looked up", "app", slug, "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "the database does not answer", "")
	}
}

// statusClientClosed is recorded for a request whose client went away.
const statusClientClosed = 499

// run has the script answer, and records the execution.
func (o *Orchestrator) run(w http.ResponseWriter, r *http.Request, app *snapshot, t *target, rest string, at place) {
	body, release, err := o.readBody(w, r, t.start.Limits.RequestBytes)
	if err != nil {
		allowOrigin(w.Header(), r, app.cors, at)
		bodyFailed(w, r, err, t.start.Limits.RequestBytes)
		return
	}
	defer release()
	var delivery auth.Delivery
	if t.guard.Kind == store.GuardHMAC {
		if delivery, err = o.takeSigned(r, app, t, body); err != nil {
			allowOrigin(w.Header(), r, app.cors, at)
			refuseUnknowing(w, r, t, err)
			return
		}
	}
	x := &exchange{start: t.start}
	start := &x.start
	start.RunID = newExecutionID(time.Now())
	start.Request = &x.request
	o.request(&x.request, r, body, rest)
	if t.guard.Kind == store.GuardBasic {
		withoutAuthorization(&x.request)
	}
	if o.cfg.Queue != nil && prefersAsync(r.Header) {
		if !o.enqueue(w, r, app, t, &x.request, at) && delivery != (auth.Delivery{}) {
			o.taken.Forget(delivery)
		}
		return
	}
	x.host = host{cfg: &o.cfg, app: app, start: start}
	res, err := o.cfg.Executor.Run(r.Context(), start, &x.host)
	if err != nil {
		res = lost(err)
	}
	if res.Response == nil {
		res.Response = &invoke.Response{Status: statusOf(res)}
	}
	o.cfg.Recorder.Record(execution(start, res))

	if delivery != (auth.Delivery{}) && x.host.failed(res) {
		o.taken.Forget(delivery)
	}

	h := w.Header()
	x.id[0] = start.RunID
	h["Picloud-Execution-Id"] = x.id[:]
	if res.Status == store.StatusRejected || res.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int((res.RetryAfter+time.Second-1)/time.Second))))
	}
	o.respond(w, r, app, res.Response, at)
}

// exchange is what one request needs until its response is written, in one piece.
type exchange struct {
	start   invoke.Start
	request invoke.Request
	host    host
	id      [1]string // a value of a header
}

// lost is the result of a run that the executor gave none for.
func lost(err error) *invoke.Result {
	slog.Error("the executor failed", "error", err)
	res := &invoke.Result{Status: store.StatusError, Error: err.Error(), StartedAt: time.Now().UTC()}
	detail := "The script's executor was lost while it ran; whether it took effect is not known."
	if errors.Is(err, invoke.ErrUnreachable) {
		res.Status, res.RetryAfter = store.StatusRejected, time.Second
		detail = "No executor can be reached; the script did not run."
	}
	res.Response = problemResponse(http.StatusServiceUnavailable, detail, "")
	return res
}

// statusOf is the HTTP status of a result that came without a response.
func statusOf(res *invoke.Result) int {
	switch res.Status {
	case store.StatusOK:
		return http.StatusNoContent
	case store.StatusRejected:
		return http.StatusServiceUnavailable
	case store.StatusTimeout:
		return http.StatusGatewayTimeout
	case store.StatusCancelled:
		return statusClientClosed
	}
	return http.StatusInternalServerError
}

// maxText is the longest text of an execution that is recorded, in bytes, log
// lines excepted.
const maxText = 4096

// clean makes text from outside fit for the database: valid UTF-8, no NUL, not
// too long.
func clean(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

func execution(s *invoke.Start, res *invoke.Result) store.Execution {
	e := store.Execution{
		ID: s.RunID, AppID: s.AppID, ScriptID: s.ScriptID, Script: s.Script, Version: s.Version, Deployment: s.Deployment,
		Trigger: s.Trigger, Status: res.Status, Error: clean(res.Error),
		StartedAt: res.StartedAt, Duration: res.Duration, Operations: res.Operations, PeakMemory: res.PeakMemory,
		Logs: res.Logs, LogsDropped: res.LogsDropped, Calls: res.Calls, CallsDropped: res.CallsDropped,
	}
	if s.Lease != nil {
		e.EventIDs, e.EventSource = s.Lease.Messages, clean(eventSource(s))
	}
	if r := s.Request; r != nil {
		e.Method, e.Path, e.HTTPStatus = clean(r.Method), clean(r.Path), res.Response.Status
	}
	return e
}

// eventSource returns where the events of a run come from, "" if they do not agree.
func eventSource(s *invoke.Start) string {
	switch {
	case s.Event != nil:
		return s.Event.Source
	case len(s.Batch) == 0:
		return ""
	}
	for i := range s.Batch {
		if s.Batch[i].Source != s.Batch[0].Source {
			return ""
		}
	}
	return s.Batch[0].Source
}
