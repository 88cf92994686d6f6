// Package keys manages API keys: tokens by which programs act for their owner.
package keys

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/users"
	"github.com/picloud/picloud/internal/store"
)

// APIKey lets a program act for its owner.
type APIKey struct {
	ID         string     `json:"id" doc:"The public part of the token"`
	Name       string     `json:"name"`
	Owner      string     `json:"owner" doc:"Username"`
	Scopes     []string   `json:"scopes" nullable:"false" enum:"read,deploy,invoke,admin"`
	App        string     `json:"app,omitempty" doc:"The only app it works with; absent: all of its owner's"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"Absent: never"`
	Expired    bool       `json:"expired,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"To the hour; absent: not yet"`
}

// MintedKey is a new key with its token.
type MintedKey struct {
	APIKey
	RawToken string `json:"raw_token" doc:"Given out this once: send it as Authorization: Bearer TOKEN"`
}

// MintKey is a new key.
type MintKey struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100" doc:"What it is for; no two keys of a user have the same"`
	Scopes    []string   `json:"scopes,omitempty" nullable:"false" minItems:"1" maxItems:"4" enum:"read,deploy,invoke,admin" doc:"Absent: read"`
	App       string     `json:"app,omitempty" maxLength:"63" doc:"Slug of the only app it shall work with; absent: all of its owner's"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Absent: never"`
}

// maxKeys bounds the keys of a user.
const maxKeys = 100

// Store is what the operations need.
type Store interface {
	store.APIKeys
	store.Users
	store.Apps
}

// Register adds the operations.
func Register(a *api.API, st Store, now func() time.Time) {
	s := &service{api: a, store: st, now: now}
	api.Register(a, api.Op{
		ID: "listAPIKeys", Method: http.MethodGet, Path: "/api-keys", Tag: "api-keys", Action: auth.OwnKeys,
		Summary:     "List API keys",
		Description: "One's own, or those of somebody else or of all for who may manage them. Tokens are never shown again.",
		Errors:      []int{http.StatusNotFound},
	}, s.list)
	api.Register(a, api.Op{
		ID: "mintAPIKey", Method: http.MethodPost, Path: "/api-keys", Tag: "api-keys", Action: auth.OwnKeys,
		Summary: "Mint an API key", Description: "Answers its token, once. The key may do what its scopes and its owner's roles both allow, at any time.",
		Status: http.StatusCreated, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.mint)
	api.Register(a, api.Op{
		ID: "deleteAPIKey", Method: http.MethodDelete, Path: "/api-keys/{id}", Tag: "api-keys", Action: auth.OwnKeys,
		Summary: "End an API key", Description: "One's own, or any for who may manage them. It is worth nothing from then on.",
		Status: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.delete)
}

type service struct {
	api   *api.API
	store Store
	now   func() time.Time
}

func (s *service) of(k store.APIKey) APIKey {
	shown := APIKey{ID: k.ID, Name: k.Name, Owner: k.Username, Scopes: []string{}, App: k.AppSlug, CreatedAt: k.CreatedAt}
	for _, scope := range k.Scopes {
		shown.Scopes = append(shown.Scopes, string(scope))
	}
	if !k.ExpiresAt.IsZero() {
		shown.ExpiresAt, shown.Expired = &k.ExpiresAt, !k.ExpiresAt.After(s.now())
	}
	if !k.LastUsedAt.IsZero() {
		shown.LastUsedAt = &k.LastUsedAt
	}
	return shown
}

type listOutput struct{ Body api.List[APIKey] }

func (s *service) list(ctx context.Context, in *struct {
	api.PageQuery
	User string `query:"user" maxLength:"63" doc:"Whose keys; absent: one's own"`
	All  bool   `query:"all" doc:"Those of all users"`
},
) (*listOutput, error) {
	id := api.Identity(ctx)
	of := id.User.ID
	if in.All || in.User != "" && in.User != id.User.Username {
		if err := s.api.Demand(id, auth.ManageKeys); err != nil {
			return nil, err
		}
		of = ""
		if in.User != "" {
			u, err := users.Named(ctx, s.store, in.User)
			if err != nil {
				return nil, err
			}
			of = u.ID
		}
	}
	rows, err := s.store.ListAPIKeys(ctx, of, in.Page())
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(k store.APIKey) string { return k.ID }, s.of)}, nil
}

