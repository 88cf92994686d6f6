// Package users answers who is signed in.
package users

import (
	"context"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// User is someone who signs in.
type User struct {
	ID        string    `json:"id"`
	Username  string    `json:"username"`
	Role      string    `json:"role" enum:"owner,admin,member" doc:"What the user may do on the instance"`
	CreatedAt time.Time `json:"created_at"`
}

// Of shows a stored user.
func Of(u store.User) User {
	return User{ID: u.ID, Username: u.Username, Role: string(u.Role), CreatedAt: u.CreatedAt}
}

// Session is a signed-in browser or command line.
type Session struct {
	ID         string    `json:"id"`
	Client     string    `json:"client" enum:"browser,cli"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at" doc:"To the hour"`
	ExpiresAt  time.Time `json:"expires_at" doc:"Moves on while the session is used"`
}

// SessionOf shows a stored session.
func SessionOf(s store.Session) Session {
	return Session{ID: s.ID, Client: s.Client, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt}
}

// Whoami is who asks.
type Whoami struct {
	User    User    `json:"user"`
	Session Session `json:"session"`
}

// Register adds the operations.
func Register(a *api.API) {
	type output struct{ Body Whoami }
	api.Register(a, api.Op{
		ID: "whoami", Method: http.MethodGet, Path: "/whoami", Tag: "sessions", Action: auth.OwnSession,
		Summary: "Who is signed in",
	}, func(ctx context.Context, _ *struct{}) (*output, error) {
		id := api.Identity(ctx)
		return &output{Body: Whoami{User: Of(id.User), Session: SessionOf(id.Session)}}, nil
	})
}
