package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// limitError is a limit that a host function or the response exceeded.
type limitError struct{ what string }

func (e *limitError) Error() string { return e.what }

// problem is an error in the form of RFC 9457.
type problem struct {
	Status      int    `json:"status"`
	Title       string `json:"title"`
	Detail      string `json:"detail,omitempty"`
	ExecutionID string `json:"execution_id,omitempty"`
}

const statusClientClosed = 499

// problem makes the response of a failure. detail is for the caller: it tells
// nothing of the script's inside.
func (r *run) problem(status int, detail string) *invoke.Response {
	title := http.StatusText(status)
	if status == statusClientClosed {
		title = "Client Closed Request"
	}
	body, _ := json.Marshal(problem{status, title, detail, r.start.RunID}) // strings and a number: cannot fail
	return &invoke.Response{Status: status, Header: problemHeader, Body: append(body, '\n')}
}

// shorten makes an error fit for the record.
func (r *run) shorten(s string) string {
	s = r.logs.mask.hideWithin(s, maxError)
	if len(s) > maxError {
		s = cut(s, maxError) + "…"
	}
	return clean(s)
}

// refused fills the result of a run that was not admitted.
func (r *run) refused(err error) {
	var over *overloadError
	if !errors.As(err, &over) {
		r.end(store.StatusCancelled, "cancelled while waiting for a place to run", statusClientClosed, "The request was cancelled.")
		return
	}
	r.result.RetryAfter = over.retry
	r.end(store.StatusRejected, over.reason, http.StatusServiceUnavailable, "The server is overloaded. The script did not run; try again soon.")
}

// maxError is the longest error text that is recorded, in bytes.
const maxError = 4096

func (r *run) end(s store.Status, author string, status int, detail string) {
	r.result.Status, r.result.Error = s, r.shorten(author)
	r.result.Response = r.problem(status, detail)
}

// failed fills the result of a run that ended with an error.
func (r *run) failed(err error) {
	if r.broken != nil {
		r.commitFailed(r.broken)
		return
	}
	var commit *commitError
	if errors.As(err, &commit) {
		r.commitFailed(commit)
		return
	}
	var limit *limitError
	var re *rhai.Error
	isScripts := errors.As(err, &re)
	if errors.As(err, &limit) || isScripts && r.thrownLimit(re, &limit) {
		r.limited(limit.what, err)
		return
	}
	if isScripts && r.thrownRefusal(re) {
		r.commitFailed(r.refusal)
		return
	}
	if !isScripts {
		r.failedOutside(err)
		return
	}
	l := &r.start.Limits
	switch re.Kind {
	case rhai.ErrTerminated:
		r.stopped(err)
	case rhai.ErrTooManyOperations:
		r.limited(fmt.Sprintf("the limit of %d operations", l.Operations), err)
	case rhai.ErrMemory:
		r.limited("the memory limit of "+size(l.MemoryBytes), err)
	case rhai.ErrStackOverflow:
		r.limited(fmt.Sprintf("the limit of %d nested calls", l.CallDepth), err)
	case rhai.ErrDataTooLarge, rhai.ErrTooManyModules, rhai.ErrTooManyVariables:
		r.limited("a limit: "+re.Message(), err)
	case rhai.ErrSystem:
		// A defect of ours, such as a panic of a host function: its inside is for
		// the operator's log.
		slog.Error("a run failed inside PiCloud", "run", r.start.RunID, "error", r.logs.mask.hide(err.Error()))
		r.end(store.StatusError, "PiCloud failed inside: "+firstLine(re.Message())+where(err), http.StatusInternalServerError, "The script could not be run.")
	case rhai.ErrParsing:
		r.end(store.StatusError, "does not compile: "+err.Error(), http.StatusInternalServerError, "The script does not compile. Its author finds the reason in the log of this execution.")
	default:
		if he := thrownHTTPError(re); he != nil {
			r.answered(he, re)
			return
		}
		text := err.Error()
		if err == error(re) {
			text = re.Report()
		}
		text += r.entryHint(re)
		r.end(store.StatusError, text, http.StatusInternalServerError, scriptFailed)
	}
}

// entryHint says what started the run where its script looked for something else.
func (r *run) entryHint(re *rhai.Error) string {
	var by, there string
	switch {
	case r.start.Request != nil:
		by, there = "an HTTP request", "request"
	case r.start.Event != nil:
		by, there = "one "+r.start.Event.Kind+" event", "event"
	case len(r.start.Batch) > 0:
		by, there = "a batch of messages", "events"
	default: // a test
		return ""
	}
	for _, name := range []string{"request", "event", "events"} {
		if name != there && re.Kind == rhai.ErrVariableNotFound && re.Message() == "Variable not found: "+name {
			return fmt.Sprintf("\n%s started it: what came is in %s", by, there)
		}
	}
	return ""
}

