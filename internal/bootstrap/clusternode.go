package bootstrap

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	build "github.com/picloud/picloud/internal/version"
)

// errNoPostgres says what a cluster needs.
var errNoPostgres = errors.New("a cluster needs a PostgreSQL database: set PICLOUD_DATABASE_URL=postgres://USER:PASSWORD@HOST/NAME, the same on every node; with SQLite run picloud, which is all services in one process")

// clusterNode is what the manager and the orchestrator of a cluster have alike.
type clusterNode struct {
	wiring
	store    *postgres.Store
	identity *cluster.Identity
	closers  []func() error
}

// openClusterNode reads the keys, names the node, and opens the database by open.
func openClusterNode(ctx context.Context, c *settings.Config, kind store.NodeKind, log *slog.Logger, open func(ctx context.Context, url string) (*postgres.Store, error)) (n *clusterNode, err error) {
	if c.Database == "" {
		return nil, errNoPostgres
	}
	keys, err := c.ClusterKeys()
	if err != nil {
		return nil, err
	}
	n = &clusterNode{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.identity, err = cluster.NewIdentity(keys, kind); err != nil {
		return nil, err
	}
	dir, err := process.PrepareDataDir(c.DataDir)
	if err != nil {
		return n, err
	}
	source, err := c.ClusterSecretsSource(dir)
	if err != nil {
		return n, err
	}
	file := nodeFile
	if kind == store.NodeManager {
		file = managerFile
	}
	name, forget, err := nodeName(dir, file)
	if err != nil {
		return n, err
	}
	n.closers = append(n.closers, forget)
	if n.store, err = open(ctx, c.Database); err != nil {
		return n, databaseError(c.Database, err)
	}
	n.closers = append(n.closers, n.store.Close)
	n.store.SetQuota(c.Quota)
	vault, err := secret.Open(ctx, n.store, source)
	if err != nil {
		return n, err
	}
	n.wiring = wiring{store: n.store, executions: n.store.Executions(), vault: vault, node: name, boot: uuid.NewString(), log: log}
	return n, nil
}

// self is this process on the list of the cluster.
func (n *clusterNode) self(kind store.NodeKind, address string) store.Node {
	return store.Node{Name: n.node, Kind: kind, Boot: n.boot, Address: address, Version: build.Number}
}

func (n *clusterNode) close() (err error) {
	for i := len(n.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, n.closers[i]())
	}
	return err
}

// migrated opens a database once a manager has brought it to this release's schema.
func migrated(ctx context.Context, url string, log *slog.Logger) (*postgres.Store, error) {
	told := false
	for {
		s, err := postgres.OpenMigrated(ctx, url, log)
		if !errors.Is(err, postgres.ErrOutdated) {
			return s, err
		}
		if !told {
			log.Info("waiting until a picloud-manager of this release has brought the database up to date")
			told = true
		}
		if !pauseFor(ctx, migrationPause) {
			return nil, ctx.Err()
		}
	}
}

// migrationPause is how often an orchestrator that has just started looks whether
// the database has been migrated.
const migrationPause = 250 * time.Millisecond
