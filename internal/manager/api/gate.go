package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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
	peer     peer.Peer
}

// Identity returns who is signed in. Only for operations that need an action.
func Identity(ctx context.Context) auth.Identity { return from(ctx).identity }

// App returns the app named in the path. The caller is allowed to do with it
// what the operation does.
func App(ctx context.Context) store.App { return from(ctx).app }

// PeerOf returns who sent the request.
func PeerOf(ctx context.Context) peer.Peer { return from(ctx).peer }

func from(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	if v == nil {
		return &visit{}
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
		Write(w, From(ctx, a.Log, err))
		return
	}
	if ru.maxBody > 0 && r.ContentLength > ru.maxBody {
		Write(w, tooLarge(ru.maxBody))
		return
	}
	next(huma.WithContext(hc, context.WithValue(ctx, visitKey{}, v)))
}

func tooLarge(limit int64) *Problem {
	return Refuse(http.StatusRequestEntityTooLarge, "the request's body is larger than the %d KiB allowed here", limit>>10)
}

func (a *API) admit(ctx context.Context, r *http.Request, ru rule) (*visit, error) {
	v := &visit{peer: a.Peer(r)}
	if ru.action == "" {
		// Signing somebody in from another site's page is refused, too.
		if auth.Related(r) == auth.OtherOrigin && !safe(r.Method) {
			return nil, errCrossOrigin
		}
		return v, nil
	}
	var err error
	if v.identity, err = a.Identify(ctx, r); err != nil {
		return nil, err
	}
	if ru.app {
		slug := r.PathValue("app")
		v.app, err = a.Apps.AppBySlug(ctx, slug)
		if errors.Is(err, store.ErrNotFound) {
			return nil, NoApp(slug)
		}
		if err != nil {
			return nil, err
		}
		return v, a.Allow(v.identity, v.app, ru.action)
	}
	if !auth.May(v.identity.User.Role, auth.AppNone, ru.action) && !aboutApps(ru.action) {
		return nil, forbidden(v.identity, ru.action)
	}
	return v, nil
}

// aboutApps reports whether an action concerns an app that the path does not
// name, so that the handler has to ask Allow once it knows which.
func aboutApps(action auth.Action) bool {
	return auth.May("", auth.AppAdmin, action)
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

// Allow reports whether somebody may do something with an app: nil, or a 403.
func (a *API) Allow(id auth.Identity, app store.App, action auth.Action) error {
	if auth.May(id.User.Role, appRole(id.User, app), action) {
		return nil
	}
	return forbidden(id, action)
}

// appRole returns what a user is in an app. Nobody is a member of an app other
// than by the role on the instance.
func appRole(store.User, store.App) auth.AppRole { return auth.AppNone }

func forbidden(id auth.Identity, action auth.Action) *Problem {
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
