// Package users manages people, and answers who is signed in.
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
	Address    string    `json:"address,omitempty" doc:"Where it was begun from"`
	UserAgent  string    `json:"user_agent,omitempty" doc:"What it was begun with, as that says itself"`
}

// SessionOf shows a stored session.
func SessionOf(s store.Session) Session {
	return Session{
		ID: s.ID, Client: s.Client, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
		Address: s.Address, UserAgent: s.UserAgent,
	}
}

// KeyInUse is the API key that a request came with.
type KeyInUse struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes" nullable:"false"`
	App    string   `json:"app,omitempty" doc:"The only app it works with; absent: all of its owner's"`
}

// Whoami is who asks: by a session or by an API key.
type Whoami struct {
	User    User      `json:"user"`
	Session *Session  `json:"session,omitempty" doc:"Absent with an API key"`
	APIKey  *KeyInUse `json:"api_key,omitempty" doc:"Absent with a session"`

	Permissions []string `json:"permissions" nullable:"false" doc:"Names of what one may do on the instance, and with every app where that is all of them"`
}

// Register adds the operations.
func Register(a *api.API, users store.Users, now func() time.Time) {
	(&service{api: a, store: users, now: now}).register(a)
	type output struct{ Body Whoami }
	api.Register(a, api.Op{
		ID: "whoami", Method: http.MethodGet, Path: "/whoami", Tag: "sessions", Action: auth.ViewSelf,
		Summary: "Who is signed in",
	}, func(ctx context.Context, _ *struct{}) (*output, error) {
		id := api.Identity(ctx)
		out := &output{Body: Whoami{User: Of(id.User), Permissions: api.Permissions(ctx, "")}}
		if k := id.Key; k != nil {
			out.Body.APIKey = &KeyInUse{ID: k.ID, Name: k.Name, Scopes: []string{}, App: k.AppSlug}
			for _, s := range k.Scopes {
				out.Body.APIKey.Scopes = append(out.Body.APIKey.Scopes, string(s))
			}
		} else {
			s := SessionOf(id.Session)
			out.Body.Session = &s
		}
		return out, nil
	})
}
