package store

import (
	"context"
	"time"
)

// AppRole is what a member may do in an app.
type AppRole string

// The app roles, each including those before it.
const (
	AppViewer AppRole = "viewer"
	AppEditor AppRole = "editor"
	AppAdmin  AppRole = "admin"
)

// Member is a user's part in an app.
type Member struct {
	AppID     string
	AppSlug   string // filled on reading
	UserID    string
	Username  string // filled on reading
	Role      AppRole
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Members keeps who belongs to which app. Memberships go with their app or user.
type Members interface {
	// AddMember adds m; ErrTaken if the user is a member already, ErrNotFound if
	// the app or the user does not exist.
	AddMember(ctx context.Context, m Member) error
	// SetMemberRole gives a member another role; ErrNotFound if there is none.
	SetMemberRole(ctx context.Context, appID, userID string, role AppRole, at time.Time) error
	// RemoveMember ends a membership; ErrNotFound if there is none.
	RemoveMember(ctx context.Context, appID, userID string) error
	// Member returns one membership.
	Member(ctx context.Context, appID, userID string) (Member, error)
	// ListMembers returns an app's members by username.
	ListMembers(ctx context.Context, appID string, p Page) ([]Member, error)
	// ListMemberships returns a user's memberships by the apps' slugs.
	ListMemberships(ctx context.Context, userID string, p Page) ([]Member, error)
}
