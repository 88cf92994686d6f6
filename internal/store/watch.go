package store

import (
	"strings"

	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// KVWatch says which KV triggers are told what a commit changes.
type KVWatch struct {
	Triggers []KVTrigger
	// Depth is that of their messages.
	Depth int64
}

// KVTrigger is a KV trigger and the keys that it is about.
type KVTrigger struct {
	Name   string
	Prefix string // "" is every key
}

// WatchOf returns the KV triggers of a deployment, with messages of the given
// depth; nil if it has none.
func WatchOf(m *Manifest, depth int64) *KVWatch {
	if len(m.KVTriggers) == 0 {
		return nil
	}
	w := &KVWatch{Depth: depth}
	for name, t := range m.KVTriggers {
		w.Triggers = append(w.Triggers, KVTrigger{Name: name, Prefix: t.Prefix})
	}
	return w
}

// The values of change in the payload of a KV trigger's message.
const (
	KVChangeSet    = "set"
	KVChangeDelete = "delete"
)

// Changed returns the messages that tell of a key which the commit changed: one
// for each trigger that watches it. stored is what the key holds now, nil if it
// is gone. The payload is a map with key, change and, unless it is gone, value.
// A driver adds them in the transaction of the commit.
func (c *Commit) Changed(key string, stored []byte) ([]Message, error) {
	if c.Watch == nil {
		return nil, nil
	}
	var payload []byte
	var list []Message
	for _, t := range c.Watch.Triggers {
		if !strings.HasPrefix(key, t.Prefix) {
			continue
		}
		if payload == nil {
			var err error
			if payload, err = changePayload(key, stored); err != nil {
				return nil, err
			}
		}
		list = append(list, Message{
			ID: NewID(), Channel: Channel{AppID: c.AppID, Kind: ChannelKV, Name: t.Name},
			Source: key, Payload: payload, Depth: c.Watch.Depth, CreatedAt: c.At, DueAt: c.At,
		})
	}
	return list, nil
}

func changePayload(key string, stored []byte) ([]byte, error) {
	change := KVChangeSet
	if stored == nil {
		change = KVChangeDelete
	}
	fields := []value.Field{{Name: "change"}, {Name: "key"}, {Name: "value", Value: stored}}
	for i, text := range []string{change, key} {
		var err error
		if fields[i].Value, err = value.Encode(rhai.String(text)); err != nil {
			return nil, err
		}
	}
	if stored == nil {
		fields = fields[:2]
	}
	return value.Object(fields...)
}
