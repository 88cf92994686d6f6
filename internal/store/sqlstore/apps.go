package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

const appColumns = `a.id, a.slug, a.active_deployment, a.networks, a.created_at, a.updated_at`

// appScan collects an app's columns.
type appScan struct {
	a                store.App
	networks         string
	created, updated int64
}

func (s *appScan) dest() []any {
	return []any{&s.a.ID, &s.a.Slug, &s.a.ActiveDeployment, &s.networks, &s.created, &s.updated}
}

func (s *appScan) app() store.App {
	s.a.CreatedAt, s.a.UpdatedAt = fromMicros(s.created), fromMicros(s.updated)
	if s.networks != "" {
		s.a.Networks = strings.Split(s.networks, " ")
	}
	return s.a
}

// CreateApp is store.Apps's.
func (s *Store) CreateApp(ctx context.Context, a store.App, by string) error {
	return s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		n, err := tx.Exec(ctx, `INSERT INTO apps (id, slug, active_deployment, last_deployment, created_at, updated_at)
			VALUES ($1, $2, 1, 1, $3, $4) ON CONFLICT (slug) DO NOTHING`,
			a.ID, a.Slug, micros(a.CreatedAt), micros(a.UpdatedAt))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("app %q: %w", a.Slug, store.ErrTaken)
		}
		err = insertDeployment(ctx, tx, store.Deployment{
			AppID: a.ID, Number: 1, Note: "created", CreatedAt: a.CreatedAt, CreatedBy: by,
		})
		return []store.Change{{AppID: a.ID, Slug: a.Slug}}, err
	})
}

// App is store.Apps's.
func (s *Store) App(ctx context.Context, id string) (store.App, error) {
	var row appScan
	err := one(ctx, s.db, row.dest(), `SELECT `+appColumns+` FROM apps a WHERE a.id = $1`, id)
	return row.app(), found(err, "app %s", id)
}

// AppBySlug is store.Apps's.
func (s *Store) AppBySlug(ctx context.Context, slug string) (store.App, error) {
	var row appScan
	err := one(ctx, s.db, row.dest(), `SELECT `+appColumns+` FROM apps a WHERE a.slug = $1`, slug)
	return row.app(), found(err, "app %q", slug)
}

// ListApps is store.Apps's.
func (s *Store) ListApps(ctx context.Context, p store.Page) ([]store.App, error) {
	var apps []store.App
	err := each(ctx, s.db, func(rows Rows) error {
		var row appScan
		err := rows.Scan(row.dest()...)
		apps = append(apps, row.app())
		return err
	}, `SELECT `+appColumns+appsSeen(p.See, 3)+` AND a.slug > $1 ORDER BY a.slug LIMIT $2`,
		append([]any{p.After, limit(p.Limit)}, seenArgs(p.See)...)...)
	return apps, err
}

// appsSeen selects from the apps a that may be seen; its parameters are
// seenArgs, from number n on. A member's are found by their memberships, however
// many apps there are: CROSS JOIN has SQLite begin there.
func appsSeen(see store.Sight, n int) string {
	from := ` FROM apps a WHERE 1 = 1`
	if see.Member != "" {
		from = fmt.Sprintf(` FROM members m CROSS JOIN apps a WHERE m.user_id = $%d AND a.id = m.app_id`, n)
		n++
	}
	if see.AppID != "" {
		from += fmt.Sprintf(` AND a.id = $%d`, n)
	}
	return from
}

func seenArgs(see store.Sight) (args []any) {
	if see.Member != "" {
		args = append(args, see.Member)
	}
	if see.AppID != "" {
		args = append(args, see.AppID)
	}
	return args
}

// RenameApp is store.Apps's.
func (s *Store) RenameApp(ctx context.Context, id, slug string, at time.Time) error {
	return s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		old, err := lockApp(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, `UPDATE apps SET slug = $2, updated_at = $3 WHERE id = $1`, id, slug, micros(at))
		if errors.Is(err, ErrUnique) {
			return nil, fmt.Errorf("app %q: %w", slug, store.ErrTaken)
		}
		return []store.Change{{AppID: id, Slug: old.slug}, {AppID: id, Slug: slug}}, err
	})
}

// OpenNetworks is store.Apps's.
func (s *Store) OpenNetworks(ctx context.Context, id string, networks []string, at time.Time) error {
	return s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, `UPDATE apps SET networks = $2, updated_at = $3 WHERE id = $1`, id, strings.Join(networks, " "), micros(at))
		return []store.Change{{AppID: id, Slug: a.slug}}, err
	})
}

// lockedApp is what a transaction that changes an app knows of it.
type lockedApp struct {
	id, slug     string
	active, last int64 // deployments
}

// lockApp makes other transactions that change the app wait for this one.
func lockApp(ctx context.Context, tx Conn, id string) (lockedApp, error) {
	a := lockedApp{id: id}
	err := one(ctx, tx, []any{&a.slug, &a.active, &a.last},
		`UPDATE apps SET last_deployment = last_deployment WHERE id = $1 RETURNING slug, active_deployment, last_deployment`, id)
	return a, found(err, "app %s", id)
}
