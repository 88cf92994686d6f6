package auth

import (
	"context"
	"errors"
	"net/netip"

	"github.com/picloud/picloud/internal/store"
)

// CreateUser makes a user with a password. It fails with *InvalidError, ErrBusy
// or an error of the store, ErrTaken if the name is.
func (a *Authenticator) CreateUser(ctx context.Context, username string, role store.Role, password string) (store.User, error) {
	name, err := CheckUsername(username)
	if err != nil {
		return store.User{}, &InvalidError{Field: "username", Err: err}
	}
	phc, err := a.newPassword(ctx, name, password, "password")
	if err != nil {
		return store.User{}, err
	}
	now := a.now()
	u := store.User{ID: store.NewID(), Username: name, Role: role, PasswordHash: phc, CreatedAt: now, UpdatedAt: now}
	return u, a.people.CreateUser(ctx, u)
}

// newPassword returns the hash of a password that is fit to be one.
func (a *Authenticator) newPassword(ctx context.Context, username, password, field string) (string, error) {
	if err := CheckPassword(username, password); err != nil {
		return "", &InvalidError{Field: field, Err: err}
	}
	return a.hasher.Hash(ctx, password)
}

// ResetPassword gives a user a new password and ends all their sessions.
func (a *Authenticator) ResetPassword(ctx context.Context, u store.User, password string) error {
	phc, err := a.newPassword(ctx, u.Username, password, "password")
	if err != nil {
		return err
	}
	return a.people.SetPassword(ctx, u.ID, phc, "", a.now())
}

// ChangePassword gives somebody who knows their password a new one, and ends
// their other sessions. Wrong guesses are limited as at sign-in. It fails with
// *InvalidError, *TooManyAttempts, ErrBusy or an error of the store.
func (a *Authenticator) ChangePassword(ctx context.Context, id Identity, current, password string, addr netip.Addr) error {
	name := id.User.Username
	if err := a.attempts.take(name, addr, a.now()); err != nil {
		return err
	}
	right, err := a.hasher.Verify(ctx, id.User.PasswordHash, current)
	if err != nil {
		a.attempts.cancel(name, addr)
		return err
	}
	if !right {
		return &InvalidError{Field: "current_password", Err: errors.New("this is not your password")}
	}
	a.attempts.succeed(name, addr)
	phc, err := a.newPassword(ctx, name, password, "new_password")
	if err != nil {
		return err
	}
	return a.people.SetPassword(ctx, id.User.ID, phc, id.Session.ID, a.now())
}
