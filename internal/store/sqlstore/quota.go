package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/picloud/picloud/internal/store"
)

// SetQuota is store.Queue's.
func (s *Store) SetQuota(q store.Quota) { s.quota.Store(&q) }

func (s *Store) quotaNow() *store.Quota {
	if q := s.quota.Load(); q != nil {
		return q
	}
	return &store.Quota{}
}

// MessageUsage is store.Queue's.
func (s *Store) MessageUsage(ctx context.Context, appID string) (store.MessageUsage, error) {
	u, err := messageUsage(ctx, s.db, appID)
	if err != nil {
		return u, err
	}
	err = one(ctx, s.db, []any{&u.Channels}, `SELECT count(*) FROM channels WHERE app_id = $1 AND kind <> $2`, appID, string(store.ChannelRemoved))
	return u, err
}

func messageUsage(ctx context.Context, q querier, appID string) (sum store.MessageUsage, err error) {
	err = each(ctx, q, func(rows Rows) error {
		var u store.MessageUsage
		err := rows.Scan(&u.Messages, &u.Bytes, &u.Requests, &u.ReqBytes, &u.Dead, &u.DeadBytes, &u.Dropped, &u.Answers, &u.AnswerBytes, &u.IdempotencyKeys)
		sum.Add(u)
		return err
	}, `SELECT messages, bytes, requests, request_bytes, dead, dead_bytes, dropped, answers, answer_bytes, idempotency_keys FROM message_usage WHERE app_id = $1`, appID)
	return sum, err
}

// addMessageUsage adds to what an app uses. It comes last in a transaction: the
// row that it locks is one that others want. If something has changed check is called
// with what the app uses now; not, if there is ample room, but then it need not be
// known before the commit.
func (s *Store) addMessageUsage(ctx context.Context, tx Conn, appID string, grown store.MessageUsage, check func(store.MessageUsage) error) error {
	if grown == (store.MessageUsage{}) {
		return nil
	}
	args := []any{
		appID, int64(rand.IntN(s.dialect.Shards)), grown.Messages, grown.Bytes, grown.Dead, grown.DeadBytes, grown.Dropped, grown.Answers, grown.AnswerBytes,
		grown.Requests, grown.ReqBytes, grown.IdempotencyKeys,
	}
	if s.rooms.ample(s.quotaNow(), appID, grown) {
		return oneLater(ctx, tx, nil, func(err error) error {
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			return usageError(appID, err)
		}, addUsages, args...)
	}
	query, sharded := addUsageRow, s.dialect.Shards > 1
	if sharded {
		query = addUsageShard
	}
	var u store.MessageUsage
	dest := []any{&u.Messages, &u.Bytes, &u.Requests, &u.ReqBytes, &u.Dead, &u.DeadBytes, &u.Answers, &u.AnswerBytes, &u.IdempotencyKeys}
	if err := one(ctx, tx, dest, query, args...); err != nil {
		return usageError(appID, err)
	}
	if sharded {
		u.Add(grown)
	}
	s.rooms.note(appID, u)
	return check(u)
}

// usageError is what adding to an app's use, or an earlier statement that has waited,
// failed with. The transaction may be run again.
func usageError(appID string, err error) error {
	if isForeignKey(err) {
		return fmt.Errorf("app %s: %w (%w)", appID, store.ErrNotFound, err)
	}
	return err
}

// What an app uses stands in a row, or in several so that commits do not queue for
// it: then their sum is that before the statement.
const (
	addUsageRow   = addUsages + ` RETURNING messages, bytes, requests, request_bytes, dead, dead_bytes, answers, answer_bytes, idempotency_keys`
	addUsageShard = `WITH added AS (` + addUsages + ` RETURNING app_id)
		SELECT CAST(coalesce(sum(messages), 0) AS BIGINT), CAST(coalesce(sum(bytes), 0) AS BIGINT), CAST(coalesce(sum(requests), 0) AS BIGINT), CAST(coalesce(sum(request_bytes), 0) AS BIGINT),
			CAST(coalesce(sum(dead), 0) AS BIGINT), CAST(coalesce(sum(dead_bytes), 0) AS BIGINT), CAST(coalesce(sum(answers), 0) AS BIGINT), CAST(coalesce(sum(answer_bytes), 0) AS BIGINT),
			CAST(coalesce(sum(idempotency_keys), 0) AS BIGINT)
		FROM message_usage WHERE app_id = $1`
	addUsages = `INSERT INTO message_usage (app_id, shard, messages, bytes, dead, dead_bytes, dropped, answers, answer_bytes, requests, request_bytes, idempotency_keys)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (app_id, shard) DO UPDATE SET messages = message_usage.messages + $3, bytes = message_usage.bytes + $4,
			dead = message_usage.dead + $5, dead_bytes = message_usage.dead_bytes + $6, dropped = message_usage.dropped + $7,
			answers = message_usage.answers + $8, answer_bytes = message_usage.answer_bytes + $9,
			requests = message_usage.requests + $10, request_bytes = message_usage.request_bytes + $11,
			idempotency_keys = message_usage.idempotency_keys + $12`
)

// usages is what a transaction changes of what apps use.
type usages map[string]store.MessageUsage

