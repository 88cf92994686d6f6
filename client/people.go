package client

import (
	"context"
	"net/http"
	"time"
)

// ChangePassword changes the password of who is signed in.
func (c *Client) ChangePassword(ctx context.Context, current, password string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ChangePassword(ctx, ChangePassword{CurrentPassword: current, NewPassword: password})
	})
	return err
}

// ListUsers returns users by name.
func (c *Client) ListUsers(ctx context.Context, p Page) (ListUser, error) {
	return call[ListUser](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListUsers(ctx, &ListUsersParams{Limit: p.limit(), After: p.after()})
	})
}

// CreateUser makes a user; with an empty role a member.
func (c *Client) CreateUser(ctx context.Context, username, role, password string) (User, error) {
	return call[User](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateUser(ctx, CreateUser{Username: username, Role: CreateUserRole(role), Password: password})
	})
}

// User returns a user by name.
func (c *Client) User(ctx context.Context, username string) (User, error) {
	return call[User](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetUser(ctx, username) })
}

// UpdateUser gives a user another role or a new password.
func (c *Client) UpdateUser(ctx context.Context, username string, u UpdateUser) (User, error) {
	return call[User](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.UpdateUser(ctx, username, u) })
}

// DeleteUser removes a user.
func (c *Client) DeleteUser(ctx context.Context, username string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteUser(ctx, username) })
	return err
}

// ListMembers returns an app's members by name.
func (c *Client) ListMembers(ctx context.Context, app string, p Page) (ListMember, error) {
	return call[ListMember](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListMembers(ctx, app, &ListMembersParams{Limit: p.limit(), After: p.after()})
	})
}

// AddMember adds a user to an app as viewer, editor or admin.
func (c *Client) AddMember(ctx context.Context, app, username, role string) (Member, error) {
	return call[Member](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.AddMember(ctx, app, AddMember{Username: username, Role: AddMemberRole(role)})
	})
}

// UpdateMember gives a member another role.
func (c *Client) UpdateMember(ctx context.Context, app, username, role string) (Member, error) {
	return call[Member](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateMember(ctx, app, username, UpdateMember{Role: UpdateMemberRole(role)})
	})
}

// RemoveMember takes a member out of an app.
func (c *Client) RemoveMember(ctx context.Context, app, username string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.RemoveMember(ctx, app, username) })
	return err
}

// KeyQuery says whose API keys are meant. The zero value: one's own.
type KeyQuery struct {
	User string
	All  bool // of everybody
	Page
}

// ListAPIKeys returns API keys, without their tokens.
func (c *Client) ListAPIKeys(ctx context.Context, q KeyQuery) (ListAPIKey, error) {
	return call[ListAPIKey](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAPIKeys(ctx, &ListAPIKeysParams{Limit: q.limit(), After: q.after(), User: optional(q.User), All: optional(q.All)})
	})
}

// MintAPIKey makes an API key. Its token is in the answer, and nowhere else.
func (c *Client) MintAPIKey(ctx context.Context, k MintKey) (MintedKey, error) {
	return call[MintedKey](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.MintAPIKey(ctx, k) })
}

// DeleteAPIKey ends an API key.
func (c *Client) DeleteAPIKey(ctx context.Context, id string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteAPIKey(ctx, id) })
	return err
}

// AuditQuery selects entries of the audit log. The zero value is the newest ones.
type AuditQuery struct {
	User, App, Action string
	Refused           bool      // only what was refused, or failed
	Since, Until      time.Time // zero: no bound
	Oldest            bool      // oldest first
	Limit             int       // 1 to 500; 0: the server's choice
	Before, After     string    // IDs
}

// ListAudit returns entries of the audit log. Next is the Before of the
// following page, or its After with Oldest.
func (c *Client) ListAudit(ctx context.Context, q AuditQuery) (ListAuditEntry, error) {
	return call[ListAuditEntry](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAudit(ctx, &ListAuditParams{
			User: optional(q.User), App: optional(q.App), Action: optional(q.Action), Refused: optional(q.Refused),
			Since: optional(q.Since), Until: optional(q.Until), Oldest: optional(q.Oldest), Limit: optional(int64(q.Limit)),
			Before: optional(q.Before), After: optional(q.After),
		})
	})
}

// SessionQuery says whose sessions are meant. The zero value: one's own.
type SessionQuery struct {
	User string
	All  bool // of everybody
	Page
}

// ListSessions returns sessions, the oldest first, without their tokens.
func (c *Client) ListSessions(ctx context.Context, q SessionQuery) (ListUserSession, error) {
	return call[ListUserSession](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSessions(ctx, &ListSessionsParams{Limit: q.limit(), After: q.after(), User: optional(q.User), All: optional(q.All)})
	})
}

// EndSession ends a session.
func (c *Client) EndSession(ctx context.Context, id string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.EndSession(ctx, id) })
	return err
}

// EndSessions ends all sessions of a user, but not the one of c; an empty
// username is one's own.
func (c *Client) EndSessions(ctx context.Context, username string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.EndSessions(ctx, &EndSessionsParams{User: optional(username)})
	})
	return err
}

// ListPermissions returns the table of who may do what, whole.
func (c *Client) ListPermissions(ctx context.Context) (ListPermission, error) {
	return call[ListPermission](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.ListPermissions(ctx) })
}
