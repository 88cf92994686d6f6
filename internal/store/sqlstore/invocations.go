package sqlstore

import (
	"context"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Invocation is store.Queue's.
func (s *Store) Invocation(ctx context.Context, appID, id string) (store.Invocation, error) {
	f := store.Invocation{ID: id, AppID: appID}
	var finished int64
	err := one(ctx, s.db, []any{&f.Script, &finished, &f.Response, &f.Attempts}, `SELECT script, finished_at, response, attempts FROM invocations WHERE id = $1 AND app_id = $2`, id, appID)
	f.FinishedAt = fromMicros(finished)
	return f, found(err, "invocation %s", id)
}

// InvocationID is store.Queue's.
func (s *Store) InvocationID(ctx context.Context, tokenHash string) (id string, err error) {
	err = one(ctx, s.db, []any{&id}, `SELECT id FROM messages WHERE token_hash = $1 AND token_hash <> ''
		UNION ALL SELECT id FROM invocations WHERE token_hash = $1 AND token_hash <> ''`, tokenHash)
	return id, found(err, "the asynchronous request of that token")
}

// asynchronous is the channels of asynchronous requests.
const asynchronous = `(SELECT id FROM channels WHERE kind = 'http')`

// sweepInvocations gives up the asynchronous requests that nobody can run, for too
// long, and forgets those that were answered or given up long ago. Each is done in
// batches.
func (s *Store) sweepInvocations(ctx context.Context, now time.Time) error {
	before := micros(now.Add(-store.InvocationMemory))
	if err := s.giveUp(ctx, now, before); err != nil {
		return err
	}
	for _, batch := range []struct {
		change string
		scan   func(size int64, request bool) store.MessageUsage
	}{
		{
			// Nobody can deliver a request again that failed as often as it may.
			`DELETE FROM messages WHERE dead_at > 0 AND id IN (SELECT id FROM messages WHERE channel IN ` + asynchronous + ` AND dead_at > 0 AND dead_at <= $1 LIMIT $2)
			RETURNING (SELECT app_id FROM channels WHERE channels.id = messages.channel), length(payload), length(token_hash)`,
			deadGone,
		},
		{
			`DELETE FROM invocations WHERE id IN (SELECT id FROM invocations WHERE finished_at <= $1 LIMIT $2) RETURNING app_id, length(response), 0`,
			answerGone,
		},
	} {
		if err := s.sweepBatches(ctx, batch.change, []any{before, int64(changeBatch)}, batch.scan); err != nil {
			return err
		}
	}
	return nil
}

// deadGone, answerGone and keyGone are what changes when a dead letter, an answer or an
// idempotency key is deleted.
func deadGone(size int64, _ bool) store.MessageUsage {
	return store.MessageUsage{Dead: -1, DeadBytes: -size}
}

func answerGone(size int64, _ bool) store.MessageUsage {
	return store.MessageUsage{Answers: -1, AnswerBytes: -size}
}

func keyGone(int64, bool) store.MessageUsage { return store.MessageUsage{IdempotencyKeys: -1} }

// giveUp gives up the requests that were to be run before a time and whose script the
// app's active deployment does not have. Others are still to come to their turn: the
// machine was off meanwhile, its clock was set, or many wait.
func (s *Store) giveUp(ctx context.Context, now time.Time, before int64) error {
	numbers, late := map[store.Channel]int64{}, map[string][]store.Channel{}
	if err := each(ctx, s.db, func(rows Rows) error {
		c := store.Channel{Kind: store.ChannelHTTP}
		var id int64
		err := rows.Scan(&id, &c.AppID, &c.Name)
		numbers[c], late[c.AppID] = id, append(late[c.AppID], c)
		return err
	}, `SELECT id, app_id, name FROM channels WHERE id IN `+asynchronous+`
		AND EXISTS (SELECT 1 FROM messages WHERE channel = channels.id AND dead_at = 0 AND due_at <= $1 AND owner = '')`, before); err != nil {
		return err
	}
	for app, list := range late {
		gone, err := undelivered(ctx, s.db, app)
		if err != nil {
			return err
		}
		for _, c := range list {
			if !gone(c) {
				continue
			}
			// Only leased ones can be under way, and their lease is extended. The conditions
			// are said twice because PostgreSQL looks again at a row that it has waited for,
			// and not at how it was found: others give up requests, or claim them.
			if err := s.sweepBatches(ctx, `UPDATE messages SET dead_at = $2, last_error = $3 WHERE dead_at = 0 AND due_at <= $1 AND owner = '' AND id IN (SELECT id FROM messages
					WHERE channel = $4 AND dead_at = 0 AND due_at <= $1 AND owner = '' LIMIT $5)
				RETURNING (SELECT app_id FROM channels WHERE channels.id = messages.channel), length(payload), length(token_hash)`,
				[]any{before, micros(now), store.NobodyRan, numbers[c], int64(changeBatch)}, store.Died); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepBatches changes rows, at most changeBatch in a transaction, until none is
// left. change returns three columns for each: the app, and the size and whether it is
// a request, of which usage tells what they change of the app's.
func (s *Store) sweepBatches(ctx context.Context, change string, args []any, usage func(size int64, request bool) store.MessageUsage) error {
	for {
		n := 0
		var full []string
		if err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
			n = 0
			changed := usages{}
			err := each(ctx, tx, func(rows Rows) error {
				var app string
				var size, token int64
				err := rows.Scan(&app, &size, &token)
				n++
				changed.add(app, usage(size, token > 0))
				return err
			}, change, args...)
			if err != nil {
				return err
			}
			return s.count(ctx, tx, changed, false, &full)
		}); err != nil {
			return err
		}
		s.drop(ctx, full)
		if n < changeBatch {
			return nil
		}
	}
}

// sweepRemoved deletes what is left of removed channels and is not worked on: the
// process that did has died, and may never come back to say so.
func (s *Store) sweepRemoved(ctx context.Context, now time.Time) error {
	return s.sweepBatches(ctx, `DELETE FROM messages WHERE id IN (SELECT id FROM messages
			WHERE channel IN (SELECT id FROM channels WHERE kind = $1) AND (owner = '' OR due_at <= $3) LIMIT $2)
		RETURNING (SELECT app_id FROM channels WHERE channels.id = messages.channel), length(payload), length(token_hash)`,
		[]any{string(store.ChannelRemoved), int64(changeBatch), micros(now.Add(-store.InvocationMemory))}, store.Done)
}

// oldestInvocation returns when the next asynchronous request is to be given up or
// forgotten; 0: there is none. One that should have been, and has its script, is looked
// at again after as long.
func (s *Store) oldestInvocation(ctx context.Context, now int64) (int64, error) {
	var oldest int64
	memory := store.InvocationMemory.Microseconds()
	err := each(ctx, s.db, func(rows Rows) error {
		var at int64
		err := rows.Scan(&at)
		if at > 0 && at <= now-memory {
			at = now
		}
		if at > 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
		return err
	}, `SELECT coalesce(min(finished_at), 0) FROM invocations
		UNION ALL SELECT coalesce((SELECT m.due_at FROM messages m WHERE m.channel = c.id AND m.dead_at = 0 AND m.owner = '' ORDER BY m.due_at LIMIT 1), 0) FROM channels c WHERE c.kind = 'http'
		UNION ALL SELECT coalesce((SELECT min(m.dead_at) FROM messages m WHERE m.channel = c.id AND m.dead_at > 0), 0) FROM channels c WHERE c.kind = 'http'`)
	if oldest > 0 {
		oldest += memory
	}
	return oldest, err
}
