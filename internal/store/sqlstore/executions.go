package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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
			if _, err := tx.Exec(ctx, `INSERT INTO executions (id, first_id, count, app_id, script_id, status, detail, logs)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
				r.ID, r.FirstID, r.Count, r.AppID, r.ScriptID, r.Status, r.Detail, r.Logs); err != nil {
				return err
			}
		}
		return nil
	})
}

const executionColumns = `id, first_id, count, app_id, script_id, status, detail`

// leastRows is how many rows a listing reads at a time, at least.
const leastRows = 16

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
	var before, after string
	if f.Before != "" {
		id, err := parseExecutionID(f.Before)
		if err != nil {
			return nil, err
		}
		before = id.String()
		and(`first_id < `, id[:])
		// No row spans seconds, so that none behind this one has to be looked at.
		and(`id < `, endOfSecond(id[:]))
	}
	if f.After != "" {
		id, err := parseExecutionID(f.After)
		if err != nil {
			return nil, err
		}
		after = id.String()
		and(`id > `, id[:])
	}
	query += ` FROM executions WHERE ` + strings.Join(where, ` AND `)

	n := int(limit(f.Limit))
	pageRows := max(leastRows, n/8)
	list := []store.Execution{}
	for last := []byte(nil); ; {
		page, pageArgs := query, args
		if last != nil {
			pageArgs = append(slices.Clone(args), last)
			page += ` AND id < $` + strconv.Itoa(len(pageArgs))
		}
		read := 0
		err := each(ctx, x.DB, func(rows Rows) error {
			row, err := scanRow(rows, f.Logs)
			if err != nil {
				return err
			}
			read, last = read+1, bytes.Clone(row.ID)
			found, err := row.Executions()
			for i := range found {
				if id := found[i].ID; (before == "" || id < before) && id > after {
					list = append(list, found[i])
				}
			}
			return err
		}, page+` ORDER BY id DESC LIMIT `+strconv.Itoa(pageRows), pageArgs...)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b store.Execution) int { return strings.Compare(b.ID, a.ID) })
		if len(list) > n {
			clear(list[n:])
			list = list[:n]
		}
		// Rows overlap, but none that is still unread goes beyond the last one.
		if read < pageRows || len(list) == n && list[n-1].ID > uuidText(last) {
			return list, nil
		}
	}
}

func scanRow(rows Rows, logs bool) (r ExecutionRow, err error) {
	dest := []any{&r.ID, &r.FirstID, &r.Count, &r.AppID, &r.ScriptID, &r.Status, &r.Detail, &r.Logs}
	if !logs {
		dest = dest[:7]
	}
	return r, rows.Scan(dest...)
}

// Execution is store.Executions's.
func (x *Executions) Execution(ctx context.Context, id string) (store.Execution, error) {
	notFound := fmt.Errorf("execution %q: %w", id, store.ErrNotFound)
	key, err := parseExecutionID(id)
	if err != nil {
		return store.Execution{}, notFound // no execution can have it
	}
	want := key.String()
	var got *store.Execution
	err = each(ctx, x.DB, func(rows Rows) error {
		row, err := scanRow(rows, true)
		if err != nil {
			return err
		}
		list, err := row.Executions()
		for i := range list {
			if list[i].ID == want {
				got = &list[i]
			}
		}
		return err
	}, `SELECT `+executionColumns+`, logs FROM executions WHERE id >= $1 AND id < $2 AND first_id <= $1`, key[:], endOfSecond(key[:]))
	if err != nil {
		return store.Execution{}, err
	}
	if got == nil {
		return store.Execution{}, notFound
	}
	return *got, nil
}

// MaxDelete bounds how many rows one DELETE removes, so that recording never
// waits long for it.
const MaxDelete = 1000

// DeleteAppExecutions is store.Executions's.
func (x *Executions) DeleteAppExecutions(ctx context.Context, appID string) error {
	app, err := parseUUID("app", appID)
	if err != nil {
		return err
	}
	for {
		rows, _, err := x.deleteWhere(ctx, `app_id = $1`, app[:], MaxDelete)
		if err != nil || rows < MaxDelete {
			return err
		}
	}
}

// DeleteOldest removes up to n of the rows with IDs below the given one, oldest
// first, and returns how many it removed and how many executions they held.
func (x *Executions) DeleteOldest(ctx context.Context, below []byte, n int64) (rows, executions int64, err error) {
	return x.deleteWhere(ctx, `id < $1`, below, n)
}

func (x *Executions) deleteWhere(ctx context.Context, where string, arg any, limit int64) (removed, executions int64, err error) {
	err = x.DB.Write(ctx, func(ctx context.Context, tx Conn) error {
		removed, executions = 0, 0
		rows, err := tx.Query(ctx, `DELETE FROM executions WHERE id IN
			(SELECT id FROM executions WHERE `+where+` ORDER BY id LIMIT $2) RETURNING count`, arg, limit)
		if err != nil {
			return err
		}
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				return errors.Join(err, rows.Close())
			}
			removed, executions = removed+1, executions+n
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	return removed, executions, err
}

// OldestExecution returns the lowest ID there is; nil if there is none.
func (x *Executions) OldestExecution(ctx context.Context) ([]byte, error) {
	var id []byte
	err := each(ctx, x.DB, func(rows Rows) error { return rows.Scan(&id) }, `SELECT id FROM executions ORDER BY id LIMIT 1`)
	return bytes.Clone(id), err
}

// MaxExecutionID is above every ID.
var MaxExecutionID = bytes.Repeat([]byte{0xff}, len(uuid.UUID{}))
