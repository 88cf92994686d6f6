package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

// An app that keeps more than one transaction deletes goes as well. If it is not deleted
// to the end, it has no scripts, and what is counted is what is there.
func testDeleteAppWithMuch(t *testing.T, s store.Store) {
	ctx := t.Context()
	app, other := addApp(t, s, "with-much"), addApp(t, s, "other")
	addScript(t, s, app, "hello", source())
	fill := func(app store.App) queueTest {
		q := queueTest{s, store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "emails"}}
		q.bury(t, 2)
		q.claim(t, len(q.send(t, 1)))
		for i := range 3 {
			c := store.Commit{AppID: app.ID, RunID: newID(), Seq: 1, At: at(0)}
			for j := range 500 {
				m := q.message(at(0))
				m.IdempotencyKey = m.ID
				c.Messages = append(c.Messages, m)
				c.Ops = append(c.Ops, set(fmt.Sprintf("ключ/%d/%d", i, j), "value"))
			}
			must(t, "Commit", second(s.Commit(ctx, c)))
		}
		return q
	}
	begun := fill(app)
	rest := fill(other)
	wantErr(t, "with a script", s.DeleteApp(ctx, app.ID, false, "x", at(0)), store.ErrNotEmpty)
	equal(t, "its scripts then", len(active(t, s, app.Slug).Manifest.Scripts), 1)

	until, cancel := context.WithCancel(ctx)
	stop := s.Subscribe(func(c store.Change) {
		if c.AppID == app.ID {
			cancel()
		}
	})
	wantErr(t, "DeleteApp whose context ends", s.DeleteApp(until, app.ID, true, "x", at(0)), context.Canceled)
	stop()
	equal(t, "the scripts of one that is deleted in part", len(active(t, s, app.Slug).Manifest.Scripts), 0)
	begun.checkUsage(t)

	must(t, "DeleteApp", s.DeleteApp(ctx, app.ID, false, "x", at(0)))
	_, err := s.App(ctx, app.ID)
	wantErr(t, "App", err, store.ErrNotFound)
	equal(t, "usage", begun.usage(t), store.MessageUsage{})
	kv, err := s.KVUsage(ctx, app.ID)
	must(t, "KVUsage", err)
	equal(t, "usage of keys", kv, store.KVUsage{})
	kvTest{s, app.ID}.want(t, "")
	rest.checkUsage(t)
	equal(t, "keys of another app", rest.usage(t).IdempotencyKeys, int64(1500))
}

func testDeleteAppWithMessages(t *testing.T, s store.Store) {
	app := addApp(t, s, "with-messages")
	q := queueTest{s, store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "emails"}}
	q.send(t, 2)
	m := q.claim(t, 1)[0]
	must(t, "DeleteApp", s.DeleteApp(t.Context(), app.ID, true, "x", at(0)))
	wantErr(t, "an ack", q.ack(t, m), store.ErrLeaseLost)
	_, err := s.Enqueue(t.Context(), q.message(at(0)))
	wantErr(t, "Enqueue", err, store.ErrNotFound)
	wantErr(t, "Pause", s.Pause(t.Context(), q.c, true), store.ErrNotFound)
	_, err = s.Message(t.Context(), app.ID, m.ID)
	wantErr(t, "Message", err, store.ErrNotFound)
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 0")
}