type mintedOutput struct{ Body MintedKey }

func (s *service) mint(ctx context.Context, in *struct{ Body MintKey }) (*mintedOutput, error) {
	id, now := api.Identity(ctx), s.now()
	k := store.APIKey{
		UserID: id.User.ID, Username: id.User.Username, Name: in.Body.Name, CreatedAt: now,
		Scopes: []store.Scope{store.ScopeRead},
	}
	if len(in.Body.Scopes) > 0 {
		k.Scopes = nil
		for _, word := range in.Body.Scopes {
			if scope := store.Scope(word); !slices.Contains(k.Scopes, scope) {
				k.Scopes = append(k.Scopes, scope)
			}
		}
	}
	if strings.ContainsFunc(k.Name, unicode.IsControl) || strings.TrimSpace(k.Name) != k.Name {
		return nil, api.Invalid("body.name", "must have no control characters, and no space at its ends", k.Name)
	}
	if in.Body.ExpiresAt != nil {
		k.ExpiresAt = in.Body.ExpiresAt.UTC().Truncate(time.Microsecond)
		if !k.ExpiresAt.After(now) || k.ExpiresAt.Year() > 9999 {
			return nil, api.Invalid("body.expires_at", "must be a time to come", in.Body.ExpiresAt.Format(time.RFC3339))
		}
	}
	if slug := in.Body.App; slug != "" {
		if store.CheckSlug(slug) != nil {
			return nil, api.NoApp(slug)
		}
		app, err := s.store.AppBySlug(ctx, slug)
		if errors.Is(err, store.ErrNotFound) {
			return nil, api.NoApp(slug)
		}
		if err != nil {
			return nil, err
		}
		if err := s.api.Allow(ctx, id, app, auth.ViewApp); err != nil {
			return nil, err
		}
		k.AppID, k.AppSlug = app.ID, app.Slug
	}
	held, err := s.store.ListAPIKeys(ctx, id.User.ID, store.Page{Limit: maxKeys})
	if err != nil {
		return nil, err
	}
	if len(held) >= maxKeys {
		return nil, api.Refuse(http.StatusConflict, "you have %d API keys, and more are not allowed: end some that you no longer need", maxKeys)
	}
	var token string
	k.ID, token, k.TokenHash = auth.NewKey()
	api.About(ctx, "api-keys/"+k.ID, k.AppSlug)
	api.Note(ctx, "%q, scopes %v", k.Name, k.Scopes)
	switch err := s.store.CreateAPIKey(ctx, k); {
	case errors.Is(err, store.ErrTaken):
		p := api.Refuse(http.StatusConflict, "you have an API key %.100q already: choose another name, or end that one", k.Name)
		p.Errors = []api.Fault{{Location: "body.name", Message: "already exists", Value: k.Name}}
		return nil, p
	case err != nil:
		return nil, err
	}
	return &mintedOutput{Body: MintedKey{APIKey: s.of(k), RawToken: token}}, nil
}

func (s *service) delete(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (*struct{}, error) {
	unknown := api.Refuse(http.StatusNotFound, "there is no API key %.100q", in.ID)
	k, err := s.store.APIKey(ctx, in.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	if id := api.Identity(ctx); k.UserID != id.User.ID {
		if err := s.api.Demand(id, auth.ManageKeys); err != nil {
			return nil, err
		}
	}
	api.Note(ctx, "%q of %s", k.Name, k.Username)
	err = s.store.DeleteAPIKey(ctx, k.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown
	}
	return nil, err
}
