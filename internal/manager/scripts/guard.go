package scripts

import (
	"context"
	"errors"
	"fmt"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Vault opens secrets.
type Vault interface {
	// Secret returns the value of an app's secret; store.ErrNotFound if there is none.
	Secret(ctx context.Context, appID, name string) (string, error)
}

// checkGuard refuses a guard whose secret cannot serve it: each request would be
// answered 503. That there is no such secret is the store's to say.
func (s *service) checkGuard(ctx context.Context, app store.App, g store.Guard) error {
	if g.Scheme != store.SchemeStandard {
		return nil // any value serves the others
	}
	value, err := s.Vault.Secret(ctx, app.ID, g.Secret)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := auth.CheckKey(g, value); err != nil {
		return api.Invalid("body.guard.secret",
			fmt.Sprintf("%s cannot serve: %s; set it anew first: pic secrets set %s --app %s", g.Secret, err, g.Secret, app.Slug), nil)
	}
	return nil
}
