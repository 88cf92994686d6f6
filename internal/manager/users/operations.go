package users

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

// CreateUser is a new user.
type CreateUser struct {
	Username string `json:"username" minLength:"1" maxLength:"63" doc:"a-z, 0-9 and inside \".\", \"-\", \"_\", \"@\""`
	Password string `json:"password" minLength:"8" maxLength:"1024"`
	Role     string `json:"role,omitempty" enum:"owner,admin,member" default:"member"`
}

// UpdateUser changes a user. What is absent stays.
type UpdateUser struct {
	Role     *string `json:"role,omitempty" enum:"owner,admin,member"`
	Password *string `json:"password,omitempty" minLength:"8" maxLength:"1024" doc:"A new password; ends the user's sessions"`
}

// ChangePassword is one's own new password.
type ChangePassword struct {
	CurrentPassword string `json:"current_password" minLength:"1" maxLength:"1024"`
	NewPassword     string `json:"new_password" minLength:"8" maxLength:"1024"`
}

// Path is the input of operations on a user.
type Path struct {
	User string `path:"user" doc:"The username" example:"zoe"`
}

type service struct {
	api   *api.API
	store store.Users
	now   func() time.Time
}

func (s *service) register(a *api.API) {
	const one = "/users/{user}"
	notFound, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}
	api.Register(a, api.Op{
		ID: "listUsers", Method: http.MethodGet, Path: "/users", Tag: "users", Action: auth.ViewUsers,
		Summary: "List users by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "createUser", Method: http.MethodPost, Path: "/users", Tag: "users", Action: auth.ManageUsers,
		Summary: "Create a user", Description: "Only an owner makes owners.",
		Status: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.create)
	api.Register(a, api.Op{
		ID: "getUser", Method: http.MethodGet, Path: one, Tag: "users", Action: auth.ViewUsers,
		Summary: "Show a user", Errors: notFound,
	}, s.show)
	api.Register(a, api.Op{
		ID: "updateUser", Method: http.MethodPatch, Path: one, Tag: "users", Action: auth.ManageUsers,
		Summary:     "Give a user another role or a new password",
		Description: "Only an owner changes owners and makes them. The last owner stays one (409).",
		Errors:      conflict,
	}, s.update)
	api.Register(a, api.Op{
		ID: "deleteUser", Method: http.MethodDelete, Path: one, Tag: "users", Action: auth.ManageUsers,
		Summary:     "Remove a user",
		Description: "Sessions, API keys and memberships go with them; what they made stays. The last owner stays (409).",
		Status:      http.StatusNoContent, Errors: conflict,
	}, s.delete)
	api.Register(a, api.Op{
		ID: "changePassword", Method: http.MethodPut, Path: "/password", Tag: "sessions", Action: auth.SetPassword,
		Summary: "Change one's own password", Description: "Ends one's other sessions.",
		Status: http.StatusNoContent, Errors: []int{http.StatusTooManyRequests},
	}, s.password)
}

type listOutput struct{ Body api.List[User] }

func (s *service) list(ctx context.Context, in *api.PageQuery) (*listOutput, error) {
	rows, err := s.store.ListUsers(ctx, in.Page())
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(u store.User) string { return u.Username }, Of)}, nil
}

type userOutput struct{ Body User }

type createdOutput struct {
	Location string `header:"Location" doc:"Where the user is"`
	Body     User
}

