package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// message is one that is kept, with the start of the process that leased it.
type message struct {
	store.Message
	boot    string
	request bool // it had a token
}

type idempotencyKey struct {
	channel store.Channel
	key     string
}

// Watch is store.Queue's.
func (k *Data) Watch(f func(c store.Channel, due time.Time)) (stop func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := k.nextWatcher
	k.nextWatcher++
	k.watchers[id] = f
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.watchers, id)
	}
}

// tell calls the watchers. k is not locked.
func (k *Data) tell(due map[store.Channel]time.Time) {
	k.mu.Lock()
	var list []func(store.Channel, time.Time)
	for _, f := range k.watchers {
		list = append(list, f)
	}
	k.mu.Unlock()
	for c, at := range due {
		for _, f := range list {
			f(c, at)
		}
	}
}

func firstDue(list []store.Message) map[store.Channel]time.Time {
	first := map[store.Channel]time.Time{}
	for i := range list {
		m := &list[i]
		if due, ok := first[m.Channel]; !ok || m.DueAt.Before(due) {
			first[m.Channel] = m.DueAt
		}
	}
	return first
}

// Enqueue is store.Queue's.
func (k *Data) Enqueue(ctx context.Context, list ...store.Message) ([]store.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	err := store.CheckMessages(list)
	if err == nil {
		err = k.room(list, nil)
	}
	var added []store.Message
	if err == nil {
		added = k.add(list)
	}
	k.unlockAdded(added)
	return added, err
}

func (k *Data) add(list []store.Message) (added []store.Message) {
	for _, m := range list {
		if m.IdempotencyKey != "" {
			if k.known(&m) {
				continue
			}
			k.keys[idempotencyKey{m.Channel, m.IdempotencyKey}] = m.CreatedAt
		}
		added = append(added, m)
		if m.TokenHash != "" {
			k.tokens[m.TokenHash] = m.ID
		}
		request := m.TokenHash != ""
		m.IdempotencyKey, m.TokenHash = "", ""
		m.Payload = slices.Clone(m.Payload)
		k.messages[m.ID] = &message{Message: m, request: request}
		if _, ok := k.paused[m.Channel]; !ok {
			k.paused[m.Channel] = false
		}
	}
	return added
}

// known reports whether the channel got a message with the same idempotency key.
func (k *Data) known(m *store.Message) bool {
	at, known := k.keys[idempotencyKey{m.Channel, m.IdempotencyKey}]
	return known && at.After(m.CreatedAt.Add(-store.IdempotencyMemory))
}

// of returns the channel's messages that f selects, the first due first.
func (k *Data) of(c store.Channel, f func(*message) bool) (list []*message) {
	for _, m := range k.messages {
		if m.Channel == c && f(m) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *message) int { return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID)) })
	return list
}

