package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/cloudevents"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// reservedName is the first segment of an app's paths that PiCloud answers
// itself: no script can be called so.
const reservedName = "_"

// maxEvent bounds the body of an event from outside, in bytes: Base64 and the
// names of a CloudEvent around a payload of the greatest size.
const maxEvent = 2 << 20

// maxEventKey bounds the header Idempotency-Key, in bytes.
const maxEventKey = 256

// serveReserved answers POST /_/events/{topic}, which publishes an event from
// outside, and GET /_/invocations/{id}. rest is what follows the first segment.
func (o *Orchestrator) serveReserved(w http.ResponseWriter, r *http.Request, app *snapshot, slug, rest string, at place) {
	if id, ok := strings.CutPrefix(rest, invocationsPath); ok && r.Method != http.MethodOptions {
		o.serveInvocation(w, r, app, slug, id, at)
		return
	}
	name, ok := strings.CutPrefix(rest, "/events/")
	if decoded, err := url.PathUnescape(name); err == nil {
		name = decoded
	}
	switch {
	case !ok && !strings.HasPrefix(rest, invocationsPath):
		allowOrigin(w.Header(), r, app.cors, at)
		problem(w, r, http.StatusNotFound, fmt.Sprintf("there is nothing here; events are published by POST to %s/events/{topic}", reservedName), "")
		return
	case r.Method == http.MethodOptions:
		preflight(w, r, app.cors, at)
		return
	}
	allowOrigin(w.Header(), r, app.cors, at)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "OPTIONS, POST")
		problem(w, r, http.StatusMethodNotAllowed, "events are published by POST", "")
		return
	}
	if !o.mayPublish(w, r, app) {
		return
	}
	if err := topic.Check(name); err != nil {
		problem(w, r, http.StatusUnprocessableEntity, err.Error(), "")
		return
	}
	limit := min(maxEvent, app.limits.RequestBytes)
	body, release, err := o.readBody(w, r, limit)
	if err != nil {
		bodyFailed(w, r, err, limit)
		return
	}
	defer release()
	e := topic.Event{AppID: app.appID, Topic: name, Depth: 1, At: now()}
	if refused := readEvent(r.Header, body, &e); refused != nil {
		problem(w, r, refused.status, refused.detail, "")
		return
	}
	wanted := e.Messages(app.topics.Match(name))
	added, err := o.cfg.Data.Enqueue(r.Context(), wanted...)
	if err != nil {
		o.publishFailed(w, r, slug, err)
		return
	}
	accepted(w, name, added, len(added) < len(wanted))
}

func (o *Orchestrator) mayPublish(w http.ResponseWriter, r *http.Request, app *snapshot) bool {
	if o.cfg.Open {
		return true
	}
	if o.cfg.Guard == nil {
		refuse(w, r, auth.ErrNotInvited)
		return false
	}
	_, err := o.cfg.Guard.Admit(r.Context(), r, o.cfg.TrustedProxies.Of(r).HTTPS, app.appID, store.Guard{Kind: store.GuardAPIKey})
	if err != nil {
		refuse(w, r, err)
		return false
	}
	return true
}

// unreadable says why a request is no event.
type unreadable struct {
	status int
	detail string
}

// readEvent fills in the payload and the name of an event.
func readEvent(h http.Header, body []byte, e *topic.Event) *unreadable {
	e.Name = h.Get("Idempotency-Key")
	if _, given := h["Idempotency-Key"]; given && e.Name == "" {
		return &unreadable{http.StatusUnprocessableEntity, "the Idempotency-Key is empty: leave the header out, or give it a value"}
	}
	if len(e.Name) > maxEventKey {
		return &unreadable{http.StatusUnprocessableEntity, fmt.Sprintf("the Idempotency-Key is %d bytes long: at most %d are allowed", len(e.Name), maxEventKey)}
	}
	if h.Get("Ce-Specversion") != "" {
		return &unreadable{http.StatusUnsupportedMediaType, "CloudEvents are taken in the structured mode: the whole event in the body, with Content-Type: " + cloudevents.MediaType}
	}
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && h.Get("Content-Type") != "" {
		return &unreadable{http.StatusUnsupportedMediaType, "the Content-Type is not one: " + err.Error()}
	}
	var payload rhai.Value
	switch {
	case media == cloudevents.BatchMediaType:
		return &unreadable{http.StatusUnsupportedMediaType, "send the CloudEvents of a batch one by one, with Content-Type: " + cloudevents.MediaType}
	case media == cloudevents.MediaType:
		ce, err := cloudevents.Parse(body)
		if err != nil {
			return &unreadable{http.StatusUnprocessableEntity, err.Error()}
		}
		payload = ce.Value
		if e.Name == "" { // the specification lets who receives two of one source and id take them for one
			e.Name = "cloudevent\x00" + ce.Source + "\x00" + ce.ID
		}
	case media == "" && len(body) == 0:
	case len(body) == 0:
		return &unreadable{http.StatusUnprocessableEntity, "the body is empty: send the event's payload as JSON, or leave out the Content-Type, too, for a payload of ()"}
	case media == "" || media == "application/json" || strings.HasSuffix(media, "+json"):
		if payload, err = value.FromJSON(body); err != nil {
			return &unreadable{http.StatusUnprocessableEntity, "the body must be the event's payload as JSON: " + err.Error()}
		}
	default:
		return &unreadable{http.StatusUnsupportedMediaType, fmt.Sprintf("the body is %s: send application/json or %s", media, cloudevents.MediaType)}
	}
	if e.Payload, err = value.Encode(payload); err != nil {
		return &unreadable{http.StatusUnprocessableEntity, "the payload: " + err.Error()}
	}
	return nil
}

func (o *Orchestrator) publishFailed(w http.ResponseWriter, r *http.Request, slug string, err error) {
	switch {
	case errors.Is(err, store.ErrInvalid):
		problem(w, r, http.StatusUnprocessableEntity, err.Error(), "")
	case errors.Is(err, store.ErrQuota):
		problem(w, r, http.StatusInsufficientStorage, err.Error(), "")
	case errors.Is(err, store.ErrNotFound):
		problem(w, r, http.StatusNotFound, fmt.Sprintf("there is no app %q", printable(slug)), "")
	case r.Context().Err() != nil:
		problem(w, r, statusClientClosed, "the request was cancelled", "")
	default:
		slog.ErrorContext(r.Context(), "an event could not be kept", "app", slug, "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "the database does not answer: whether the event was kept is not known", "")
	}
}

// published is the answer to who published an event.
type published struct {
	Topic      string     `json:"topic"`
	Deliveries []delivery `json:"deliveries"`
	Duplicate  bool       `json:"duplicate,omitempty"` // subscriptions got an event with its idempotency key before
}

type delivery struct {
	Subscription string `json:"subscription"`
	EventID      string `json:"event_id"`
}

func accepted(w http.ResponseWriter, name string, added []store.Message, duplicate bool) {
	out := published{Topic: name, Duplicate: duplicate, Deliveries: make([]delivery, len(added))}
	for i := range added {
		out.Deliveries[i] = delivery{added[i].Channel.Name, added[i].ID}
	}
	body, _ := json.Marshal(out) // strings: cannot fail
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
}
