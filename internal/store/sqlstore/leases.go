package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Claim is store.Queue's.
func (s *Store) Claim(ctx context.Context, c store.Claim) (list []store.Message, later store.Later, err error) {
	if c.Max < 1 || c.Owner == "" || c.Boot == "" {
		return nil, later, fmt.Errorf("%w: a claim needs a number of messages, an owner and a boot", store.ErrInvalid)
	}
	c.Batch = max(c.Batch, 1)
	if c.Token == "" {
		c.Token = store.NewID()
	}
	var full []string
	err = s.relaxed.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		full = nil
		list, later, err = s.claim(ctx, tx, c, &full)
		return err
	})
	if err != nil {
		return nil, store.Later{}, err
	}
	s.drop(ctx, full)
	return list, later, nil
}

// What a claim is for. There is an index of the suspects, by the same words.
var (
	suspects = fmt.Sprintf(`dead_at = 0 AND crashes >= %d`, store.SuspectCrashes)
	others   = fmt.Sprintf(`dead_at = 0 AND crashes < %d`, store.SuspectCrashes)
)

// claimOf is the statement of a claim for messages with the given crashes. One
// whose lease has ended, and that has limit crashes with this one, is not leased.
// $8 is limit.
func (s *Store) claimOf(which string) string {
	return `WITH due AS MATERIALIZED (SELECT id, due_at, single, crashes + (CASE lease WHEN '' THEN 0 ELSE 1 END) AS crashed, length(payload) AS size FROM messages
			WHERE channel = $1 AND due_at <= $2 AND boot <> $3 AND ` + which + ` ORDER BY due_at LIMIT $4` + s.dialect.SkipLocked + `),
		counted AS (SELECT id, crashed, size, sum(size) OVER (ORDER BY due_at, id) AS bytes,
			sum(CASE WHEN single > 0 OR crashed > 0 THEN $9 ELSE 1 END) OVER (ORDER BY due_at, id) AS weight FROM due)
		UPDATE messages SET crashes = counted.crashed,
			lease = (CASE WHEN counted.crashed < $8 THEN $5 ELSE '' END), owner = (CASE WHEN counted.crashed < $8 THEN $6 ELSE '' END),
			boot = (CASE WHEN counted.crashed < $8 THEN $3 ELSE '' END), due_at = (CASE WHEN counted.crashed < $8 THEN $7 ELSE $2 END)
		FROM counted WHERE messages.id = counted.id AND weight <= $4 AND (bytes <= $10 OR bytes = size) RETURNING ` + messageColumns
}

