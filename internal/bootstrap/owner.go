package bootstrap

import (
	"context"
	"errors"
	"log/slog"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/store"
)

// ResetOwnerPassword gives an owner a new password and ends their sessions.
// username may be empty when there is one owner. It works beside a running
// PiCloud: on SQLite by asking it, since it alone may open the database. It
// returns whose password it was.
func ResetOwnerPassword(ctx context.Context, c *settings.Config, username, password string) (string, error) {
	if c.Database == "" {
		dir, err := process.ExistingDataDir(c.DataDir)
		if err != nil {
			return "", err
		}
		owner, err := askRunning(ctx, dir, ownerPassword{Username: username, Password: password})
		if !errors.Is(err, errNotRunning) {
			return owner, err
		}
		c.DataDir = dir
	}
	s, _, err := openStore(ctx, c, c.DataDir, slog.Default())
	if err != nil {
		return "", err
	}
	owner, err := resetOwnerPassword(ctx, s, ownerPassword{Username: username, Password: password})
	return owner, errors.Join(err, s.Close())
}

func resetOwnerPassword(ctx context.Context, users store.Users, p ownerPassword) (string, error) {
	now := manager.Now()
	object := "users/" + p.Username
	if p.Username == "" {
		object = "the only owner"
	}
	ctx = onThisMachine(ctx, "resetOwnerPassword", object)
	return auth.ResetOwnerPassword(ctx, users, auth.NewHasher(auth.DefaultParams), now, p.Username, p.Password)
}
