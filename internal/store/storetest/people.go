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

	owen := newUser("owen")
	owen.Role = store.RoleOwner
	must(t, "CreateUser", s.CreateUser(ctx, owen))
	list, err := s.ListUsers(ctx, store.Page{Limit: 2})
	must(t, "ListUsers", err)
	equal(t, "the first page", list, []store.User{ada, owen})
	list, err = s.ListUsers(ctx, store.Page{After: "owen", Limit: 2})
	must(t, "ListUsers", err)
	equal(t, "the last page", list, []store.User{zoe})
	list, err = s.ListOwners(ctx)
	must(t, "ListOwners", err)
	equal(t, "owners", list, []store.User{owen})
	names, err := s.Usernames(ctx, []string{zoe.ID, again.ID, ada.ID})
	must(t, "Usernames", err)
	equal(t, "names", names, map[string]string{ada.ID: "ada", zoe.ID: "zoe"})
	names, err = s.Usernames(ctx, nil)
	must(t, "Usernames of nobody", err)
	equal(t, "no names", names, nil)

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
			ID: newID(), TokenHash: sha256.Sum256([]byte(token)), UserID: u.ID, Username: u.Username, Client: "cli",
			Address: "2001:db8::1", UserAgent: token + "\tü",
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

	v, err = s.Session(ctx, short.ID, at(time.Hour-time.Microsecond))
	must(t, "Session", err)
	equal(t, "session by its ID", v, short)
	_, err = s.Session(ctx, short.ID, at(time.Hour))
	wantErr(t, "an expired session", err, store.ErrNotFound)
	sessions := func(user string, when time.Time, p store.Page) []store.Session {
		t.Helper()
		list, err := s.ListSessions(ctx, user, when, p)
		must(t, "ListSessions", err)
		return list
	}
	equal(t, "ada's", sessions(ada.ID, at(0), store.Page{Limit: 10}), []store.Session{long, short})
	equal(t, "ada's later", sessions(ada.ID, at(time.Hour), store.Page{Limit: 10}), []store.Session{long})
	equal(t, "everybody's first", sessions("", at(0), store.Page{Limit: 2}), []store.Session{long, short})
	equal(t, "everybody's next", sessions("", at(0), store.Page{After: short.ID, Limit: 2}), []store.Session{other})

	next, err := s.DeleteExpiredSessions(ctx, at(time.Hour))
	must(t, "DeleteExpiredSessions", err)
	equal(t, "when the next one ends", next, long.ExpiresAt)
	_, _, err = s.SessionByToken(ctx, short.TokenHash, at(0))
	wantErr(t, "a session that was removed", err, store.ErrNotFound)

	third, fourth := session(ada, "third", time.Hour), session(ada, "fourth", time.Hour)
	must(t, "CreateSession", s.CreateSession(ctx, third))
	must(t, "CreateSession", s.CreateSession(ctx, fourth))
	must(t, "DeleteSessions", s.DeleteSessions(ctx, ada.ID, third.ID))
	equal(t, "the one that was to be kept", sessions(ada.ID, at(0), store.Page{Limit: 10}), []store.Session{third})
	equal(t, "another user's", sessions(zoe.ID, at(0), store.Page{Limit: 10}), []store.Session{other})
	must(t, "DeleteSessions", s.DeleteSessions(ctx, ada.ID, ""))
	equal(t, "none is left", sessions(ada.ID, at(0), store.Page{Limit: 10}), nil)
	must(t, "CreateSession", s.CreateSession(ctx, long))

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
