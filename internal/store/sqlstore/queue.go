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

// Enqueue is store.Queue's.
func (s *Store) Enqueue(ctx context.Context, list ...store.Message) (added []store.Message, err error) {
	s.willTell(ctx)
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		if added, err = s.enqueue(ctx, tx, list); err != nil {
			return err
		}
		_, err = s.count(ctx, tx, usagesOf(added), true)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrUnknownOutcome) {
		return nil, err
	}
	s.added(added)
	if err != nil {
		return nil, err
	}
	return added, nil
}

// usagesOf is what added messages change.
func usagesOf(added []store.Message) usages {
	l := usages{}
	for i := range added {
		l.add(added[i].AppID, store.Queued(int64(len(added[i].Payload))))
	}
	return l
}

// enqueue adds messages inside a transaction and returns those it added, which
// are still to be counted.
func (s *Store) enqueue(ctx context.Context, tx Conn, list []store.Message) (added []store.Message, err error) {
	if err := store.CheckMessages(list); err != nil {
		return nil, err
	}
	for i := range list {
		m := &list[i]
		channel, err := s.makeChannel(ctx, tx, m.Channel)
		if err != nil {
			return nil, err
		}
		if m.IdempotencyKey != "" {
			var n int64
			if channel, err = s.inChannel(ctx, tx, m.Channel, channel, func(channel int64) error {
				n, err = tx.Exec(ctx, `INSERT INTO idempotency_keys (channel, key, message_id, created_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (channel, key) DO UPDATE SET message_id = $3, created_at = $4 WHERE idempotency_keys.created_at <= $5`,
					channel, m.IdempotencyKey, m.ID, micros(m.CreatedAt), micros(m.CreatedAt.Add(-store.IdempotencyMemory)))
				return err
			}); err != nil {
				return nil, err
			}
			if n == 0 {
				continue
			}
		}
		payload := m.Payload
		if payload == nil {
			payload = []byte{}
		}
		if _, err := s.inChannel(ctx, tx, m.Channel, channel, func(channel int64) error {
			_, err := tx.Exec(ctx, `INSERT INTO messages (id, channel, source, depth, created_at, due_at, attempts, crashes, single, lease, owner, boot, dead_at, last_error, payload)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', '', '', 0, '', $7)`,
				m.ID, channel, m.Source, m.Depth, micros(m.CreatedAt), micros(m.DueAt), payload)
			return err
		}); err != nil {
			return nil, err
		}
		added = append(added, *m)
	}
	return added, nil
}

// inChannel inserts a row that names a channel by its number. If that is gone, the
// channel is made anew, unless its app is gone as well; a database that does not go
// on after an error runs the transaction again for it.
func (s *Store) inChannel(ctx context.Context, tx Conn, c store.Channel, number int64, insert func(number int64) error) (int64, error) {
	err := insert(number)
	if !isForeignKey(err) {
		return number, err
	}
	s.channels.forget(c)
	again, made := s.makeChannel(ctx, tx, c)
	if made == nil && again != number {
		if made = insert(again); made == nil {
			return again, nil
		}
	}
	return 0, fmt.Errorf("app %s: %w (%w)", c.AppID, store.ErrNotFound, err)
}

const messageColumns = `messages.id, messages.source, messages.depth, messages.created_at, messages.due_at, messages.attempts, messages.crashes,
	messages.single, messages.lease, messages.owner, messages.dead_at, messages.last_error, messages.payload`

// messageScan collects a message's columns.
type messageScan struct {
	m                          store.Message
	created, due, single, dead int64
}

func (r *messageScan) dest() []any {
	m := &r.m
	return []any{&m.ID, &m.Source, &m.Depth, &r.created, &r.due, &m.Attempts, &m.Crashes, &r.single, &m.Lease, &m.Owner, &r.dead, &m.LastError, &m.Payload}
}

func (r *messageScan) message(c store.Channel) store.Message {
	r.m.Channel = c
	r.m.CreatedAt, r.m.DueAt, r.m.DeadAt, r.m.Single = fromMicros(r.created), fromMicros(r.due), fromOptionalMicros(r.dead), r.single != 0
	return r.m
}

// Claim is store.Queue's.
func (s *Store) Claim(ctx context.Context, c store.Claim) (list []store.Message, next time.Time, err error) {
	if c.Max < 1 || c.Owner == "" || c.Boot == "" {
		return nil, time.Time{}, fmt.Errorf("%w: a claim needs a number of messages, an owner and a boot", store.ErrInvalid)
	}
	err = s.relaxed.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		list, next, err = s.claim(ctx, tx, c)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return list, next, nil
}

