package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// offering makes offers and keeps what became of them.
type offering struct {
	max     int // 0: no offer
	asked   []string
	settled []string
	leased  []store.Message
}

func (o *offering) start(t *testing.T, q queueTest) {
	stop := q.HandOff(func(c store.Channel, n int) *store.Offer {
		o.asked = append(o.asked, fmt.Sprintf("%s %d", c.Name, n))
		if o.max == 0 || c != q.c {
			return nil
		}
		return &store.Offer{
			Max: o.max, Token: "offered", Owner: "taker", Boot: "first", Until: at(time.Minute),
			Settle: func(list []store.Message, known bool) {
				o.settled = append(o.settled, fmt.Sprintf("%d known %v", len(list), known))
				o.leased = append(o.leased, list...)
			},
		}
	})
	t.Cleanup(stop)
}

// Messages that are due at once are added under a lease that somebody offers; no
// more than are offered, and those are not announced.
func testQueueHandOff(t *testing.T, q queueTest) {
	o := &offering{max: 2}
	o.start(t, q)
	var told []store.Channel
	defer q.Watch(func(c store.Channel, _ time.Time) {
		if c.AppID == q.c.AppID {
			told = append(told, c)
		}
	})()
	sent := q.send(t, 2)
	q.want(t, "ready 0 delayed 0 in-flight 2 dead 0")
	equal(t, "asked", o.asked, []string{"emails 2"})
	equal(t, "settled", o.settled, []string{"2 known true"})
	if len(told) != 0 {
		t.Errorf("%d announcements of what somebody works on", len(told))
	}
	want := sent[0]
	want.Lease, want.Owner, want.DueAt = "offered", "taker", at(time.Minute)
	equal(t, "a message that was handed off", o.leased[0], want)
	kept, err := q.Message(t.Context(), q.c.AppID, sent[0].ID)
	must(t, "Message", err)
	equal(t, "what is kept of it", kept, want)
	if list, _ := q.claimAs(t, "first", 9, at(time.Hour)); len(list) != 0 {
		t.Errorf("the process claims what it has: %v", list)
	}
	must(t, "ack", q.ack(t, o.leased[0]))
	must(t, "Return", q.Return(t.Context(), "offered", []store.Returned{{ID: sent[1].ID, DueAt: at(0), Failed: true, Error: "no"}}, at(0)))
	list := q.claim(t, 9)
	if len(list) != 1 || list[0].Attempts != 1 || list[0].Crashes != 0 {
		t.Fatalf("what was returned: %+v", list)
	}
	must(t, "ack", q.ack(t, list[0]))

	// There is room for two of three.
	told = nil
	q.send(t, 3)
	q.want(t, "ready 1 delayed 0 in-flight 2 dead 0")
	if len(told) != 1 {
		t.Errorf("%d announcements of the one that waits", len(told))
	}
	// A process that died crashed with what it was handed.
	n, err := q.Recover(t.Context(), "taker", "second", at(0))
	must(t, "Recover", err)
	equal(t, "recovered", n, int64(2))
	crashes := int64(0)
	list, _ = q.claimAs(t, "second", 9, at(time.Second))
	for _, m := range list {
		crashes += m.Crashes
		must(t, "ack", q.ack(t, m))
	}
	equal(t, "crashes", crashes, int64(2))
}

// A run's commit hands off what it sends, and only if it is made.
func testQueueHandOffCommit(t *testing.T, q queueTest) {
	o := &offering{max: 9}
	o.start(t, q)
	m := q.message(at(0))
	_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, Reads: []store.KVRead{{Key: "there is none", Version: 7}}, Messages: []store.Message{m}, At: at(0)})
	wantErr(t, "a conflict", err, store.ErrConflict)
	if len(o.leased) != 0 {
		t.Errorf("leased by a commit that was not made: %v", o.leased)
	}
	for range 3 { // more and more of it is one journey to the database
		o.leased, m.ID = nil, newID()
		run := newID()
		for range 2 { // the second time its outcome is known
			_, err = q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, RunID: run, Messages: []store.Message{m}, At: at(0)})
			must(t, "Commit", err)
		}
		equal(t, "leased", messageIDs(o.leased), m.ID)
		must(t, "ack", q.ack(t, o.leased[0]))
	}
	if slices.Contains(o.settled, "0 known false") {
		t.Errorf("settled %v", o.settled)
	}
}

