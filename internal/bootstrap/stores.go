package bootstrap

import (
	"context"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// openStore opens the database that the settings name, and the executions
// beside it. dataDir is absolute.
func openStore(ctx context.Context, c *Config, dataDir string) (store.Store, store.Executions, error) {
	s, err := sqlite.Open(ctx, dataDir)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Executions(), nil
}
