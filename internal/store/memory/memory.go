// Package memory keeps scripts' data and messages in memory, while they are tried
// out on one's own machine.
package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// Data is a store.Data that forgets everything with the process. Any app exists.
type Data struct {
	mu       sync.Mutex
	version  int64
	apps     map[string]map[string]store.KVEntry
	commits  map[commit]done
	messages map[string]*message
	keys     map[idempotencyKey]time.Time
	paused   map[store.Channel]bool // every channel that was used
	watchers map[int]func(store.Channel, time.Time)
	handOff  func(c store.Channel, n int) *store.Offer // nil: nobody is asked
	finished map[string]store.Invocation
	tokens   map[string]string // by their hash: the ID of the asynchronous request
	quota    store.Quota
	dropped  map[string]int64 // dead letters, by app

	schedules   map[scheduleKey]*scheduled
	nextWatcher int
}

type commit struct {
	run string
	seq int64
}

type done struct {
	version int64
	at      time.Time
}

var (
	_ store.Data      = (*Data)(nil)
	_ store.Schedules = (*Data)(nil)
)

// New returns Data without any.
func New() *Data {
	return &Data{
		apps: map[string]map[string]store.KVEntry{}, commits: map[commit]done{},
		messages: map[string]*message{}, keys: map[idempotencyKey]time.Time{}, paused: map[store.Channel]bool{},
		watchers: map[int]func(store.Channel, time.Time){}, finished: map[string]store.Invocation{}, tokens: map[string]string{}, dropped: map[string]int64{}, schedules: map[scheduleKey]*scheduled{},
	}
}

func alive(e store.KVEntry, at time.Time) bool { return e.ExpiresAt.IsZero() || e.ExpiresAt.After(at) }

// KVGet is store.KV's.
func (k *Data) KVGet(ctx context.Context, appID string, keys []string, at time.Time) ([]store.KVEntry, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []store.KVEntry
	for _, key := range keys {
		if e, ok := k.apps[appID][key]; ok && alive(e, at) {
			found = append(found, e)
		}
	}
	return found, ctx.Err()
}

// KVList is store.KV's.
func (k *Data) KVList(ctx context.Context, q store.KVQuery, at time.Time) (entries []store.KVEntry, more bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	app := k.apps[q.AppID]
	size := 0
	for _, key := range slices.Sorted(maps.Keys(app)) {
		e := app[key]
		if key <= q.After || !strings.HasPrefix(key, q.Prefix) || !alive(e, at) {
			continue
		}
		size += len(key) + len(e.Value)
		if len(entries) == min(max(q.Limit, 1), 1000) || len(entries) > 0 && size > store.MaxKVPage {
			return entries, true, ctx.Err()
		}
		entries = append(entries, e)
	}
	return entries, false, ctx.Err()
}

// KVUsage is store.KV's.
func (k *Data) KVUsage(ctx context.Context, appID string) (store.KVUsage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return usage(k.apps[appID]), ctx.Err()
}

func usage(app map[string]store.KVEntry) (u store.KVUsage) {
	for key, e := range app {
		u.Keys++
		u.Bytes += int64(len(key) + len(e.Value))
	}
	return u
}

// Commit is store.Commits's.
func (k *Data) Commit(ctx context.Context, c store.Commit) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	k.mu.Lock()
	version, added, err := k.commit(c)
	k.unlockAdded(added)
	return version, err
}

