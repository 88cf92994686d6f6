package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// openStore opens the database that the settings name, and the executions
// beside it, which the store's Close closes too. dataDir is absolute.
func openStore(ctx context.Context, c *settings.Config, dataDir string, log *slog.Logger) (store.Store, store.Executions, error) {
	if c.Database == "" {
		s, err := sqlite.Open(ctx, dataDir)
		if err != nil {
			return nil, nil, err
		}
		s.SetQuota(c.Quota)
		return s, s.Executions(), nil
	}
	s, err := postgres.Open(ctx, c.Database, log)
	if err != nil {
		return nil, nil, databaseError(c.Database, err)
	}
	s.SetQuota(c.Quota)
	return s, s.Executions(), nil
}

// databaseError says which database it is about, without the password.
func databaseError(database string, err error) error {
	u, parseErr := url.Parse(database)
	if parseErr != nil {
		return err
	}
	name := u.Host + u.Path
	if name == "" {
		name = "of the environment"
	}
	return fmt.Errorf("the database %s (--database, PICLOUD_DATABASE_URL): %w", name, err)
}