// claim claims inside a transaction. full becomes the app, when it keeps more dead
// letters now than it may.
func (s *Store) claim(ctx context.Context, tx Conn, c store.Claim, full *[]string) (list []store.Message, later store.Later, err error) {
	var channel, paused, suspected int64
	err = one(ctx, tx, []any{&channel, &paused, &suspected}, `SELECT id, paused,
			coalesce((SELECT min(due_at) FROM messages WHERE channel = channels.id AND `+suspects+` AND boot <> $4), 0)
		FROM channels WHERE app_id = $1 AND kind = $2 AND name = $3`,
		c.Channel.AppID, string(c.Channel.Kind), c.Channel.Name, c.Boot)
	if errors.Is(err, sql.ErrNoRows) || paused != 0 {
		return nil, later, nil
	}
	if err != nil {
		return nil, later, err
	}
	if !c.Suspect {
		later.Suspect = fromOptionalMicros(suspected)
	}
	if c.Alone {
		taken, err := s.leased(ctx, tx, channel, c)
		if err != nil || !taken.IsZero() {
			return nil, store.Later{Due: taken}, err
		}
		c.Max, c.Batch = 1, 1
	}
	which, limit := others, int64(store.SuspectCrashes)
	if c.Suspect {
		c.Max, c.Batch = 1, 1
		which, limit = suspects, store.MaxCrashes
	}
	var freed []string
	died := usages{}
	// What this process has leased is its own, whatever the clock says.
	err = each(ctx, tx, func(rows Rows) error {
		var row messageScan
		if err := rows.Scan(row.dest()...); err != nil {
			return err
		}
		if row.m.Lease == "" {
			freed = append(freed, row.m.ID)
		} else {
			list = append(list, row.message(c.Channel))
		}
		return nil
	}, s.claimOf(which), channel, micros(c.At), c.Boot, int64(c.Max*c.Batch), c.Token, c.Owner, micros(c.At.Add(c.Lease)),
		limit, int64(c.Batch), int64(store.MaxClaimBytes))
	if err != nil {
		return nil, later, err
	}
	slices.SortFunc(list, func(a, b store.Message) int { return strings.Compare(a.ID, b.ID) })
	if c.Suspect {
		for _, id := range freed {
			var size, token int64
			if err := one(ctx, tx, []any{&size, &token}, `UPDATE messages SET dead_at = $2, last_error = $3 WHERE id = $1 RETURNING length(payload), length(token_hash)`,
				id, micros(c.At), store.TooManyCrashes); err != nil {
				return nil, later, err
			}
			died.add(c.Channel.AppID, store.Died(size, token > 0))
		}
		if err := s.count(ctx, tx, died, false, full); err != nil {
			return nil, later, err
		}
	} else if len(freed) > 0 {
		later.Suspect = c.At
	}
	if c.Suspect || store.Weight(list, c.Batch) >= c.Max*c.Batch {
		return list, later, nil
	}
	err = each(ctx, tx, func(rows Rows) error {
		var due int64
		err := rows.Scan(&due)
		later.Due = fromMicros(due)
		return err
	}, `SELECT due_at FROM messages WHERE channel = $1 AND boot <> $2 AND `+others+` ORDER BY due_at LIMIT 1`, channel, c.Boot)
	return list, later, err
}

// leased returns when the last lease of a channel ends, zero if there is none, and
// keeps others from claiming of it until the transaction ends.
func (s *Store) leased(ctx context.Context, tx Conn, channel int64, c store.Claim) (time.Time, error) {
	if _, err := tx.Exec(ctx, `UPDATE channels SET paused = paused WHERE id = $1`, channel); err != nil {
		return time.Time{}, err
	}
	var due int64
	err := one(ctx, tx, []any{&due}, `SELECT coalesce(max(due_at), 0) FROM messages
		WHERE channel = $1 AND dead_at = 0 AND owner <> '' AND (due_at > $2 OR boot = $3)`, channel, micros(c.At), c.Boot)
	return fromOptionalMicros(due), err
}

// Extend is store.Queue's.
func (s *Store) Extend(ctx context.Context, lease string, ids []string, until time.Time) (lost []string, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		lost = nil
		for _, id := range slices.Sorted(slices.Values(ids)) {
			n, err := tx.Exec(ctx, `UPDATE messages SET due_at = $3 WHERE id = $1 AND lease = $2 AND lease <> ''`, id, lease, micros(until))
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, id)
			}
		}
		return nil
	})
	return lost, err
}

