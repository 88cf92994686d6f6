package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// AddMember is store.Members's.
func (s *Store) AddMember(ctx context.Context, m store.Member) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		if err := haveAppAndUser(ctx, tx, m.AppID, m.UserID); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO members (app_id, user_id, role, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (app_id, user_id) DO NOTHING`,
			m.AppID, m.UserID, string(m.Role), micros(m.CreatedAt), micros(m.UpdatedAt))
		if err == nil && n == 0 {
			return fmt.Errorf("member %s of app %s: %w", m.UserID, m.AppID, store.ErrTaken)
		}
		return err
	})
}

// haveAppAndUser returns ErrNotFound unless both are there. An empty appID is none.
func haveAppAndUser(ctx context.Context, tx Conn, appID, userID string) error {
	var id string
	if err := one(ctx, tx, []any{&id}, `SELECT id FROM users WHERE id = $1`, userID); err != nil {
		return found(err, "user %s", userID)
	}
	if appID == "" {
		return nil
	}
	return found(one(ctx, tx, []any{&id}, `SELECT id FROM apps WHERE id = $1`, appID), "app %s", appID)
}

// SetMemberRole is store.Members's.
func (s *Store) SetMemberRole(ctx context.Context, appID, userID string, role store.AppRole, at time.Time) error {
	return s.changeMember(ctx, appID, userID, `UPDATE members SET role = $3, updated_at = $4 WHERE app_id = $1 AND user_id = $2`,
		string(role), micros(at))
}

// RemoveMember is store.Members's.
func (s *Store) RemoveMember(ctx context.Context, appID, userID string) error {
	return s.changeMember(ctx, appID, userID, `DELETE FROM members WHERE app_id = $1 AND user_id = $2`)
}

func (s *Store) changeMember(ctx context.Context, appID, userID, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err := tx.Exec(ctx, query, append([]any{appID, userID}, args...)...)
		if err == nil && n == 0 {
			return fmt.Errorf("member %s of app %s: %w", userID, appID, store.ErrNotFound)
		}
		return err
	})
}

// Member is store.Members's.
func (s *Store) Member(ctx context.Context, appID, userID string) (store.Member, error) {
	list, err := s.members(ctx, `m.app_id = $1 AND m.user_id = $2`, appID, userID)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("member %s of app %s: %w", userID, appID, store.ErrNotFound)
	}
	if err != nil {
		return store.Member{}, err
	}
	return list[0], nil
}

// ListMembers is store.Members's.
func (s *Store) ListMembers(ctx context.Context, appID string, p store.Page) ([]store.Member, error) {
	return s.members(ctx, `m.app_id = $1 AND u.username > $2 ORDER BY u.username LIMIT $3`, appID, p.After, limit(p.Limit))
}

// ListMemberships is store.Members's.
func (s *Store) ListMemberships(ctx context.Context, userID string, p store.Page) ([]store.Member, error) {
	return s.members(ctx, `m.user_id = $1 AND a.slug > $2 ORDER BY a.slug LIMIT $3`, userID, p.After, limit(p.Limit))
}

func (s *Store) members(ctx context.Context, where string, args ...any) ([]store.Member, error) {
	var list []store.Member
	err := each(ctx, s.db, func(rows Rows) error {
		var (
			m                store.Member
			role             string
			created, updated int64
		)
		err := rows.Scan(&m.AppID, &m.AppSlug, &m.UserID, &m.Username, &role, &created, &updated)
		m.Role, m.CreatedAt, m.UpdatedAt = store.AppRole(role), fromMicros(created), fromMicros(updated)
		list = append(list, m)
		return err
	}, `SELECT m.app_id, a.slug, m.user_id, u.username, m.role, m.created_at, m.updated_at
		FROM members m JOIN apps a ON a.id = m.app_id JOIN users u ON u.id = m.user_id WHERE `+where, args...)
	return list, err
}
