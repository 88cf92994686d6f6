package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// DeployScript is store.Scripts's.
func (s *Store) DeployScript(ctx context.Context, d store.DeployScript) (store.Deployed, error) {
	return s.changeScript(ctx, d.AppID, func(ctx context.Context, tx Conn, a lockedApp, m *store.Manifest) (store.Deployed, string, error) {
		at := micros(d.At)
		if _, err := tx.Exec(ctx, `INSERT INTO sources (hash, text) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`,
			d.SourceHash, []byte(d.Source)); err != nil {
			return store.Deployed{}, "", err
		}
		out := store.Deployed{
			Script: store.Script{AppID: a.id, AppSlug: a.slug, Name: d.Name, Endpoint: d.Endpoint, UpdatedAt: d.At},
		}
		var created int64
		err := one(ctx, tx, []any{&out.Script.ID, &out.Script.LatestVersion, &created},
			`UPDATE scripts SET latest_version = latest_version + 1, updated_at = $3
			WHERE app_id = $1 AND name = $2 AND deleted_at = 0 RETURNING id, latest_version, created_at`, a.id, d.Name, at)
		if errors.Is(err, sql.ErrNoRows) {
			out.Created, out.Script.ID, out.Script.LatestVersion, created = true, d.ScriptID, 1, at
			_, err = tx.Exec(ctx, `INSERT INTO scripts (id, app_id, name, latest_version, created_at, updated_at, deleted_at)
				VALUES ($1, $2, $3, 1, $4, $4, 0)`, d.ScriptID, a.id, d.Name, at)
		}
		if err != nil {
			return out, "", err
		}
		out.Script.CreatedAt = fromMicros(created)
		out.Script.ActiveVersion = out.Script.LatestVersion
		out.Version = store.Version{
			ScriptID: out.Script.ID, Number: out.Script.LatestVersion,
			SourceHash: d.SourceHash, CreatedAt: d.At, CreatedBy: d.By,
		}
		if _, err := tx.Exec(ctx, `INSERT INTO versions (script_id, number, source_hash, created_at, created_by) VALUES ($1, $2, $3, $4, $5)`,
			out.Script.ID, out.Version.Number, d.SourceHash, at, d.By); err != nil {
			return out, "", err
		}
		entry := store.ManifestScript{
			ScriptID: out.Script.ID, Version: out.Version.Number, SourceHash: d.SourceHash,
			Endpoint: d.Endpoint, Limits: d.Limits, Guard: m.Scripts[d.Name].Guard, Rate: m.Scripts[d.Name].Rate,
			Secrets: m.Scripts[d.Name].Secrets,
		}
		if d.Guard != nil {
			entry.Guard = *d.Guard
		}
		if d.Rate != nil {
			entry.Rate = *d.Rate
		}
		if d.Secrets != nil {
			entry.Secrets = d.Secrets
		}
		m.Scripts[d.Name] = entry
		out.Script.Guard, out.Script.Rate, out.Script.Secrets = entry.Guard, entry.Rate, entry.Secrets
		return out, fmt.Sprintf("%s version %d", d.Name, out.Version.Number), nil
	}, d.By, d.At)
}

// ActivateVersion is store.Scripts's.
func (s *Store) ActivateVersion(ctx context.Context, appID, name string, number int64, by string, at time.Time) (store.Deployed, error) {
	return s.changeScript(ctx, appID, func(ctx context.Context, tx Conn, a lockedApp, m *store.Manifest) (store.Deployed, string, error) {
		var out store.Deployed
		var err error
		if out.Script, err = script(ctx, tx, a.id, name); err != nil {
			return out, "", err
		}
		if out.Version, err = version(ctx, tx, out.Script.ID, number); err != nil {
			return out, "", err
		}
		entry := m.Scripts[name]
		entry.ScriptID, entry.Version, entry.SourceHash = out.Script.ID, number, out.Version.SourceHash
		m.Scripts[name] = entry
		fromManifest(&out.Script, *m)
		return out, fmt.Sprintf("%s back to version %d", name, number), nil
	}, by, at)
}

// DeleteScript is store.Scripts's.
func (s *Store) DeleteScript(ctx context.Context, appID, name string, by string, at time.Time) (store.Deployed, error) {
	return s.changeScript(ctx, appID, func(ctx context.Context, tx Conn, a lockedApp, m *store.Manifest) (store.Deployed, string, error) {
		var out store.Deployed
		var err error
		if out.Script, err = script(ctx, tx, a.id, name); err != nil {
			return out, "", err
		}
		fromManifest(&out.Script, *m)
		if by := m.TriggersOf(name); len(by) > 0 {
			return out, "", &store.InUseError{By: by}
		}
		if _, err := tx.Exec(ctx, `UPDATE scripts SET deleted_at = $2 WHERE id = $1`, out.Script.ID, micros(at)); err != nil {
			return out, "", err
		}
		delete(m.Scripts, name)
		return out, "without " + name, nil
	}, by, at)
}

// changeScript deploys what f makes of the app's active manifest. f also says
// what it did, for the deployment's note.
func (s *Store) changeScript(
	ctx context.Context, appID string,
	f func(ctx context.Context, tx Conn, a lockedApp, m *store.Manifest) (store.Deployed, string, error),
	by string, at time.Time,
) (store.Deployed, error) {
	var out store.Deployed
	err := s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, appID)
		if err != nil {
			return nil, err
		}
		m, err := activeManifest(ctx, tx, a)
		if err != nil {
			return nil, err
		}
		var note string
		if out, note, err = f(ctx, tx, a, &m); err != nil {
			return nil, err
		}
		d, err := deploy(ctx, tx, a, m, note, by, at)
		out.Script.AppSlug, out.Deployment = a.slug, d.Number
		return []store.Change{{AppID: a.id, Slug: a.slug}}, err
	})
	if err != nil {
		return store.Deployed{}, err
	}
	return out, nil
}