func (k *Data) commit(c store.Commit) (version int64, added []store.Message, err error) {
	for _, id := range c.Acks {
		if m := k.messages[id]; m == nil || m.Lease != c.Lease || c.Lease == "" {
			return 0, nil, fmt.Errorf("message %s: %w", id, store.ErrLeaseLost)
		}
	}
	for i := range c.Messages {
		if c.Messages[i].AppID != c.AppID {
			return 0, nil, fmt.Errorf("%w: a commit adds messages of its own app", store.ErrInvalid)
		}
	}
	name := commit{c.RunID, c.Seq}
	if d, known := k.commits[name]; known && c.RunID != "" && len(c.Acks) == 0 {
		return d.version, nil, nil
	}
	old := k.apps[c.AppID]
	for _, r := range c.Reads {
		e, ok := old[r.Key]
		if !ok || !alive(e, c.At) {
			e.Version = 0
		}
		if e.Version != r.Version {
			return 0, nil, fmt.Errorf("key %q: %w", r.Key, store.ErrConflict)
		}
	}
	changed := map[string]store.KVEntry{} // those without a version are to go
	for i := range c.Ops {
		op := &c.Ops[i]
		e, ok := changed[op.Key]
		if !ok {
			e = old[op.Key]
		}
		if !alive(e, c.At) {
			e = store.KVEntry{}
		}
		if err := apply(&e, op, k.version+1); err != nil {
			return 0, nil, fmt.Errorf("key %q: %w: %w", op.Key, store.ErrInvalid, err)
		}
		changed[op.Key] = e
	}
	messages := slices.Clip(c.Messages)
	grown := int64(0)
	for key, e := range changed {
		if o, ok := old[key]; ok {
			grown -= int64(len(key) + len(o.Value))
		}
		if e.Version > 0 {
			grown += int64(len(key) + len(e.Value))
		}
		if o, ok := old[key]; e.Version > 0 || ok && alive(o, c.At) {
			told, err := c.Changed(key, e.Value)
			if err != nil {
				return 0, nil, err
			}
			messages = append(messages, told...)
		}
	}
	if err := store.CheckMessages(messages); err != nil {
		return 0, nil, err
	}
	if now := usage(old).Bytes + grown; c.MaxBytes > 0 && grown > 0 && now > c.MaxBytes {
		return 0, nil, fmt.Errorf("%w: with this the app's keys and values would take %d bytes, it may keep %d", store.ErrQuota, now, c.MaxBytes)
	}
	if err := k.room(messages, c.Acks); err != nil {
		return 0, nil, err
	}
	if f := c.Finished; f != nil {
		done := store.Invocation{ID: f.ID, AppID: c.AppID, Script: f.Script, FinishedAt: c.At, Response: slices.Clone(f.Response)}
		if m := k.messages[f.ID]; m != nil {
			done.Attempts = m.Attempts
		}
		k.finished[f.ID] = done
	}
	for _, id := range c.Acks {
		delete(k.messages, id)
	}
	added = k.add(messages)
	if c.Finished != nil {
		k.drop(c.AppID)
	}
	if len(c.Ops) == 0 && len(messages) == 0 {
		return 0, nil, nil
	}
	k.version++
	if old == nil {
		old = map[string]store.KVEntry{}
		k.apps[c.AppID] = old
	}
	for key, e := range changed {
		if e.Version == 0 {
			delete(old, key)
		} else {
			old[key] = e
		}
	}
	if c.RunID != "" && len(c.Acks) == 0 {
		k.commits[name] = done{k.version, c.At}
	}
	return k.version, added, nil
}

// apply makes one change of an entry, which has no version when it is absent.
func apply(e *store.KVEntry, op *store.KVOp, version int64) error {
	if err := store.CheckKVKey(op.Key); err != nil {
		return err
	}
	switch op.Kind {
	case store.KVSet:
		*e = store.KVEntry{Key: op.Key, Value: append([]byte{}, op.Value...), Version: version, ExpiresAt: op.Expires}
	case store.KVDelete:
		*e = store.KVEntry{}
	case store.KVAdd:
		n := int64(0)
		if e.Version > 0 {
			var ok bool
			if n, ok = value.DecodeInt(e.Value); !ok {
				return errors.New("what it holds is no integer, so nothing can be added")
			}
		}
		if op.Delta > 0 && n > math.MaxInt64-op.Delta || op.Delta < 0 && n < math.MinInt64-op.Delta {
			return fmt.Errorf("%d + %d is more than an integer holds", n, op.Delta)
		}
		*e = store.KVEntry{Key: op.Key, Value: value.EncodeInt(n + op.Delta), Version: version, ExpiresAt: e.ExpiresAt}
	default:
		return fmt.Errorf("there is no change of kind %d", op.Kind)
	}
	if len(e.Value) > store.MaxKVValue {
		return fmt.Errorf("the value takes %d bytes, at most %d are allowed", len(e.Value), store.MaxKVValue)
	}
	return nil
}

// Sweep is store.Commits's.
func (k *Data) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	due := func(t time.Time) bool {
		if !t.After(now) {
			return true
		}
		if next.IsZero() || t.Before(next) {
			next = t
		}
		return false
	}
	for _, app := range k.apps {
		maps.DeleteFunc(app, func(_ string, e store.KVEntry) bool { return !e.ExpiresAt.IsZero() && due(e.ExpiresAt) })
	}
	maps.DeleteFunc(k.commits, func(_ commit, d done) bool { return due(d.at.Add(store.CommitMemory)) })
	maps.DeleteFunc(k.keys, func(_ idempotencyKey, at time.Time) bool { return due(at.Add(store.IdempotencyMemory)) })
	for _, m := range k.messages {
		if m.Kind == store.ChannelHTTP && m.DeadAt.IsZero() && m.Owner == "" && due(m.DueAt.Add(store.InvocationMemory)) {
			m.DeadAt, m.LastError = now, store.NobodyRan
		}
	}
	maps.DeleteFunc(k.messages, func(_ string, m *message) bool {
		return m.Kind == store.ChannelHTTP && !m.DeadAt.IsZero() && due(m.DeadAt.Add(store.InvocationMemory)) ||
			m.Kind == store.ChannelRemoved && (m.Owner == "" || due(m.DueAt.Add(store.InvocationMemory)))
	})
	maps.DeleteFunc(k.finished, func(_ string, f store.Invocation) bool { return due(f.FinishedAt.Add(store.InvocationMemory)) })
	k.removeIdle("")
	maps.DeleteFunc(k.tokens, func(_, id string) bool {
		_, done := k.finished[id]
		return !done && k.messages[id] == nil
	})
	return next, ctx.Err()
}
