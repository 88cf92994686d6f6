package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// SetupLifetime is how long a set-up link works.
const SetupLifetime = time.Hour

var (
	// ErrAlreadySetUp says that the instance has an owner.
	ErrAlreadySetUp = errors.New("PiCloud is set up already: sign in, or run `picloud owner reset-password` on the machine")
	// ErrBadSetupToken says that the set-up link is wrong or has expired.
	ErrBadSetupToken = errors.New("the set-up link is wrong or has expired: restart PiCloud to get a new one")
	// ErrNoOwner says that there is nobody whose password could be reset.
	ErrNoOwner = errors.New("PiCloud has no such owner")
)

// InvalidError says which of the given values is wrong and why.
type InvalidError struct {
	Field string // username, password, current_password or new_password
	Err   error
}

func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Err }

// Setup makes the first owner: from given credentials, or from a one-time link
// whose token is known to this process only. A restart makes a new link.
type Setup struct {
	users  store.Users
	hasher *Hasher
	now    func() time.Time

	mu      sync.Mutex
	hash    [32]byte // of the link's token
	expires time.Time
}

// NewSetup returns a Setup without a link.
func NewSetup(users store.Users, hasher *Hasher, now func() time.Time) *Setup {
	return &Setup{users: users, hasher: hasher, now: now}
}

// Needed reports whether there is no user yet.
func (s *Setup) Needed(ctx context.Context) (bool, error) {
	n, err := s.users.CountUsers(ctx)
	return n == 0 && err == nil, err
}

// Issue returns the token for a new set-up link and when it expires. Earlier
// ones stop working. The link is BASE/_/setup#TOKEN: a fragment is not sent to
// servers, so it stands in no log.
func (s *Setup) Issue() (token string, expires time.Time) {
	token, hash := newToken(setupPrefix)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.expires = hash, s.now().Add(SetupLifetime)
	return token, s.expires
}

// Redeem makes the owner for whoever holds the link's token. It fails with
// ErrAlreadySetUp, ErrBadSetupToken, *InvalidError, ErrBusy or an error of the
// store. The link works until an owner exists.
func (s *Setup) Redeem(ctx context.Context, token, username, password string) (store.User, error) {
	needed, err := s.Needed(ctx)
	if err != nil {
		return store.User{}, err
	}
	if !needed {
		return store.User{}, ErrAlreadySetUp
	}
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	valid := s.now().Before(s.expires) && subtle.ConstantTimeCompare(hash[:], s.hash[:]) == 1
	s.mu.Unlock()
	if !valid {
		return store.User{}, ErrBadSetupToken
	}
	user, err := s.CreateOwner(ctx, username, password)
	if err == nil {
		s.mu.Lock()
		s.hash, s.expires = [32]byte{}, time.Time{}
		s.mu.Unlock()
	}
	return user, err
}

// CreateOwner makes the first owner. Of concurrent calls one succeeds; the
// others, and all once there is a user, get ErrAlreadySetUp. Values that
// cannot be taken give *InvalidError.
func (s *Setup) CreateOwner(ctx context.Context, username, password string) (store.User, error) {
	name, err := CheckUsername(username)
	if err != nil {
		return store.User{}, &InvalidError{Field: "username", Err: err}
	}
	if err := CheckPassword(name, password); err != nil {
		return store.User{}, &InvalidError{Field: "password", Err: err}
	}
	phc, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return store.User{}, err
	}
	now := s.now()
	user := store.User{
		ID: store.NewID(), Username: name, Role: store.RoleOwner,
		PasswordHash: phc, CreatedAt: now, UpdatedAt: now,
	}
	err = s.users.CreateFirstOwner(ctx, user)
	if errors.Is(err, store.ErrTaken) {
		return store.User{}, ErrAlreadySetUp
	}
	return user, err
}

// ResetOwnerPassword gives an owner a new password and ends all their
// sessions. With an empty username it takes the only owner. It returns whose
// password it was, or ErrNoOwner, *InvalidError or an error of the store.
func ResetOwnerPassword(ctx context.Context, users store.Users, hasher *Hasher, now time.Time, username, password string) (string, error) {
	owners, err := users.ListOwners(ctx)
	if err != nil {
		return "", err
	}
	var owner store.User
	switch {
	case len(owners) == 0:
		return "", fmt.Errorf("%w: start PiCloud to set it up", ErrNoOwner)
	case username == "" && len(owners) == 1:
		owner = owners[0]
	case username == "":
		return "", &InvalidError{Field: "username", Err: errors.New("there are several owners: say whose password to reset")}
	default:
		name, err := CheckUsername(username)
		if err != nil {
			return "", &InvalidError{Field: "username", Err: err}
		}
		for _, u := range owners {
			if u.Username == name {
				owner = u
			}
		}
		if owner.ID == "" {
			return "", fmt.Errorf("%w: %s", ErrNoOwner, name)
		}
	}
	if err := CheckPassword(owner.Username, password); err != nil {
		return "", &InvalidError{Field: "password", Err: err}
	}
	phc, err := hasher.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	return owner.Username, users.SetPassword(ctx, owner.ID, phc, "", now)
}
