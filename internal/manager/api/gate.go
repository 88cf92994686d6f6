package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// errCrossOrigin refuses what another site's page sent with our cookie.
var errCrossOrigin = Refuse(http.StatusForbidden, "this request came from another site's page: PiCloud takes it only from its own")

type visitKey struct{}

// visit is what the gate found out about a request.
type visit struct {
	identity auth.Identity
	app      store.App
	inApp    store.AppRole // what identity is in app, where that was looked up
	peer     peer.Peer
	event    *Event // what becomes of it in the audit log
}

// Identity returns who is signed in. Only for operations that need an action.
func Identity(ctx context.Context) auth.Identity { return from(ctx).identity }

// App returns the app named in the path. The caller is allowed to do with it
// what the operation does.
func App(ctx context.Context) store.App { return from(ctx).app }

// Permissions returns the names of what the caller may do: in the app with an ID,
// which is the one in the path or one that was just created, or on the instance
// when the ID is empty.
func Permissions(ctx context.Context, app string) []string {
	v, may := from(ctx), []string{}
	for _, p := range auth.Permissions() {
		if v.identity.May(app, v.inApp, p.Action) {
			may = append(may, string(p.Action))
		}
	}
	return may
}

// PeerOf returns who sent the request.
func PeerOf(ctx context.Context) peer.Peer { return from(ctx).peer }

func from(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	if v == nil {
		return &visit{event: &Event{}}
	}
	return v
}

// gate lets in who may do what the operation does, before any body is read.
func (a *API) gate(hc huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hc)
	ru, _ := hc.Operation().Metadata[ruleKey].(rule)
	ctx := r.Context()
	if !ru.stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	if !clean(r) {
		Write(w, Refuse(http.StatusUnprocessableEntity, "the address contains U+0000 or is not UTF-8"))
		return
	}
	v, err := a.admit(ctx, r, ru)
	if err != nil {
		p := From(ctx, a.Log, err)
		if worth(r, p.Status) {
			v.event.Status, v.event.Detail = p.Status, p.Detail
			a.Audit(ctx, v.event)
		}
		Write(w, p)
		return
	}
	if p := unknownQuery(hc.Operation(), r); p != nil {
		Write(w, p)
		return
	}
	if ru.maxBody > 0 && r.ContentLength > ru.maxBody {
		Write(w, tooLarge(ru.maxBody))
		return
	}
	ctx = context.WithValue(ctx, visitKey{}, v)
	if ru.action != auth.Anyone && !safe(r.Method) {
		v.event.Status = ru.status
		ctx = a.carry(ctx, v.event)
	}
	next(huma.WithContext(hc, ctx))
	status := hc.Status()
	if worth(r, status) && (status >= 400 || !v.event.carried.Load()) {
		v.event.Status = status
		a.Audit(ctx, v.event)
	}
}

// unknownQuery is the problem of a query with parameters that the operation does
// not have: who mistypes a filter would get everything.
func unknownQuery(op *huma.Operation, r *http.Request) *Problem {
	known := map[string]bool{}
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			known[p.Name] = true
			names = append(names, p.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if known[name] {
			continue
		}
		has := "there are none"
		if len(names) > 0 {
			has = "there are " + strings.Join(names, ", ")
		}
		return Refuse(http.StatusUnprocessableEntity, "there is no query parameter %.100q here: %s", name, has)
	}
	return nil
}

func tooLarge(limit int64) *Problem {
	return Refuse(http.StatusRequestEntityTooLarge, "the request's body is larger than the %d KiB allowed here", limit>>10)
}

