// Package api is the frame in which every noun of the REST API stands: how an
// operation is registered, who is let in, and what errors look like.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"path"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// Prefix is where the API lives.
const Prefix = "/api/v1"

// MaxBody bounds a request's body, in bytes, where an operation does not say
// otherwise.
const MaxBody = 64 << 10

// requestTimeout bounds an operation other than a stream.
const requestTimeout = 30 * time.Second

// Config is what the frame needs.
type Config struct {
	Auth     *auth.Authenticator
	Apps     store.Apps
	Members  store.Members
	AuditLog store.Audit
	Proxies  peer.Trust
	Now      func() time.Time
	Log      *slog.Logger
	Version  string // of this PiCloud; every answer carries it
}

// API is the frame. Nouns add their operations with Register.
type API struct {
	Config
	huma    huma.API
	mux     *http.ServeMux
	auditor *auditor
}

// New returns an API without operations.
func New(c Config) *API {
	a := &API{Config: c, mux: http.NewServeMux(), auditor: newAuditor()}
	conf := huma.DefaultConfig("PiCloud", "1")
	conf.Info.Description = "Manages a PiCloud instance: apps, scripts, deployments and the record of executions. " +
		"Sign in with POST /sessions and send the token as `Authorization: Bearer TOKEN`. " +
		"Errors are RFC 9457 problem details. Lists answer `items`, and `next` while there are more."
	conf.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	// The documentation page would load scripts of a third party; links to
	// schemas would put a $schema into every body.
	conf.DocsPath, conf.SchemasPath, conf.CreateHooks = "", "", nil
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	conf.Formats = map[string]huma.Format{"application/json": format, "json": format}
	conf.Servers = []*huma.Server{{URL: Prefix}}
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "The token that POST /sessions answers, or an API key."},
		"cookie": {Type: "apiKey", In: "cookie", Name: auth.SessionCookie, Description: "Set for browsers. Over HTTPS it is called " + auth.SecureSessionCookie + "."},
	}
	a.huma = humago.NewWithPrefix(a.mux, Prefix, conf)
	a.huma.UseMiddleware(a.gate)
	a.mux.HandleFunc(Prefix, a.unknown)
	a.mux.HandleFunc(Prefix+"/", a.unknown)
	return a
}

// unmarshal reads a request's body. What encoding/json would change is refused: it
// would be kept as something else than was sent.
func unmarshal(body []byte, v any) error {
	if err := value.CheckText(body); err != nil {
		return err
	}
	err := json.Unmarshal(body, v)
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		number, ok := strings.CutPrefix(te.Value, "number ")
		if kind := te.Type.Kind(); ok && te.Field != "" && (kind == reflect.Int || kind == reflect.Int64) {
			return fmt.Errorf("the number %.40s of %s is no integer of 64 bits (%d to %d)", number, te.Field, int64(math.MinInt64), int64(math.MaxInt64))
		}
		if ok {
			return fmt.Errorf("the number %.40s is too large: the greatest is about 1.8e308", number)
		}
	}
	return err
}

// Peer returns who sent a request, as far as trusted proxies tell.
func (a *API) Peer(r *http.Request) peer.Peer { return a.Proxies.Of(r) }

// OpenAPI returns the document of what is registered.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// ServeHTTP answers a request below Prefix.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.Version != "" {
		h.Set("PiCloud-Version", a.Version)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if auth.OpaqueOrigin(r) {
		Write(w, Refuse(http.StatusForbidden, "the API refuses requests from sandboxed documents (Origin: null)"))
		return
	}
	// The mux would redirect to a path without "//" and "..": nobody who sends
	// such a path means the other one.
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		Write(w, Refuse(http.StatusNotFound, "there is nothing at %s", r.URL.Path))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unknown answers what no operation does: 405 if another method would.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" && pattern != Prefix && pattern != Prefix+"/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		Write(w, Refuse(http.StatusMethodNotAllowed, "%s is not possible here; %s is", r.Method, strings.Join(allowed, ", ")))
		return
	}
	Write(w, Refuse(http.StatusNotFound, "there is nothing at %s", r.URL.Path))
}

