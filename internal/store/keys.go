package store

import (
	"context"
	"time"
)

// Scope is a part of its owner's rights that an API key has.
type Scope string

// The scopes. What each allows stands in package auth.
const (
	ScopeRead   Scope = "read"
	ScopeDeploy Scope = "deploy"
	ScopeInvoke Scope = "invoke"
	ScopeAdmin  Scope = "admin"
)

// APIKey lets a program act for its owner. Only the SHA-256 of its token is kept.
type APIKey struct {
	ID         string // public part of the token
	TokenHash  [32]byte
	UserID     string // the owner
	Username   string // filled on reading
	Name       string
	Scopes     []Scope
	AppID      string // the only app it works with; empty: all of its owner's
	AppSlug    string // filled on reading
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsedAt time.Time // zero: not yet
}

// APIKeys keeps API keys. A key goes with its owner and with its app.
type APIKeys interface {
	// CreateAPIKey adds k; ErrNotFound if its user or app does not exist,
	// ErrTaken if its owner has a key of that name.
	CreateAPIKey(ctx context.Context, k APIKey) error
	// APIKey returns a key, expired or not.
	APIKey(ctx context.Context, id string) (APIKey, error)
	// APIKeyByID returns a key that lives at the given time, and its owner;
	// ErrNotFound when there is none.
	APIKeyByID(ctx context.Context, id string, at time.Time) (APIKey, User, error)
	// ListAPIKeys returns the keys of a user, or of all when userID is empty, by
	// ID, expired ones too; p.After is an ID.
	ListAPIKeys(ctx context.Context, userID string, p Page) ([]APIKey, error)
	// TouchAPIKey notes a use; ErrNotFound if the key has gone.
	TouchAPIKey(ctx context.Context, id string, usedAt time.Time) error
	// DeleteAPIKey ends a key; ErrNotFound if it has gone.
	DeleteAPIKey(ctx context.Context, id string) error
}
