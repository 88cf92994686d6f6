package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// The kinds of client a session is for.
const (
	ClientBrowser = "browser" // token in a cookie
	ClientCLI     = "cli"     // token in the Authorization header
)

// lifetime says when a session ends: after it was idle, and in any case.
type lifetime struct{ idle, whole time.Duration }

var lifetimes = map[string]lifetime{
	ClientBrowser: {idle: 7 * 24 * time.Hour, whole: 30 * 24 * time.Hour},
	ClientCLI:     {idle: 90 * 24 * time.Hour, whole: 365 * 24 * time.Hour},
}

// touchEvery bounds how often using a session writes to the store.
const touchEvery = time.Hour

var (
	// ErrBadCredentials says that the username or the password is wrong, and not which.
	ErrBadCredentials = errors.New("wrong username or password")
	// ErrNoSession says that a token is unknown, has expired or was signed out.
	ErrNoSession = errors.New("the token is not valid: it is unknown, or its session has ended: sign in again")
)

// People is what Authenticator needs of the store.
type People interface {
	store.Users
	store.Sessions
	store.APIKeys
}

// Authenticator signs people in and out and recognises them.
type Authenticator struct {
	people   People
	hasher   *Hasher
	now      func() time.Time
	attempts *attempts
}

// NewAuthenticator returns an Authenticator. now is the program's clock.
func NewAuthenticator(people People, hasher *Hasher, now func() time.Time) *Authenticator {
	return &Authenticator{people: people, hasher: hasher, now: now, attempts: newAttempts()}
}

// Identity is somebody who is signed in, by a session or by an API key.
type Identity struct {
	User    store.User
	Session store.Session
	Key     *store.APIKey // nil: it is a session
}

// Device is what a session is begun with, and from where.
type Device struct {
	Client    string // ClientBrowser or ClientCLI
	Address   netip.Addr
	UserAgent string // as it says itself
}

// SignIn checks a password and starts a session. The token is given out this
// once. It fails with ErrBadCredentials, *TooManyAttempts, ErrBusy or an error
// of the store. With ErrBadCredentials id says whose password it was not, if
// there is such a user: that is for the audit log, not for the client.
func (a *Authenticator) SignIn(ctx context.Context, username, password string, from Device) (token string, id Identity, err error) {
	name, addr := strings.ToLower(username), from.Address
	if err := a.attempts.take(name, addr, a.now()); err != nil {
		return "", Identity{}, err
	}
	var user store.User
	if _, err := CheckUsername(name); err == nil {
		user, err = a.people.UserByName(ctx, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			a.attempts.cancel(name, addr)
			return "", Identity{}, err
		}
	}
	// An unknown user has an empty hash, which costs the same and is never right.
	right, err := a.hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		a.attempts.cancel(name, addr)
		return "", Identity{}, err
	}
	if !right {
		return "", Identity{User: user}, ErrBadCredentials
	}
	a.attempts.succeed(name, addr)
	return a.Begin(ctx, user, from)
}

// maxUserAgent bounds what is kept of a User-Agent header, in bytes.
const maxUserAgent = 300

// Begin starts a session for a user who has shown who they are.
func (a *Authenticator) Begin(ctx context.Context, user store.User, from Device) (token string, id Identity, err error) {
	life, ok := lifetimes[from.Client]
	if !ok {
		return "", Identity{}, fmt.Errorf("no such kind of client: %q", from.Client)
	}
	token, hash := newToken(sessionPrefix)
	now := a.now()
	s := store.Session{
		ID: store.NewID(), TokenHash: hash, UserID: user.ID, Username: user.Username,
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(life.idle), Client: from.Client,
		UserAgent: store.Text(from.UserAgent, maxUserAgent),
	}
	if from.Address.IsValid() {
		s.Address = from.Address.String()
	}
	if err := a.people.CreateSession(ctx, s); err != nil {
		return "", Identity{}, err
	}
	// Ended sessions are never returned, so removing them can wait until somebody
	// writes to the table anyway: it needs no timer that wakes an idle machine.
	if _, err := a.people.DeleteExpiredSessions(ctx, now); err != nil {
		return "", Identity{}, err
	}
	return token, Identity{User: user, Session: s}, nil
}

// Identify returns whose token it is, or ErrNoSession or ErrNoKey.
func (a *Authenticator) Identify(ctx context.Context, token string) (Identity, error) {
	if strings.HasPrefix(token, keyPrefix) {
		return a.byKey(ctx, token)
	}
	hash, ok := sessionHash(token)
	if !ok {
		return Identity{}, ErrNoSession
	}
	now := a.now()
	s, u, err := a.people.SessionByToken(ctx, hash, now)
	if errors.Is(err, store.ErrNotFound) {
		return Identity{}, ErrNoSession
	}
	if err != nil {
		return Identity{}, err
	}
	if now.Sub(s.LastUsedAt) >= touchEvery {
		s.LastUsedAt = now
		if life, ok := lifetimes[s.Client]; ok {
			s.ExpiresAt = now.Add(life.idle)
			if end := s.CreatedAt.Add(life.whole); s.ExpiresAt.After(end) {
				s.ExpiresAt = end
			}
		}
		if err := a.people.TouchSession(ctx, s.ID, s.LastUsedAt, s.ExpiresAt); err != nil && !errors.Is(err, store.ErrNotFound) {
			return Identity{}, err
		}
	}
	return Identity{User: u, Session: s}, nil
}

// SignOut ends a session. Ending one that has ended already is no error.
func (a *Authenticator) SignOut(ctx context.Context, sessionID string) error {
	err := a.people.DeleteSession(ctx, sessionID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
