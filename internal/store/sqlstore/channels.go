package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"github.com/picloud/picloud/internal/store"
)

// maxKnown bounds how many channels' numbers are remembered.
const maxKnown = 10_000

// channels knows the numbers of channels that have been used. One that is gone may
// still be in it: then the database refuses what names it.
type channels struct {
	mu    sync.RWMutex
	known map[store.Channel]int64
}

func (l *channels) number(c store.Channel) (int64, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	id, ok := l.known[c]
	return id, ok
}

func (l *channels) learn(c store.Channel, id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= maxKnown {
		l.known = map[store.Channel]int64{}
	}
	l.known[c] = id
}

func (l *channels) forget(c store.Channel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, c)
}

// channel returns the number that a channel has now, 0 if there is none. What is
// remembered would not do: another process may have made the channel anew.
func (s *Store) channel(ctx context.Context, q querier, c store.Channel) (id int64, err error) {
	err = one(ctx, q, []any{&id}, `SELECT id FROM channels WHERE app_id = $1 AND kind = $2 AND name = $3`, c.AppID, string(c.Kind), c.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		s.channels.learn(c, id)
	}
	return id, err
}

// makeChannel returns the number of a channel, which exists then; ErrQuota when the
// app would have too many.
func (s *Store) makeChannel(ctx context.Context, tx Conn, c store.Channel) (int64, error) {
	id, made, err := s.openChannel(ctx, tx, c)
	if err == nil && made {
		err = s.checkChannels(ctx, tx, c.AppID, id)
	}
	return id, err
}

// openChannel is makeChannel whatever the quota; it reports whether the channel is new.
func (s *Store) openChannel(ctx context.Context, tx Conn, c store.Channel) (id int64, made bool, err error) {
	id, err = s.channel(ctx, tx, c)
	if err != nil || id != 0 {
		return id, false, err
	}
	// The number is not kept: the transaction may fail.
	if _, err := tx.Exec(ctx, `INSERT INTO channels (id, app_id, kind, name, paused) VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (app_id, kind, name) DO NOTHING`, rand.Int64(), c.AppID, string(c.Kind), c.Name); err != nil {
		if isForeignKey(err) {
			err = fmt.Errorf("app %s: %w", c.AppID, store.ErrNotFound)
		}
		return 0, false, err
	}
	err = one(ctx, tx, []any{&id}, `SELECT id FROM channels WHERE app_id = $1 AND kind = $2 AND name = $3`, c.AppID, string(c.Kind), c.Name)
	return id, err == nil, err
}

// checkChannels is called for a new channel of an app. When there are too many, those
// without anything go.
func (s *Store) checkChannels(ctx context.Context, tx Conn, appID string, made int64) error {
	count := func() error {
		var n int64
		if err := one(ctx, tx, []any{&n}, `SELECT count(*) FROM channels WHERE app_id = $1`, appID); err != nil {
			return err
		}
		return s.quotaNow().CheckChannels(n)
	}
	err := count()
	if !errors.Is(err, store.ErrQuota) {
		return err
	}
	if err := s.removeIdle(ctx, tx, appID, func(id int64, _ store.Channel) bool { return id != made }); err != nil {
		return err
	}
	return count()
}

// idle says which channels hold nothing. A row is removed only while it is locked,
// by a statement that sees what was added before: whoever adds a message shares a
// lock of it.
const idle = `paused = 0 AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.channel = channels.id)
	AND NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE idempotency_keys.channel = channels.id)`

// removeIdle removes those of an app's channels without anything that which names.
func (s *Store) removeIdle(ctx context.Context, tx Conn, appID string, which func(id int64, c store.Channel) bool) error {
	found := map[int64]store.Channel{}
	if err := each(ctx, tx, func(rows Rows) error {
		c := store.Channel{AppID: appID}
		var id int64
		var kind string
		err := rows.Scan(&id, &kind, &c.Name)
		if c.Kind = store.ChannelKind(kind); which(id, c) {
			found[id] = c
		}
		return err
	}, `SELECT id, kind, name FROM channels WHERE app_id = $1 AND `+idle+s.dialect.SkipLocked, appID); err != nil {
		return err
	}
	for id, c := range found {
		if _, err := tx.Exec(ctx, `DELETE FROM channels WHERE id = $1 AND `+idle, id); err != nil {
			return err
		}
		s.channels.forget(c)
	}
	return nil
}

