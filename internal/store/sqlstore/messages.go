package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// DueChannels is store.Queue's.
func (s *Store) DueChannels(ctx context.Context) (map[store.Channel]time.Time, error) {
	list := map[store.Channel]time.Time{}
	err := each(ctx, s.db, func(rows Rows) error {
		var c store.Channel
		var kind string
		var due int64
		if err := rows.Scan(&c.AppID, &kind, &c.Name, &due); err != nil {
			return err
		}
		c.Kind = store.ChannelKind(kind)
		if due != 0 {
			list[c] = fromMicros(due)
		}
		return nil
	}, `SELECT c.app_id, c.kind, c.name, coalesce((SELECT min(m.due_at) FROM messages m WHERE m.channel = c.id AND m.dead_at = 0), 0)
		FROM channels c WHERE c.kind <> $1`, string(store.ChannelRemoved))
	return list, err
}

// channelState counts; $1 is the time.
const channelState = `SELECT c.kind, c.name, c.paused,
	(SELECT count(*) FROM messages m WHERE m.channel = c.id AND m.dead_at = 0 AND m.due_at <= $1),
	(SELECT count(*) FROM messages m WHERE m.channel = c.id AND m.dead_at = 0 AND m.due_at > $1),
	(SELECT count(*) FROM messages m WHERE m.channel = c.id AND m.dead_at = 0 AND m.due_at > $1 AND m.owner <> ''),
	(SELECT count(*) FROM messages m WHERE m.channel = c.id AND m.dead_at > 0),
	coalesce((SELECT min(m.due_at) FROM messages m WHERE m.channel = c.id AND m.dead_at = 0 AND m.due_at <= $1), 0)
	FROM channels c WHERE c.app_id = $2 AND c.kind <> 'removed'`

// Channels is store.Queue's.
func (s *Store) Channels(ctx context.Context, appID string, kind store.ChannelKind, at time.Time) ([]store.ChannelState, error) {
	if kind == "" {
		return s.channelStates(ctx, appID, ` ORDER BY c.kind, c.name`, micros(at), appID)
	}
	return s.channelStates(ctx, appID, ` AND c.kind = $3 ORDER BY c.name`, micros(at), appID, string(kind))
}

func (s *Store) channelStates(ctx context.Context, appID, where string, args ...any) (list []store.ChannelState, err error) {
	err = each(ctx, s.db, func(rows Rows) error {
		c := store.ChannelState{Channel: store.Channel{AppID: appID}}
		var kind string
		var paused, later, oldest int64
		if err := rows.Scan(&kind, &c.Name, &paused, &c.Ready, &later, &c.Leased, &c.Dead, &oldest); err != nil {
			return err
		}
		c.Kind, c.Paused, c.Delayed, c.Oldest = store.ChannelKind(kind), paused != 0, later-c.Leased, fromOptionalMicros(oldest)
		list = append(list, c)
		return nil
	}, channelState+where, args...)
	return list, err
}

// Channel is store.Queue's.
func (s *Store) Channel(ctx context.Context, c store.Channel, at time.Time) (store.ChannelState, error) {
	list, err := s.channelStates(ctx, c.AppID, ` AND c.kind = $3 AND c.name = $4`, micros(at), c.AppID, string(c.Kind), c.Name)
	if err != nil || len(list) == 0 {
		return store.ChannelState{Channel: c}, err
	}
	return list[0], nil
}

// Messages is store.Queue's.
func (s *Store) Messages(ctx context.Context, f store.MessageFilter) (list []store.Message, more bool, err error) {
	channel, err := s.channel(ctx, s.db, f.Channel)
	if err != nil || channel == 0 {
		return nil, false, err
	}
	most := limit(f.Limit)
	query, args := `SELECT `+messageColumns+` FROM messages WHERE channel = $1 AND id > $2`, []any{channel, f.After, most + 1}
	switch f.State {
	case "":
	case store.MessageReady:
		query, args = query+` AND dead_at = 0 AND due_at <= $4`, append(args, micros(f.At))
	case store.MessageDelayed:
		query, args = query+` AND dead_at = 0 AND due_at > $4 AND owner = ''`, append(args, micros(f.At))
	case store.MessageLeased:
		query, args = query+` AND dead_at = 0 AND due_at > $4 AND owner <> ''`, append(args, micros(f.At))
	case store.MessageDead:
		query += ` AND dead_at > 0`
	default:
		return nil, false, fmt.Errorf("%w: no message is in the state %q", store.ErrInvalid, f.State)
	}
	size := 0
	err = each(ctx, s.db, func(rows Rows) error {
		var row messageScan
		if err := rows.Scan(row.dest()...); err != nil {
			return err
		}
		size += len(row.m.Payload)
		if int64(len(list)) == most || len(list) > 0 && size > store.MaxMessagePage {
			return errPageFull
		}
		list = append(list, row.message(f.Channel))
		return nil
	}, query+` ORDER BY id LIMIT $3`, args...)
	if errors.Is(err, errPageFull) {
		return list, true, nil
	}
	return list, false, err
}

// Message is store.Queue's.
func (s *Store) Message(ctx context.Context, appID, id string) (store.Message, error) {
	var row messageScan
	c := store.Channel{AppID: appID}
	var kind string
	err := one(ctx, s.db, append(row.dest(), &kind, &c.Name), `SELECT `+messageColumns+`, c.kind, c.name
		FROM messages JOIN channels c ON c.id = messages.channel WHERE messages.id = $1 AND c.app_id = $2`, id, appID)
	c.Kind = store.ChannelKind(kind)
	return row.message(c), found(err, "message %s", id)
}

