package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

const userColumns = `u.id, u.username, u.role, u.password_hash, u.created_at, u.updated_at`

// userScan collects a user's columns.
type userScan struct {
	u                store.User
	role             string
	created, updated int64
}

func (s *userScan) dest() []any {
	return []any{&s.u.ID, &s.u.Username, &s.role, &s.u.PasswordHash, &s.created, &s.updated}
}

func (s *userScan) user() store.User {
	s.u.Role = store.Role(s.role)
	s.u.CreatedAt, s.u.UpdatedAt = fromMicros(s.created), fromMicros(s.updated)
	return s.u
}

// CreateUser is store.Users's.
func (s *Store) CreateUser(ctx context.Context, u store.User) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error { return insertUser(ctx, tx, u) })
}

// CreateFirstOwner is store.Users's.
func (s *Store) CreateFirstOwner(ctx context.Context, u store.User) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		// The row lock makes concurrent calls wait for one another, so that each
		// counts the users the one before it left.
		if err := lock(ctx, tx, "first-owner"); err != nil {
			return err
		}
		var n int64
		if err := one(ctx, tx, []any{&n}, `SELECT count(*) FROM users`); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("a first user: %w", store.ErrTaken)
		}
		return insertUser(ctx, tx, u)
	})
}

func insertUser(ctx context.Context, tx Conn, u store.User) error {
	n, err := tx.Exec(ctx, `INSERT INTO users (id, username, role, password_hash, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username) DO NOTHING`,
		u.ID, u.Username, string(u.Role), u.PasswordHash, micros(u.CreatedAt), micros(u.UpdatedAt))
	if err == nil && n == 0 {
		return fmt.Errorf("user %q: %w", u.Username, store.ErrTaken)
	}
	return err
}

// User is store.Users's.
func (s *Store) User(ctx context.Context, id string) (store.User, error) {
	var row userScan
	err := one(ctx, s.db, row.dest(), `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
	return row.user(), found(err, "user %s", id)
}

// UserByName is store.Users's.
func (s *Store) UserByName(ctx context.Context, username string) (store.User, error) {
	var row userScan
	err := one(ctx, s.db, row.dest(), `SELECT `+userColumns+` FROM users u WHERE u.username = $1`, username)
	return row.user(), found(err, "user %q", username)
}

// ListUsers is store.Users's.
func (s *Store) ListUsers(ctx context.Context, p store.Page) ([]store.User, error) {
	return s.users(ctx, `WHERE u.username > $1 ORDER BY u.username LIMIT $2`, p.After, limit(p.Limit))
}

// ListOwners is store.Users's.
func (s *Store) ListOwners(ctx context.Context) ([]store.User, error) {
	return s.users(ctx, `WHERE u.role = 'owner' ORDER BY u.username`)
}

func (s *Store) users(ctx context.Context, where string, args ...any) ([]store.User, error) {
	var users []store.User
	err := each(ctx, s.db, func(rows Rows) error {
		var row userScan
		err := rows.Scan(row.dest()...)
		users = append(users, row.user())
		return err
	}, `SELECT `+userColumns+` FROM users u `+where, args...)
	return users, err
}

// Usernames is store.Users's.
func (s *Store) Usernames(ctx context.Context, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	err := each(ctx, s.db, func(rows Rows) error {
		var id, name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, `SELECT id, username FROM users WHERE id IN (`+parameters(len(ids))+`)`, args...)
	return names, err
}

// CountUsers is store.Users's.
func (s *Store) CountUsers(ctx context.Context) (int, error) {
	var n int64
	err := one(ctx, s.db, []any{&n}, `SELECT count(*) FROM users`)
	return int(n), err
}

// SetPassword is store.Users's.
func (s *Store) SetPassword(ctx context.Context, userID, hash, keep string, at time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err := tx.Exec(ctx, `UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1`, userID, hash, micros(at))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("user %s: %w", userID, store.ErrNotFound)
		}
		_, err = tx.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, userID, keep)
		return err
	})
}

// SetRole is store.Users's.
func (s *Store) SetRole(ctx context.Context, userID string, role store.Role, at time.Time) error {
	return s.changeUser(ctx, userID, role, `UPDATE users SET role = $2, updated_at = $3 WHERE id = $1`, string(role), micros(at))
}

// DeleteUser is store.Users's.
func (s *Store) DeleteUser(ctx context.Context, userID string) error {
	return s.changeUser(ctx, userID, "", `DELETE FROM users WHERE id = $1`)
}

// changeUser runs a statement that leaves the user with the given role, or none.
func (s *Store) changeUser(ctx context.Context, userID string, role store.Role, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		if role != store.RoleOwner {
			// Of two owners who make way at once one has to wait, and is counted.
			if err := lock(ctx, tx, "owners"); err != nil {
				return err
			}
			var last int64
			if err := one(ctx, tx, []any{&last}, `SELECT count(*) FROM users u WHERE u.id = $1 AND u.role = 'owner'
				AND NOT EXISTS (SELECT 1 FROM users o WHERE o.role = 'owner' AND o.id <> u.id)`, userID); err != nil {
				return err
			}
			if last > 0 {
				return fmt.Errorf("user %s: %w", userID, store.ErrLastOwner)
			}
		}
		n, err := tx.Exec(ctx, query, append([]any{userID}, args...)...)
		if err == nil && n == 0 {
			return fmt.Errorf("user %s: %w", userID, store.ErrNotFound)
		}
		return err
	})
}

// lock makes other transactions that take the same lock wait for this one's end.
func lock(ctx context.Context, tx Conn, name string) error {
	_, err := tx.Exec(ctx, `INSERT INTO locks (name, taken) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET taken = locks.taken + 1`, name)
	return err
}
