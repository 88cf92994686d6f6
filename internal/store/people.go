package store

import (
	"context"
	"time"
)

// Role is a user's role on the whole instance.
type Role string

// The instance roles, from most to least powerful.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// User is someone who signs in.
type User struct {
	ID           string // UUIDv7
	Username     string // unique, lower case
	Role         Role
	PasswordHash string // argon2id, PHC string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Users keeps people.
type Users interface {
	// CreateUser adds u; ErrTaken if the username exists.
	CreateUser(ctx context.Context, u User) error
	// CreateFirstOwner adds u only if there is no user yet, else ErrTaken. Of
	// concurrent calls exactly one succeeds.
	CreateFirstOwner(ctx context.Context, u User) error
	User(ctx context.Context, id string) (User, error)
	UserByName(ctx context.Context, username string) (User, error)
	// ListUsers returns users by username; p.After is one.
	ListUsers(ctx context.Context, p Page) ([]User, error)
	// ListOwners returns all owners by username.
	ListOwners(ctx context.Context) ([]User, error)
	// Usernames returns the names of those of the given users, at most 1,000, that
	// there are.
	Usernames(ctx context.Context, ids []string) (map[string]string, error)
	CountUsers(ctx context.Context) (int, error)
	// SetPassword replaces the hash and ends every session of the user, except
	// the one with the ID keep, if that is not empty.
	SetPassword(ctx context.Context, userID, hash, keep string, at time.Time) error
	// SetRole gives the user another role; ErrLastOwner if no owner would be left.
	SetRole(ctx context.Context, userID string, role Role, at time.Time) error
	// DeleteUser removes the user with their sessions, keys and memberships;
	// ErrLastOwner if no owner would be left.
	DeleteUser(ctx context.Context, userID string) error
}

// Session is a signed-in browser or command line. Only the SHA-256 of its
// token is kept.
type Session struct {
	ID         string
	TokenHash  [32]byte
	UserID     string
	Username   string // filled on reading
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time
	Client     string // "browser" or "cli"
	Address    string // where it was begun from; empty: not known
	UserAgent  string // what it was begun with
}

// Sessions keeps sessions. An expired one is never returned.
type Sessions interface {
	// CreateSession adds s; ErrNotFound if its user does not exist.
	CreateSession(ctx context.Context, s Session) error
	// SessionByToken returns the session and its user; ErrNotFound when there is
	// none that lives at the given time.
	SessionByToken(ctx context.Context, tokenHash [32]byte, at time.Time) (Session, User, error)
	// Session returns a session that lives at the given time; ErrNotFound when
	// there is none.
	Session(ctx context.Context, id string, at time.Time) (Session, error)
	// ListSessions returns the sessions of a user, or of all when userID is empty,
	// that live at the given time, by ID; p.After is an ID.
	ListSessions(ctx context.Context, userID string, at time.Time, p Page) ([]Session, error)
	// TouchSession notes a use and moves the expiry; ErrNotFound if it has ended.
	TouchSession(ctx context.Context, id string, usedAt, expiresAt time.Time) error
	// DeleteSession ends a session; one that does not exist has ended already.
	DeleteSession(ctx context.Context, id string) error
	// DeleteSessions ends all sessions of a user, except the one with the ID keep,
	// if that is not empty.
	DeleteSessions(ctx context.Context, userID, keep string) error
	// DeleteExpiredSessions removes those that ended before the given time and
	// returns when the next one ends (zero: none).
	DeleteExpiredSessions(ctx context.Context, before time.Time) (next time.Time, err error)
}
