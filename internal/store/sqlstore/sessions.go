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
		n, err := tx.Exec(ctx, `INSERT INTO sessions (id, token_hash, user_id, client, created_at, expires_at, last_used_at, address, user_agent)
			SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $9 FROM users u WHERE u.id = $3`,
			v.ID, v.TokenHash[:], v.UserID, v.Client, micros(v.CreatedAt), micros(v.ExpiresAt), micros(v.LastUsedAt), v.Address, v.UserAgent)
		if err == nil && n == 0 {
			return fmt.Errorf("user %s: %w", v.UserID, store.ErrNotFound)
		}
		return err
	})
}

const sessionColumns = `s.id, s.token_hash, s.user_id, u.username, s.client, s.created_at, s.expires_at, s.last_used_at, s.address, s.user_agent`

const sessionTables = ` FROM sessions s JOIN users u ON u.id = s.user_id `

// sessionScan collects a session's columns.
type sessionScan struct {
	s                      store.Session
	hash                   []byte
	created, expires, used int64
}

func (v *sessionScan) dest() []any {
	return []any{
		&v.s.ID, &v.hash, &v.s.UserID, &v.s.Username, &v.s.Client, &v.created, &v.expires, &v.used, &v.s.Address, &v.s.UserAgent,
	}
}

func (v *sessionScan) session() store.Session {
	copy(v.s.TokenHash[:], v.hash)
	v.s.CreatedAt, v.s.ExpiresAt, v.s.LastUsedAt = fromMicros(v.created), fromMicros(v.expires), fromMicros(v.used)
	return v.s
}

// SessionByToken is store.Sessions's.
func (s *Store) SessionByToken(ctx context.Context, tokenHash [32]byte, at time.Time) (store.Session, store.User, error) {
	var row sessionScan
	var user userScan
	err := one(ctx, s.db, append(row.dest(), user.dest()...), `SELECT `+sessionColumns+`, `+userColumns+sessionTables+
		`WHERE s.token_hash = $1 AND s.expires_at > $2`, tokenHash[:], micros(at))
	if err != nil {
		return store.Session{}, store.User{}, found(err, "session")
	}
	return row.session(), user.user(), nil
}

// Session is store.Sessions's.
func (s *Store) Session(ctx context.Context, id string, at time.Time) (store.Session, error) {
	var row sessionScan
	err := one(ctx, s.db, row.dest(), `SELECT `+sessionColumns+sessionTables+`WHERE s.id = $1 AND s.expires_at > $2`, id, micros(at))
	if err != nil {
		return store.Session{}, found(err, "session %s", id)
	}
	return row.session(), nil
}

// ListSessions is store.Sessions's.
func (s *Store) ListSessions(ctx context.Context, userID string, at time.Time, p store.Page) ([]store.Session, error) {
	where, args := `WHERE s.id > $1 AND s.expires_at > $2 ORDER BY s.id LIMIT $3`, []any{p.After, micros(at), limit(p.Limit)}
	if userID != "" {
		where, args = `WHERE s.id > $1 AND s.expires_at > $2 AND s.user_id = $4 ORDER BY s.id LIMIT $3`, append(args, userID)
	}
	var list []store.Session
	err := each(ctx, s.db, func(rows Rows) error {
		var row sessionScan
		err := rows.Scan(row.dest()...)
		list = append(list, row.session())
		return err
	}, `SELECT `+sessionColumns+sessionTables+where, args...)
	return list, err
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

// DeleteSessions is store.Sessions's.
func (s *Store) DeleteSessions(ctx context.Context, userID, keep string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, userID, keep)
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
