package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// Prune is store.Executions's. Whole days are dropped, which gives their space
// back at once; what goes of a day that stays leaves room that later executions
// fill, except when MaxBytes asks for it: then that day's table is rewritten,
// and recording to it waits meanwhile. MaxBytes counts tables and indexes.
func (x *Executions) Prune(ctx context.Context, r store.Retention, now time.Time) (removed int64, next time.Time, err error) {
	if r.MaxAge > 0 {
		n, err := x.pruneAge(ctx, now.Add(-r.MaxAge))
		if removed += n; err != nil {
			return removed, time.Time{}, err
		}
	}
	if r.MaxBytes > 0 {
		n, err := x.pruneSize(ctx, r.MaxBytes)
		if removed += n; err != nil {
			return removed, time.Time{}, err
		}
	}
	if r.MaxAge > 0 {
		oldest, err := x.OldestExecution(ctx)
		if err != nil {
			return removed, time.Time{}, err
		}
		if oldest != nil {
			next = sqlstore.ExecutionIDTime(oldest).Add(r.MaxAge)
		}
	}
	return removed, next, nil
}

func (x *Executions) pruneAge(ctx context.Context, cutoff time.Time) (removed int64, err error) {
	bound := sqlstore.ExecutionIDAt(cutoff)
	list, err := x.partitions(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		if p.day >= dayOf(bound) {
			break
		}
		n, err := x.drop(ctx, p)
		if removed += n; err != nil {
			return removed, err
		}
	}
	for {
		rows, n, err := x.DeleteOldest(ctx, bound, sqlstore.MaxDelete)
		removed += n
		if err != nil || rows == 0 {
			return removed, err
		}
	}
}

func (x *Executions) pruneSize(ctx context.Context, maxBytes int64) (removed int64, err error) {
	list, err := x.partitions(ctx)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, p := range list {
		total += p.bytes
	}
	for len(list) > 0 && total > maxBytes {
		p := list[0]
		if total-p.bytes >= maxBytes {
			n, err := x.drop(ctx, p)
			if removed += n; err != nil {
				return removed, err
			}
			list, total = list[1:], total-p.bytes
			continue
		}
		n, err := x.shrink(ctx, p, maxBytes-(total-p.bytes))
		return removed + n, err
	}
	return removed, nil
}

// shrink removes the oldest executions of a day so that its table keeps within
// maxBytes.
func (x *Executions) shrink(ctx context.Context, p partition, maxBytes int64) (removed int64, err error) {
	// Room that earlier deletions left counts as taken until the rewrite, so the
	// first round may only rewrite.
	for round := 0; p.bytes > maxBytes; round++ {
		var rows int64
		if err := x.db.pool.QueryRow(ctx, `SELECT count(*) FROM `+quote(p.name)).Scan(&rows); err != nil {
			return removed, classify(err)
		}
		if round > 0 {
			if rows == 0 {
				break // an empty table has its smallest size
			}
			excess := (p.bytes-maxBytes)*rows/p.bytes + 1
			for excess > 0 {
				deleted, n, err := x.DeleteOldest(ctx, sqlstore.ExecutionIDAt(dayStart(p.day+1)), min(excess, sqlstore.MaxDelete))
				if removed += n; err != nil {
					return removed, err
				}
				if deleted == 0 {
					break
				}
				excess -= deleted
			}
		}
		// VACUUM takes no transaction.
		if _, err := x.db.pool.Exec(ctx, `VACUUM (FULL, ANALYZE) `+quote(p.name)); err != nil {
			return removed, classify(err)
		}
		if err := x.db.pool.QueryRow(ctx, `SELECT pg_total_relation_size($1::regclass)`, quote(p.name)).Scan(&p.bytes); err != nil {
			return removed, classify(err)
		}
	}
	return removed, nil
}

// drop removes a day.
func (x *Executions) drop(ctx context.Context, p partition) (removed int64, err error) {
	err = x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		if err := lockPartitions(ctx, tx); err != nil {
			return err
		}
		// Locked in the order in which a query takes them.
		if _, err := tx.Exec(ctx, `LOCK TABLE ONLY executions IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		existing, err := partitions(ctx, tx)
		if err != nil {
			return err
		}
		removed = 0
		for _, e := range existing {
			if e.name != p.name {
				continue
			}
			if err := tx.(*transaction).conn.QueryRow(ctx, `SELECT coalesce(sum(count), 0)::bigint FROM `+quote(p.name)).Scan(&removed); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `DROP TABLE `+quote(p.name)); err != nil {
				return fmt.Errorf("dropping the executions of %s: %w", dayStart(p.day).Format(time.DateOnly), err)
			}
		}
		return nil
	})
	x.mu.Lock()
	delete(x.days, p.day)
	x.mu.Unlock()
	return removed, err
}

// partitions returns them as they are now.
func (x *Executions) partitions(ctx context.Context) (list []partition, err error) {
	err = x.db.Write(ctx, func(ctx context.Context, tx sqlstore.Conn) error {
		list, err = partitions(ctx, tx)
		return err
	})
	return list, err
}
