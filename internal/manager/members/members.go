// Package members manages who belongs to an app, and as what.
package members

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Member is a user's part in an app.
type Member struct {
	App       string    `json:"app" doc:"The app's slug"`
	Username  string    `json:"username"`
	Role      string    `json:"role" enum:"viewer,editor,admin" doc:"What the user may do in the app"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func of(m store.Member) Member {
	return Member{App: m.AppSlug, Username: m.Username, Role: string(m.Role), CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt}
}

// AddMember is a new member.
type AddMember struct {
	Username string `json:"username" minLength:"1" maxLength:"63"`
	Role     string `json:"role" enum:"viewer,editor,admin"`
}

// UpdateMember is a member's new role.
type UpdateMember struct {
	Role string `json:"role" enum:"viewer,editor,admin"`
}

// Store is what the operations need.
type Store interface {
	store.Members
	store.Users
}

// Path is the input of operations on a member.
type Path struct {
	api.AppPath
	User string `path:"user" doc:"The member's username" example:"zoe"`
}

// Register adds the operations.
func Register(a *api.API, st Store, now func() time.Time) {
	s := &service{store: st, now: now}
	const all, one = "/apps/{app}/members", "/apps/{app}/members/{user}"
	api.Register(a, api.Op{
		ID: "listMembers", Method: http.MethodGet, Path: all, Tag: "members", Action: auth.ViewMembers,
		Summary: "List an app's members by name", Description: "Owners and admins of the instance may do everything without being members.",
	}, s.list)
	api.Register(a, api.Op{
		ID: "addMember", Method: http.MethodPost, Path: all, Tag: "members", Action: auth.ManageMembers,
		Summary: "Add a user to an app", Status: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.add)
	api.Register(a, api.Op{
		ID: "updateMember", Method: http.MethodPatch, Path: one, Tag: "members", Action: auth.ManageMembers,
		Summary: "Give a member another role",
	}, s.update)
	api.Register(a, api.Op{
		ID: "removeMember", Method: http.MethodDelete, Path: one, Tag: "members", Action: auth.ManageMembers,
		Summary: "Take a member out of an app", Status: http.StatusNoContent,
	}, s.remove)
}

type service struct {
	store Store
	now   func() time.Time
}

type listOutput struct{ Body api.List[Member] }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*listOutput, error) {
	rows, err := s.store.ListMembers(ctx, api.App(ctx).ID, in.Page())
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(m store.Member) string { return m.Username }, of)}, nil
}

type memberOutput struct{ Body Member }

func (s *service) add(ctx context.Context, in *struct {
	api.AppPath
	Body AddMember
},
) (*memberOutput, error) {
	app, name := api.App(ctx), strings.ToLower(in.Body.Username)
	var u store.User
	_, err := auth.CheckUsername(name)
	if err != nil {
		err = store.ErrNotFound // nobody is called so
	} else {
		u, err = s.store.UserByName(ctx, name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.Invalid("body.username", "there is no such user: an admin of the instance can make one", in.Body.Username)
	}
	if err != nil {
		return nil, err
	}
	now := s.now()
	m := store.Member{
		AppID: app.ID, AppSlug: app.Slug, UserID: u.ID, Username: u.Username, Role: store.AppRole(in.Body.Role), CreatedAt: now, UpdatedAt: now,
	}
	api.About(ctx, "apps/"+app.Slug+"/members/"+u.Username, app.Slug)
	api.Note(ctx, "as %s", m.Role)
	switch err := s.store.AddMember(ctx, m); {
	case errors.Is(err, store.ErrTaken):
		p := api.Refuse(http.StatusConflict, "%s is a member of %s already: change the role instead", u.Username, app.Slug)
		p.Errors = []api.Fault{{Location: "body.username", Message: "is a member already", Value: u.Username}}
		return nil, p
	case errors.Is(err, store.ErrNotFound): // the app or the user went meanwhile
		return nil, api.Refuse(http.StatusNotFound, "the app %s or the user %s has just been deleted", app.Slug, u.Username)
	case err != nil:
		return nil, err
	}
	return &memberOutput{Body: of(m)}, nil
}

// member returns a member of the app in the path.
func (s *service) member(ctx context.Context, name string) (store.Member, error) {
	app := api.App(ctx)
	u, err := s.store.UserByName(ctx, strings.ToLower(name))
	var m store.Member
	if err == nil {
		m, err = s.store.Member(ctx, app.ID, u.ID)
	}
	return m, told(app, name, err)
}

func told(app store.App, name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.Refuse(http.StatusNotFound, "%.100q is no member of %s", name, app.Slug)
	}
	return err
}

func (s *service) update(ctx context.Context, in *struct {
	Path
	Body UpdateMember
},
) (*memberOutput, error) {
	m, err := s.member(ctx, in.User)
	if err != nil {
		return nil, err
	}
	role := store.AppRole(in.Body.Role)
	api.Note(ctx, "role %s → %s", m.Role, role)
	m.Role, m.UpdatedAt = role, s.now()
	if err := s.store.SetMemberRole(ctx, m.AppID, m.UserID, role, m.UpdatedAt); err != nil {
		return nil, told(api.App(ctx), in.User, err)
	}
	return &memberOutput{Body: of(m)}, nil
}

func (s *service) remove(ctx context.Context, in *Path) (*struct{}, error) {
	m, err := s.member(ctx, in.User)
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "was %s", m.Role)
	return nil, told(api.App(ctx), in.User, s.store.RemoveMember(ctx, m.AppID, m.UserID))
}
