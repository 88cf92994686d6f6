// Package setup makes the first owner of a new instance.
package setup

import (
	"context"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/sessions"
)

// SetupState says whether the instance waits for its owner.
type SetupState struct {
	Needed bool `json:"needed" doc:"There is no user yet"`
}

// CreateOwner makes the owner.
type CreateOwner struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"From the set-up link that PiCloud printed when it started"`
	Username string `json:"username" minLength:"1" maxLength:"63"`
	Password string `json:"password" minLength:"8" maxLength:"1024"`
	Client   string `json:"client,omitempty" enum:"browser,cli" default:"cli" doc:"As in POST /sessions"`
}

// Register adds the operations.
func Register(a *api.API, s *auth.Setup) {
	type state struct{ Body SetupState }
	api.Register(a, api.Op{
		ID: "getSetup", Method: http.MethodGet, Path: "/setup", Tag: "setup", Action: auth.Anyone,
		Summary: "Whether the instance needs its first owner",
	}, func(ctx context.Context, _ *struct{}) (*state, error) {
		needed, err := s.Needed(ctx)
		return &state{Body: SetupState{Needed: needed}}, err
	})

	api.Register(a, api.Op{
		ID: "createOwner", Method: http.MethodPost, Path: "/setup", Tag: "setup", Action: auth.Anyone,
		Summary:     "Create the first owner and sign in",
		Description: "403 when the set-up link is wrong or has expired, 409 when there is an owner already.",
		Status:      http.StatusCreated, Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, func(ctx context.Context, in *struct{ Body CreateOwner }) (*sessions.Response, error) {
		user, err := s.Redeem(ctx, in.Body.Token, in.Body.Username, in.Body.Password)
		if err != nil {
			return nil, err
		}
		api.About(ctx, "users/"+user.Username, "")
		api.By(ctx, user)
		token, id, err := a.Auth.Begin(ctx, user, sessions.Device(ctx, in.Body.Client))
		if err != nil {
			return nil, err
		}
		return sessions.Answer(id, token, api.PeerOf(ctx)), nil
	})
}
