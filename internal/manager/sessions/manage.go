package sessions

import (
	"context"
	"errors"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/users"
	"github.com/picloud/picloud/internal/store"
)

// UserSession is a session in a list.
type UserSession struct {
	users.Session
	Username string `json:"username" doc:"Whose it is"`
	Current  bool   `json:"current,omitempty" doc:"It is the one that asks"`
}

type listOutput struct{ Body api.List[UserSession] }

func (s *service) list(ctx context.Context, in *struct {
	api.PageQuery
	User string `query:"user" maxLength:"63" doc:"Whose sessions; absent: one's own"`
	All  bool   `query:"all" doc:"Those of all users"`
},
) (*listOutput, error) {
	id := api.Identity(ctx)
	var of string
	if in.All && in.User == "" {
		if err := s.api.Demand(id, auth.ManageSessions); err != nil {
			return nil, err
		}
	} else {
		u, err := s.user(ctx, in.User)
		if err != nil {
			return nil, err
		}
		of = u.ID
	}
	rows, err := s.store.ListSessions(ctx, of, s.now(), in.Page())
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(v store.Session) string { return v.ID }, func(v store.Session) UserSession {
		return UserSession{Session: users.SessionOf(v), Username: v.Username, Current: v.ID == id.Session.ID}
	})}, nil
}

// user returns whose sessions are meant: who asks, when name is empty, or
// somebody whose sessions they may manage.
func (s *service) user(ctx context.Context, name string) (store.User, error) {
	id := api.Identity(ctx)
	if name == "" || name == id.User.Username {
		return id.User, nil
	}
	if err := s.api.Demand(id, auth.ManageSessions); err != nil {
		return store.User{}, err
	}
	return users.Named(ctx, s.store, name)
}

func (s *service) end(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (*struct{}, error) {
	v, err := s.store.Session(ctx, in.ID, s.now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.Refuse(http.StatusNotFound, "there is no session %.100q: it may have ended", in.ID)
	}
	if err != nil {
		return nil, err
	}
	if id := api.Identity(ctx); v.UserID != id.User.ID {
		if err := s.api.Demand(id, auth.ManageSessions); err != nil {
			return nil, err
		}
	}
	api.Note(ctx, "of %s", v.Username)
	return nil, s.store.DeleteSession(ctx, v.ID)
}

func (s *service) endAll(ctx context.Context, in *struct {
	User string `query:"user" maxLength:"63" doc:"Whose sessions; absent: one's own"`
},
) (*struct{}, error) {
	u, err := s.user(ctx, in.User)
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "all of %s", u.Username)
	return nil, s.store.DeleteSessions(ctx, u.ID, api.Identity(ctx).Session.ID)
}
