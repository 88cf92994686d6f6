package orchestrator

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

// admit lets in who may call the endpoint, as often as they may. It answers the
// others and returns false. It comes before the body is read and before
// anything is recorded: strangers can cost neither memory nor disk.
func (o *Orchestrator) admit(w http.ResponseWriter, r *http.Request, app *snapshot, t *target, at place) bool {
	if t.guard.Kind == "" && t.rate.Requests == 0 {
		return true
	}
	from := o.cfg.TrustedProxies.Of(r)
	caller := "address " + auth.Network(from.Addr)
	switch t.guard.Kind {
	case "":
	case store.GuardBasic:
		if err := o.admitBasic(r, app, t, caller); err != nil {
			allowOrigin(w.Header(), r, app.cors, at)
			refuseUnknowing(w, r, t, err)
			return false
		}
	case store.GuardHMAC:
		// What can be seen without the body and the key; run looks at the rest.
		if _, err := auth.ReadSignature(t.guard, r.Header, time.Now()); err != nil {
			allowOrigin(w.Header(), r, app.cors, at)
			refuseUnknowing(w, r, t, err)
			return false
		}
	default:
		err := auth.ErrNotInvited
		if o.cfg.Guard != nil {
			var known string
			if known, err = o.cfg.Guard.Admit(r.Context(), r, from.HTTPS, app.appID, t.guard); err == nil {
				caller = known
			}
		}
		if err != nil {
			allowOrigin(w.Header(), r, app.cors, at)
			refuse(w, r, err)
			return false
		}
	}
	if t.rate.Requests == 0 {
		return true
	}
	refill := time.Duration(t.rate.Seconds) * time.Second / time.Duration(t.rate.Requests)
	wait := o.calls.TakeAt(t.start.ScriptID+" "+caller, int(t.rate.Requests), max(refill, 1), time.Now())
	if wait == 0 {
		return true
	}
	allowOrigin(w.Header(), r, app.cors, at)
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	problem(w, r, http.StatusTooManyRequests,
		fmt.Sprintf("you may call this endpoint %d times in %d s: wait as Retry-After says", t.rate.Requests, t.rate.Seconds), "")
	return false
}

// refuse answers whom a guard does not let in.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, auth.ErrNoToken), errors.Is(err, auth.ErrNoSession), errors.Is(err, auth.ErrNoKey):
		w.Header().Set("WWW-Authenticate", `Bearer realm="picloud"`)
		problem(w, r, http.StatusUnauthorized, err.Error(), "")
	case errors.Is(err, auth.ErrNotInvited):
		problem(w, r, http.StatusForbidden, err.Error(), "")
	case r.Context().Err() != nil:
		problem(w, r, statusClientClosed, "the request was cancelled", "")
	default:
		slog.Error("a caller cannot be looked up", "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "the database does not answer", "")
	}
}