func (l usages) add(appID string, grown store.MessageUsage) {
	u := l[appID]
	u.Add(grown)
	l[appID] = u
}

// count adds them up, by the end of the transaction. full, which may be nil, becomes
// the apps that keep more than they may.
func (s *Store) count(ctx context.Context, tx Conn, l usages, check bool, full *[]string) error {
	q := s.quotaNow()
	if full != nil {
		*full = nil
	}
	for _, appID := range slices.Sorted(maps.Keys(l)) { // all transactions lock in this order
		grown := l[appID]
		if err := s.addMessageUsage(ctx, tx, appID, grown, func(u store.MessageUsage) error {
			if full != nil && keepsTooMuch(q, u, grown) {
				*full = append(*full, appID)
			}
			if check {
				return q.Check(u, grown)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// keepsTooMuch reports whether dead letters or answers that were added have made
// them too many.
func keepsTooMuch(q *store.Quota, u, grown store.MessageUsage) bool {
	dead, deadBytes := q.Surplus(u.Dead, u.DeadBytes)
	answers, answerBytes := q.Surplus(u.Answers, u.AnswerBytes)
	return grown.Dead > 0 && dead+deadBytes > 0 || grown.Answers > 0 && answers+answerBytes > 0
}

// drop has the oldest go of what apps keep beyond their quota. What cannot go now
// goes with the next that is added.
func (s *Store) drop(ctx context.Context, full []string) {
	ctx = context.WithoutCancel(ctx)
	for _, appID := range full {
		var dropped store.MessageUsage
		err := s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
			dropped, err = s.dropOldest(ctx, tx, appID)
			return err
		})
		switch {
		case err != nil:
			slog.Error("what an app keeps beyond its quota cannot be dropped", "app_id", appID, "error", err)
		case dropped.Dropped > 0:
			slog.Warn("an app has more dead letters than it may keep: the oldest are gone", "app_id", appID, "dropped", dropped.Dropped)
		}
	}
}

// dropSlack is the part of a quota, one of so many, that goes beyond what has to:
// to find the oldest costs more than to delete them.
const dropSlack = 100

func (s *Store) dropOldest(ctx context.Context, tx Conn, appID string) (grown store.MessageUsage, err error) {
	q := s.quotaNow()
	// One at a time: two that see the same surplus would both take it away.
	if _, err := lockApp(ctx, tx, appID); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = nil // the app is gone, and all that it kept
		}
		return grown, err
	}
	u, err := messageUsage(ctx, tx, appID)
	if err != nil {
		return grown, err
	}
	// Asynchronous requests first: strangers, who can make them fail, are not to push
	// out what the app's own work has left.
	n, bytes, err := s.dropRows(ctx, tx, q, u.Dead, u.DeadBytes, appID,
		`SELECT m.id, length(m.payload) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.app_id = $1 AND m.dead_at > 0 ORDER BY (CASE m.token_hash WHEN '' THEN 1 ELSE 0 END), m.dead_at, m.id LIMIT $2`,
		`DELETE FROM messages WHERE id = $1 AND dead_at > 0`)
	if err != nil {
		return grown, err
	}
	grown.Dead, grown.DeadBytes, grown.Dropped = -n, -bytes, n
	n, bytes, err = s.dropRows(ctx, tx, q, u.Answers, u.AnswerBytes, appID,
		`SELECT id, length(response) FROM invocations WHERE app_id = $1 ORDER BY finished_at, id LIMIT $2`,
		`DELETE FROM invocations WHERE id = $1`)
	if err != nil {
		return grown, err
	}
	grown.Answers, grown.AnswerBytes = -n, -bytes
	return grown, s.addMessageUsage(ctx, tx, appID, grown, func(store.MessageUsage) error { return nil })
}

// dropRows deletes the oldest of what is kept, as far as it is beyond the quota,
// and returns how many went and how many bytes they took.
func (s *Store) dropRows(ctx context.Context, tx Conn, q *store.Quota, kept, keptBytes int64, appID, oldest, remove string) (n, bytes int64, err error) {
	mustN, mustBytes := q.Surplus(kept, keptBytes)
	if mustN+mustBytes == 0 {
		return 0, 0, nil
	}
	mayN, mayBytes := int64(0), int64(0)
	if mustN > 0 {
		mayN = mustN + q.Kept/dropSlack
	}
	if mustBytes > 0 {
		mayBytes = mustBytes + q.KeptBytes/dropSlack
	}
	type row struct {
		id   string
		size int64
	}
	var rows []row
	if err := each(ctx, tx, func(r Rows) error {
		var x row
		err := r.Scan(&x.id, &x.size)
		rows = append(rows, x)
		return err
	}, oldest, appID, int64(changeBatch)); err != nil {
		return 0, 0, err
	}
	for _, x := range rows {
		if n >= mustN && bytes >= mustBytes && n >= mayN && (mayBytes == 0 || bytes+x.size > mayBytes) {
			break
		}
		gone, err := tx.Exec(ctx, remove, x.id)
		if err != nil {
			return 0, 0, err
		}
		n, bytes = n+gone, bytes+gone*x.size
	}
	return n, bytes, nil
}