// Claim is store.Queue's.
func (k *Data) Claim(ctx context.Context, c store.Claim) (list []store.Message, later store.Later, err error) {
	if c.Max < 1 || c.Owner == "" || c.Boot == "" {
		return nil, later, fmt.Errorf("%w: a claim needs a number of messages, an owner and a boot", store.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return nil, later, err
	}
	c.Batch = max(c.Batch, 1)
	if c.Token == "" {
		c.Token = store.NewID()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paused[c.Channel] {
		return nil, later, nil
	}
	if c.Alone {
		if l := k.of(c.Channel, func(m *message) bool {
			return m.DeadAt.IsZero() && m.Owner != "" && (m.DueAt.After(c.At) || m.boot == c.Boot)
		}); len(l) > 0 {
			return nil, store.Later{Due: l[len(l)-1].DueAt}, nil
		}
	}
	limit := int64(store.SuspectCrashes)
	if c.Suspect {
		limit = store.MaxCrashes
	}
	if c.Alone || c.Suspect {
		c.Max, c.Batch = 1, 1
	}
	weight, bytes, full := 0, 0, false
	for _, m := range k.of(c.Channel, func(m *message) bool { return m.DeadAt.IsZero() && m.boot != c.Boot }) {
		if m.suspect() != c.Suspect {
			if !c.Suspect && later.Suspect.IsZero() {
				later.Suspect = m.DueAt
			}
			continue
		}
		if m.DueAt.After(c.At) || full {
			if later.Due.IsZero() && !c.Suspect {
				later.Due = m.DueAt
			}
			continue
		}
		crashes := m.Crashes
		if m.Lease != "" {
			crashes++
		}
		one := 1
		if m.Single || crashes > 0 {
			one = c.Batch
		}
		weight, bytes = weight+one, bytes+len(m.Payload)
		if full = weight > c.Max*c.Batch || weight > one && bytes > store.MaxClaimBytes; full {
			if later.Due.IsZero() && !c.Suspect {
				later.Due = m.DueAt
			}
			continue
		}
		switch m.Crashes = crashes; {
		case crashes < limit:
			m.Lease, m.Owner, m.boot, m.DueAt = c.Token, c.Owner, c.Boot, c.At.Add(c.Lease)
			list = append(list, m.Message)
		case c.Suspect:
			m.free()
			m.DeadAt, m.LastError = c.At, store.TooManyCrashes
			k.drop(m.AppID)
		default:
			m.free()
			m.DueAt, later.Suspect = c.At, c.At
		}
	}
	if store.Weight(list, c.Batch) >= c.Max*c.Batch {
		later.Due = time.Time{}
	}
	slices.SortFunc(list, func(a, b store.Message) int { return strings.Compare(a.ID, b.ID) })
	return list, later, nil
}

func (m *message) suspect() bool { return m.Crashes >= store.SuspectCrashes }

// Release is store.Queue's.
func (k *Data) Release(ctx context.Context, owner, lease string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var back []store.Message
	k.mu.Lock()
	for _, m := range k.messages {
		if lease != "" && m.Lease == lease && m.Owner == owner {
			m.free()
			m.DueAt = at
			back = append(back, m.Message)
		}
	}
	k.mu.Unlock()
	k.tell(firstDue(back))
	return nil
}

// SetBack is store.Queue's.
func (k *Data) SetBack(ctx context.Context, from, to time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	by := from.Sub(to)
	changed := false
	k.mu.Lock()
	for _, m := range k.messages {
		if !m.DeadAt.IsZero() || m.Owner != "" || !m.DueAt.After(to) {
			continue
		}
		changed = true
		ahead := m.CreatedAt.After(to)
		switch {
		case !m.DueAt.After(from):
			m.DueAt = to
		case ahead || m.Attempts > 0:
			m.DueAt = m.DueAt.Add(-by)
		}
		if ahead {
			m.CreatedAt = m.CreatedAt.Add(-by)
		}
	}
	k.mu.Unlock()
	if changed {
		k.tell(map[store.Channel]time.Time{{}: {}})
	}
	return nil
}

func (m *message) free() { m.Lease, m.Owner, m.boot = "", "", "" }

// Extend is store.Queue's.
func (k *Data) Extend(ctx context.Context, lease string, ids []string, until time.Time) (lost []string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		if m := k.messages[id]; m != nil && m.Lease == lease && lease != "" {
			m.DueAt = until
		} else {
			lost = append(lost, id)
		}
	}
	return lost, ctx.Err()
}

// Return is store.Queue's.
func (k *Data) Return(ctx context.Context, lease string, list []store.Returned, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var back []store.Message
	k.mu.Lock()
	for _, r := range list {
		m := k.messages[r.ID]
		if m == nil || m.Lease != lease || lease == "" {
			continue
		}
		m.free()
		m.DueAt = r.DueAt
		m.Single = m.Single || r.Single
		if r.Failed {
			m.Attempts++
		}
		if r.Crashed {
			m.Crashes++
		}
		if r.Error != "" {
			m.LastError = r.Error
		}
		switch {
		case m.Kind == store.ChannelRemoved:
			delete(k.messages, r.ID)
		case r.Dead:
			m.DeadAt = at
			k.drop(m.AppID)
		default:
			back = append(back, m.Message)
		}
	}
	k.mu.Unlock()
	k.tell(firstDue(back))
	return nil
}

// Recover is store.Queue's.
func (k *Data) Recover(ctx context.Context, owner, boot string, at time.Time) (recovered int64, err error) {
	k.mu.Lock()
	for _, m := range k.messages {
		if m.Owner != "" && m.Owner == owner && m.boot != boot {
			m.free()
			m.Crashes++
			m.DueAt = at
			recovered++
		}
	}
	k.mu.Unlock()
	if recovered > 0 {
		k.tell(map[store.Channel]time.Time{{}: {}})
	}
	return recovered, ctx.Err()
}

// DueChannels is store.Queue's.
func (k *Data) DueChannels(ctx context.Context) (map[store.Channel]time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []store.Message
	for _, m := range k.messages {
		if m.DeadAt.IsZero() && m.Kind != store.ChannelRemoved {
			list = append(list, m.Message)
		}
	}
	return firstDue(list), ctx.Err()
}

// Channels is store.Queue's.
func (k *Data) Channels(ctx context.Context, appID string, kind store.ChannelKind, at time.Time) (list []store.ChannelState, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.paused {
		if c.AppID == appID && (kind == "" || kind == c.Kind) {
			list = append(list, k.state(c, at))
		}
	}
	slices.SortFunc(list, func(a, b store.ChannelState) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return list, ctx.Err()
}

func (k *Data) state(c store.Channel, at time.Time) store.ChannelState {
	s := store.ChannelState{Channel: c, Paused: k.paused[c]}
	for _, m := range k.of(c, func(*message) bool { return true }) {
		switch m.State(at) {
		case store.MessageReady:
			s.Ready++
			if s.Oldest.IsZero() {
				s.Oldest = m.DueAt
			}
		case store.MessageDelayed:
			s.Delayed++
		case store.MessageLeased:
			s.Leased++
		case store.MessageDead:
			s.Dead++
		}
	}
	return s
}

// Channel is store.Queue's.
func (k *Data) Channel(ctx context.Context, c store.Channel, at time.Time) (store.ChannelState, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state(c, at), ctx.Err()
}

// Messages is store.Queue's.
func (k *Data) Messages(ctx context.Context, f store.MessageFilter) (list []store.Message, more bool, err error) {
	switch f.State {
	case "", store.MessageReady, store.MessageDelayed, store.MessageLeased, store.MessageDead:
	default:
		return nil, false, fmt.Errorf("%w: no message is in the state %q", store.ErrInvalid, f.State)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.of(f.Channel, func(m *message) bool {
		return m.ID > f.After && (f.State == "" || f.State == m.State(f.At))
	})
	slices.SortFunc(found, func(a, b *message) int { return strings.Compare(a.ID, b.ID) })
	size := 0
	for _, m := range found {
		size += len(m.Payload)
		if len(list) == min(max(f.Limit, 1), 1000) || len(list) > 0 && size > store.MaxMessagePage {
			return list, true, ctx.Err()
		}
		list = append(list, m.Message)
	}
	return list, false, ctx.Err()
}

// Message is store.Queue's.
func (k *Data) Message(ctx context.Context, appID, id string) (store.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m := k.messages[id]; m != nil && m.AppID == appID {
		return m.Message, ctx.Err()
	}
	return store.Message{}, fmt.Errorf("message %s: %w", id, store.ErrNotFound)
}

// InvocationID is store.Queue's.
func (k *Data) InvocationID(ctx context.Context, tokenHash string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.tokens[tokenHash]; ok {
		return id, ctx.Err()
	}
	return "", fmt.Errorf("the asynchronous request of that token: %w", store.ErrNotFound)
}

// Invocation is store.Queue's.
func (k *Data) Invocation(ctx context.Context, appID, id string) (store.Invocation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f, ok := k.finished[id]; ok && f.AppID == appID {
		return f, ctx.Err()
	}
	return store.Invocation{}, fmt.Errorf("invocation %s: %w", id, store.ErrNotFound)
}

// Redrive is store.Queue's.
func (k *Data) Redrive(ctx context.Context, c store.Channel, ids []string, at time.Time) (int64, error) {
	if err := store.CheckMessageIDs(ids); err != nil {
		return 0, err
	}
	k.mu.Lock()
	list := k.of(c, func(m *message) bool {
		return !m.DeadAt.IsZero() && (len(ids) == 0 || slices.Contains(ids, m.ID))
	})
	for _, m := range list {
		m.DeadAt, m.DueAt, m.Attempts, m.Crashes = time.Time{}, at, 0, 0
	}
	k.mu.Unlock()
	if len(list) > 0 {
		k.tell(map[store.Channel]time.Time{c: at})
	}
	return int64(len(list)), ctx.Err()
}

// Purge is store.Queue's.
func (k *Data) Purge(ctx context.Context, c store.Channel, dead bool, ids []string) (int64, error) {
	if err := store.CheckMessageIDs(ids); err != nil {
		return 0, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.of(c, func(m *message) bool {
		return !m.DeadAt.IsZero() == dead && m.Owner == "" && (len(ids) == 0 || slices.Contains(ids, m.ID))
	})
	for _, m := range list {
		delete(k.messages, m.ID)
	}
	return int64(len(list)), ctx.Err()
}

// Pause is store.Queue's.
func (k *Data) Pause(ctx context.Context, c store.Channel, paused bool) error {
	k.mu.Lock()
	k.paused[c] = paused
	k.mu.Unlock()
	if !paused {
		k.tell(map[store.Channel]time.Time{c: {}})
	}
	return ctx.Err()
}
