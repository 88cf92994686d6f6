package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// Executions implements the reading half of store.Executions and the common
// statements of the writing half; drivers add bulk loading and pruning.
type Executions struct{ DB DB }

// InsertExecutions adds rows in one transaction; those that are there already
// stay as they are.
func (x *Executions) InsertExecutions(ctx context.Context, rows []ExecutionRow) error {
	return x.DB.Write(ctx, func(ctx context.Context, tx Conn) error {
		for i := range rows {
			r := &rows[i]
			if _, err := tx.Exec(ctx, `INSERT INTO executions (id, app_id, script_id, status, detail, logs)
				VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
				r.ID, r.AppID, r.ScriptID, r.Status, r.Detail, r.Logs); err != nil {
				return err
			}
		}
		return nil
	})
}

const executionColumns = `id, app_id, script_id, status, detail`

// ListExecutions is store.Executions's.
func (x *Executions) ListExecutions(ctx context.Context, f store.ExecutionFilter) ([]store.Execution, error) {
	query := `SELECT ` + executionColumns
	if f.Logs {
		query += `, logs`
	}
	var (
		where []string
		args  []any
	)
	and := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, condition+"$"+strconv.Itoa(len(args)))
	}
	app, err := parseUUID("app", f.AppID)
	if err != nil {
		return nil, err
	}
	and(`app_id = `, app[:])
	if f.ScriptID != "" {
		id, err := parseUUID("script", f.ScriptID)
		if err != nil {
			return nil, err
		}
		and(`script_id = `, id[:])
	}
	if f.Status != "" {
		and(`status = `, string(f.Status))
		if f.Status != store.StatusOK {
			// Said for the planner: there is an index of those that are not ok.
			where = append(where, `status <> 'ok'`)
		}
	}
	for _, bound := range []struct{ condition, id string }{{`id < `, f.Before}, {`id > `, f.After}} {
		if bound.id == "" {
			continue
		}
		id, err := parseExecutionID(bound.id)
		if err != nil {
			return nil, err
		}
		and(bound.condition, id[:])
	}
	args = append(args, limit(f.Limit))
	query += ` FROM executions WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY id DESC LIMIT $` + strconv.Itoa(len(args))

	list := make([]store.Execution, 0, min(limit(f.Limit), 64))
	err = each(ctx, x.DB, func(rows Rows) error {
		e, err := scanExecution(rows, f.Logs)
		list = append(list, e)
		return err
	}, query, args...)
	return list, err
}

func scanExecution(rows Rows, logs bool) (store.Execution, error) {
	var r ExecutionRow
	dest := []any{&r.ID, &r.AppID, &r.ScriptID, &r.Status, &r.Detail, &r.Logs}
	if !logs {
		dest = dest[:5]
	}
	if err := rows.Scan(dest...); err != nil {
		return store.Execution{}, err
	}
	return r.Execution()
}

// Execution is store.Executions's.
func (x *Executions) Execution(ctx context.Context, id string) (store.Execution, error) {
	key, err := parseExecutionID(id)
	if err != nil {
		// No execution can have it.
		return store.Execution{}, fmt.Errorf("execution %q: %w", id, store.ErrNotFound)
	}
	var r ExecutionRow
	err = one(ctx, x.DB, []any{&r.ID, &r.AppID, &r.ScriptID, &r.Status, &r.Detail, &r.Logs},
		`SELECT `+executionColumns+`, logs FROM executions WHERE id = $1`, key[:])
	if err != nil {
		return store.Execution{}, found(err, "execution %s", id)
	}
	return r.Execution()
}

// MaxDelete bounds one DELETE, so that recording never waits long for it.
const MaxDelete = 1000

// DeleteAppExecutions is store.Executions's.
func (x *Executions) DeleteAppExecutions(ctx context.Context, appID string) error {
	app, err := parseUUID("app", appID)
	if err != nil {
		return err
	}
	for {
		n, err := x.deleteWhere(ctx, `app_id = $1`, app[:], MaxDelete)
		if err != nil || n < MaxDelete {
			return err
		}
	}
}

// DeleteOldest removes up to n of the executions with IDs below the given one,
// oldest first, and returns how many it removed.
func (x *Executions) DeleteOldest(ctx context.Context, below []byte, n int64) (int64, error) {
	return x.deleteWhere(ctx, `id < $1`, below, n)
}

func (x *Executions) deleteWhere(ctx context.Context, where string, arg any, limit int64) (n int64, err error) {
	err = x.DB.Write(ctx, func(ctx context.Context, tx Conn) error {
		n, err = tx.Exec(ctx, `DELETE FROM executions WHERE id IN
			(SELECT id FROM executions WHERE `+where+` ORDER BY id LIMIT $2)`, arg, limit)
		return err
	})
	return n, err
}

// OldestExecution returns the lowest ID there is; nil if there is none.
func (x *Executions) OldestExecution(ctx context.Context) ([]byte, error) {
	var id []byte
	err := each(ctx, x.DB, func(rows Rows) error { return rows.Scan(&id) }, `SELECT id FROM executions ORDER BY id LIMIT 1`)
	return bytes.Clone(id), err
}

// MaxExecutionID is above every ID.
var MaxExecutionID = bytes.Repeat([]byte{0xff}, len(uuid.UUID{}))
