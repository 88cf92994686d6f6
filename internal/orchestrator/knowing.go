package orchestrator

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// Of wrong passwords each caller may send so many to an endpoint at once, and one
// more each refill.
const (
	wrongPasswords      = 10
	wrongPasswordRefill = 6 * time.Second
)

// tooOften says when somebody who sent wrong passwords may try again.
type tooOften struct{ wait time.Duration }

func (e *tooOften) Error() string { return "too many wrong passwords: wait as Retry-After says" }

// admitBasic lets in who knows the name and the password of the guard. Whether an
// answer is given at all is decided once the password is known to be right or wrong,
// in one step with counting it: so many requests at a time learn no more than one
// after the other, and right ones never stand in each other's way.
func (o *Orchestrator) admitBasic(r *http.Request, app *snapshot, t *target, caller string) error {
	key, now := t.start.ScriptID+" "+caller, time.Now()
	if wait := o.wrong.Wait(key, now); wait > 0 { // no need to read the secret
		return &tooOften{wait}
	}
	if _, _, ok := r.BasicAuth(); !ok {
		return auth.ErrNoPassword
	}
	password, err := o.cfg.secret(r.Context(), app.appID, t.guard.Secret)
	if err != nil {
		return err
	}
	err = auth.Basic(t.guard, password, r)
	decide := o.wrong.Take
	if err == nil {
		decide = o.wrong.Wait
	}
	if wait := decide(key, now); wait > 0 {
		return &tooOften{wait}
	}
	return err
}

// takeSigned lets in a request with the signature of its body. One with a
// timestamp is taken once: what it returns is forgotten when the run failed.
func (o *Orchestrator) takeSigned(r *http.Request, app *snapshot, t *target, body []byte) (d auth.Delivery, err error) {
	now := time.Now()
	s, err := auth.ReadSignature(t.guard, r.Header, now) // the body may have taken long
	if err != nil {
		return d, err
	}
	key, err := o.cfg.secret(r.Context(), app.appID, t.guard.Secret)
	if err != nil {
		return d, err
	}
	id, err := auth.CheckSignature(t.guard, s, key, body)
	if err != nil || s.Expires.IsZero() {
		return d, err
	}
	d = auth.Delivery{ScriptID: t.start.ScriptID, ID: id}
	return d, o.taken.Take(d, s.Expires, now)
}

// failed reports whether a run left nothing changed, as far as is known, and did not
// succeed either: nothing is repeated when its request is sent again. A thrown
// http_error is told by the answer's status, for it may be an ok execution.
func (h *host) failed(res *invoke.Result) bool {
	return !h.changed && (res.Status != store.StatusOK || res.Response.Status >= http.StatusBadRequest)
}

// withoutAuthorization takes the name and password that the guard asked for out of
// what the script sees.
func withoutAuthorization(q *invoke.Request) {
	if _, ok := q.Header["Authorization"]; ok {
		q.Header = q.Header.Clone()
		q.Header.Del("Authorization")
	}
}

// refuseUnknowing answers whom a guard with a secret does not let in.
func refuseUnknowing(w http.ResponseWriter, r *http.Request, t *target, err error) {
	var often *tooOften
	realm := strconv.QuoteToASCII(t.start.App + "/" + t.start.Script)
	switch {
	case errors.Is(err, auth.ErrNoPassword), errors.Is(err, auth.ErrWrongPassword):
		w.Header().Set("WWW-Authenticate", "Basic realm="+realm+`, charset="UTF-8"`)
		problem(w, r, http.StatusUnauthorized, err.Error(), "")
	case errors.Is(err, auth.ErrNotSigned), errors.Is(err, auth.ErrWrongSignature), errors.Is(err, auth.ErrStale):
		w.Header().Set("WWW-Authenticate", "HMAC-SHA256 realm="+realm)
		problem(w, r, http.StatusUnauthorized, err.Error(), "")
	case errors.Is(err, auth.ErrReplayed):
		problem(w, r, http.StatusConflict, err.Error(), "")
	case errors.As(err, &often):
		w.Header().Set("Retry-After", strconv.FormatInt(int64((often.wait+time.Second-1)/time.Second), 10))
		problem(w, r, http.StatusTooManyRequests, err.Error(), "")
	case r.Context().Err() != nil:
		problem(w, r, statusClientClosed, "the request was cancelled", "")
	default:
		if !errors.Is(err, auth.ErrTooManyReplays) {
			slog.ErrorContext(r.Context(), "a guard cannot decide", "app", t.start.App, "script", t.start.Script, "secret", t.guard.Secret, "error", err)
		}
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "this endpoint's guard cannot decide at the moment", "")
	}
}
