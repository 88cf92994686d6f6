package topic

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Event is one that is published.
type Event struct {
	AppID   string
	Topic   string
	Payload []byte // as package value writes it
	Depth   int64  // as a message's: 1 for what no execution caused
	At      time.Time
	// Name is the publisher's own for the event; of two on the same topic with one name
	// each subscription gets the first (store.IdempotencyMemory). Empty: it has none.
	Name string
}

// Messages returns the event's copies: one for each of the subscriptions, with
// an ID, attempts and a dead letter of its own.
func (e *Event) Messages(subscriptions []string) []store.Message {
	key := ""
	if e.Name != "" {
		sum := sha256.Sum256([]byte(e.Topic + "\x00" + e.Name))
		key = hex.EncodeToString(sum[:])
	}
	list := make([]store.Message, len(subscriptions))
	for i, name := range subscriptions {
		list[i] = store.Message{
			ID: store.NewID(), Channel: store.Channel{AppID: e.AppID, Kind: store.ChannelTopic, Name: name},
			Source: e.Topic, Payload: e.Payload, Depth: e.Depth, CreatedAt: e.At, DueAt: e.At, IdempotencyKey: key,
		}
	}
	return list
}

// Subscriptions returns the index of a deployment's subscriptions, nil if it
// has none.
func Subscriptions(m *store.Manifest) *Index {
	if len(m.Subscriptions) == 0 {
		return nil
	}
	x := &Index{}
	for name, s := range m.Subscriptions {
		x.Add(name, s.Pattern)
	}
	return x
}
