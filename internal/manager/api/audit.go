package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// Of strangers' refused attempts only so many are kept, so that nobody can fill
// the disk without signing in: by network, and in all.
var (
	perNetwork = struct {
		burst  int
		refill time.Duration
	}{30, time.Minute}
	perInstance = struct {
		burst  int
		refill time.Duration
	}{1000, 10 * time.Second}
)

// auditAge is how long the audit log is kept, and pruneEvery how often what is
// older is removed: when something is written anyway.
const (
	auditAge   = 400 * 24 * time.Hour
	pruneEvery = 24 * time.Hour
)

// auditor keeps the audit log.
type auditor struct {
	strangers, all *auth.Limiter
	ids            store.Sequence

	mu     sync.Mutex
	pruned time.Time
}

func newAuditor() *auditor {
	return &auditor{
		strangers: auth.NewLimiter(perNetwork.burst, perNetwork.refill),
		all:       auth.NewLimiter(perInstance.burst, perInstance.refill),
	}
}

// Event is what becomes an audit entry: who tried what, and how it ended.
type Event struct {
	User      store.User // zero: nobody who was recognised
	Key       *store.APIKey
	From      peer.Peer
	UserAgent string
	Action    string
	Object    string
	App       string
	Status    int
	Detail    string

	carried atomic.Bool // a change of the store has taken it along
}

// maxAudited bounds each text of an entry, in bytes.
const maxAudited = 300

func (e *Event) entry(id string, now time.Time) store.AuditEntry {
	out := store.AuditEntry{
		ID: id, At: now, UserID: e.User.ID, Username: e.User.Username,
		Address: e.From.Addr.String(), UserAgent: audited(e.UserAgent), Action: e.Action, Object: audited(e.Object),
		App: audited(e.App), Status: e.Status, Detail: audited(e.Detail),
	}
	if e.Key != nil {
		out.KeyID = e.Key.ID
	}
	return out
}

func audited(text string) string { return store.Text(text, maxAudited) }

// carry returns a context in which the store writes e with the first change.
func (a *API) carry(ctx context.Context, e *Event) context.Context {
	now := a.Now()
	id := a.auditor.ids.At(now)
	return store.WithAudit(ctx, func() store.AuditEntry {
		e.carried.Store(true)
		return e.entry(id, now)
	})
}

// Audit writes an event that no change of the store has carried. It does not
// fail: whoever was refused stays so.
func (a *API) Audit(ctx context.Context, e *Event) {
	if a.AuditLog == nil {
		return
	}
	now := a.Now()
	if e.User.ID == "" && e.Status >= 400 {
		if a.auditor.strangers.Take(auth.Network(e.From.Addr), now) > 0 || a.auditor.all.Take("", now) > 0 {
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	ctx = store.WithAudit(ctx, nil)
	if err := a.AuditLog.AppendAudit(ctx, e.entry(a.auditor.ids.At(now), now)); err != nil {
		a.Log.ErrorContext(ctx, "an entry of the audit log could not be written", "action", e.Action, "object", e.Object, "status", e.Status, "error", err)
		return
	}
	a.auditor.mu.Lock()
	due := now.Sub(a.auditor.pruned) >= pruneEvery
	if due {
		a.auditor.pruned = now
	}
	a.auditor.mu.Unlock()
	if due {
		if _, err := a.AuditLog.PruneAudit(ctx, now.Add(-auditAge)); err != nil {
			a.Log.WarnContext(ctx, "old entries of the audit log remain", "error", err)
		}
	}
}

// Note says in the audit log what a change consists of.
func Note(ctx context.Context, format string, args ...any) {
	from(ctx).event.Detail = fmt.Sprintf(format, args...)
}

// Created says that the change will be answered with the operation's other status
// of success, which the entry of the audit log is to have.
func Created(ctx context.Context) { from(ctx).event.Status = http.StatusCreated }

// About names the object of an operation whose path does not: users/ada. app is
// the slug of the app it is in, or empty.
func About(ctx context.Context, object, app string) {
	e := from(ctx).event
	e.Object, e.App = object, app
}

// UserAgent returns what the request was sent with, as it says itself.
func UserAgent(ctx context.Context) string { return from(ctx).event.UserAgent }

// By says who acted, in operations that need no signing in.
func By(ctx context.Context, u store.User) { from(ctx).event.User = u }

// worth reports whether the answer to a request belongs into the audit log:
// every change, and of reading what was refused.
func worth(r *http.Request, status int) bool {
	if !safe(r.Method) {
		return true
	}
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}
