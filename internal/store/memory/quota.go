package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// SetQuota is store.Queue's.
func (k *Data) SetQuota(q store.Quota) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.quota = q
}

// MessageUsage is store.Queue's.
func (k *Data) MessageUsage(ctx context.Context, appID string) (store.MessageUsage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.messageUsage(appID), ctx.Err()
}

func (k *Data) messageUsage(appID string) store.MessageUsage {
	u := store.MessageUsage{Dropped: k.dropped[appID]}
	for _, m := range k.messages {
		if m.AppID != appID {
			continue
		}
		if size := int64(len(m.Payload)); m.DeadAt.IsZero() {
			u.Add(store.Queued(size, m.request))
		} else {
			u.Add(store.MessageUsage{Dead: 1, DeadBytes: size})
		}
	}
	for _, f := range k.finished {
		if f.AppID == appID {
			u.Add(store.MessageUsage{Answers: 1, AnswerBytes: int64(len(f.Response))})
		}
	}
	for c := range k.paused {
		if c.AppID == appID {
			u.Channels++
		}
	}
	for key := range k.keys {
		if key.channel.AppID == appID {
			u.IdempotencyKeys++
		}
	}
	return u
}

// room reports as ErrQuota what keeps messages from being added when others are
// acknowledged with them.
func (k *Data) room(list []store.Message, acks []string) error {
	if k.quota == (store.Quota{}) {
		return nil
	}
	grown, made, taken := map[string]store.MessageUsage{}, map[store.Channel]bool{}, map[idempotencyKey]bool{}
	add := func(appID string, v store.MessageUsage) {
		u := grown[appID]
		u.Add(v)
		grown[appID] = u
	}
	for i := range list {
		m := &list[i]
		if m.IdempotencyKey != "" {
			key := idempotencyKey{m.Channel, m.IdempotencyKey}
			if k.known(m) || taken[key] {
				continue
			}
			taken[key] = true
			if _, expired := k.keys[key]; !expired {
				add(m.AppID, store.MessageUsage{IdempotencyKeys: 1})
			}
		}
		add(m.AppID, store.Queued(int64(len(m.Payload)), m.TokenHash != ""))
		if _, used := k.paused[m.Channel]; !used {
			made[m.Channel] = true
		}
	}
	for _, id := range acks {
		m := k.messages[id]
		add(m.AppID, store.Done(int64(len(m.Payload)), m.request))
	}
	for appID, g := range grown {
		u := k.messageUsage(appID)
		u.Add(g)
		if err := k.quota.Check(u, g); err != nil {
			return err
		}
		channels := int64(0)
		for c := range made {
			if c.AppID == appID {
				channels++
			}
		}
		if channels == 0 {
			continue
		}
		if k.quota.CheckChannels(u.Channels+channels) != nil {
			k.removeIdle(appID)
		}
		if err := k.quota.CheckChannels(k.messageUsage(appID).Channels + channels); err != nil {
			return err
		}
	}
	return nil
}

// removeIdle forgets an app's channels without anything; without appID those of
// all apps.
func (k *Data) removeIdle(appID string) {
	used := map[store.Channel]bool{}
	for _, m := range k.messages {
		used[m.Channel] = true
	}
	for key := range k.keys {
		used[key.channel] = true
	}
	maps.DeleteFunc(k.paused, func(c store.Channel, paused bool) bool {
		return (appID == "" || c.AppID == appID) && !paused && !used[c]
	})
}

// drop has the oldest go of what an app keeps beyond its quota.
func (k *Data) drop(appID string) {
	if k.quota == (store.Quota{}) {
		return
	}
	u := k.messageUsage(appID)
	if n, bytes := k.quota.Surplus(u.Dead, u.DeadBytes); n+bytes > 0 {
		var dead []*message
		for _, m := range k.messages {
			if m.AppID == appID && !m.DeadAt.IsZero() {
				dead = append(dead, m)
			}
		}
		slices.SortFunc(dead, func(a, b *message) int {
			if a.request != b.request { // as in the databases
				if a.request {
					return -1
				}
				return 1
			}
			return cmp.Or(a.DeadAt.Compare(b.DeadAt), strings.Compare(a.ID, b.ID))
		})
		for _, m := range dead {
			if n <= 0 && bytes <= 0 {
				break
			}
			n, bytes = n-1, bytes-int64(len(m.Payload))
			delete(k.messages, m.ID)
			k.dropped[appID]++
		}
	}
	if n, bytes := k.quota.Surplus(u.Answers, u.AnswerBytes); n+bytes > 0 {
		var answers []store.Invocation
		for _, f := range k.finished {
			if f.AppID == appID {
				answers = append(answers, f)
			}
		}
		slices.SortFunc(answers, func(a, b store.Invocation) int {
			return cmp.Or(a.FinishedAt.Compare(b.FinishedAt), strings.Compare(a.ID, b.ID))
		})
		for _, f := range answers {
			if n <= 0 && bytes <= 0 {
				break
			}
			n, bytes = n-1, bytes-int64(len(f.Response))
			delete(k.finished, f.ID)
		}
	}
}

// Remove is store.Queue's.
func (k *Data) Remove(ctx context.Context, c store.Channel) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, m := range k.messages {
		switch {
		case m.Channel != c:
		case m.Owner != "":
			m.Channel = store.Channel{AppID: c.AppID, Kind: store.ChannelRemoved, Name: m.ID}
		default:
			delete(k.messages, id)
		}
	}
	maps.DeleteFunc(k.keys, func(key idempotencyKey, _ time.Time) bool { return key.channel == c })
	delete(k.paused, c)
	return ctx.Err()
}