// admit returns what it found out about a request, also with an error.
func (a *API) admit(ctx context.Context, r *http.Request, ru rule) (*visit, error) {
	v := &visit{peer: a.Peer(r)}
	v.event = &Event{
		From: v.peer, UserAgent: r.UserAgent(), Action: ru.id,
		Object: strings.TrimPrefix(r.URL.Path, Prefix+"/"), App: r.PathValue("app"),
	}
	if ru.action == auth.Anyone {
		// Signing somebody in from another site's page is refused, too.
		if auth.Related(r) == auth.OtherOrigin && !safe(r.Method) {
			return v, errCrossOrigin
		}
		return v, nil
	}
	var err error
	if v.identity, err = a.Identify(ctx, r); err != nil {
		return v, err
	}
	v.event.User, v.event.Key = v.identity.User, v.identity.Key
	if ru.app {
		slug := r.PathValue("app")
		v.app, err = a.Apps.AppBySlug(ctx, slug)
		if errors.Is(err, store.ErrNotFound) {
			return v, NoApp(slug)
		}
		if err != nil {
			return v, err
		}
		v.inApp, err = a.allow(ctx, v.identity, v.app, ru.action)
		return v, err
	}
	// The handler of an operation about an app that its path does not name asks
	// Allow once it knows which.
	if !v.identity.May("", "", ru.action) && !v.identity.MayIn(ru.action) {
		return v, forbidden(v.identity, "", ru.action)
	}
	return v, nil
}

// Identify returns who sent a request. A cookie counts only when our own page
// sent it along, or when the browser does not say and nothing is changed.
func (a *API) Identify(ctx context.Context, r *http.Request) (auth.Identity, error) {
	token, cookie := auth.Token(r, a.Peer(r).HTTPS)
	if token == "" {
		return auth.Identity{}, unauthorized("sign in first: no token came with the request")
	}
	if cookie {
		switch auth.Related(r) {
		case auth.OtherOrigin:
			return auth.Identity{}, errCrossOrigin
		case auth.Unstated:
			if !safe(r.Method) {
				return auth.Identity{}, errCrossOrigin
			}
		}
	}
	return a.Auth.Identify(ctx, token)
}

// Allow reports whether somebody may do something with an app: nil, a 403, or
// an error of the store.
func (a *API) Allow(ctx context.Context, id auth.Identity, app store.App, action auth.Action) error {
	_, err := a.allow(ctx, id, app, action)
	return err
}

// allow is Allow, and returns the role in the app if it mattered.
func (a *API) allow(ctx context.Context, id auth.Identity, app store.App, action auth.Action) (inApp store.AppRole, err error) {
	if !auth.May(id.User.Role, "", action) {
		m, err := a.Members.Member(ctx, app.ID, id.User.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		inApp = m.Role
	}
	if id.May(app.ID, inApp, action) {
		return inApp, nil
	}
	return inApp, forbidden(id, app.ID, action)
}

// Demand is Allow for what is not about an app.
func (a *API) Demand(id auth.Identity, action auth.Action) error {
	if id.May("", "", action) {
		return nil
	}
	return forbidden(id, "", action)
}

// Sight returns which apps a listing may show to somebody.
func Sight(id auth.Identity) store.Sight {
	var see store.Sight
	if !auth.May(id.User.Role, "", auth.ViewApp) {
		see.Member = id.User.ID
	}
	if id.Key != nil {
		see.AppID = id.Key.AppID
	}
	return see
}

// forbidden is the problem of who may not do something with the app with an ID;
// it is empty where it is about none.
func forbidden(id auth.Identity, app string, action auth.Action) *Problem {
	if why := id.KeyForbids(app, action); why != "" {
		return Refuse(http.StatusForbidden, "the API key %q may not do this: %s", id.Key.Name, why)
	}
	return Refuse(http.StatusForbidden, "%s (%s) may not do this: it needs the permission %s", id.User.Username, id.User.Role, action)
}

// NoApp is the problem of an unknown app.
func NoApp(slug string) *Problem {
	if len(slug) > maxEchoed {
		slug = slug[:maxEchoed] + "…"
	}
	return Refuse(http.StatusNotFound, "there is no app %q", slug)
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// clean reports whether path and query are text that every database takes.
func clean(r *http.Request) bool {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	return err == nil && utf8.ValidString(query) && utf8.ValidString(r.URL.Path) &&
		!strings.ContainsRune(query, 0) && !strings.ContainsRune(r.URL.Path, 0)
}
