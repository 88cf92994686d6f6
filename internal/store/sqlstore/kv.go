package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// Dialect is what the two databases do each in its way.
type Dialect struct {
	// NextVersion takes the next number of the store's sequence of versions.
	NextVersion string
	// Lock returns version, expires_at and the length of the value of key $2 of
	// app $1 and keeps other transactions from changing it, also when it is absent.
	Lock string
	// Placeholders says that Lock makes a row of version 0 for an absent key.
	Placeholders bool
	// Shards is in how many rows an app's use is counted.
	Shards int
	// ForUpdate ends a SELECT of rows that stay locked, also against those that name
	// them in a foreign key.
	ForUpdate string
	// SkipLocked ends a SELECT of rows to change, so that it passes over those that
	// another transaction changes.
	SkipLocked string
}

// live says which keys exist at $2.
const live = `version > 0 AND (expires_at = 0 OR expires_at > $2)`

// KVGet is store.KV's.
func (s *Store) KVGet(ctx context.Context, appID string, keys []string, at time.Time) ([]store.KVEntry, error) {
	var found []store.KVEntry
	for _, key := range keys {
		e := store.KVEntry{Key: key}
		var expires int64
		err := one(ctx, s.db, []any{&e.Version, &expires, &e.Value},
			`SELECT version, expires_at, value FROM kv WHERE app_id = $1 AND key = $3 AND `+live, appID, micros(at), key)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e.ExpiresAt = fromOptionalMicros(expires)
		found = append(found, e)
	}
	return found, nil
}

// errPageFull ends a listing.
var errPageFull = errors.New("the page is full")

// KVList is store.KV's.
func (s *Store) KVList(ctx context.Context, q store.KVQuery, at time.Time) (entries []store.KVEntry, more bool, err error) {
	most := limit(q.Limit)
	query := `SELECT key, version, expires_at, value FROM kv WHERE app_id = $1 AND ` + live + ` AND key >= $3 AND key > $4`
	args := []any{q.AppID, micros(at), q.Prefix, q.After}
	if end := prefixEnd(q.Prefix); end != "" {
		query += ` AND key < $6`
		args = append(args, most+1, end)
	} else {
		args = append(args, most+1)
	}
	size := 0
	err = each(ctx, s.db, func(rows Rows) error {
		var e store.KVEntry
		var expires int64
		if err := rows.Scan(&e.Key, &e.Version, &expires, &e.Value); err != nil {
			return err
		}
		size += len(e.Key) + len(e.Value)
		if int64(len(entries)) == most || len(entries) > 0 && size > store.MaxKVPage {
			return errPageFull
		}
		e.ExpiresAt = fromOptionalMicros(expires)
		entries = append(entries, e)
		return nil
	}, query+` ORDER BY key LIMIT $5`, args...)
	if errors.Is(err, errPageFull) {
		return entries, true, nil
	}
	return entries, false, err
}

// prefixEnd is the first text after all those that begin with prefix, "" if
// there is none: bytewise order of UTF-8 is that of its code points.
func prefixEnd(prefix string) string {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch r++; {
		case r == 0xD800: // surrogates are no characters
			r = 0xE000
		case r > utf8.MaxRune:
			continue
		}
		return prefix + string(r)
	}
	return ""
}

// KVUsage is store.KV's.
func (s *Store) KVUsage(ctx context.Context, appID string) (store.KVUsage, error) {
	return usage(ctx, s.db, appID)
}

func usage(ctx context.Context, q querier, appID string) (u store.KVUsage, err error) {
	err = each(ctx, q, func(rows Rows) error {
		var keys, bytes int64
		err := rows.Scan(&keys, &bytes)
		u.Keys, u.Bytes = u.Keys+keys, u.Bytes+bytes
		return err
	}, `SELECT keys, bytes FROM kv_usage WHERE app_id = $1`, appID)
	return u, err
}

// kvKey is all that a commit has to do with one key.
type kvKey struct {
	key  string
	read *store.KVRead
	ops  []*store.KVOp
}

