// Package executions answers what scripts did: lists, single executions with
// their logs, and a stream that follows.
package executions

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Execution is one run of a script.
type Execution struct {
	ID              string    `json:"id" doc:"Sorts by start"`
	App             string    `json:"app" doc:"The app's slug"`
	Script          string    `json:"script" doc:"The script's name at the time"`
	Version         int64     `json:"version"`
	Deployment      int64     `json:"deployment"`
	Trigger         string    `json:"trigger" doc:"What started it" example:"http"`
	EventIDs        []string  `json:"event_ids,omitempty" nullable:"false" doc:"Of the messages that it handled, in their order"`
	EventSource     string    `json:"event_source,omitempty" doc:"Where they came from: the queue, topic, schedule or key; absent if they do not agree"`
	Status          string    `json:"status" enum:"ok,error,timeout,limit,rejected,cancelled"`
	Error           string    `json:"error,omitempty" doc:"Why it is not ok"`
	Method          string    `json:"method,omitempty"`
	Path            string    `json:"path,omitempty"`
	HTTPStatus      int       `json:"http_status,omitempty"`
	StartedAt       time.Time `json:"started_at"`
	DurationUS      int64     `json:"duration_us" doc:"Microseconds"`
	Operations      int64     `json:"operations" doc:"Work done, in the engine's units"`
	PeakMemoryBytes int64     `json:"peak_memory_bytes" doc:"By the engine's model of memory"`
	Logs            []LogLine `json:"logs,omitempty" nullable:"false" doc:"When asked for"`
	LogsDropped     int64     `json:"logs_dropped,omitempty" doc:"Lines that the log limits cut"`
	Calls           []Call    `json:"calls,omitempty" nullable:"false" doc:"HTTP calls of the script, when logs are asked for"`
	CallsDropped    int64     `json:"calls_dropped,omitempty" doc:"Calls beyond what a record keeps"`
}

// Call is an HTTP request that a script sent, or was refused.
type Call struct {
	At         time.Time `json:"at"`
	Method     string    `json:"method"`
	Host       string    `json:"host" doc:"With the port unless it is the scheme's own"`
	Status     int       `json:"status,omitempty" doc:"Absent: no answer came"`
	DurationUS int64     `json:"duration_us" doc:"Microseconds until the answer was read"`
	Error      string    `json:"error,omitempty" doc:"Why there was no whole answer"`
}

// LogLine is one line that a script logged.
type LogLine struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level" enum:"debug,info,warn,error"`
	Source  string    `json:"source" doc:"print, debug or log"`
	Line    int       `json:"line,omitempty" doc:"Position in the script"`
	Column  int       `json:"column,omitempty"`
	Message string    `json:"message"`
}

// Of shows a stored execution of the app with the given slug.
func Of(e store.Execution, app string) Execution {
	shown := Execution{
		ID: e.ID, App: app, Script: e.Script, Version: e.Version, Deployment: e.Deployment, Trigger: e.Trigger,
		EventIDs: e.EventIDs, EventSource: e.EventSource, Status: string(e.Status), Error: e.Error, Method: e.Method, Path: e.Path, HTTPStatus: e.HTTPStatus,
		StartedAt: e.StartedAt, DurationUS: e.Duration.Microseconds(), Operations: e.Operations,
		PeakMemoryBytes: e.PeakMemory, LogsDropped: e.LogsDropped,
	}
	for _, l := range e.Logs {
		shown.Logs = append(shown.Logs, LogLine{At: l.At, Level: l.Level, Source: l.Source, Line: l.Line, Column: l.Column, Message: l.Message})
	}
	for _, c := range e.Calls {
		shown.Calls = append(shown.Calls, Call{At: c.At, Method: c.Method, Host: c.Host, Status: c.Status, DurationUS: c.Duration.Microseconds(), Error: c.Error})
	}
	shown.CallsDropped = e.CallsDropped
	return shown
}

// Config is what the operations need.
type Config struct {
	Store interface {
		store.Apps
		store.Scripts
	}
	Executions store.Executions
	Feed       store.ExecutionFeed
	// Ending is closed when the server stops: streams end then.
	Ending <-chan struct{}
	// Heartbeat is how often a stream shows that it is alive, and looks whether
	// its reader may still follow.
	Heartbeat time.Duration
}