// Op describes an operation.
type Op struct {
	ID, Method, Path string // Path is below Prefix; {app} in it is an app's slug
	Tag              string
	Summary          string
	Description      string
	Action           auth.Action // what one needs permission for: a row of auth's table
	Status           int         // of success; 0 means 200
	AlsoStatus       int         // another status of success
	Errors           []int       // beyond those that follow from the rest
	MaxBody          int64       // bytes; 0 means MaxBody
	Stream           bool        // server-sent events: no time limit
}

// rule is what the gate goes by.
type rule struct {
	id      string
	action  auth.Action
	status  int
	app     bool
	stream  bool
	maxBody int64 // 0: there is no body to read
}

const ruleKey = "picloud.rule"

// PermissionKey is where the document names the permission of an operation.
const PermissionKey = "x-picloud-permission"

// Register adds an operation. What the handler returns as error goes through From.
func Register[I, O any](a *API, op Op, handler func(context.Context, *I) (*O, error)) {
	if op.Status == 0 {
		op.Status = http.StatusOK
	}
	if op.MaxBody == 0 {
		op.MaxBody = MaxBody
	}
	if _, ok := auth.PermissionFor(op.Action); !ok {
		panic(op.ID + " needs the permission " + strconv.Quote(string(op.Action)) + ", which is not in auth's table")
	}
	ru := rule{id: op.ID, action: op.Action, status: op.Status, app: strings.Contains(op.Path, "{app}"), stream: op.Stream}
	if _, body := reflect.TypeFor[I]().FieldByName("Body"); body {
		ru.maxBody = op.MaxBody
	}
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Tags: []string{op.Tag},
		Summary: op.Summary, Description: op.Description, DefaultStatus: op.Status,
		MaxBodyBytes: op.MaxBody, BodyReadTimeout: requestTimeout,
		Metadata: map[string]any{ruleKey: ru},
		Errors:   op.statuses(ru),
		// What the dashboard and the page on roles go by.
		Extensions: map[string]any{PermissionKey: string(op.Action)},
	}
	if op.Action != auth.Anyone {
		h.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	if op.Stream {
		h.Responses = map[string]*huma.Response{"200": {
			Description: "A stream of events",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
	}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			p := From(ctx, a.Log, err)
			from(ctx).event.Detail = p.Detail
			return nil, p
		}
		return out, nil
	})
	if op.AlsoStatus != 0 {
		item := a.huma.OpenAPI().Paths[op.Path]
		for _, o := range []*huma.Operation{item.Put, item.Post} {
			if o != nil && o.OperationID == op.ID {
				also := *o.Responses[strconv.Itoa(op.Status)]
				also.Description = http.StatusText(op.AlsoStatus)
				o.Responses[strconv.Itoa(op.AlsoStatus)] = &also
			}
		}
	}
}

// statuses returns every error status that the operation may answer.
func (op Op) statuses(ru rule) []int {
	set := map[int]bool{
		http.StatusForbidden: true, http.StatusUnprocessableEntity: true,
		http.StatusInternalServerError: true, http.StatusServiceUnavailable: true,
	}
	for _, s := range op.Errors {
		set[s] = true
	}
	if op.Action != auth.Anyone {
		set[http.StatusUnauthorized] = true
	}
	if ru.app {
		set[http.StatusNotFound] = true
	}
	if ru.maxBody > 0 {
		set[http.StatusBadRequest] = true
		set[http.StatusRequestTimeout] = true
		set[http.StatusRequestEntityTooLarge] = true
		set[http.StatusUnsupportedMediaType] = true
	}
	all := make([]int, 0, len(set))
	for s := range set {
		all = append(all, s)
	}
	sort.Ints(all)
	return all
}
