package orchestrator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// prefersAsync reports whether the client prefers not to wait (RFC 7240, section 4.1).
func prefersAsync(h http.Header) bool {
	for _, line := range h["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			token, _, _ := strings.Cut(preference, ";")
			if strings.EqualFold(strings.TrimSpace(token), "respond-async") {
				return true
			}
		}
	}
	return false
}

// invocation is what is told of an asynchronous request.
type invocation struct {
	ID        string     `json:"execution_id"` // of its first execution, for the app's members: it tells nobody anything else
	Status    string     `json:"status"`       // queued, running, done or failed
	StatusURL string     `json:"status_url"`
	Attempts  int64      `json:"attempts"` // that failed
	Response  *answered  `json:"response,omitempty"`
	Finished  *time.Time `json:"finished_at,omitempty"`
}

// answered is a response in JSON: a body that is not UTF-8 is in Base64.
type answered struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
	Base64  bool        `json:"body_base64,omitempty"`
}

const invocationsPath = "/invocations/"

// statusURL is where what became of a request is told to whoever has its token.
func statusURL(app, token string, at place) string {
	path := "/" + reservedName + invocationsPath + token
	if at == controlHost {
		path = "/" + app + path
	}
	return path
}

// hashToken returns what the store knows a token by.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// enqueue keeps a request to be run later, and answers 202 when it is durable. It
// reports whether it is.
func (o *Orchestrator) enqueue(w http.ResponseWriter, r *http.Request, app *snapshot, t *target, q *invoke.Request, at place) bool {
	made := now()
	token := rand.Text()
	s := &t.start
	m := store.Message{
		ID: store.NewIDAt(made), Channel: store.Channel{AppID: s.AppID, Kind: store.ChannelHTTP, Name: s.Script},
		Source: clean(q.Method + " " + q.Path), Payload: encodeRequest(q), Depth: 1, CreatedAt: made, DueAt: made,
		TokenHash: hashToken(token),
	}
	allowOrigin(w.Header(), r, app.cors, at)
	if _, err := o.cfg.Data.Enqueue(r.Context(), m); err != nil {
		switch {
		case errors.Is(err, store.ErrInvalid):
			problem(w, r, http.StatusRequestEntityTooLarge, "the request is too large to be run later", "")
		case errors.Is(err, store.ErrQuota):
			problem(w, r, http.StatusInsufficientStorage, "the app has no room for more requests to be run later; nothing was kept: try again when it has run some of them", "")
		case errors.Is(err, store.ErrNotFound):
			problem(w, r, http.StatusNotFound, fmt.Sprintf("there is no app %q", s.App), "")
		case r.Context().Err() != nil:
			problem(w, r, statusClientClosed, "the request was cancelled", "")
		default:
			slog.ErrorContext(r.Context(), "an asynchronous request could not be kept", "app", s.App, "error", err)
			w.Header().Set("Retry-After", "1")
			problem(w, r, http.StatusServiceUnavailable, "the database does not answer: whether the request was kept is not known", "")
		}
		return false
	}
	h := w.Header()
	h.Set("Picloud-Execution-Id", m.ID)
	h.Set("Location", statusURL(s.App, token, at))
	h.Set("Preference-Applied", "respond-async")
	writeInvocation(w, r, http.StatusAccepted, &invocation{ID: m.ID, Status: "queued", StatusURL: statusURL(s.App, token, at)})
	return true
}

func writeInvocation(w http.ResponseWriter, r *http.Request, status int, v *invocation) {
	body, _ := json.Marshal(v) // texts and numbers: cannot fail
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone: nothing to do about it
	}
}

// serveInvocation tells what became of an asynchronous request. Whoever has its
// token, which cannot be guessed and was told to its sender only, may know. The ID
// of its execution would not do: scripts send it to other servers.
func (o *Orchestrator) serveInvocation(w http.ResponseWriter, r *http.Request, app *snapshot, slug, token string, at place) {
	allowOrigin(w.Header(), r, app.cors, at)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		problem(w, r, http.StatusMethodNotAllowed, "what became of a request is asked for by GET", "")
		return
	}
	v, err := o.invocation(r, app.appID, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		problem(w, r, http.StatusNotFound, fmt.Sprintf("there is no such request, or it was finished more than %.0f hours ago", store.InvocationMemory.Hours()), "")
	case r.Context().Err() != nil:
		problem(w, r, statusClientClosed, "the request was cancelled", "")
	case err != nil:
		slog.ErrorContext(r.Context(), "an asynchronous request cannot be looked up", "app", slug, "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "the database does not answer", "")
	default:
		v.StatusURL = statusURL(slug, token, at)
		writeInvocation(w, r, http.StatusOK, v)
	}
}

// invocation looks for a request twice: it may be finished between two looks.
func (o *Orchestrator) invocation(r *http.Request, appID, token string) (*invocation, error) {
	if o.cfg.Queue == nil {
		return nil, store.ErrNotFound
	}
	id, err := o.cfg.Queue.InvocationID(r.Context(), hashToken(token))
	if err != nil {
		return nil, err
	}
	for range 2 {
		done, err := o.cfg.Queue.Invocation(r.Context(), appID, id)
		if err == nil {
			res, err := decodeResponse(done.Response)
			return &invocation{ID: id, Status: "done", Attempts: done.Attempts, Response: res, Finished: &done.FinishedAt}, err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		m, err := o.cfg.Queue.Message(r.Context(), appID, id)
		if err == nil && m.Kind == store.ChannelHTTP {
			return waiting(&m), nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return nil, store.ErrNotFound
}

func waiting(m *store.Message) *invocation {
	v := &invocation{ID: m.ID, Status: "queued", Attempts: m.Attempts}
	switch m.State(now()) {
	case store.MessageLeased:
		v.Status = "running"
	case store.MessageDead:
		v.Status, v.Finished = "failed", &m.DeadAt
	}
	return v
}

// keptRequest is all of a request but its body.
type keptRequest struct {
	Method, URL, Path, Query, IP string
	Header                       http.Header
	Params                       []invoke.Param
}

// encodeRequest writes a request as the length of its head, the head in JSON, and
// its body.
func encodeRequest(q *invoke.Request) []byte {
	head, _ := json.Marshal(keptRequest{q.Method, q.URL, q.Path, q.Query, q.IP, q.Header, q.Params}) // texts: cannot fail
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(head)+len(q.Body)), uint32(len(head)))
	return append(append(b, head...), q.Body...)
}

var errDamagedRequest = errors.New("the kept request is damaged")

func decodeRequest(b []byte) (*invoke.Request, error) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, errDamagedRequest
	}
	end := 4 + int(binary.BigEndian.Uint32(b))
	var k keptRequest
	if err := json.Unmarshal(b[4:end], &k); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamagedRequest, err)
	}
	return &invoke.Request{Method: k.Method, URL: k.URL, Path: k.Path, Query: k.Query, IP: k.IP, Header: k.Header, Params: k.Params, Body: b[end:]}, nil
}

// encodeResponse writes the answer to an asynchronous request as it will be told.
func encodeResponse(p *invoke.Response) []byte {
	a := answered{Status: p.Status, Headers: p.Header, Body: string(p.Body)}
	if a.Headers == nil {
		a.Headers = http.Header{}
	}
	if !utf8.Valid(p.Body) {
		a.Body, a.Base64 = base64.StdEncoding.EncodeToString(p.Body), true
	}
	b, _ := json.Marshal(a) // texts: cannot fail
	return b
}

func decodeResponse(b []byte) (*answered, error) {
	a := &answered{}
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("the kept answer is damaged: %w", err)
	}
	return a, nil
}
