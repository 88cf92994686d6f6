package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// PutSecrets is store.Secrets's.
func (s *Store) PutSecrets(ctx context.Context, appID string, sealed []store.SealedSecret, by string, at time.Time) (created int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		created = 0
		if _, err := lockApp(ctx, tx, appID); err != nil {
			return err
		}
		active, err := lockSecretsKey(ctx, tx)
		if err == nil && active == "" && len(sealed) > 0 {
			// Of two that are first at once, one waits here and then sees the other's.
			if _, err = tx.Exec(ctx, `INSERT INTO secrets_key (singleton, key_id) VALUES (1, $1) ON CONFLICT (singleton) DO NOTHING`, sealed[0].KeyID); err == nil {
				active, err = lockSecretsKey(ctx, tx)
			}
		}
		if err != nil {
			return err
		}
		for _, x := range sealed {
			if x.KeyID != active {
				return fmt.Errorf("secret %q: %w: %s", x.Name, store.ErrKeyChanged, active)
			}
			n, err := tx.Exec(ctx, `UPDATE secrets SET key_id = $3, data_key = $4, value = $5, updated_at = $6, updated_by = $7
				WHERE app_id = $1 AND name = $2`, appID, x.Name, x.KeyID, x.DataKey, x.Value, micros(at), by)
			if err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			created++
			if _, err := tx.Exec(ctx, `INSERT INTO secrets (app_id, name, key_id, data_key, value, created_at, updated_at, updated_by)
				VALUES ($1, $2, $3, $4, $5, $6, $6, $7)`, appID, x.Name, x.KeyID, x.DataKey, x.Value, micros(at), by); err != nil {
				return err
			}
		}
		if created == 0 {
			return nil
		}
		var count int64
		if err := one(ctx, tx, []any{&count}, `SELECT count(*) FROM secrets WHERE app_id = $1`, appID); err != nil {
			return err
		}
		if count > store.MaxSecrets {
			return fmt.Errorf("%w: an app may have %d secrets", store.ErrQuota, store.MaxSecrets)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return created, nil
}

// lockSecretsKey returns the ID of the active key, empty if there is none, and
// keeps other transactions from setting secrets or another key.
func lockSecretsKey(ctx context.Context, tx Conn) (string, error) {
	var id string
	err := one(ctx, tx, []any{&id}, `UPDATE secrets_key SET key_id = key_id WHERE singleton = 1 RETURNING key_id`)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

const sealedColumns = `app_id, name, key_id, data_key, value`

func sealedDest(x *store.SealedSecret) []any {
	return []any{&x.AppID, &x.Name, &x.KeyID, &x.DataKey, &x.Value}
}

// SealedSecret is store.Secrets's.
func (s *Store) SealedSecret(ctx context.Context, appID, name string) (store.SealedSecret, error) {
	var x store.SealedSecret
	err := one(ctx, s.db, sealedDest(&x), `SELECT `+sealedColumns+` FROM secrets WHERE app_id = $1 AND name = $2`, appID, name)
	return x, found(err, "secret %q", name)
}

const secretColumns = `app_id, name, created_at, updated_at, updated_by`

func scanSecret(scan func(dest ...any) error) (store.Secret, error) {
	var x store.Secret
	var created, updated int64
	err := scan(&x.AppID, &x.Name, &created, &updated, &x.UpdatedBy)
	x.CreatedAt, x.UpdatedAt = fromMicros(created), fromMicros(updated)
	return x, err
}

// Secret is store.Secrets's.
func (s *Store) Secret(ctx context.Context, appID, name string) (store.Secret, error) {
	x, err := scanSecret(func(dest ...any) error {
		return one(ctx, s.db, dest, `SELECT `+secretColumns+` FROM secrets WHERE app_id = $1 AND name = $2`, appID, name)
	})
	return x, found(err, "secret %q", name)
}

// ListSecrets is store.Secrets's.
func (s *Store) ListSecrets(ctx context.Context, appID string, p store.Page) ([]store.Secret, error) {
	var list []store.Secret
	err := each(ctx, s.db, func(rows Rows) error {
		x, err := scanSecret(rows.Scan)
		list = append(list, x)
		return err
	}, `SELECT `+secretColumns+` FROM secrets WHERE app_id = $1 AND name > $2 ORDER BY name LIMIT $3`, appID, p.After, limit(p.Limit))
	return list, err
}

// DeleteSecret is store.Secrets's.
func (s *Store) DeleteSecret(ctx context.Context, appID, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		a, err := lockApp(ctx, tx, appID)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM secrets WHERE app_id = $1 AND name = $2`, appID, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("secret %q: %w", name, store.ErrNotFound)
		}
		m, err := activeManifest(ctx, tx, a)
		if err != nil {
			return err
		}
		if script, required := m.RequiredBy(name); required {
			return fmt.Errorf("the secret %s: %w by %s", name, store.ErrRequired, script)
		}
		return nil
	})
}

// haveSecrets refuses a manifest that requires secrets which its app lacks. a is
// locked, so none of them can go before the end of the transaction.
func haveSecrets(ctx context.Context, tx Conn, a lockedApp, m *store.Manifest) error {
	missing := map[string]string{} // the script that needs it, by secret
	for name := range m.Scripts {
		s := m.Scripts[name]
		for _, secret := range s.RequiredSecrets() {
			if script, ok := missing[secret]; !ok || name < script {
				missing[secret] = name
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	err := each(ctx, tx, func(rows Rows) error {
		var name string
		err := rows.Scan(&name)
		delete(missing, name)
		return err
	}, `SELECT name FROM secrets WHERE app_id = $1`, a.id)
	if err != nil || len(missing) == 0 {
		return err
	}
	var words []string
	for secret, script := range missing {
		words = append(words, fmt.Sprintf("%s (for %s)", secret, script))
	}
	slices.Sort(words)
	return fmt.Errorf("%w in %s: %s", store.ErrMissingSecret, a.slug, strings.Join(words, ", "))
}

// SecretKeys is store.Secrets's.
func (s *Store) SecretKeys(ctx context.Context) (store.SecretKeys, error) {
	keys := store.SecretKeys{Secrets: map[string]int64{}}
	// One statement, so that it is one moment: the active key is the row without a count.
	err := each(ctx, s.db, func(rows Rows) error {
		var id string
		var count int64
		if err := rows.Scan(&id, &count); err != nil {
			return err
		}
		if count == 0 {
			keys.Active = id
		} else {
			keys.Secrets[id] = count
		}
		return nil
	}, `SELECT key_id, count(*) FROM secrets GROUP BY key_id UNION ALL SELECT key_id, 0 FROM secrets_key`)
	return keys, err
}

// RewrapSecrets is store.Secrets's.
func (s *Store) RewrapSecrets(ctx context.Context, keyID string, rewrap func(store.SealedSecret) ([]byte, error)) (int, error) {
	var all []store.SealedSecret
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		all = nil
		if _, err := tx.Exec(ctx, `INSERT INTO secrets_key (singleton, key_id) VALUES (1, $1) ON CONFLICT (singleton) DO UPDATE SET key_id = $1`, keyID); err != nil {
			return err
		}
		// Without the values: only the data keys are sealed anew.
		err := each(ctx, tx, func(rows Rows) error {
			var x store.SealedSecret
			err := rows.Scan(&x.AppID, &x.Name, &x.KeyID, &x.DataKey)
			all = append(all, x)
			return err
		}, `SELECT app_id, name, key_id, data_key FROM secrets ORDER BY app_id, name`)
		if err != nil {
			return err
		}
		for _, x := range all {
			if x.KeyID == keyID {
				continue
			}
			dataKey, err := rewrap(x)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE secrets SET key_id = $3, data_key = $4 WHERE app_id = $1 AND name = $2`,
				x.AppID, x.Name, keyID, dataKey); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(all), nil
}

// DropSecrets is store.Secrets's.
func (s *Store) DropSecrets(ctx context.Context, keyIDs []string) (removed int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		removed = 0
		active, err := lockSecretsKey(ctx, tx)
		if err != nil {
			return err
		}
		var others []string
		if err := each(ctx, tx, func(rows Rows) error {
			var id string
			err := rows.Scan(&id)
			if !slices.Contains(keyIDs, id) {
				others = append(others, id)
			}
			return err
		}, `SELECT DISTINCT key_id FROM secrets`); err != nil {
			return err
		}
		for _, id := range others {
			n, err := tx.Exec(ctx, `DELETE FROM secrets WHERE key_id = $1`, id)
			if err != nil {
				return err
			}
			removed += int(n)
		}
		if active != "" && !slices.Contains(keyIDs, active) {
			_, err = tx.Exec(ctx, `DELETE FROM secrets_key WHERE singleton = 1`)
		}
		return err
	})
	return removed, err
}
