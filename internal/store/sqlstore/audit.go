package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// audited is a DB whose transactions carry the audit entry of their context.
type audited struct{ DB }

// Write is DB's.
func (d audited) Write(ctx context.Context, f func(ctx context.Context, tx Conn) error) error {
	entry := store.AuditOf(ctx)
	if entry == nil {
		return d.DB.Write(ctx, f)
	}
	return d.DB.Write(ctx, func(ctx context.Context, tx Conn) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		return appendAudit(ctx, tx, entry())
	})
}

// AppendAudit is store.Audit's.
func (s *Store) AppendAudit(ctx context.Context, e store.AuditEntry) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error { return appendAudit(ctx, tx, e) })
}

const auditColumns = `id, at, user_id, username, key_id, address, user_agent, action, object, app, status, detail`

func appendAudit(ctx context.Context, tx Conn, e store.AuditEntry) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (`+auditColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`,
		e.ID, micros(e.At), e.UserID, e.Username, e.KeyID, e.Address, e.UserAgent, e.Action, e.Object, e.App, int64(e.Status), e.Detail)
	return err
}

// ListAudit is store.Audit's.
func (s *Store) ListAudit(ctx context.Context, f store.AuditFilter) ([]store.AuditEntry, error) {
	query, args := `SELECT `+auditColumns+` FROM audit WHERE id > $1`, []any{f.After}
	and := func(condition string, value any) {
		args = append(args, value)
		query += fmt.Sprintf(" AND "+condition, len(args))
	}
	if f.Before != "" {
		and("id < $%d", f.Before)
	}
	if f.Username != "" {
		and("username = $%d", f.Username)
	}
	if f.App != "" {
		and("app = $%d", f.App)
	}
	if f.Action != "" {
		and("action = $%d", f.Action)
	}
	if f.Refused {
		and("status >= $%d", int64(400))
	}
	order := "DESC"
	if f.Oldest {
		order = "ASC"
	}
	args = append(args, limit(f.Limit))
	var list []store.AuditEntry
	err := each(ctx, s.db, func(rows Rows) error {
		var (
			e          store.AuditEntry
			at, status int64
		)
		err := rows.Scan(&e.ID, &at, &e.UserID, &e.Username, &e.KeyID, &e.Address, &e.UserAgent, &e.Action, &e.Object, &e.App, &status, &e.Detail)
		e.At, e.Status = fromMicros(at), int(status)
		list = append(list, e)
		return err
	}, fmt.Sprintf(`%s ORDER BY id %s LIMIT $%d`, query, order, len(args)), args...)
	return list, err
}

// PruneAudit is store.Audit's.
func (s *Store) PruneAudit(ctx context.Context, before time.Time) (removed int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		removed, err = tx.Exec(ctx, `DELETE FROM audit WHERE id < $1`, store.FirstID(before))
		return err
	})
	return removed, err
}
