// Package sessions signs people in and out.
package sessions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/users"
	"github.com/picloud/picloud/internal/peer"
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

// LogRefused notes a sign-in that was refused. The username may be a password
// typed into the wrong field, so it stays out.
func LogRefused(ctx context.Context, log *slog.Logger, from peer.Peer, err error) {
	var many *auth.TooManyAttempts
	if errors.Is(err, auth.ErrBadCredentials) || errors.As(err, &many) {
		log.WarnContext(ctx, "a sign-in was refused", "address", from.Addr, "reason", err)
	}
}

// Register adds the operations.
func Register(a *api.API) {
	api.Register(a, api.Op{
		ID: "signIn", Method: http.MethodPost, Path: "/sessions", Tag: "sessions", Action: auth.Anyone,
		Summary: "Sign in", Status: http.StatusCreated,
		Errors: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
	}, func(ctx context.Context, in *struct{ Body Credentials }) (*Response, error) {
		from := api.PeerOf(ctx)
		token, id, err := a.Auth.SignIn(ctx, in.Body.Username, in.Body.Password, in.Body.Client, from.Addr)
		if id.User.ID != "" {
			api.About(ctx, "users/"+id.User.Username, "")
		}
		if err != nil {
			LogRefused(ctx, a.Log, from, err)
			return nil, err
		}
		api.By(ctx, id.User)
		return Answer(id, token, from), nil
	})

	type signedOut struct {
		SetCookie *string `header:"Set-Cookie" nullable:"false"`
	}
	api.Register(a, api.Op{
		ID: "signOut", Method: http.MethodDelete, Path: "/sessions/current", Tag: "sessions", Action: auth.EndSession,
		Summary: "Sign out", Description: "Ends the session on the server: its token is worth nothing afterwards.",
		Status: http.StatusNoContent,
	}, func(ctx context.Context, _ *struct{}) (*signedOut, error) {
		id := api.Identity(ctx)
		if err := a.Auth.SignOut(ctx, id.Session.ID); err != nil {
			return nil, err
		}
		out := &signedOut{}
		if id.Session.Client == auth.ClientBrowser {
			cookie := auth.NoCookie(api.PeerOf(ctx).HTTPS).String()
			out.SetCookie = &cookie
		}
		return out, nil
	})
}