// What is delayed, refused, known already or paused is not handed off.
func testQueueHandOffNot(t *testing.T, q queueTest) {
	o := &offering{}
	o.start(t, q)
	added := q.send(t, 1)
	equal(t, "asked", o.asked, []string{"emails 1"})
	q.want(t, "ready 1 delayed 0 in-flight 0 dead 0")
	_, err := q.Purge(t.Context(), q.c, false, []string{added[0].ID})
	must(t, "Purge", err)

	o.max, o.asked = 9, nil
	_, err = q.Enqueue(t.Context(), q.message(at(time.Hour)))
	must(t, "Enqueue", err)
	equal(t, "asked for one with a delay", len(o.asked), 0)
	wrong := q.message(at(0))
	wrong.Depth = store.MaxDepth + 1
	if _, err := q.Enqueue(t.Context(), q.message(at(0)), wrong); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	once := q.message(at(0))
	once.IdempotencyKey = "once"
	for range 2 {
		_, err = q.Enqueue(t.Context(), once)
		must(t, "Enqueue", err)
		once.ID = newID()
	}
	equal(t, "leased", len(o.leased), 1)
	equal(t, "its key is not shown", o.leased[0].IdempotencyKey, "")
	must(t, "ack", q.ack(t, o.leased[0]))

	must(t, "Pause", q.Pause(t.Context(), q.c, true))
	o.leased = nil
	q.send(t, 1)
	equal(t, "leased while it is paused", len(o.leased), 0)
	q.want(t, "ready 1 delayed 1 in-flight 0 dead 0")
}

// What is handed off together takes no more bytes than what is claimed together.
func testQueueHandOffBytes(t *testing.T, q queueTest) {
	o := &offering{max: 99}
	o.start(t, q)
	var list []store.Message
	for range store.MaxClaimBytes/store.MaxPayload + 2 {
		m := q.message(at(0))
		m.Payload = make([]byte, store.MaxPayload)
		list = append(list, m)
	}
	_, err := q.Enqueue(t.Context(), list...)
	must(t, "Enqueue", err)
	equal(t, "settled", o.settled, []string{fmt.Sprintf("%d known true", store.MaxClaimBytes/store.MaxPayload)})
	q.want(t, fmt.Sprintf("ready 2 delayed 0 in-flight %d dead 0", store.MaxClaimBytes/store.MaxPayload))
	large := queueTest{q.Data, store.Channel{AppID: q.c.AppID, Kind: store.ChannelHTTP, Name: "hello"}}
	o = &offering{max: 99}
	o.start(t, large)
	m := large.message(at(0))
	m.Payload = make([]byte, store.MaxClaimBytes+1)
	_, err = large.Enqueue(t.Context(), m)
	must(t, "Enqueue", err)
	equal(t, "settled", o.settled, []string{"1 known true"})
}

// An app that is gone gets nothing, and nobody works for it.
func testQueueHandOffGone(t *testing.T, q queueTest) {
	s, ok := q.Data.(store.Store)
	if !ok {
		t.Skip("it has no apps")
	}
	o := &offering{max: 9}
	o.start(t, q)
	for range 2 { // the channel is known then
		q.send(t, 1)
	}
	must(t, "DeleteApp", s.DeleteApp(t.Context(), q.c.AppID, true, "x", at(0)))
	o.leased, o.settled = nil, nil
	_, err := q.Enqueue(t.Context(), q.message(at(0)))
	wantErr(t, "Enqueue", err, store.ErrNotFound)
	_, err = q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, RunID: newID(), Messages: []store.Message{q.message(at(0))}, At: at(0)})
	wantErr(t, "Commit", err, store.ErrNotFound)
	equal(t, "settled", o.settled, []string{"0 known true", "0 known true"})
}
