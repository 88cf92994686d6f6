package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// CreateSession is store.Sessions's.
func (s *Store) CreateSession(ctx context.Context, v store.Session) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err := tx.Exec(ctx, `INSERT INTO sessions (id, token_hash, user_id, client, created_at, expires_at, last_used_at)
			SELECT $1, $2, u.id, $4, $5, $6, $7 FROM users u WHERE u.id = $3`,
			v.ID, v.TokenHash[:], v.UserID, v.Client, micros(v.CreatedAt), micros(v.ExpiresAt), micros(v.LastUsedAt))
		if err == nil && n == 0 {
			return fmt.Errorf("user %s: %w", v.UserID, store.ErrNotFound)
		}
		return err
	})
}

// SessionByToken is store.Sessions's.
func (s *Store) SessionByToken(ctx context.Context, tokenHash [32]byte, at time.Time) (store.Session, store.User, error) {
	var (
		v                      = store.Session{TokenHash: tokenHash}
		row                    userScan
		created, expires, used int64
	)
	err := one(ctx, s.db,
		append(row.dest(), &v.ID, &v.UserID, &v.Client, &created, &expires, &used),
		`SELECT `+userColumns+`, s.id, s.user_id, s.client, s.created_at, s.expires_at, s.last_used_at
		FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.token_hash = $1 AND s.expires_at > $2`, tokenHash[:], micros(at))
	if err != nil {
		return store.Session{}, store.User{}, found(err, "session")
	}
	v.CreatedAt, v.ExpiresAt, v.LastUsedAt = fromMicros(created), fromMicros(expires), fromMicros(used)
	return v, row.user(), nil
}

// TouchSession is store.Sessions's.
func (s *Store) TouchSession(ctx context.Context, id string, usedAt, expiresAt time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err := tx.Exec(ctx, `UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1`,
			id, micros(usedAt), micros(expiresAt))
		if err == nil && n == 0 {
			return fmt.Errorf("session %s: %w", id, store.ErrNotFound)
		}
		return err
	})
}

// DeleteSession is store.Sessions's.
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE id = $1`, id)
		return err
	})
}

// DeleteExpiredSessions is store.Sessions's.
func (s *Store) DeleteExpiredSessions(ctx context.Context, before time.Time) (time.Time, error) {
	var next int64
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, micros(before)); err != nil {
			return err
		}
		return one(ctx, tx, []any{&next}, `SELECT coalesce(min(expires_at), 0) FROM sessions`)
	})
	if err != nil || next == 0 {
		return time.Time{}, err
	}
	return fromMicros(next), nil
}