const scriptColumns = `s.id, s.app_id, s.name, s.latest_version, s.created_at, s.updated_at`

// scriptScan collects a script's columns.
type scriptScan struct {
	s                store.Script
	created, updated int64
}

func (r *scriptScan) dest() []any {
	return []any{&r.s.ID, &r.s.AppID, &r.s.Name, &r.s.LatestVersion, &r.created, &r.updated}
}

func (r *scriptScan) script() store.Script {
	r.s.CreatedAt, r.s.UpdatedAt = fromMicros(r.created), fromMicros(r.updated)
	return r.s
}

// script reads a script without what its app's manifest says of it.
func script(ctx context.Context, q querier, appID, name string) (store.Script, error) {
	var row scriptScan
	err := one(ctx, q, row.dest(), `SELECT `+scriptColumns+` FROM scripts s
		WHERE s.app_id = $1 AND s.name = $2 AND s.deleted_at = 0`, appID, name)
	return row.script(), found(err, "script %q", name)
}

func fromManifest(s *store.Script, m store.Manifest) {
	if e, ok := m.Scripts[s.Name]; ok && e.ScriptID == s.ID {
		s.Endpoint, s.ActiveVersion, s.Guard, s.Rate, s.Secrets = e.Endpoint, e.Version, e.Guard, e.Rate, e.Secrets
	}
}

// scriptsWithApp reads scripts together with their app's slug and manifest.
const scriptsWithApp = `SELECT ` + scriptColumns + `, a.slug, a.active_deployment, d.manifest
	FROM scripts s JOIN apps a ON a.id = s.app_id
	JOIN deployments d ON d.app_id = a.id AND d.number = a.active_deployment
	WHERE s.deleted_at = 0 AND `

func (s *Store) scripts(ctx context.Context, where string, args ...any) ([]store.Script, error) {
	var (
		list     []store.Script
		app      string // whose manifest is decoded
		number   int64
		manifest store.Manifest
	)
	err := each(ctx, s.db, func(rows Rows) error {
		var (
			row    scriptScan
			slug   string
			active int64
			raw    []byte
		)
		if err := rows.Scan(append(row.dest(), &slug, &active, &raw)...); err != nil {
			return err
		}
		if app != row.s.AppID || number != active {
			m, err := decodeManifest(raw)
			if err != nil {
				return err
			}
			app, number, manifest = row.s.AppID, active, m
		}
		v := row.script()
		v.AppSlug = slug
		fromManifest(&v, manifest)
		list = append(list, v)
		return nil
	}, scriptsWithApp+where, args...)
	return list, err
}

// Script is store.Scripts's.
func (s *Store) Script(ctx context.Context, appID, name string) (store.Script, error) {
	list, err := s.scripts(ctx, `s.app_id = $1 AND s.name = $2`, appID, name)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("script %q: %w", name, store.ErrNotFound)
	}
	if err != nil {
		return store.Script{}, err
	}
	return list[0], nil
}

// ListScripts is store.Scripts's.
func (s *Store) ListScripts(ctx context.Context, appID string, p store.Page) ([]store.Script, error) {
	return s.scripts(ctx, `s.app_id = $1 AND s.name > $2 ORDER BY s.name LIMIT $3`, appID, p.After, limit(p.Limit))
}

// ListVersions is store.Scripts's.
func (s *Store) ListVersions(ctx context.Context, scriptID string, p store.Page) ([]store.Version, error) {
	below, err := belowNumber(p.After)
	if err != nil {
		return nil, err
	}
	var list []store.Version
	err = each(ctx, s.db, func(rows Rows) error {
		v := store.Version{ScriptID: scriptID}
		var created int64
		err := rows.Scan(&v.Number, &v.SourceHash, &created, &v.CreatedBy)
		v.CreatedAt = fromMicros(created)
		list = append(list, v)
		return err
	}, `SELECT number, source_hash, created_at, created_by FROM versions
		WHERE script_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3`, scriptID, below, limit(p.Limit))
	return list, err
}

// version reads a version without its source.
func version(ctx context.Context, q querier, scriptID string, number int64) (store.Version, error) {
	v := store.Version{ScriptID: scriptID, Number: number}
	var created int64
	err := one(ctx, q, []any{&v.SourceHash, &created, &v.CreatedBy},
		`SELECT source_hash, created_at, created_by FROM versions WHERE script_id = $1 AND number = $2`, scriptID, number)
	if err != nil {
		return store.Version{}, found(err, "version %d", number)
	}
	v.CreatedAt = fromMicros(created)
	return v, nil
}

// ScriptVersion is store.Scripts's.
func (s *Store) ScriptVersion(ctx context.Context, scriptID string, number int64) (store.Version, error) {
	v, err := version(ctx, s.db, scriptID, number)
	if err == nil {
		v.Source, err = s.Source(ctx, v.SourceHash)
	}
	return v, err
}

// Source is store.Scripts's.
func (s *Store) Source(ctx context.Context, hash string) (string, error) {
	var text []byte
	err := one(ctx, s.db, []any{&text}, `SELECT text FROM sources WHERE hash = $1`, hash)
	return string(text), found(err, "source %s", hash)
}