// sweepChannels removes the channels that hold nothing and that the app's active
// deployment does not deliver. Most that hold nothing are only waiting for work: they
// are looked at without a transaction, which would lock them.
func (s *Store) sweepChannels(ctx context.Context) error {
	apps := map[string][]store.Channel{}
	if err := each(ctx, s.db, func(rows Rows) error {
		var c store.Channel
		var kind string
		err := rows.Scan(&c.AppID, &kind, &c.Name)
		c.Kind = store.ChannelKind(kind)
		apps[c.AppID] = append(apps[c.AppID], c)
		return err
	}, `SELECT app_id, kind, name FROM channels WHERE `+idle); err != nil {
		return err
	}
	for app, list := range apps {
		gone, err := undelivered(ctx, s.db, app)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, gone) {
			continue
		}
		if err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
			gone, err := undelivered(ctx, tx, app)
			if err != nil {
				return err
			}
			return s.removeIdle(ctx, tx, app, func(_ int64, c store.Channel) bool { return gone(c) })
		}); err != nil {
			return err
		}
	}
	return nil
}

// undelivered returns what tells which channels an app's active deployment does not
// deliver. Of an app that is gone there are none: its channels went with it.
func undelivered(ctx context.Context, q querier, app string) (func(store.Channel) bool, error) {
	var raw []byte
	err := one(ctx, q, []any{&raw}, `SELECT d.manifest FROM apps a JOIN deployments d ON d.app_id = a.id AND d.number = a.active_deployment WHERE a.id = $1`, app)
	if errors.Is(err, sql.ErrNoRows) {
		return func(store.Channel) bool { return false }, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(raw)
	return func(c store.Channel) bool {
		_, delivered := m.Delivery(c.Kind, c.Name)
		return !delivered
	}, err
}

// Remove is store.Queue's.
func (s *Store) Remove(ctx context.Context, c store.Channel) error {
	return s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		var id int64
		err := one(ctx, tx, []any{&id}, `SELECT id FROM channels WHERE app_id = $1 AND kind = $2 AND name = $3`+s.dialect.ForUpdate, c.AppID, string(c.Kind), c.Name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		s.channels.forget(c)
		// What is worked on stays, in a channel of its own, until it is done.
		number := rand.Int64()
		if _, err := tx.Exec(ctx, `INSERT INTO channels (id, app_id, kind, name, paused) VALUES ($1, $2, $3, $4, 0)`,
			number, c.AppID, string(store.ChannelRemoved), strconv.FormatInt(number, 10)); err != nil {
			return err
		}
		gone, err := deleteMessages(ctx, tx, `channel = $1 AND owner = ''`, id)
		if err != nil {
			return err
		}
		kept, err := tx.Exec(ctx, `UPDATE messages SET channel = $2 WHERE channel = $1 AND owner <> ''`, id, number)
		if err != nil {
			return err
		}
		back, err := deleteMessages(ctx, tx, `channel = $1`, id) // given back between the two
		if err != nil {
			return err
		}
		gone.Add(back)
		keys, err := tx.Exec(ctx, `DELETE FROM idempotency_keys WHERE channel = $1`, id)
		if err != nil {
			return err
		}
		gone.IdempotencyKeys -= keys
		if kept == 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM channels WHERE id = $1`, number); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM channels WHERE id = $1`, id); err != nil {
			return err
		}
		return s.count(ctx, tx, usages{c.AppID: gone}, false, nil)
	})
}

// deleteMessages deletes those that a condition names and returns what changes.
func deleteMessages(ctx context.Context, tx Conn, where string, args ...any) (gone store.MessageUsage, err error) {
	err = each(ctx, tx, func(rows Rows) error {
		var size, dead, token int64
		err := rows.Scan(&size, &dead, &token)
		if dead > 0 {
			gone.Add(store.MessageUsage{Dead: -1, DeadBytes: -size})
		} else {
			gone.Add(store.Done(size, token > 0))
		}
		return err
	}, `DELETE FROM messages WHERE `+where+` RETURNING length(payload), dead_at, length(token_hash)`, args...)
	return gone, err
}