// Selection is which executions of an app are meant.
type Selection struct {
	Script string `query:"script" maxLength:"200" doc:"Only of this script"`
	Status string `query:"status" enum:"ok,error,timeout,limit,rejected,cancelled" doc:"Only those that ended so"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{Config: c, api: a}
	api.Register(a, api.Op{
		ID: "listExecutions", Method: http.MethodGet, Path: "/apps/{app}/executions", Tag: "executions", Action: auth.ViewExecutions,
		Summary:     "List an app's executions, newest first",
		Description: "To page back pass next as before; to see what came since pass the newest ID as after.",
		Errors:      []int{http.StatusNotFound},
	}, s.list)
	api.Register(a, api.Op{
		ID: "getExecution", Method: http.MethodGet, Path: "/executions/{id}", Tag: "executions", Action: auth.ViewExecutions,
		Summary: "Show an execution with its logs", Errors: []int{http.StatusNotFound},
	}, s.show)
	api.Register(a, api.Op{
		ID: "streamExecutions", Method: http.MethodGet, Path: "/apps/{app}/executions/stream", Tag: "executions", Action: auth.ViewExecutions,
		Summary: "Follow an app's executions",
		Description: "Server-sent events: each `execution` event carries one execution with its logs as JSON, and its ID as event ID. " +
			"It starts after the ID in `after` or the header Last-Event-ID, else with what comes from now on.",
		Errors: []int{http.StatusNotFound}, Stream: true,
	}, s.stream)
}

type service struct {
	Config
	api *api.API
}

// filter turns a selection into a filter of the store.
func (s *service) filter(ctx context.Context, sel Selection) (store.ExecutionFilter, error) {
	app := api.App(ctx)
	f := store.ExecutionFilter{AppID: app.ID, Status: store.Status(sel.Status)}
	if sel.Script != "" {
		script, err := s.Store.Script(ctx, app.ID, sel.Script)
		if errors.Is(err, store.ErrNotFound) {
			return f, api.Refuse(http.StatusNotFound, "there is no script %.100q in %s", sel.Script, app.Slug)
		}
		if err != nil {
			return f, err
		}
		f.ScriptID = script.ID
	}
	return f, nil
}

// ExecutionPage is a part of the list of an app's executions.
type ExecutionPage struct {
	api.List[Execution]
	Dropped int64 `json:"dropped" doc:"How many of the app's executions this server could not record since it started; they are in no list"`
}

type listOutput struct{ Body ExecutionPage }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	Selection
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to answer at most"`
	Before string `query:"before" maxLength:"64" doc:"Only executions that started before the one with this ID"`
	After  string `query:"after" maxLength:"64" doc:"Only executions that started after the one with this ID"`
	Logs   bool   `query:"logs" doc:"Answer the log lines, too"`
},
) (*listOutput, error) {
	f, err := s.filter(ctx, in.Selection)
	if err != nil {
		return nil, err
	}
	f.Before, f.After, f.Limit, f.Logs = in.Before, in.After, in.Limit+1, in.Logs
	rows, err := s.Executions.ListExecutions(ctx, f)
	if err != nil {
		return nil, err
	}
	app := api.App(ctx)
	return &listOutput{Body: ExecutionPage{
		List: api.Cut(rows, in.Limit, func(e store.Execution) string { return e.ID },
			func(e store.Execution) Execution { return Of(e, app.Slug) }),
		Dropped: s.Feed.Dropped(app.ID),
	}}, nil
}

type showOutput struct{ Body Execution }

func (s *service) show(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (*showOutput, error) {
	unknown := api.Refuse(http.StatusNotFound, "there is no execution %q: its record may have been too old to keep", in.ID)
	e, err := s.Executions.Execution(ctx, in.ID)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrInvalid) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	app, err := s.Store.App(ctx, e.AppID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	if err := s.api.Allow(ctx, api.Identity(ctx), app, auth.ViewExecutions); err != nil {
		return nil, err
	}
	return &showOutput{Body: Of(e, app.Slug)}, nil
}
