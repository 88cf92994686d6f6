package postgres

import (
	"context"
	"errors"
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
func (s *Store) KeepNode(ctx context.Context, n store.Node, lease time.Duration) (left time.Duration, err error) {
	err = relaxed{&database{pool: s.signs}}.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		left = 0
		if n.Kind == store.NodeManager {
			if _, err := tx.Exec(ctx, `DELETE FROM nodes WHERE kind = $1 AND name <> $2`, string(n.Kind), n.Name); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, `SELECT ends_at - `+serverNow+` FROM nodes WHERE kind = $1 AND name = $2 AND boot = $3`, string(n.Kind), n.Name, n.Boot)
		if err != nil {
			return err
		}
		if rows.Next() {
			var us int64
			err = rows.Scan(&us)
			left = max(0, time.Duration(us)*time.Microsecond)
		}
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO nodes (kind, name, boot, address, version, ends_at) VALUES ($1, $2, $3, $4, $5, `+serverNow+` + $6)
			ON CONFLICT (kind, name) DO UPDATE SET boot = excluded.boot, address = excluded.address, version = excluded.version, ends_at = excluded.ends_at`,
			string(n.Kind), n.Name, n.Boot, n.Address, n.Version, lease.Microseconds()); err != nil {
			return err
		}
		// Those of orchestrators RecoverNodes takes away.
		_, err = tx.Exec(ctx, `DELETE FROM nodes WHERE kind <> $1 AND ends_at < `+serverNow, string(store.NodeOrchestrator))
		return err
	})
	return left, err
}

// RecoverNodes is store.Nodes's.
func (s *Store) RecoverNodes(ctx context.Context, at time.Time) (gone []string, recovered int64, err error) {
	var some bool
	if err := s.signs.QueryRow(ctx, `SELECT EXISTS (SELECT FROM nodes WHERE kind = $1 AND ends_at < `+serverNow+`)`, string(store.NodeOrchestrator)).Scan(&some); err != nil || !some {
		return nil, 0, classify(err)
	}
	recovered, err = s.RecoverAll(ctx, at, func(ctx context.Context, tx sqlstore.Conn) (left []sqlstore.Start, err error) {
		gone = nil
		// One that comes back now waits, and is put on the list anew.
		rows, err := tx.Query(ctx, `DELETE FROM nodes WHERE kind = $1 AND ends_at < `+serverNow+` RETURNING name, boot`, string(store.NodeOrchestrator))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var x sqlstore.Start
			if err := rows.Scan(&x.Owner, &x.Boot); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			gone, left = append(gone, x.Owner), append(left, x)
		}
		return left, errors.Join(rows.Err(), rows.Close())
	})
	return gone, recovered, err
}

// RemoveNode is store.Nodes's.
func (s *Store) RemoveNode(ctx context.Context, n store.Node) error {
	_, err := s.signs.Exec(ctx, `DELETE FROM nodes WHERE kind = $1 AND name = $2 AND boot = $3
		AND (kind <> $4 OR NOT EXISTS (SELECT FROM messages WHERE owner = $2 AND owner <> '' AND messages.boot = $3))`,
		string(n.Kind), n.Name, n.Boot, string(store.NodeOrchestrator))
	return classify(err)
}

// Nodes is store.Nodes's.
func (s *Store) Nodes(ctx context.Context) ([]store.Node, error) {
	rows, err := s.signs.Query(ctx, `SELECT name, kind, boot, address, version FROM nodes WHERE ends_at >= `+serverNow+` ORDER BY kind, name`)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Node])
	return list, classify(err)
}