func (s *service) create(ctx context.Context, in *struct{ Body CreateUser }) (*createdOutput, error) {
	role := store.Role(in.Body.Role)
	if err := s.mayMake(ctx, role); err != nil {
		return nil, err
	}
	name := strings.ToLower(in.Body.Username)
	api.About(ctx, "users/"+name, "")
	api.Note(ctx, "as %s", role)
	u, err := s.api.Auth.CreateUser(ctx, name, role, in.Body.Password)
	if errors.Is(err, store.ErrTaken) {
		p := api.Refuse(http.StatusConflict, "there is a user %q already", name)
		p.Errors = []api.Fault{{Location: "body.username", Message: "already exists", Value: name}}
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return &createdOutput{Location: api.Prefix + "/users/" + u.Username, Body: Of(u)}, nil
}

// mayMake refuses to make somebody an owner who is none.
func (s *service) mayMake(ctx context.Context, role store.Role) error {
	if role != store.RoleOwner {
		return nil
	}
	return s.api.Demand(api.Identity(ctx), auth.ManageOwners)
}

// Named returns the user with a name, or the problem that there is none.
func Named(ctx context.Context, users store.Users, name string) (store.User, error) {
	u, err := users.UserByName(ctx, strings.ToLower(name))
	if errors.Is(err, store.ErrNotFound) {
		return u, api.Refuse(http.StatusNotFound, "there is no user %.100q", name)
	}
	return u, err
}

// changeable returns a user whom the one who asks may change.
func (s *service) changeable(ctx context.Context, name string) (store.User, error) {
	u, err := Named(ctx, s.store, name)
	if err != nil {
		return u, err
	}
	return u, s.mayMake(ctx, u.Role)
}

func (s *service) show(ctx context.Context, in *Path) (*userOutput, error) {
	u, err := Named(ctx, s.store, in.User)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: Of(u)}, nil
}

func (s *service) update(ctx context.Context, in *struct {
	Path
	Body UpdateUser
},
) (*userOutput, error) {
	u, err := s.changeable(ctx, in.User)
	if err != nil {
		return nil, err
	}
	var notes []string
	role := u.Role
	if in.Body.Role != nil {
		role = store.Role(*in.Body.Role)
		if err := s.mayMake(ctx, role); err != nil {
			return nil, err
		}
	}
	if in.Body.Password != nil && api.Identity(ctx).Key != nil {
		// Else a key that leaked could become a session, and outlive its end.
		return nil, api.Refuse(http.StatusForbidden, "an API key may not set passwords: sign in")
	}
	if in.Body.Password != nil {
		// Before anything is done: what is refused changes nothing.
		if err := auth.CheckPassword(u.Username, *in.Body.Password); err != nil {
			return nil, api.Invalid("body.password", err.Error(), nil)
		}
		notes = append(notes, "new password")
	}
	if role != u.Role {
		notes = append(notes, "role "+string(u.Role)+" → "+string(role))
	}
	api.Note(ctx, "%s", strings.Join(notes, ", "))
	if role != u.Role {
		if err := s.store.SetRole(ctx, u.ID, role, s.now()); err != nil {
			return nil, s.told(u, err)
		}
		u.Role = role
	}
	if in.Body.Password != nil {
		if err := s.api.Auth.ResetPassword(ctx, u, *in.Body.Password); err != nil {
			return nil, s.told(u, err)
		}
	}
	return &userOutput{Body: Of(u)}, nil
}

func (s *service) delete(ctx context.Context, in *Path) (*struct{}, error) {
	u, err := s.changeable(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return nil, s.told(u, s.store.DeleteUser(ctx, u.ID))
}

// told turns what the store says of a user into what the client is told.
func (s *service) told(u store.User, err error) error {
	switch {
	case errors.Is(err, store.ErrLastOwner):
		return api.Refuse(http.StatusConflict, "%s is the last owner: make somebody else an owner first", u.Username)
	case errors.Is(err, store.ErrNotFound):
		return api.Refuse(http.StatusNotFound, "there is no user %q", u.Username)
	}
	return err
}

func (s *service) password(ctx context.Context, in *struct{ Body ChangePassword }) (*struct{}, error) {
	id := api.Identity(ctx)
	return nil, s.api.Auth.ChangePassword(ctx, id, in.Body.CurrentPassword, in.Body.NewPassword, api.PeerOf(ctx).Addr)
}
