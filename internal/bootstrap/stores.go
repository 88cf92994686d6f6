package bootstrap

import (
	"context"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// openStore opens the database that the settings name. dataDir is absolute.
func openStore(ctx context.Context, c *Config, dataDir string) (store.Store, error) {
	return sqlite.Open(ctx, dataDir)
}
