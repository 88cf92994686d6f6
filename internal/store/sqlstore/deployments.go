package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// insertDeployment adds the immutable row; the app's pointer is the caller's.
func insertDeployment(ctx context.Context, tx Conn, d store.Deployment) error {
	if d.Manifest.Scripts == nil {
		d.Manifest.Scripts = map[string]store.ManifestScript{}
	}
	manifest, err := json.Marshal(d.Manifest)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deployments (app_id, number, parent, manifest, note, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.AppID, d.Number, d.Parent, manifest, d.Note, micros(d.CreatedAt), d.CreatedBy)
	return err
}

func activeManifest(ctx context.Context, tx Conn, a lockedApp) (store.Manifest, error) {
	var raw []byte
	if err := one(ctx, tx, []any{&raw}, `SELECT manifest FROM deployments WHERE app_id = $1 AND number = $2`, a.id, a.active); err != nil {
		return store.Manifest{}, found(err, "deployment %d of app %q", a.active, a.slug)
	}
	return decodeManifest(raw)
}

func decodeManifest(raw []byte) (store.Manifest, error) {
	var m store.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("a deployment's manifest cannot be read: %w", err)
	}
	if m.Scripts == nil {
		m.Scripts = map[string]store.ManifestScript{}
	}
	return m, nil
}

// deploy writes the app's next deployment and moves the app to it. a is locked
// and m is the manifest that the deployment shall have; the app must have the
// secrets that it requires. Its schedules fire from then on.
func deploy(ctx context.Context, tx Conn, a lockedApp, m store.Manifest, note, by string, at time.Time) (store.Deployment, error) {
	d := store.Deployment{
		AppID: a.id, Number: a.last + 1, Parent: a.active,
		Manifest: m, Note: note, CreatedAt: at, CreatedBy: by,
	}
	if err := haveSecrets(ctx, tx, a, &m); err != nil {
		return d, err
	}
	if err := insertDeployment(ctx, tx, d); err != nil {
		return d, err
	}
	if err := deploySchedules(ctx, tx, a.id, &m, at); err != nil {
		return d, err
	}
	_, err := tx.Exec(ctx, `UPDATE apps SET active_deployment = $2, last_deployment = $2, updated_at = $3 WHERE id = $1`,
		a.id, d.Number, micros(at))
	return d, err
}

// ActiveDeployment is store.Deployments's.
func (s *Store) ActiveDeployment(ctx context.Context, slug string) (store.App, store.Deployment, error) {
	var (
		row     appScan
		d       store.Deployment
		raw     []byte
		created int64
	)
	err := one(ctx, s.db,
		append(row.dest(), &d.Number, &d.Parent, &raw, &d.Note, &created, &d.CreatedBy),
		`SELECT `+appColumns+`, d.number, d.parent, d.manifest, d.note, d.created_at, d.created_by
		FROM apps a JOIN deployments d ON d.app_id = a.id AND d.number = a.active_deployment
		WHERE a.slug = $1`, slug)
	if err != nil {
		return store.App{}, store.Deployment{}, found(err, "app %q", slug)
	}
	d.AppID, d.CreatedAt = row.a.ID, fromMicros(created)
	d.Manifest, err = decodeManifest(raw)
	return row.app(), d, err
}

// Deployment is store.Deployments's.
func (s *Store) Deployment(ctx context.Context, appID string, number int64) (store.Deployment, error) {
	d := store.Deployment{AppID: appID, Number: number}
	var (
		raw     []byte
		created int64
	)
	err := one(ctx, s.db, []any{&d.Parent, &raw, &d.Note, &created, &d.CreatedBy},
		`SELECT parent, manifest, note, created_at, created_by FROM deployments WHERE app_id = $1 AND number = $2`, appID, number)
	if err != nil {
		return store.Deployment{}, found(err, "deployment %d of app %s", number, appID)
	}
	d.CreatedAt = fromMicros(created)
	d.Manifest, err = decodeManifest(raw)
	return d, err
}

// ListDeployments is store.Deployments's.
func (s *Store) ListDeployments(ctx context.Context, appID string, p store.Page) ([]store.Deployment, error) {
	below, err := belowNumber(p.After)
	if err != nil {
		return nil, err
	}
	var list []store.Deployment
	err = each(ctx, s.db, func(rows Rows) error {
		d := store.Deployment{AppID: appID}
		var created int64
		err := rows.Scan(&d.Number, &d.Parent, &d.Note, &created, &d.CreatedBy)
		d.CreatedAt = fromMicros(created)
		list = append(list, d)
		return err
	}, `SELECT number, parent, note, created_at, created_by FROM deployments
		WHERE app_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3`, appID, below, limit(p.Limit))
	return list, err
}

// belowNumber is the bound of a listing by falling number.
func belowNumber(after string) (int64, error) {
	if after == "" {
		return math.MaxInt64, nil
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: a page of this list begins after a number, not %q", store.ErrInvalid, after)
	}
	return n, nil
}

// ChangeManifest is store.Deployments's.
func (s *Store) ChangeManifest(ctx context.Context, appID, note, by string, at time.Time, change func(*store.Manifest) error) (store.Deployment, error) {
	var d store.Deployment
	err := s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, appID)
		if err != nil {
			return nil, err
		}
		m, err := activeManifest(ctx, tx, a)
		if err != nil {
			return nil, err
		}
		if err := change(&m); err != nil {
			return nil, err
		}
		d, err = deploy(ctx, tx, a, m, note, by, at)
		return []store.Change{{AppID: appID, Slug: a.slug}}, err
	})
	if err != nil {
		return store.Deployment{}, err
	}
	return d, nil
}
