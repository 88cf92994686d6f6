package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// DeleteApp is store.Apps's. An app that keeps much is emptied before, a batch at a
// time: on SQLite the commits of all apps would wait for one long transaction.
func (s *Store) DeleteApp(ctx context.Context, id string, force bool, by string, at time.Time) error {
	kept, err := s.keeps(ctx, id)
	if err != nil {
		return err
	}
	if kept > changeBatch {
		if err := s.stopApp(ctx, id, force, by, at); err != nil {
			return err
		}
		if err := s.emptyApp(ctx, id); err != nil {
			return fmt.Errorf("the app is stopped, and what it keeps is deleted in part: %w", err)
		}
	}
	return s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if err := holdsNothing(ctx, tx, a, force); err != nil {
			return nil, err
		}
		var hashes []string
		if err := each(ctx, tx, func(rows Rows) error {
			var h string
			err := rows.Scan(&h)
			hashes = append(hashes, h)
			return err
		}, `SELECT DISTINCT v.source_hash FROM versions v JOIN scripts s ON s.id = v.script_id WHERE s.app_id = $1`, id); err != nil {
			return nil, err
		}
		// Deployments, scripts and versions go by ON DELETE CASCADE.
		if _, err := tx.Exec(ctx, `DELETE FROM apps WHERE id = $1`, id); err != nil {
			return nil, err
		}
		for _, h := range hashes {
			if _, err := tx.Exec(ctx, `DELETE FROM sources WHERE hash = $1
				AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.source_hash = $1)`, h); err != nil {
				return nil, err
			}
		}
		return []store.Change{{AppID: id, Slug: a.slug}}, nil
	})
}

// holdsNothing fails with ErrNotEmpty if a locked app holds scripts, unless force is set.
func holdsNothing(ctx context.Context, tx Conn, a lockedApp, force bool) error {
	if force {
		return nil
	}
	var name string
	err := one(ctx, tx, []any{&name}, `SELECT name FROM scripts WHERE app_id = $1 AND deleted_at = 0 ORDER BY name LIMIT 1`, a.id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("app %q holds scripts, %q for one: %w", a.slug, name, store.ErrNotEmpty)
	}
	return err
}

// keeps counts the rows of an app that may be many.
func (s *Store) keeps(ctx context.Context, id string) (int64, error) {
	keys, err := usage(ctx, s.db, id)
	if err != nil {
		return 0, err
	}
	u, err := messageUsage(ctx, s.db, id)
	return keys.Keys + u.Messages + u.Dead + u.Answers + u.IdempotencyKeys, err
}

// stopApp deploys nothing: none of the app's scripts starts on what is left of its data.
func (s *Store) stopApp(ctx context.Context, id string, force bool, by string, at time.Time) error {
	return s.change(ctx, func(ctx context.Context, tx Conn) ([]store.Change, error) {
		a, err := lockApp(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if err := holdsNothing(ctx, tx, a, force); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE scripts SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`, id, micros(at)); err != nil {
			return nil, err
		}
		_, err = deploy(ctx, tx, a, store.Manifest{}, "to be deleted", by, at)
		return []store.Change{{AppID: id, Slug: a.slug}}, err
	})
}

// emptyApp deletes what an app keeps, in batches.
func (s *Store) emptyApp(ctx context.Context, id string) error {
	for {
		n, err := s.emptyKV(ctx, id)
		if err != nil {
			return err
		}
		if n < changeBatch {
			break
		}
	}
	const ofApp = `(SELECT id FROM channels WHERE app_id = $1)`
	for _, batch := range []struct {
		change string
		usage  func(size int64, request bool) store.MessageUsage
	}{
		{
			// The conditions are said twice: see sweepInvocations.
			`DELETE FROM messages WHERE dead_at = 0 AND id IN (SELECT id FROM messages WHERE channel IN ` + ofApp + ` AND dead_at = 0 LIMIT $2)
			RETURNING CAST($1 AS TEXT), length(payload), length(token_hash)`,
			store.Done,
		},
		{
			`DELETE FROM messages WHERE dead_at > 0 AND id IN (SELECT id FROM messages WHERE channel IN ` + ofApp + ` AND dead_at > 0 LIMIT $2)
			RETURNING CAST($1 AS TEXT), length(payload), 0`,
			deadGone,
		},
		{
			`DELETE FROM idempotency_keys WHERE (channel, key) IN (SELECT channel, key FROM idempotency_keys WHERE channel IN ` + ofApp + ` LIMIT $2)
			RETURNING CAST($1 AS TEXT), 0, 0`,
			keyGone,
		},
		{
			`DELETE FROM invocations WHERE id IN (SELECT id FROM invocations WHERE app_id = $1 LIMIT $2) RETURNING CAST($1 AS TEXT), length(response), 0`,
			answerGone,
		},
	} {
		if err := s.sweepBatches(ctx, batch.change, []any{id, int64(changeBatch)}, batch.usage); err != nil {
			return err
		}
	}
	return nil
}

// emptyKV deletes some of an app's keys and returns how many.
func (s *Store) emptyKV(ctx context.Context, id string) (n int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		n = 0
		var freed store.KVUsage
		err := each(ctx, tx, func(rows Rows) error {
			var key string
			var size int64
			err := rows.Scan(&key, &size)
			freed.Keys, freed.Bytes = freed.Keys-1, freed.Bytes-size-int64(len(key))
			return err
		}, `DELETE FROM kv WHERE app_id = $1 AND key IN (SELECT key FROM kv WHERE app_id = $1 LIMIT $2) RETURNING key, length(value)`, id, int64(changeBatch))
		if err != nil || freed.Keys == 0 {
			return err
		}
		n = -freed.Keys
		_, err = addUsage(ctx, tx, id, s.dialect.Shards, freed)
		return err
	})
	return n, err
}
