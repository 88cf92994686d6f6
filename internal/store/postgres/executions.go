package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// Executions is a store.Executions in range partitions, a day each.
type Executions struct {
	sqlstore.Executions
	db   *database
	feed *feed
	tell bool // other processes are told what was written

	mu   sync.Mutex
	days map[int64]bool // days (since 1970) whose partition this process has seen
}

var _ store.Executions = (*Executions)(nil)

// WriteExecutions is store.Executions's.
func (x *Executions) WriteExecutions(ctx context.Context, batch []store.Execution) error {
	err := x.write(ctx, batch)
	if err == nil && x.tell {
		x.tellOf(ctx, batch)
	}
	return err
}

func (x *Executions) write(ctx context.Context, batch []store.Execution) error {
	rows, err := sqlstore.EncodeExecutions(batch)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := x.ensurePartitions(ctx, rows); err != nil {
		return err
	}
	err = x.copyRows(ctx, rows)
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "23505": // some are there already, which COPY cannot step over
		return x.InsertExecutions(ctx, rows)
	case "23514", "42P01": // another process has dropped a partition
		x.mu.Lock()
		x.days = nil
		x.mu.Unlock()
		if err := x.ensurePartitions(ctx, rows); err != nil {
			return err
		}
		return x.InsertExecutions(ctx, rows)
	}
	return err
}

func (x *Executions) copyRows(ctx context.Context, rows []sqlstore.ExecutionRow) error {
	return x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		// The disk is not waited for: see store.Executions.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		_, err := tx.(*transaction).conn.CopyFrom(ctx, pgx.Identifier{"executions"},
			[]string{"id", "first_id", "count", "app_id", "script_id", "status", "detail", "logs"},
			pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
				r := &rows[i]
				return []any{r.ID, r.FirstID, r.Count, r.AppID, r.ScriptID, r.Status, r.Detail, r.Logs}, nil
			}))
		return err
	})
}

// Close is store.Executions's. The connections are the store's.
func (x *Executions) Close() error { return nil }

const dayLength = 24 * time.Hour

func dayOf(id []byte) int64 {
	return sqlstore.ExecutionIDTime(id).Unix() / int64(dayLength/time.Second)
}

func dayStart(day int64) time.Time { return time.Unix(0, 0).UTC().Add(time.Duration(day) * dayLength) }

func partitionName(day int64) string { return "executions_" + dayStart(day).Format("20060102") }

// partitionDay is partitionName's inverse.
func partitionDay(name string) (int64, error) {
	t, err := time.Parse("executions_20060102", name)
	if err != nil {
		return 0, fmt.Errorf("table %s is a partition of executions, but not one of PiCloud's", name)
	}
	return t.Unix() / int64(dayLength/time.Second), nil
}

// ensurePartitions makes the partitions that rows need.
func (x *Executions) ensurePartitions(ctx context.Context, rows []sqlstore.ExecutionRow) error {
	for i := range rows {
		day := dayOf(rows[i].ID)
		x.mu.Lock()
		seen := x.days[day]
		x.mu.Unlock()
		if seen {
			continue
		}
		if err := x.makePartition(ctx, day); err != nil {
			return err
		}
		x.mu.Lock()
		if x.days == nil || len(x.days) > 1000 {
			x.days = make(map[int64]bool)
		}
		x.days[day] = true
		x.mu.Unlock()
	}
	return nil
}

func (x *Executions) makePartition(ctx context.Context, day int64) error {
	return x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		if err := lockPartitions(ctx, tx); err != nil {
			return err
		}
		name := partitionName(day)
		existing, err := partitions(ctx, tx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(existing, func(p partition) bool { return p.name == name }) {
			return nil
		}
		// Made apart and then attached, which unlike CREATE … PARTITION OF lets
		// others read and write meanwhile.
		for _, statement := range []string{
			fmt.Sprintf(`CREATE TABLE %s (LIKE executions INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`, quote(name)),
			fmt.Sprintf(`ALTER TABLE executions ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)`,
				quote(name), byteaLiteral(sqlstore.ExecutionIDAt(dayStart(day))), byteaLiteral(sqlstore.ExecutionIDAt(dayStart(day+1)))),
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func byteaLiteral(b []byte) string { return `'\x` + hex.EncodeToString(b) + `'` }

// lockPartitions lets one transaction of all processes at a time make or drop
// partitions.
func lockPartitions(ctx context.Context, tx sqlstore.Conn) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLockKey+1)
	return err
}

// partition is a day's table.
type partition struct {
	name  string
	day   int64
	bytes int64 // with indexes and log lines
}

// partitions returns them, oldest first.
func partitions(ctx context.Context, tx sqlstore.Conn) (list []partition, err error) {
	rows, err := tx.Query(ctx, `SELECT c.relname, pg_total_relation_size(c.oid)
		FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'executions'::regclass`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p partition
		if err := rows.Scan(&p.name, &p.bytes); err != nil {
			return nil, err
		}
		if p.day, err = partitionDay(p.name); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b partition) int { return strings.Compare(a.name, b.name) })
	return list, rows.Err()
}
