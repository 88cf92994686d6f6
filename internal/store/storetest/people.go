package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func testUsers(t *testing.T, s store.Store) {
	ctx := t.Context()
	n, err := s.CountUsers(ctx)
	must(t, "CountUsers", err)
	equal(t, "users of an empty store", n, 0)

	zoe, ada := newUser("zoe"), newUser("ada")
	ada.Role = store.RoleAdmin
	must(t, "CreateUser", s.CreateUser(ctx, zoe))
	must(t, "CreateUser", s.CreateUser(ctx, ada))
	again := newUser("ada")
	wantErr(t, "a name that exists", s.CreateUser(ctx, again), store.ErrTaken)

	got, err := s.User(ctx, ada.ID)
	must(t, "User", err)
	equal(t, "User", got, ada)
	got, err = s.UserByName(ctx, "zoe")
	must(t, "UserByName", err)
	equal(t, "UserByName", got, zoe)
	_, err = s.User(ctx, again.ID)
	wantErr(t, "an ID that does not exist", err, store.ErrNotFound)
	_, err = s.UserByName(ctx, "Ada")
	wantErr(t, "names are compared bytewise", err, store.ErrNotFound)

	list, err := s.ListUsers(ctx)
	must(t, "ListUsers", err)
	equal(t, "ListUsers", list, []store.User{ada, zoe})

	wantErr(t, "SetPassword of nobody", s.SetPassword(ctx, again.ID, "x", "", at(0)), store.ErrNotFound)
	must(t, "SetPassword", s.SetPassword(ctx, ada.ID, "new", "", at(time.Hour)))
	ada.PasswordHash, ada.UpdatedAt = "new", at(time.Hour)
	got, err = s.User(ctx, ada.ID)
	must(t, "User", err)
	equal(t, "after SetPassword", got, ada)
}

func testFirstOwner(t *testing.T, s store.Store) {
	const racers = 8
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for i := range racers {
		u := newUser(fmt.Sprintf("owner-%d", i))
		u.Role = store.RoleOwner
		wg.Go(func() { errs[i] = s.CreateFirstOwner(t.Context(), u) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, store.ErrTaken):
			t.Errorf("CreateFirstOwner: %v", err)
		}
	}
	equal(t, "calls that succeeded", won, 1)
	n, err := s.CountUsers(t.Context())
	must(t, "CountUsers", err)
	equal(t, "users", n, 1)
}

func testSessions(t *testing.T, s store.Store) {
	ctx := t.Context()
	ada, zoe := newUser("ada"), newUser("zoe")
	must(t, "CreateUser", s.CreateUser(ctx, ada))
	must(t, "CreateUser", s.CreateUser(ctx, zoe))
	session := func(u store.User, token string, life time.Duration) store.Session {
		return store.Session{
			ID: newID(), TokenHash: sha256.Sum256([]byte(token)), UserID: u.ID, Client: "cli",
			CreatedAt: at(0), ExpiresAt: at(life), LastUsedAt: at(time.Second),
		}
	}
	long, short, other := session(ada, "long", 3*time.Hour), session(ada, "short", time.Hour), session(zoe, "other", 2*time.Hour)
	for _, v := range []store.Session{long, short, other} {
		must(t, "CreateSession", s.CreateSession(ctx, v))
	}
	orphan := session(newUser("nobody"), "orphan", time.Hour)
	wantErr(t, "a session of a user that does not exist", s.CreateSession(ctx, orphan), store.ErrNotFound)

	v, u, err := s.SessionByToken(ctx, short.TokenHash, at(time.Hour-time.Microsecond))
	must(t, "SessionByToken", err)
	equal(t, "session", v, short)
	equal(t, "its user", u, ada)
	_, _, err = s.SessionByToken(ctx, short.TokenHash, at(time.Hour))
	wantErr(t, "an expired session", err, store.ErrNotFound)
	_, _, err = s.SessionByToken(ctx, sha256.Sum256([]byte("guess")), at(0))
	wantErr(t, "a token that does not exist", err, store.ErrNotFound)

	must(t, "TouchSession", s.TouchSession(ctx, other.ID, at(time.Minute), at(4*time.Hour)))
	other.LastUsedAt, other.ExpiresAt = at(time.Minute), at(4*time.Hour)
	v, _, err = s.SessionByToken(ctx, other.TokenHash, at(3*time.Hour))
	must(t, "SessionByToken", err)
	equal(t, "touched session", v, other)
	wantErr(t, "touching a session that does not exist", s.TouchSession(ctx, orphan.ID, at(0), at(0)), store.ErrNotFound)

	next, err := s.DeleteExpiredSessions(ctx, at(time.Hour))
	must(t, "DeleteExpiredSessions", err)
	equal(t, "when the next one ends", next, long.ExpiresAt)
	_, _, err = s.SessionByToken(ctx, short.TokenHash, at(0))
	wantErr(t, "a session that was removed", err, store.ErrNotFound)

	must(t, "SetPassword", s.SetPassword(ctx, ada.ID, "new", long.ID, at(0)))
	_, _, err = s.SessionByToken(ctx, long.TokenHash, at(0))
	must(t, "the session that was to be kept", err)
	must(t, "SetPassword", s.SetPassword(ctx, ada.ID, "new", "", at(0)))
	_, _, err = s.SessionByToken(ctx, long.TokenHash, at(0))
	wantErr(t, "a session from before the new password", err, store.ErrNotFound)
	_, _, err = s.SessionByToken(ctx, other.TokenHash, at(0))
	must(t, "another user's session", err)

	must(t, "DeleteSession", s.DeleteSession(ctx, other.ID))
	must(t, "DeleteSession of one that has gone", s.DeleteSession(ctx, other.ID))
	_, _, err = s.SessionByToken(ctx, other.TokenHash, at(0))
	wantErr(t, "a session that was ended", err, store.ErrNotFound)
	next, err = s.DeleteExpiredSessions(ctx, at(0))
	must(t, "DeleteExpiredSessions", err)
	equal(t, "no next one", next, time.Time{})
}