// Return is store.Queue's.
func (s *Store) Return(ctx context.Context, lease string, list []store.Returned, at time.Time) error {
	list = slices.SortedFunc(slices.Values(list), func(a, b store.Returned) int { return strings.Compare(a.ID, b.ID) })
	var returned map[store.Channel]time.Time
	var full []string
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		returned = map[store.Channel]time.Time{}
		changed := usages{}
		for _, r := range list {
			var failed, crashed, single, dead int64
			if r.Failed {
				failed = 1
			}
			if r.Crashed {
				crashed = 1
			}
			if r.Single {
				single = 1
			}
			if r.Dead {
				dead = micros(at)
			}
			var channel, size, token int64
			err := one(ctx, tx, []any{&channel, &size, &token}, `UPDATE messages SET lease = '', owner = '', boot = '', due_at = $3, attempts = attempts + $4, crashes = crashes + $8,
					single = (CASE WHEN single > 0 THEN single ELSE $5 END), dead_at = $6, last_error = (CASE $7 WHEN '' THEN last_error ELSE $7 END)
				WHERE id = $1 AND lease = $2 AND lease <> '' RETURNING channel, length(payload), length(token_hash)`,
				r.ID, lease, micros(r.DueAt), failed, single, dead, r.Error, crashed)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			c, err := channelByNumber(ctx, tx, channel)
			if err != nil {
				return err
			}
			switch due, ok := returned[c]; {
			case c.Kind == store.ChannelRemoved:
				if _, err := tx.Exec(ctx, `DELETE FROM messages WHERE id = $1`, r.ID); err != nil {
					return err
				}
				changed.add(c.AppID, store.Done(size, token > 0))
			case r.Dead:
				changed.add(c.AppID, store.Died(size, token > 0))
			case !ok || r.DueAt.Before(due):
				returned[c] = r.DueAt
			}
		}
		return s.count(ctx, tx, changed, false, &full)
	})
	if err == nil {
		s.drop(ctx, full)
	}
	if err == nil || errors.Is(err, store.ErrUnknownOutcome) {
		s.due(returned)
	}
	return err
}

// Release is store.Queue's.
func (s *Store) Release(ctx context.Context, owner, lease string, at time.Time) error {
	var released map[store.Channel]time.Time
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		released = map[store.Channel]time.Time{}
		var list []int64
		// The owner is said because there is an index of owners.
		if err := each(ctx, tx, func(rows Rows) error {
			var channel int64
			err := rows.Scan(&channel)
			list = append(list, channel)
			return err
		}, `UPDATE messages SET lease = '', owner = '', boot = '', due_at = $3
			WHERE owner = $1 AND owner <> '' AND lease = $2 AND lease <> '' RETURNING channel`, owner, lease, micros(at)); err != nil {
			return err
		}
		slices.Sort(list)
		for _, id := range slices.Compact(list) {
			c, err := channelByNumber(ctx, tx, id)
			if err != nil {
				return err
			}
			released[c] = at
		}
		return nil
	})
	if err == nil || errors.Is(err, store.ErrUnknownOutcome) {
		s.due(released)
	}
	return err
}

func channelByNumber(ctx context.Context, tx Conn, id int64) (store.Channel, error) {
	var c store.Channel
	var kind string
	err := one(ctx, tx, []any{&c.AppID, &kind, &c.Name}, `SELECT app_id, kind, name FROM channels WHERE id = $1`, id)
	c.Kind = store.ChannelKind(kind)
	return c, err
}

// SetBack is store.Queue's.
func (s *Store) SetBack(ctx context.Context, from, to time.Time) error {
	var changed int64
	for last, end := "", ""; ; last = end {
		var n int64
		err := s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
			end = ""
			err = one(ctx, tx, []any{&end}, `SELECT id FROM messages WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`, last, int64(changeBatch-1))
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			n, err = tx.Exec(ctx, `UPDATE messages SET
					due_at = (CASE WHEN due_at <= $3 THEN $4 WHEN created_at > $4 OR attempts > 0 THEN due_at - $5 ELSE due_at END),
					created_at = (CASE WHEN created_at > $4 THEN created_at - $5 ELSE created_at END)
				WHERE id > $1 AND ($2 = '' OR id <= $2) AND dead_at = 0 AND owner = '' AND due_at > $4`,
				last, end, micros(from), micros(to), micros(from)-micros(to))
			return err
		})
		if changed += n; err == nil && end != "" {
			continue
		}
		if changed > 0 || errors.Is(err, store.ErrUnknownOutcome) {
			s.due(map[store.Channel]time.Time{{}: {}})
		}
		return err
	}
}
