package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

// Problem is an RFC 9457 problem detail: the body of every error.
type Problem struct {
	Status int     `json:"status" doc:"The HTTP status code" example:"422"`
	Title  string  `json:"title" doc:"The status in words" example:"Unprocessable Entity"`
	Detail string  `json:"detail,omitempty" doc:"What was wrong and what to do"`
	Errors []Fault `json:"errors,omitempty" nullable:"false" doc:"The wrong inputs, one by one"`

	Line       int    `json:"line,omitempty" doc:"Of a compile error: the line, from 1"`
	Column     int    `json:"column,omitempty" doc:"Of a compile error: the character in the line, from 1"`
	SourceLine string `json:"source_line,omitempty" doc:"Of a compile error: the text of the line"`
	Hint       string `json:"hint,omitempty" doc:"Of a compile error: what may help"`

	header http.Header
}

// Fault is one wrong input.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Where, for example body.slug or query.limit"`
	Message  string `json:"message" doc:"What is wrong"`
	Value    any    `json:"value,omitempty" doc:"The value found, if it is short and no secret"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the status code.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns what goes into the response's header.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType names problem details' own type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Refuse returns a problem with a detail.
func Refuse(status int, format string, args ...any) *Problem {
	return &Problem{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a 422 that names the field.
func Invalid(location, message string, value any) *Problem {
	p := Refuse(http.StatusUnprocessableEntity, "%s: %s", location, message)
	p.Errors = []Fault{fault(&huma.ErrorDetail{Location: location, Message: message, Value: value})}
	return p
}

// Later returns p with a Retry-After of at least one second.
func (p *Problem) Later(d time.Duration) *Problem {
	seconds := int64((d + time.Second - 1) / time.Second)
	p.header = http.Header{"Retry-After": {strconv.FormatInt(max(1, seconds), 10)}}
	return p
}

// Write sends p outside of a handler.
func Write(w http.ResponseWriter, p *Problem) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // nobody is left to be told
}

// From turns what a contract returned into a problem. What is not known here
// is logged and becomes a 500 that tells nothing of the inside.
func From(ctx context.Context, log *slog.Logger, err error) *Problem {
	var p *Problem
	var many *auth.TooManyAttempts
	var invalid *auth.InvalidError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &many):
		return Refuse(http.StatusTooManyRequests, "%s", many).Later(many.RetryAfter)
	case errors.As(err, &invalid):
		return Invalid("body."+invalid.Field, invalid.Error(), nil)
	case errors.Is(err, auth.ErrBusy):
		return Refuse(http.StatusServiceUnavailable, "%s", err).Later(2 * time.Second)
	case errors.Is(err, auth.ErrBadCredentials), errors.Is(err, auth.ErrNoSession), errors.Is(err, auth.ErrNoKey):
		return unauthorized(err.Error())
	case errors.Is(err, auth.ErrBadSetupToken):
		return Refuse(http.StatusForbidden, "%s", err)
	case errors.Is(err, auth.ErrAlreadySetUp):
		return Refuse(http.StatusConflict, "%s", err)
	case errors.Is(err, store.ErrNotFound):
		return Refuse(http.StatusNotFound, "%s", err)
	case errors.Is(err, store.ErrInvalid):
		return Refuse(http.StatusUnprocessableEntity, "%s", err)
	case errors.Is(err, store.ErrQuota):
		return Refuse(http.StatusInsufficientStorage, "%s", err)
	case errors.Is(err, store.ErrTaken), errors.Is(err, store.ErrNotEmpty), errors.Is(err, store.ErrLastOwner),
		errors.Is(err, store.ErrMissingSecret), errors.Is(err, store.ErrRequired):
		return Refuse(http.StatusConflict, "%s", err)
	case errors.Is(err, store.ErrUnknownOutcome):
		log.WarnContext(ctx, "a change has an unknown outcome", "error", err)
		return Refuse(http.StatusServiceUnavailable, "the connection to the database was lost: look whether the change was made before you repeat it").Later(time.Second)
	case errors.Is(err, store.ErrUnavailable):
		log.WarnContext(ctx, "the database is unavailable", "error", err)
		return Refuse(http.StatusServiceUnavailable, "the database does not answer: try again").Later(time.Second)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Refuse(http.StatusServiceUnavailable, "this took too long: try again").Later(time.Second)
	}
	log.ErrorContext(ctx, "a request failed", "error", err)
	return Refuse(http.StatusInternalServerError, "something went wrong inside PiCloud; its log says what")
}

func unauthorized(detail string) *Problem {
	p := Refuse(http.StatusUnauthorized, "%s", detail)
	p.header = http.Header{"Www-Authenticate": {`Bearer realm="picloud"`}}
	return p
}

// newError replaces huma's own errors, which would send back whole bodies,
// passwords included.
func newError(status int, msg string, errs ...error) huma.StatusError {
	p := Refuse(status, "%s", msg)
	if limit, ok := strings.CutPrefix(msg, "request body is too large limit="); ok {
		p.Detail = "the request's body is larger than the " + limit + " allowed here"
	}
	if status == http.StatusUnsupportedMediaType {
		p.Detail = "send JSON, with the header Content-Type: application/json"
		return p
	}
	if status >= http.StatusInternalServerError {
		return p
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			p.Errors = append(p.Errors, fault(d.ErrorDetail()))
		} else if err != nil {
			p.Errors = append(p.Errors, Fault{Message: err.Error()})
		}
	}
	if len(p.Errors) > 0 {
		f := p.Errors[0]
		p.Detail = strings.TrimPrefix(f.Location+": "+f.Message, ": ")
	}
	return p
}

// maxEchoed bounds a value that is sent back, in bytes.
const maxEchoed = 100

// fault keeps of a value only what is short and cannot be a secret.
func fault(d *huma.ErrorDetail) Fault {
	f := Fault{Location: d.Location, Message: d.Message}
	// The values of secrets are in these.
	if strings.HasPrefix(d.Location, "body.value") {
		return f
	}
	field := d.Location[strings.LastIndexByte(d.Location, '.')+1:]
	switch field {
	case "body", "password", "current_password", "new_password", "token", "source":
		return f
	}
	switch v := d.Value.(type) {
	case string:
		if len(v) <= maxEchoed {
			f.Value = v
		}
	case bool, float64, int, int64:
		f.Value = v
	}
	return f
}

func init() {
	// huma knows no other way, and nothing else in PiCloud uses it.
	huma.NewError = newError
	huma.ErrorFormatter = format
}

// format is fmt.Sprintf, except that it writes large numbers out: a bound of
// 3.1536e+07 seconds is none that people read.
func format(message string, args ...any) string {
	for i, a := range args {
		if f, ok := a.(float64); ok {
			args[i] = strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	return fmt.Sprintf(message, args...)
}
