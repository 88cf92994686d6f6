package executions

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

const (
	// streamBuffer bounds the executions that wait for one slow reader.
	streamBuffer = 1024
	// catchUp bounds the executions that a reader who comes back is shown.
	catchUp = 1000
	// writeTimeout bounds the sending of one event to a reader who does not read.
	writeTimeout = 30 * time.Second
)

type streamInput struct {
	api.AppPath
	Selection
	After     string `query:"after" maxLength:"64" doc:"Start with what follows this execution"`
	LastEvent string `header:"Last-Event-ID" maxLength:"64" doc:"As after; browsers send it when they reconnect"`
}

// stream answers first what the reader has missed and then what is recorded.
func (s *service) stream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	f, err := s.filter(ctx, in.Selection)
	if err != nil {
		return nil, err
	}
	if f.After = in.LastEvent; f.After == "" {
		f.After = in.After
	}
	// Followed before it looks back, so that nothing falls between.
	feed := follow(s.Feed, f)
	var missed []store.Execution
	if f.After != "" {
		if missed, err = s.since(ctx, f); err != nil {
			feed.stop()
			return nil, err
		}
	}
	app := api.App(ctx)
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer feed.stop()
		r, w := humago.Unwrap(hc)
		rc := http.NewResponseController(w)
		// The server's deadline for reading the request would end the stream, too.
		rc.SetReadDeadline(time.Time{}) //nolint:errcheck // not every ResponseWriter has one
		s.send(r, &events{w: w, rc: rc, app: app.Slug}, app, feed, missed)
	}}, nil
}

// since returns what has a higher ID than f.After, oldest first: the newest
// catchUp of them.
func (s *service) since(ctx context.Context, f store.ExecutionFilter) ([]store.Execution, error) {
	f.Limit, f.Logs = catchUp, true
	rows, err := s.Executions.ListExecutions(ctx, f)
	slices.Reverse(rows)
	return rows, err
}

func (s *service) send(r *http.Request, out *events, app store.App, feed *feed, missed []store.Execution) {
	h := out.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must not hold events back
	if out.comment("following") != nil {
		return
	}
	shown := make(map[string]bool, len(missed))
	for _, e := range missed {
		shown[e.ID] = true
		if out.execution(e) != nil {
			return
		}
	}
	alive := time.NewTicker(s.Heartbeat)
	defer alive.Stop()
	for {
		select {
		case e := <-feed.executions:
			if !shown[e.ID] && out.execution(e) != nil {
				return
			}
		case <-feed.overflow:
			out.comment("too slow: reconnect") //nolint:errcheck // it ends here in any case
			return
		case <-alive.C:
			shown = nil // what was missed has long been through the feed
			if !s.stillMay(r, app) {
				return
			}
			if out.comment("") != nil {
				return
			}
		case <-s.Ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// stillMay reports whether the reader is still signed in and allowed to see an
// app that still exists.
func (s *service) stillMay(r *http.Request, app store.App) bool {
	id, err := s.api.Identify(r.Context(), r)
	if err != nil {
		return false
	}
	app, err = s.Store.App(r.Context(), app.ID)
	return err == nil && s.api.Allow(r.Context(), id, app, auth.ViewExecutions) == nil
}

// feed hands recorded executions that f selects to one reader. When the reader
// falls too far behind it ends, and the reader asks for what was missed.
type feed struct {
	executions chan store.Execution
	overflow   chan struct{}
	stop       func()
}

func follow(from store.ExecutionFeed, f store.ExecutionFilter) *feed {
	fd := &feed{executions: make(chan store.Execution, streamBuffer), overflow: make(chan struct{}, 1)}
	fd.stop = from.Watch(func(batch []store.Execution) {
		for _, e := range batch {
			if e.AppID != f.AppID || f.ScriptID != "" && e.ScriptID != f.ScriptID || f.Status != "" && e.Status != f.Status {
				continue
			}
			select {
			case fd.executions <- e:
			default:
				select {
				case fd.overflow <- struct{}{}:
				default:
				}
				return
			}
		}
	})
	return fd
}

// events writes server-sent events.
type events struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	app string
}

func (o *events) execution(e store.Execution) error {
	data, err := json.Marshal(Of(e, o.app))
	if err != nil {
		return err
	}
	return o.write("id: %s\nevent: execution\ndata: %s\n\n", e.ID, data)
}

func (o *events) comment(text string) error { return o.write(": %s\n\n", text) }

func (o *events) write(format string, args ...any) error {
	// Not every ResponseWriter has deadlines; the server's own apply then.
	o.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) //nolint:errcheck
	if _, err := fmt.Fprintf(o.w, format, args...); err != nil {
		return err
	}
	return o.rc.Flush()
}
