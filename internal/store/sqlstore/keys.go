package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// CreateAPIKey is store.APIKeys's.
func (s *Store) CreateAPIKey(ctx context.Context, k store.APIKey) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		if err := haveAppAndUser(ctx, tx, k.AppID, k.UserID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO api_keys (id, token_hash, user_id, name, scopes, app_id, created_at, expires_at, last_used_at)
			VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9)`,
			k.ID, k.TokenHash[:], k.UserID, k.Name, joinScopes(k.Scopes), k.AppID,
			micros(k.CreatedAt), optionalMicros(k.ExpiresAt), optionalMicros(k.LastUsedAt))
		if errors.Is(err, ErrUnique) {
			return fmt.Errorf("API key %q: %w", k.Name, store.ErrTaken)
		}
		return err
	})
}

const keyColumns = `k.id, k.token_hash, k.user_id, u.username, k.name, k.scopes, coalesce(k.app_id, ''), coalesce(a.slug, ''),
	k.created_at, k.expires_at, k.last_used_at`

const keyTables = ` FROM api_keys k JOIN users u ON u.id = k.user_id LEFT JOIN apps a ON a.id = k.app_id `

// keyScan collects a key's columns.
type keyScan struct {
	k                      store.APIKey
	hash                   []byte
	scopes                 string
	created, expires, used int64
}

func (s *keyScan) dest() []any {
	return []any{
		&s.k.ID, &s.hash, &s.k.UserID, &s.k.Username, &s.k.Name, &s.scopes, &s.k.AppID, &s.k.AppSlug,
		&s.created, &s.expires, &s.used,
	}
}

func (s *keyScan) key() store.APIKey {
	copy(s.k.TokenHash[:], s.hash)
	for _, scope := range strings.Fields(s.scopes) {
		s.k.Scopes = append(s.k.Scopes, store.Scope(scope))
	}
	s.k.CreatedAt, s.k.ExpiresAt, s.k.LastUsedAt = fromMicros(s.created), fromOptionalMicros(s.expires), fromOptionalMicros(s.used)
	return s.k
}

// APIKey is store.APIKeys's.
func (s *Store) APIKey(ctx context.Context, id string) (store.APIKey, error) {
	var row keyScan
	if err := one(ctx, s.db, row.dest(), `SELECT `+keyColumns+keyTables+`WHERE k.id = $1`, id); err != nil {
		return store.APIKey{}, found(err, "API key %s", id)
	}
	return row.key(), nil
}

// APIKeyByID is store.APIKeys's.
func (s *Store) APIKeyByID(ctx context.Context, id string, at time.Time) (store.APIKey, store.User, error) {
	var row keyScan
	var owner userScan
	err := one(ctx, s.db, append(row.dest(), owner.dest()...), `SELECT `+keyColumns+`, `+userColumns+keyTables+
		`WHERE k.id = $1 AND (k.expires_at = 0 OR k.expires_at > $2)`, id, micros(at))
	if err != nil {
		return store.APIKey{}, store.User{}, found(err, "API key %s", id)
	}
	return row.key(), owner.user(), nil
}

// ListAPIKeys is store.APIKeys's.
func (s *Store) ListAPIKeys(ctx context.Context, userID string, p store.Page) ([]store.APIKey, error) {
	var list []store.APIKey
	where, args := `WHERE k.id > $1 ORDER BY k.id LIMIT $2`, []any{p.After, limit(p.Limit)}
	if userID != "" {
		where, args = `WHERE k.id > $1 AND k.user_id = $3 ORDER BY k.id LIMIT $2`, append(args, userID)
	}
	err := each(ctx, s.db, func(rows Rows) error {
		var row keyScan
		err := rows.Scan(row.dest()...)
		list = append(list, row.key())
		return err
	}, `SELECT `+keyColumns+keyTables+where, args...)
	return list, err
}

// TouchAPIKey is store.APIKeys's.
func (s *Store) TouchAPIKey(ctx context.Context, id string, usedAt time.Time) error {
	return s.changeKey(ctx, id, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1`, micros(usedAt))
}

// DeleteAPIKey is store.APIKeys's.
func (s *Store) DeleteAPIKey(ctx context.Context, id string) error {
	return s.changeKey(ctx, id, `DELETE FROM api_keys WHERE id = $1`)
}

func (s *Store) changeKey(ctx context.Context, id, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err := tx.Exec(ctx, query, append([]any{id}, args...)...)
		if err == nil && n == 0 {
			return fmt.Errorf("API key %s: %w", id, store.ErrNotFound)
		}
		return err
	})
}

func joinScopes(scopes []store.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}

// optionalMicros is micros with 0 for the zero time.
func optionalMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func fromOptionalMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return fromMicros(us)
}