// keys sorts the work by key, so that transactions that meet lock in one order.
func (k *commit) keys() []kvKey {
	list := make([]kvKey, 0, len(k.c.Reads)+len(k.c.Ops))
	for i := range k.c.Reads {
		list = append(list, kvKey{key: k.c.Reads[i].Key, read: &k.c.Reads[i]})
	}
	for i := range k.c.Ops {
		list = append(list, kvKey{key: k.c.Ops[i].Key, ops: []*store.KVOp{&k.c.Ops[i]}})
	}
	if len(list) < 2 {
		return list
	}
	slices.SortStableFunc(list, func(a, b kvKey) int { return strings.Compare(a.key, b.key) })
	merged := list[:1]
	for _, next := range list[1:] {
		last := &merged[len(merged)-1]
		// A key that was read twice at different versions is two entries, one of
		// which is a conflict.
		if last.key != next.key || last.read != nil && next.read != nil {
			merged = append(merged, next)
			continue
		}
		if next.read != nil {
			last.read = next.read
		}
		last.ops = append(last.ops, next.ops...)
	}
	return merged
}

// one does what there is to do with one key.
func (k *commit) one(ctx context.Context, w kvKey) error {
	var version, expires, size int64
	err := one(ctx, k.tx, []any{&version, &expires, &size}, k.s.dialect.Lock, k.c.AppID, w.key)
	there := err == nil && version > 0
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		if isForeignKey(err) {
			return fmt.Errorf("app %s: %w", k.c.AppID, store.ErrNotFound)
		}
		return err
	}
	alive := there && (expires == 0 || expires > micros(k.c.At))
	if w.read != nil {
		now := version
		if !alive {
			now = 0
		}
		if now != w.read.Version {
			return store.ErrConflict
		}
	}
	state := kvState{exists: alive, expires: expires, unread: alive}
	for _, op := range w.ops {
		if err := k.apply(ctx, &state, op); err != nil {
			return err
		}
	}
	if len(w.ops) > 0 && (alive || state.exists) {
		told, err := k.c.Changed(w.key, state.value)
		if err != nil {
			return err
		}
		k.messages = append(k.messages, told...)
	}
	switch {
	case len(w.ops) == 0 && there:
		return nil
	case !state.exists || len(w.ops) == 0:
		return k.remove(ctx, w.key, there, err == nil, size)
	}
	return k.put(ctx, w.key, state, there, size)
}

// kvState is what a key holds in the middle of a commit.
type kvState struct {
	exists  bool
	unread  bool // value is still to be read
	value   []byte
	expires int64
}

func (k *commit) apply(ctx context.Context, s *kvState, op *store.KVOp) error {
	switch op.Kind {
	case store.KVSet:
		*s = kvState{exists: true, value: op.Value, expires: optionalMicros(op.Expires)}
	case store.KVDelete:
		*s = kvState{}
	case store.KVAdd:
		if s.unread {
			if err := one(ctx, k.tx, []any{&s.value}, `SELECT value FROM kv WHERE app_id = $1 AND key = $2`, k.c.AppID, op.Key); err != nil {
				return err
			}
			s.unread = false
		}
		n := int64(0)
		if s.exists {
			var ok bool
			if n, ok = value.DecodeInt(s.value); !ok {
				return fmt.Errorf("%w: what it holds is no integer, so nothing can be added", store.ErrInvalid)
			}
		} else {
			s.expires = 0
		}
		if op.Delta > 0 && n > math.MaxInt64-op.Delta || op.Delta < 0 && n < math.MinInt64-op.Delta {
			return fmt.Errorf("%w: %d + %d is more than an integer holds", store.ErrInvalid, n, op.Delta)
		}
		s.exists, s.value = true, value.EncodeInt(n+op.Delta)
	default:
		return fmt.Errorf("%w: there is no change of kind %d", store.ErrInvalid, op.Kind)
	}
	return nil
}

// remove takes away the row of a key: one that was there, or that only locked it.
func (k *commit) remove(ctx context.Context, key string, there, locked bool, size int64) error {
	if !there && !(locked && k.s.dialect.Placeholders) {
		return nil
	}
	if there {
		k.grown.Keys--
		k.grown.Bytes -= int64(len(key)) + size
	}
	_, err := k.tx.Exec(ctx, `DELETE FROM kv WHERE app_id = $1 AND key = $2`, k.c.AppID, key)
	return err
}

