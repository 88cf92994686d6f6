package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/picloud/picloud/internal/store"
)

// Enqueue is store.Queue's.
func (s *Store) Enqueue(ctx context.Context, list ...store.Message) (added []store.Message, err error) {
	s.willTell(ctx)
	added, err = s.adding(ctx, func(ctx context.Context, tx Conn, o *offers) (added []store.Message, err error) {
		changed := usages{}
		if added, err = s.enqueue(ctx, tx, list, o, changed); err != nil {
			return nil, err
		}
		return added, s.count(ctx, tx, changed, true, nil)
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// enqueue adds messages inside a transaction and returns those it added. What they
// change of what their apps use it adds to changed, which is still to be counted.
func (s *Store) enqueue(ctx context.Context, tx Conn, list []store.Message, o *offers, changed usages) (added []store.Message, err error) {
	if err := store.CheckMessages(list); err != nil {
		return nil, err
	}
	o.about(list)
	for i := range list {
		m := &list[i]
		channel, known := s.channels.number(m.Channel)
		if !known {
			if channel, err = s.makeChannel(ctx, tx, m.Channel); err != nil {
				return nil, err
			}
		}
		if m.IdempotencyKey != "" {
			var known bool
			var keys int64
			if channel, err = s.inChannel(ctx, tx, m.Channel, channel, func(channel int64) (err error) {
				known, keys, err = takeKey(ctx, tx, m, channel)
				return err
			}); err != nil {
				return nil, err
			}
			if known {
				continue
			}
			changed.add(m.AppID, store.MessageUsage{IdempotencyKeys: keys})
		}
		of := o.of(m)
		if _, err := s.inChannel(ctx, tx, m.Channel, channel, func(channel int64) error {
			return s.insert(ctx, tx, m, channel, of)
		}); err != nil {
			return nil, err
		}
		added = append(added, *m)
		changed.add(m.AppID, store.Queued(int64(len(m.Payload)), m.TokenHash != ""))
	}
	return added, nil
}

// takeKey notes a message's idempotency key and reports whether the channel knew it,
// and else how many more it has to remember: none if an expired one was still there.
func takeKey(ctx context.Context, tx Conn, m *store.Message, channel int64) (known bool, more int64, err error) {
	var renewed int64
	err = one(ctx, tx, []any{&renewed}, `INSERT INTO idempotency_keys (channel, key, message_id, created_at, renewed) VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (channel, key) DO UPDATE SET message_id = $3, created_at = $4, renewed = 1 WHERE idempotency_keys.created_at <= $5
		RETURNING renewed`,
		channel, m.IdempotencyKey, m.ID, micros(m.CreatedAt), micros(m.CreatedAt.Add(-store.IdempotencyMemory)))
	if errors.Is(err, sql.ErrNoRows) {
		return true, 0, nil
	}
	return false, 1 - renewed, err
}

// insert adds a message, leased if there is an offer and the channel is not paused.
func (s *Store) insert(ctx context.Context, tx Conn, m *store.Message, channel int64, of *offer) error {
	payload := m.Payload
	if payload == nil {
		payload = []byte{}
	}
	leased := *m
	leased.IdempotencyKey, leased.TokenHash = "", ""
	var due int64
	inserted := func(err error) error {
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case isForeignKey(err): // the transaction may be run again
			s.channels.forget(m.Channel)
		case err == nil && leased.Lease != "":
			leased.DueAt = fromMicros(due)
			of.taken = append(of.taken, leased)
		}
		return err
	}
	if of == nil {
		return oneLater(ctx, tx, nil, inserted, `INSERT INTO messages (id, channel, source, depth, created_at, due_at, attempts, crashes, single, lease, owner, boot, dead_at, last_error, payload, token_hash)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', '', '', 0, '', $7, $8)`,
			m.ID, channel, m.Source, m.Depth, micros(m.CreatedAt), micros(m.DueAt), payload, m.TokenHash)
	}
	const open = `(CASE (SELECT paused FROM channels WHERE id = $2) WHEN 0 THEN `
	return oneLater(ctx, tx, []any{&leased.Lease, &leased.Owner, &due}, inserted, `INSERT INTO messages (id, channel, source, depth, created_at, due_at, attempts, crashes, single, lease, owner, boot, dead_at, last_error, payload, token_hash)
		VALUES ($1, $2, $3, $4, $5, `+open+`CAST($12 AS BIGINT) ELSE CAST($6 AS BIGINT) END), 0, 0, 0, `+open+`$9 ELSE '' END), `+open+`$10 ELSE '' END), `+open+`$11 ELSE '' END), 0, '', $7, $8)
		RETURNING lease, owner, due_at`,
		m.ID, channel, m.Source, m.Depth, micros(m.CreatedAt), micros(m.DueAt), payload, m.TokenHash, of.Token, of.Owner, of.Boot, micros(of.Until))
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