func (s *Store) claim(ctx context.Context, tx Conn, c store.Claim) (list []store.Message, next time.Time, err error) {
	var channel, paused int64
	err = one(ctx, tx, []any{&channel, &paused}, `SELECT id, paused FROM channels WHERE app_id = $1 AND kind = $2 AND name = $3`,
		c.Channel.AppID, string(c.Channel.Kind), c.Channel.Name)
	if errors.Is(err, sql.ErrNoRows) || paused != 0 {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	if c.Alone {
		taken, err := s.leased(ctx, tx, channel, c)
		if err != nil || !taken.IsZero() {
			return nil, taken, err
		}
		c.Max = 1
	}
	lease := store.NewID()
	var dead []string
	died := usages{}
	// What this process has leased is its own, whatever the clock says.
	err = each(ctx, tx, func(rows Rows) error {
		var row messageScan
		if err := rows.Scan(row.dest()...); err != nil {
			return err
		}
		if row.m.Crashes >= store.MaxCrashes {
			dead = append(dead, row.m.ID)
			died.add(c.Channel.AppID, store.Died(int64(len(row.m.Payload))))
		} else {
			list = append(list, row.message(c.Channel))
		}
		return nil
	}, `WITH due AS MATERIALIZED (SELECT id FROM messages
			WHERE channel = $1 AND dead_at = 0 AND due_at <= $2 AND boot <> $3 ORDER BY due_at LIMIT $4`+s.dialect.SkipLocked+`)
		UPDATE messages SET lease = $5, owner = $6, boot = $3, due_at = $7, crashes = messages.crashes + (CASE messages.lease WHEN '' THEN 0 ELSE 1 END)
		FROM due WHERE messages.id = due.id RETURNING `+messageColumns,
		channel, micros(c.At), c.Boot, int64(c.Max), lease, c.Owner, micros(c.At.Add(c.Lease)))
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, id := range dead {
		if _, err := tx.Exec(ctx, `UPDATE messages SET lease = '', owner = '', boot = '', dead_at = $2, last_error = $3 WHERE id = $1`,
			id, micros(c.At), store.TooManyCrashes); err != nil {
			return nil, time.Time{}, err
		}
	}
	// What is too much now goes with the next dead letter.
	if _, err := s.count(ctx, tx, died, false); err != nil {
		return nil, time.Time{}, err
	}
	slices.SortFunc(list, func(a, b store.Message) int { return strings.Compare(a.ID, b.ID) })
	switch {
	case len(list) >= c.Max:
		return list, time.Time{}, nil
	case len(list)+len(dead) >= c.Max: // behind those that died there may be more
		return list, c.At, nil
	}
	err = each(ctx, tx, func(rows Rows) error {
		var due int64
		err := rows.Scan(&due)
		next = fromMicros(due)
		return err
	}, `SELECT due_at FROM messages WHERE channel = $1 AND dead_at = 0 AND boot <> $2 ORDER BY due_at LIMIT 1`, channel, c.Boot)
	return list, next, err
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
			var failed, single, dead int64
			if r.Failed {
				failed = 1
			}
			if r.Single {
				single = 1
			}
			if r.Dead {
				dead = micros(at)
			}
			var channel, size int64
			err := one(ctx, tx, []any{&channel, &size}, `UPDATE messages SET lease = '', owner = '', boot = '', due_at = $3, attempts = attempts + $4,
					single = (CASE WHEN single > 0 THEN single ELSE $5 END), dead_at = $6, last_error = (CASE $7 WHEN '' THEN last_error ELSE $7 END)
				WHERE id = $1 AND lease = $2 AND lease <> '' RETURNING channel, length(payload)`,
				r.ID, lease, micros(r.DueAt), failed, single, dead, r.Error)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			var c store.Channel
			var kind string
			if err := one(ctx, tx, []any{&c.AppID, &kind, &c.Name}, `SELECT app_id, kind, name FROM channels WHERE id = $1`, channel); err != nil {
				return err
			}
			c.Kind = store.ChannelKind(kind)
			switch due, ok := returned[c]; {
			case c.Kind == store.ChannelRemoved:
				if _, err := tx.Exec(ctx, `DELETE FROM messages WHERE id = $1`, r.ID); err != nil {
					return err
				}
				changed.add(c.AppID, store.Done(size))
			case r.Dead:
				changed.add(c.AppID, store.Died(size))
			case !ok || r.DueAt.Before(due):
				returned[c] = r.DueAt
			}
		}
		full, err = s.count(ctx, tx, changed, false)
		return err
	})
	if err == nil {
		s.drop(ctx, full)
	}
	if err == nil || errors.Is(err, store.ErrUnknownOutcome) {
		s.due(returned)
	}
	return err
}

// Recover is store.Queue's.
func (s *Store) Recover(ctx context.Context, owner, boot string, at time.Time) (recovered int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		recovered, err = tx.Exec(ctx, `UPDATE messages SET lease = '', owner = '', boot = '', due_at = $3, crashes = crashes + 1
			WHERE owner = $1 AND owner <> '' AND boot <> $2`, owner, boot, micros(at))
		return err
	})
	if recovered > 0 && (err == nil || errors.Is(err, store.ErrUnknownOutcome)) {
		s.due(map[store.Channel]time.Time{{}: {}})
	}
	return recovered, err
}