func (k *commit) put(ctx context.Context, key string, s kvState, there bool, size int64) error {
	if len(s.value) > store.MaxKVValue {
		return fmt.Errorf("%w: the value takes %d bytes, at most %d are allowed", store.ErrInvalid, len(s.value), store.MaxKVValue)
	}
	if k.version == 0 {
		if err := one(ctx, k.tx, []any{&k.version}, k.s.dialect.NextVersion); err != nil {
			return err
		}
	}
	_, err := k.tx.Exec(ctx, `INSERT INTO kv (app_id, key, version, expires_at, value) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (app_id, key) DO UPDATE SET version = $3, expires_at = $4, value = $5`,
		k.c.AppID, key, k.version, s.expires, s.value)
	if isForeignKey(err) {
		return fmt.Errorf("app %s: %w", k.c.AppID, store.ErrNotFound)
	}
	if there {
		k.grown.Bytes += int64(len(s.value)) - size
	} else {
		k.grown.Keys++
		k.grown.Bytes += int64(len(key) + len(s.value))
	}
	return err
}

// isForeignKey tells that a row named an app that does not exist. A driver that
// runs such a transaction again ends up here all the same.
func isForeignKey(err error) bool { return errors.Is(err, ErrForeignKey) }

// count adds what the commit changed to the app's use and checks its quota.
func (k *commit) count(ctx context.Context) error {
	if k.grown == (store.KVUsage{}) {
		return nil
	}
	bytes, err := addUsage(ctx, k.tx, k.c.AppID, k.s.dialect.Shards, k.grown)
	if err != nil || k.c.MaxBytes <= 0 || k.grown.Bytes <= 0 {
		return err
	}
	if k.s.dialect.Shards > 1 {
		u, err := usage(ctx, k.tx, k.c.AppID)
		if err != nil {
			return err
		}
		bytes = u.Bytes
	}
	if bytes > k.c.MaxBytes {
		return fmt.Errorf("%w: with this the app's keys and values would take %d bytes, it may keep %d", store.ErrQuota, bytes, k.c.MaxBytes)
	}
	return nil
}

// addUsage adds to what an app uses and returns what the shard it took holds.
func addUsage(ctx context.Context, tx Conn, appID string, shards int, u store.KVUsage) (bytes int64, err error) {
	err = one(ctx, tx, []any{&bytes}, `INSERT INTO kv_usage (app_id, shard, keys, bytes) VALUES ($1, $2, $3, $4)
		ON CONFLICT (app_id, shard) DO UPDATE SET keys = kv_usage.keys + $3, bytes = kv_usage.bytes + $4 RETURNING bytes`,
		appID, int64(rand.IntN(shards)), u.Keys, u.Bytes)
	return bytes, err
}

// sweepBatch is how many keys one transaction of a sweep removes.
const sweepBatch = 500

// sweepKeys removes a batch of what had expired and returns how many it found.
func (s *Store) sweepKeys(ctx context.Context, now int64) (n int, err error) {
	type appKey struct{ app, key string }
	var due []appKey
	err = each(ctx, s.db, func(rows Rows) error {
		var k appKey
		err := rows.Scan(&k.app, &k.key)
		due = append(due, k)
		return err
	}, `SELECT app_id, key FROM kv WHERE expires_at > 0 AND expires_at <= $1 AND version > 0 ORDER BY expires_at LIMIT $2`, now, int64(sweepBatch))
	if err != nil || len(due) == 0 {
		return 0, err
	}
	slices.SortFunc(due, func(a, b appKey) int {
		return cmp.Or(strings.Compare(a.app, b.app), strings.Compare(a.key, b.key))
	})
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) error {
		freed := make(map[string]store.KVUsage)
		for _, k := range due {
			err := each(ctx, tx, func(rows Rows) error {
				var size int64
				err := rows.Scan(&size)
				u := freed[k.app]
				freed[k.app] = store.KVUsage{Keys: u.Keys - 1, Bytes: u.Bytes - size - int64(len(k.key))}
				return err
			}, `DELETE FROM kv WHERE app_id = $1 AND key = $2 AND expires_at > 0 AND expires_at <= $3 AND version > 0 RETURNING length(value)`, k.app, k.key, now)
			if err != nil {
				return err
			}
		}
		for app, u := range freed {
			if _, err := addUsage(ctx, tx, app, s.dialect.Shards, u); err != nil {
				return err
			}
		}
		return nil
	})
	return len(due), err
}
