package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/picloud/picloud/internal/store"
)

// The refusals of a Guard beside ErrNoSession and ErrNoKey.
var (
	// ErrNoToken says that nothing came with a request that would tell whose it is.
	ErrNoToken = errors.New("this endpoint is guarded: send Authorization: Bearer TOKEN, with an API key or the token of a session")
	// ErrNotInvited says that who asks is known, and may not call the endpoint.
	ErrNotInvited = errors.New("you, or your API key, may not call this endpoint")
)

// notInvited is ErrNotInvited that says more.
type notInvited string

func (e notInvited) Error() string { return string(e) }

func (notInvited) Is(err error) bool { return err == ErrNotInvited }

// Guard decides who may call guarded endpoints.
type Guard struct {
	auth    *Authenticator
	members store.Members
}

// NewGuard returns a Guard.
func NewGuard(a *Authenticator, m store.Members) *Guard { return &Guard{auth: a, members: m} }

// Admit returns a name for who sent r, which is the same for all their requests,
// if they may call an endpoint of the app that is guarded by g. secure says
// whether they spoke HTTPS. It fails with ErrNoToken, ErrNoSession or ErrNoKey,
// ErrNotInvited, or an error of the store.
//
// A session's cookie counts only when our own page sent it, or when the browser
// does not say and nothing is changed: another app's page must not call the
// endpoint in the name of who looks at it.
func (d *Guard) Admit(ctx context.Context, r *http.Request, secure bool, appID string, g store.Guard) (caller string, err error) {
	token, cookie := Token(r, secure)
	if token == "" {
		return "", ErrNoToken
	}
	if cookie {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if from := Related(r); from == OtherOrigin || from == Unstated && !reads || OpaqueOrigin(r) {
			return "", ErrNotInvited
		}
	}
	id, err := d.auth.Identify(ctx, token)
	if err != nil {
		return "", err
	}
	caller = "user " + id.User.ID
	if id.Key != nil {
		caller = "key " + id.Key.ID
	}
	switch g.Kind {
	case store.GuardUser:
		if id.keyMay(appID, InvokeScripts) {
			return caller, nil
		}
	case store.GuardAPIKey:
		var inApp store.AppRole
		if !May(id.User.Role, "", InvokeScripts) {
			m, err := d.members.Member(ctx, appID, id.User.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return "", err
			}
			inApp = m.Role
		}
		if id.May(appID, inApp, InvokeScripts) {
			return caller, nil
		}
	}
	if why := id.KeyForbids(appID, InvokeScripts); why != "" {
		return "", notInvited(fmt.Sprintf("the API key %q may not call this endpoint: %s", id.Key.Name, why))
	}
	return "", ErrNotInvited // also for a kind that this program does not know
}
