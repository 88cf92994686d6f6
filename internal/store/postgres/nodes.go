package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

var _ store.Nodes = (*Store)(nil)

// serverNow is the server's clock in microseconds. It is read here, where nothing
// else is, because the processes on the list are on several machines.
const serverNow = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

// KeepNode is store.Nodes's.
func (s *Store) KeepNode(ctx context.Context, n store.Node, lease time.Duration) error {
	return relaxed{&database{pool: s.pool}}.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		if n.Kind == store.NodeManager {
			if _, err := tx.Exec(ctx, `DELETE FROM nodes WHERE kind = $1 AND name <> $2`, string(n.Kind), n.Name); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO nodes (kind, name, boot, address, version, ends_at) VALUES ($1, $2, $3, $4, $5, `+serverNow+` + $6)
			ON CONFLICT (kind, name) DO UPDATE SET boot = excluded.boot, address = excluded.address, version = excluded.version, ends_at = excluded.ends_at`,
			string(n.Kind), n.Name, n.Boot, n.Address, n.Version, lease.Microseconds())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM nodes WHERE ends_at < `+serverNow)
		return err
	})
}

// RemoveNode is store.Nodes's.
func (s *Store) RemoveNode(ctx context.Context, n store.Node) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM nodes WHERE kind = $1 AND name = $2 AND boot = $3`, string(n.Kind), n.Name, n.Boot)
	return classify(err)
}

// Nodes is store.Nodes's.
func (s *Store) Nodes(ctx context.Context) ([]store.Node, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, kind, boot, address, version FROM nodes WHERE ends_at >= `+serverNow+` ORDER BY kind, name`)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Node])
	return list, classify(err)
}
