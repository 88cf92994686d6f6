// Package sessions signs people in and out, and shows and ends their sessions.
package sessions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/users"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// Credentials are what somebody signs in with.
type Credentials struct {
	Username string `json:"username" minLength:"1" maxLength:"63"`
	Password string `json:"password" minLength:"1" maxLength:"1024"`
	Client   string `json:"client,omitempty" enum:"browser,cli" default:"cli" doc:"cli answers the token; browser sets it as a cookie that scripts cannot read"`
}

// SignedIn is a new session.
type SignedIn struct {
	Token   string        `json:"token,omitempty" doc:"Given out this once; absent for browsers"`
	User    users.User    `json:"user"`
	Session users.Session `json:"session"`
}

// Response is the answer to whoever just signed in.
type Response struct {
	SetCookie *string `header:"Set-Cookie" nullable:"false" doc:"The session, for browsers"`
	Body      SignedIn
}

// Answer gives a new session to a browser as a cookie and to others as a token.
func Answer(id auth.Identity, token string, from peer.Peer) *Response {
	r := &Response{Body: SignedIn{User: users.Of(id.User), Session: users.SessionOf(id.Session)}}
	if id.Session.Client == auth.ClientBrowser {
		cookie := auth.Cookie(id, token, from.HTTPS).String()
		r.SetCookie = &cookie
	} else {
		r.Body.Token = token
	}
	return r
}

// Device returns what a request to sign in came with; client says what kind it is.
func Device(ctx context.Context, client string) auth.Device {
	return auth.Device{Client: client, Address: api.PeerOf(ctx).Addr, UserAgent: api.UserAgent(ctx)}
}

// LogRefused notes a sign-in that was refused. The username may be a password
// typed into the wrong field, so it stays out.
func LogRefused(ctx context.Context, log *slog.Logger, from peer.Peer, err error) {
	var many *auth.TooManyAttempts
	if errors.Is(err, auth.ErrBadCredentials) || errors.As(err, &many) {
		log.WarnContext(ctx, "a sign-in was refused", "address", from.Addr, "reason", err)
	}
}

// Store is what the operations need.
type Store interface {
	store.Sessions
	store.Users
}

type service struct {
	api   *api.API
	store Store
	now   func() time.Time
}

// Register adds the operations.
func Register(a *api.API, st Store, now func() time.Time) {
	s := &service{api: a, store: st, now: now}
	api.Register(a, api.Op{
		ID: "signIn", Method: http.MethodPost, Path: "/sessions", Tag: "sessions", Action: auth.Anyone,
		Summary: "Sign in", Status: http.StatusCreated,
		Errors: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
	}, s.signIn)
	api.Register(a, api.Op{
		ID: "signOut", Method: http.MethodDelete, Path: "/sessions/current", Tag: "sessions", Action: auth.OwnSessions,
		Summary: "Sign out", Description: "Ends the session on the server: its token is worth nothing afterwards.",
		Status: http.StatusNoContent,
	}, s.signOut)
	api.Register(a, api.Op{
		ID: "listSessions", Method: http.MethodGet, Path: "/sessions", Tag: "sessions", Action: auth.OwnSessions,
		Summary:     "List sessions, the oldest first",
		Description: "One's own, or those of somebody else or of all for who may manage them. Ended ones are not listed, and tokens are never shown again.",
		Errors:      []int{http.StatusNotFound},
	}, s.list)
	api.Register(a, api.Op{
		ID: "endSession", Method: http.MethodDelete, Path: "/sessions/{id}", Tag: "sessions", Action: auth.OwnSessions,
		Summary: "End a session", Description: "One's own, or any for who may manage them. Its token is worth nothing from then on.",
		Status: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.end)
	api.Register(a, api.Op{
		ID: "endSessions", Method: http.MethodDelete, Path: "/sessions", Tag: "sessions", Action: auth.OwnSessions,
		Summary: "End all sessions of a user", Description: "One's own, or somebody else's for who may manage them. The session that asks stays.",
		Status: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.endAll)
}

func (s *service) signIn(ctx context.Context, in *struct{ Body Credentials }) (*Response, error) {
	from := api.PeerOf(ctx)
	token, id, err := s.api.Auth.SignIn(ctx, in.Body.Username, in.Body.Password, Device(ctx, in.Body.Client))
	if id.User.ID != "" {
		api.About(ctx, "users/"+id.User.Username, "")
	}
	if err != nil {
		LogRefused(ctx, s.api.Log, from, err)
		return nil, err
	}
	api.By(ctx, id.User)
	return Answer(id, token, from), nil
}

type signedOut struct {
	SetCookie *string `header:"Set-Cookie" nullable:"false"`
}

func (s *service) signOut(ctx context.Context, _ *struct{}) (*signedOut, error) {
	id := api.Identity(ctx)
	if err := s.api.Auth.SignOut(ctx, id.Session.ID); err != nil {
		return nil, err
	}
	out := &signedOut{}
	if id.Session.Client == auth.ClientBrowser {
		cookie := auth.NoCookie(api.PeerOf(ctx).HTTPS).String()
		out.SetCookie = &cookie
	}
	return out, nil
}