// size writes a number of bytes for people: in the largest unit that it is whole in.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// scriptFailed is what a caller is told of an error of the script's.
const scriptFailed = "The script failed. Its author finds the reason in the log of this execution."

// failedOutside fills the result of a run that failed before its script ran or
// after it.
func (r *run) failedOutside(err error) {
	var answer *answerError
	switch {
	case errors.As(err, &answer):
		r.end(store.StatusError, err.Error(), http.StatusInternalServerError, scriptFailed)
	case isContextError(err) && r.ctx.Err() != nil:
		r.stopped(err)
	case errors.Is(err, store.ErrUnavailable) || isContextError(err):
		// The database's trouble, not the script's: it may pass.
		slog.Error("a script cannot be read", "run", r.start.RunID, "script", r.start.Script, "error", err)
		r.result.RetryAfter = time.Second
		r.end(store.StatusError, err.Error(), http.StatusServiceUnavailable, "The script cannot be read at the moment; it did not run. Try again soon.")
	default:
		r.end(store.StatusError, err.Error(), http.StatusInternalServerError, "The script could not be run.")
	}
}

// thrownLimit reports whether a script's error is the limit that a host
// function enforced last: the engine keeps its text only.
func (r *run) thrownLimit(e *rhai.Error, limit **limitError) bool {
	if r.exceeded == nil || e.Kind != rhai.ErrRuntime {
		return false
	}
	s, _ := e.Value.AsString()
	*limit = r.exceeded
	return s == r.exceeded.what
}

// thrownRefusal reports whether a script's error is that of the last commit.
func (r *run) thrownRefusal(e *rhai.Error) bool {
	if r.refusal == nil || e.Kind != rhai.ErrRuntime {
		return false
	}
	s, _ := e.Value.AsString()
	return strings.HasPrefix(s, r.refusal.Error())
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// limited ends a run that exceeded a limit. Which one is no secret.
func (r *run) limited(what string, err error) {
	r.end(store.StatusLimit, "exceeded "+what+where(err), http.StatusInternalServerError, "The script exceeded "+what+".")
}

// where is the position and the trace of a script's error, as its text ends.
func where(err error) string {
	var re *rhai.Error
	if !errors.As(err, &re) {
		return ""
	}
	return strings.TrimPrefix(re.Report(), re.Message())
}

// stopped ends a run that was cut by its wall time or cancelled.
func (r *run) stopped(err error) {
	cause := r.ctx.Cause()
	if errors.Is(cause, errWallTime) || errors.Is(cause, context.DeadlineExceeded) {
		wall := time.Duration(r.start.Limits.WallTimeMS) * time.Millisecond
		r.end(store.StatusTimeout, fmt.Sprintf("exceeded the wall-time limit of %v%s", wall, where(err)),
			http.StatusGatewayTimeout, fmt.Sprintf("The script exceeded its wall-time limit of %v.", wall))
		return
	}
	r.end(store.StatusCancelled, fmt.Sprintf("cancelled: %v", cause), statusClientClosed, "The request was cancelled.")
}

// answered ends a run with a thrown http_error. That is an answer of the
// script's, so only one of the server's own faults counts as a failure.
func (r *run) answered(he *httpError, re *rhai.Error) {
	r.result.Status = store.StatusOK
	if he.status >= 500 || r.start.Request == nil {
		r.result.Status, r.result.Error = store.StatusError, r.shorten(re.Error())
	}
	if he.body != nil {
		r.result.Response = &invoke.Response{Status: he.status, Header: jsonHeader, Body: he.body}
		return
	}
	r.result.Response = r.problem(he.status, he.message)
}

// readAgain is how soon a run that could not read may be tried again.
const readAgain = time.Second

// commitFailed ends a run whose changes were not made.
func (r *run) commitFailed(e *commitError) {
	if e.reading {
		r.result.RetryAfter = readAgain // an event's messages are not to blame
		r.end(store.StatusError, e.Error(), http.StatusServiceUnavailable, "The database does not answer; try again soon.")
		return
	}
	switch e.outcome.Verdict {
	case invoke.Quota:
		r.end(store.StatusLimit, e.Error(), http.StatusInsufficientStorage, "The app has no room for what the script wants to keep.")
	case invoke.Conflict:
		r.end(store.StatusError, e.Error(), http.StatusConflict, "Another execution changed the same data. Nothing was changed; try again.")
	case invoke.Refused:
		r.end(store.StatusError, e.Error(), http.StatusInternalServerError, "The script failed. Its author finds the reason in the log of this execution.")
	default:
		r.end(store.StatusError, e.Error(), http.StatusServiceUnavailable, "Whether the script's changes were made is not known.")
	}
}