// changeBatch is how many messages one transaction changes.
const changeBatch = 1000

// inBatches runs f, which changes at most changeBatch messages of a channel,
// until there is nothing left to do; with IDs once for each.
func (s *Store) inBatches(ctx context.Context, c store.Channel, ids []string, f func(ctx context.Context, tx Conn, channel int64, id string) (int64, store.MessageUsage, error)) (total int64, err error) {
	if err := store.CheckMessageIDs(ids); err != nil {
		return 0, err
	}
	channel, err := s.channel(ctx, s.db, c)
	if err != nil || channel == 0 {
		return 0, err
	}
	batch := func(ids ...string) (total int64, err error) {
		err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
			total = 0
			changed := usages{}
			for _, id := range ids {
				n, grown, err := f(ctx, tx, channel, id)
				if err != nil {
					return err
				}
				total += n
				changed.add(c.AppID, grown)
			}
			return s.count(ctx, tx, changed, false, nil)
		})
		return total, err
	}
	if len(ids) > 0 {
		return batch(ids...)
	}
	for {
		n, err := batch("")
		if err != nil {
			return total, err
		}
		total += n
		if n < changeBatch {
			return total, nil
		}
	}
}

// Redrive is store.Queue's.
func (s *Store) Redrive(ctx context.Context, c store.Channel, ids []string, at time.Time) (int64, error) {
	s.willTell(ctx)
	n, err := s.inBatches(ctx, c, ids, func(ctx context.Context, tx Conn, channel int64, id string) (n int64, grown store.MessageUsage, err error) {
		const set = `UPDATE messages SET dead_at = 0, due_at = $2, attempts = 0, crashes = 0 WHERE channel = $1 AND dead_at > 0 AND `
		which, last := `id = $3`, any(id)
		if id == "" {
			which, last = `id IN (SELECT id FROM messages WHERE channel = $1 AND dead_at > 0 ORDER BY dead_at LIMIT $3)`, int64(changeBatch)
		}
		err = each(ctx, tx, func(rows Rows) error {
			var size, token int64
			err := rows.Scan(&size, &token)
			n++
			grown.Add(store.Revived(size, token > 0))
			return err
		}, set+which+` RETURNING length(payload), length(token_hash)`, channel, micros(at), last)
		return n, grown, err
	})
	if n > 0 || err != nil {
		s.due(map[store.Channel]time.Time{c: at})
	}
	return n, err
}

// Purge is store.Queue's.
func (s *Store) Purge(ctx context.Context, c store.Channel, dead bool, ids []string) (int64, error) {
	which := `channel = $1 AND dead_at = 0 AND owner = ''`
	if dead {
		which = `channel = $1 AND dead_at > 0`
	}
	return s.inBatches(ctx, c, ids, func(ctx context.Context, tx Conn, channel int64, id string) (int64, store.MessageUsage, error) {
		one, last := which+` AND id = $2`, any(id)
		if id == "" {
			// Said twice: see sweepInvocations.
			one, last = which+` AND id IN (SELECT id FROM messages WHERE `+which+` LIMIT $2)`, int64(changeBatch)
		}
		gone, err := deleteMessages(ctx, tx, one, channel, last)
		return -gone.Messages - gone.Dead, gone, err
	})
}

// Pause is store.Queue's.
func (s *Store) Pause(ctx context.Context, c store.Channel, paused bool) error {
	value := int64(0)
	if paused {
		value = 1
	}
	s.willTell(ctx)
	err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		// Whoever has too many channels may stop one all the same.
		id, _, err := s.openChannel(ctx, tx, c)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE channels SET paused = $2 WHERE id = $1`, id, value)
		return err
	})
	if (err == nil || errors.Is(err, store.ErrUnknownOutcome)) && !paused {
		s.due(map[store.Channel]time.Time{c: {}})
	}
	return err
}

// acknowledge deletes messages that are done, or fails with ErrLeaseLost.
func acknowledge(ctx context.Context, tx Conn, ids []string, lease string) (done store.MessageUsage, err error) {
	for _, id := range ids {
		var size, token int64
		err := one(ctx, tx, []any{&size, &token}, `DELETE FROM messages WHERE id = $1 AND lease = $2 AND lease <> '' RETURNING length(payload), length(token_hash)`, id, lease)
		if errors.Is(err, sql.ErrNoRows) {
			return done, fmt.Errorf("message %s: %w", id, store.ErrLeaseLost)
		}
		if err != nil {
			return done, err
		}
		done.Add(store.Done(size, token > 0))
	}
	return done, nil
}

// forgetKeys forgets the idempotency keys that are old enough. The condition is said
// twice: see sweepInvocations.
func (s *Store) forgetKeys(ctx context.Context, now time.Time) error {
	return s.sweepBatches(ctx, `DELETE FROM idempotency_keys WHERE created_at <= $1 AND (channel, key) IN
			(SELECT channel, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)
		RETURNING (SELECT app_id FROM channels WHERE channels.id = idempotency_keys.channel), 0, 0`,
		[]any{micros(now.Add(-store.IdempotencyMemory)), int64(changeBatch)},
		keyGone)
}

// oldestKey returns when the oldest idempotency key may be forgotten, 0 if there is none.
func (s *Store) oldestKey(ctx context.Context) (int64, error) {
	var created int64
	err := one(ctx, s.db, []any{&created}, `SELECT created_at FROM idempotency_keys ORDER BY created_at LIMIT 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return created + store.IdempotencyMemory.Microseconds(), err
}
