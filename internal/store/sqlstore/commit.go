package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Commit is store.Commits's.
func (s *Store) Commit(ctx context.Context, c store.Commit) (version int64, err error) {
	if len(c.Messages) > 0 || c.Watch != nil {
		s.willTell(ctx)
	}
	var full []string
	_, err = s.adding(ctx, func(ctx context.Context, tx Conn, o *offers) ([]store.Message, error) {
		k := commit{s: s, tx: tx, c: &c, messages: slices.Clip(c.Messages), offers: o}
		err := k.run(ctx, &full)
		version = k.version
		return k.added, err
	})
	if errors.Is(err, errKnown) {
		err = one(ctx, s.db, []any{&version}, `SELECT version FROM commits WHERE run_id = $1 AND seq = $2`, c.RunID, c.Seq)
		return version, err
	}
	if err != nil {
		return 0, err
	}
	s.drop(ctx, full)
	return version, nil
}

// commit is one commit, inside its transaction.
type commit struct {
	s       *Store
	tx      Conn
	c       *store.Commit
	version int64
	grown   store.KVUsage
	// messages are those to add: the commit's own, and those that tell of its changes.
	messages []store.Message
	added    []store.Message // those that were
	offers   *offers
}

// errKnown: a commit of that name was made before.
var errKnown = errors.New("the commit is known")

// run does what there is to do, some of it by the end of the transaction. full
// becomes the app, when it keeps more than it may.
func (k *commit) run(ctx context.Context, full *[]string) error {
	if err := k.finish(ctx); err != nil {
		return err
	}
	// An acknowledgement cannot be made twice, so such a commit needs no name.
	used, err := acknowledge(ctx, k.tx, k.c.Acks, k.c.Lease)
	if err != nil {
		return err
	}
	if f := k.c.Finished; f != nil {
		used.Add(store.MessageUsage{Answers: 1, AnswerBytes: int64(len(f.Response))})
	}
	if k.c.RunID != "" && len(k.c.Acks) == 0 && len(k.c.Ops)+len(k.c.Messages) > 0 {
		if err := k.name(ctx); err != nil {
			return err
		}
	}
	keys := k.keys()
	for _, key := range keys {
		if err := store.CheckKVKey(key.key); err != nil {
			return fmt.Errorf("%w: %w", store.ErrInvalid, err)
		}
	}
	for _, key := range keys {
		if err := k.one(ctx, key); err != nil {
			return fmt.Errorf("key %q: %w", key.key, err)
		}
	}
	if err := k.count(ctx); err != nil {
		return err
	}
	for i := range k.messages {
		if k.messages[i].AppID != k.c.AppID {
			return fmt.Errorf("%w: a commit adds messages of its own app", store.ErrInvalid)
		}
	}
	changed := usages{k.c.AppID: used}
	if k.added, err = k.s.enqueue(ctx, k.tx, k.messages, k.offers, changed); err != nil {
		return err
	}
	return k.s.count(ctx, k.tx, changed, true, full)
}

// finish writes down the answer to an asynchronous request, with what is known of
// the request, which the acknowledgement deletes.
func (k *commit) finish(ctx context.Context) error {
	f := k.c.Finished
	if f == nil {
		return nil
	}
	_, err := k.tx.Exec(ctx, `INSERT INTO invocations (id, app_id, script, finished_at, response, token_hash, attempts)
		VALUES ($1, $2, $3, $4, $5, coalesce((SELECT token_hash FROM messages WHERE id = $1), ''), coalesce((SELECT attempts FROM messages WHERE id = $1), 0))
		ON CONFLICT (id) DO NOTHING`, // one that somebody else has answered is no longer leased
		f.ID, k.c.AppID, f.Script, micros(k.c.At), f.Response)
	return err
}

// name takes the version, if keys are changed, and writes down the name of the
// commit; errKnown if that is there already.
func (k *commit) name(ctx context.Context) error {
	if len(k.c.Ops) > 0 {
		if err := one(ctx, k.tx, []any{&k.version}, k.s.dialect.NextVersion); err != nil {
			return err
		}
	}
	var version int64
	return oneLater(ctx, k.tx, []any{&version}, func(err error) error {
		if errors.Is(err, ErrUnique) {
			return errKnown
		}
		return err
	}, `INSERT INTO commits (run_id, seq, version) VALUES ($1, $2, $3) RETURNING version`,
		k.c.RunID, k.c.Seq, k.version)
}

// Sweep is store.Commits's.
func (s *Store) Sweep(ctx context.Context, now time.Time) (time.Time, error) {
	for {
		n, err := s.sweepKeys(ctx, micros(now))
		if err != nil {
			return time.Time{}, err
		}
		if n < sweepBatch {
			break
		}
	}
	if err := s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM commits WHERE run_id < $1`, uuidText(ExecutionIDAt(now.Add(-store.CommitMemory))))
		return err
	}); err != nil {
		return time.Time{}, err
	}
	if err := s.forgetKeys(ctx, now); err != nil {
		return time.Time{}, err
	}
	if err := s.sweepInvocations(ctx, now); err != nil {
		return time.Time{}, err
	}
	if err := s.sweepRemoved(ctx, now); err != nil {
		return time.Time{}, err
	}
	if err := s.sweepChannels(ctx); err != nil {
		return time.Time{}, err
	}
	next, err := s.oldestKey(ctx)
	if err != nil {
		return time.Time{}, err
	}
	sooner := func(due int64) {
		if due > 0 && (next == 0 || due < next) {
			next = due
		}
	}
	invocations, err := s.oldestInvocation(ctx, micros(now))
	if err != nil {
		return time.Time{}, err
	}
	sooner(invocations)
	var expiry int64
	if err := one(ctx, s.db, []any{&expiry}, `SELECT coalesce(min(expires_at), 0) FROM kv WHERE expires_at > 0`); err != nil {
		return time.Time{}, err
	}
	sooner(expiry)
	err = each(ctx, s.db, func(rows Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		u, err := parseUUID("run", id)
		if err == nil {
			sooner(micros(ExecutionIDTime(u[:]).Add(store.CommitMemory + time.Millisecond)))
		}
		return err
	}, `SELECT run_id FROM commits ORDER BY run_id LIMIT 1`)
	return fromOptionalMicros(next), err
}
