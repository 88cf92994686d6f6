package api

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/picloud/picloud/internal/store"
)

// List is a page of a listing.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Pass it as after (for executions: as before) to get the following page; absent on the last one"`
}

// AppPath is the input of operations on an app.
type AppPath struct {
	App string `path:"app" doc:"The app's slug" example:"demo"`
}

// PageQuery asks for a page of a listing by key.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many items to answer at most"`
	After string `query:"after" maxLength:"200" doc:"The next of the page before"`
}

// Page returns what the store is asked for: one item more than wanted, so that
// Cut can tell whether more follow.
func (q PageQuery) Page() store.Page { return store.Page{After: q.After, Limit: q.Limit + 1} }

// Cut makes a page of what the store returned; key names an item for After.
func Cut[R, T any](rows []R, limit int, key func(R) string, convert func(R) T) List[T] {
	l := List[T]{Items: make([]T, 0, len(rows))}
	if len(rows) > limit {
		rows = rows[:limit]
		l.Next = key(rows[limit-1])
	}
	for _, r := range rows {
		l.Items = append(l.Items, convert(r))
	}
	return l
}

// Limits bounds an execution.
type Limits struct {
	Operations    int64 `json:"operations,omitempty" minimum:"0" doc:"Work a run may do"`
	WallTimeMS    int64 `json:"wall_time_ms,omitempty" minimum:"0" doc:"Milliseconds a run may take"`
	MemoryBytes   int64 `json:"memory_bytes,omitempty" minimum:"0" doc:"Memory a run may use, by the engine's model"`
	CallDepth     int64 `json:"call_depth,omitempty" minimum:"0" doc:"Nested calls"`
	RequestBytes  int64 `json:"request_bytes,omitempty" minimum:"0" doc:"Size of the request's body"`
	ResponseBytes int64 `json:"response_bytes,omitempty" minimum:"0" doc:"Size of the response's body"`
	LogLines      int64 `json:"log_lines,omitempty" minimum:"0" doc:"Log lines kept of a run"`
	LogBytes      int64 `json:"log_bytes,omitempty" minimum:"0" doc:"Bytes of log kept of a run"`
}

// Store returns l as the store keeps it.
func (l Limits) Store() store.Limits { return store.Limits(l) }

// LimitsOf returns what the store keeps as the API shows it.
func LimitsOf(l store.Limits) *Limits {
	if l == (store.Limits{}) {
		return nil
	}
	shown := Limits(l)
	return &shown
}

// Guard says who may call an endpoint.
type Guard struct {
	Kind string `json:"kind" enum:"none,api-key,user,basic,hmac" doc:"none: anybody. api-key: an API key with the scope invoke, or a session, of somebody who may invoke the app's scripts. user: any user of the instance. basic: a name and a password (HTTP Basic). hmac: a signature of the body (HMAC-SHA256)"`

	Secret   string `json:"secret,omitempty" maxLength:"128" doc:"basic, hmac: the app's secret that is the password or the key" example:"WEBHOOK_KEY"`
	Username string `json:"username,omitempty" maxLength:"128" doc:"basic: the name"`

	Scheme           string `json:"scheme,omitempty" enum:"github,standard-webhooks,generic" doc:"hmac: how the signature travels. Absent: generic with a header, else github"`
	Header           string `json:"header,omitempty" maxLength:"64" doc:"hmac, generic: the header that holds the signature" example:"X-Signature"`
	Prefix           string `json:"prefix,omitempty" maxLength:"64" doc:"hmac, generic: what stands before the signature" example:"sha256="`
	Encoding         string `json:"encoding,omitempty" enum:"hex,base64" doc:"hmac, generic: how the signature is written; absent: hex"`
	TimestampHeader  string `json:"timestamp_header,omitempty" maxLength:"64" doc:"hmac, generic: the header with the time in seconds since 1970. Then TIMESTAMP.BODY is signed, and a request is taken once"`
	ToleranceSeconds int64  `json:"tolerance_seconds,omitempty" minimum:"0" maximum:"3600" doc:"hmac: how far a timestamp may be from now; absent: 300"`
}

// GuardOf returns what the store keeps as the API shows it, nil for none.
func GuardOf(g store.Guard) *Guard {
	if g.Kind == "" {
		return nil
	}
	return &Guard{
		Kind: string(g.Kind), Secret: g.Secret, Username: g.Username, Scheme: string(g.Scheme), Header: g.Header, Prefix: g.Prefix,
		Encoding: string(g.Encoding), TimestampHeader: g.TimestampHeader, ToleranceSeconds: g.Tolerance,
	}
}

// Store returns g as the store keeps it; a *Problem when it makes no sense.
// location names it in the request.
func (g Guard) Store(location string) (store.Guard, error) {
	made := store.Guard{
		Kind: store.GuardKind(g.Kind), Secret: g.Secret, Username: g.Username, Scheme: store.Scheme(g.Scheme), Header: g.Header, Prefix: g.Prefix,
		Encoding: store.Encoding(g.Encoding), TimestampHeader: g.TimestampHeader, Tolerance: g.ToleranceSeconds,
	}
	if g.Kind == "none" {
		made.Kind = ""
	}
	made, err := made.Normal()
	var wrong *store.GuardError
	if errors.As(err, &wrong) {
		return made, Invalid(location+"."+wrong.Field, wrong.Unwrap().Error(), nil)
	}
	return made, err
}

// Rate bounds how often one caller may call an endpoint.
type Rate struct {
	Requests int64 `json:"requests" minimum:"0" maximum:"1000000" doc:"How many at once, and again in each span; 0: no bound"`
	Seconds  int64 `json:"seconds" minimum:"1" maximum:"86400" doc:"The span"`
}

// RateOf returns what the store keeps as the API shows it, nil for no bound.
func RateOf(r store.Rate) *Rate {
	if r.Requests == 0 {
		return nil
	}
	return &Rate{Requests: r.Requests, Seconds: r.Seconds}
}

// Store returns r as the store keeps it.
func (r Rate) Store() store.Rate {
	if r.Requests == 0 {
		return store.Rate{}
	}
	return store.Rate(r)
}

// NumberKey refuses an After that is no number, for listings by number.
func NumberKey(location, after string) error {
	if after == "" {
		return nil
	}
	if n, err := strconv.ParseInt(after, 10, 64); err != nil || n < 1 {
		return Invalid(location, "must be the next of the page before: a number", after)
	}
	return nil
}

// Usernames returns a function from the ID of the users that the given rows name
// to their name; the ID of a user who is gone stays as it is.
func Usernames[R any](ctx context.Context, users store.Users, rows []R, by func(R) string) (func(id string) string, error) {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, by(r))
	}
	slices.Sort(ids)
	names, err := users.Usernames(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	return func(id string) string {
		if name, ok := names[id]; ok {
			return name
		}
		return id
	}, nil
}
