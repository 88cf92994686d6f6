package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// usage is what the app has in its channels.
func (q queueTest) usage(t *testing.T) store.MessageUsage {
	t.Helper()
	u, err := q.MessageUsage(t.Context(), q.c.AppID)
	must(t, "MessageUsage", err)
	return u
}

// bound sets the quota for one test.
func (q queueTest) bound(t *testing.T, quota store.Quota) {
	t.Helper()
	q.SetQuota(quota)
	t.Cleanup(func() { q.SetQuota(store.Quota{}) })
}

// checkUsage compares what is counted with what is there.
func (q queueTest) checkUsage(t *testing.T) {
	t.Helper()
	states, err := q.Channels(t.Context(), q.c.AppID, "", at(0))
	must(t, "Channels", err)
	var want store.MessageUsage
	for _, s := range states {
		f := store.MessageFilter{Channel: s.Channel, Limit: 1000, At: at(0)}
		for more := true; more; {
			var list []store.Message
			var err error
			list, more, err = q.Messages(t.Context(), f)
			must(t, "Messages", err)
			for _, m := range list {
				f.After = m.ID
				if size := int64(len(m.Payload)); m.DeadAt.IsZero() {
					want.Add(store.Queued(size, m.Kind == store.ChannelHTTP))
				} else {
					want.Add(store.MessageUsage{Dead: 1, DeadBytes: size})
				}
			}
		}
		want.Channels++
	}
	got := q.usage(t)
	want.Answers, want.AnswerBytes, want.Dropped, want.IdempotencyKeys = got.Answers, got.AnswerBytes, got.Dropped, got.IdempotencyKeys
	equal(t, "what is counted", got, want)
}

func sized(m store.Message, size int) store.Message {
	m.Payload = []byte(strings.Repeat("x", size))
	return m
}

func testQueueQuota(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Messages: 3, Bytes: 100})
	send := func(list ...store.Message) error {
		_, err := q.Enqueue(t.Context(), list...)
		return err
	}
	small := func() store.Message { return sized(q.message(at(0)), 10) }
	must(t, "within", send(small(), small()))
	wantErr(t, "two more", send(small(), small()), store.ErrQuota)
	equal(t, "after a refusal", q.usage(t), store.MessageUsage{Messages: 2, Bytes: 20, Channels: 1})
	wantErr(t, "too long", send(sized(q.message(at(0)), 81)), store.ErrQuota)
	last := sized(q.message(at(0)), 80)
	last.IdempotencyKey = "k"
	must(t, "as much as may be", send(last))
	wantErr(t, "one more", send(sized(q.message(at(0)), 0)), store.ErrQuota)
	again := sized(q.message(at(0)), 80)
	again.IdempotencyKey = "k"
	must(t, "what is known", send(again))
	commit := func(ops []store.KVOp, list []store.Message, acks ...store.Message) error {
		c := store.Commit{AppID: q.c.AppID, RunID: newID(), Seq: 1, Ops: ops, Messages: list, At: at(0)}
		for _, m := range acks {
			c.Acks, c.Lease = append(c.Acks, m.ID), m.Lease
		}
		_, err := q.Commit(t.Context(), c)
		return err
	}
	wantErr(t, "a commit", commit([]store.KVOp{add("n", 1)}, []store.Message{sized(q.message(at(0)), 0)}), store.ErrQuota)
	if got, err := q.KVGet(t.Context(), q.c.AppID, []string{"n"}, at(0)); err != nil || len(got) != 0 {
		t.Errorf("the commit that was refused has an effect: %v, %v", got, err)
	}
	list := q.claim(t, 3)
	must(t, "one for another", commit(nil, []store.Message{small()}, list[0]))
	wantErr(t, "a longer one for another", commit(nil, []store.Message{sized(q.message(at(0)), 11)}, list[1]), store.ErrQuota)
	must(t, "nothing for one", commit(nil, nil, list[2]))
	equal(t, "then", q.usage(t), store.MessageUsage{Messages: 2, Bytes: 20, Channels: 1, IdempotencyKeys: 1})
	q.SetQuota(store.Quota{Messages: 1})
	must(t, "less, though still too much", commit(nil, []store.Message{small()}, list[1]))
}

// Of dead letters that are too many the oldest go.
func testQueueKept(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Kept: 3, KeptBytes: 1000})
	die := func(size int, when time.Time) store.Message {
		t.Helper()
		_, err := q.Enqueue(t.Context(), sized(q.message(at(0)), size))
		must(t, "Enqueue", err)
		m := q.claim(t, 1)[0]
		must(t, "Return", q.Return(t.Context(), m.Lease, []store.Returned{{ID: m.ID, DueAt: at(0), Failed: true, Dead: true, Error: "no"}}, when))
		return m
	}
	var dead []store.Message
	for i := range 5 {
		dead = append(dead, die(10, at(time.Duration(i)*time.Second)))
	}
	left := func(what string, want ...store.Message) {
		t.Helper()
		list, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, State: store.MessageDead, Limit: 9, At: at(0)})
		must(t, "Messages", err)
		equal(t, what, messageIDs(list), messageIDs(want))
	}
	left("of five", dead[2:]...)
	equal(t, "usage", q.usage(t), store.MessageUsage{Dead: 3, DeadBytes: 30, Dropped: 2, Channels: 1})
	large := die(1000, at(time.Minute))
	left("beside a large one", large)
	equal(t, "usage", q.usage(t), store.MessageUsage{Dead: 1, DeadBytes: 1000, Dropped: 5, Channels: 1})
	n, err := q.Redrive(t.Context(), q.c, nil, at(0))
	if err != nil || n != 1 {
		t.Errorf("Redrive: %d, %v", n, err)
	}
	equal(t, "usage when it is driven again", q.usage(t), store.MessageUsage{Messages: 1, Bytes: 1000, Dropped: 5, Channels: 1})
	must(t, "ack", q.ack(t, q.claim(t, 1)[0]))
	var empty []store.Message
	for i := range 5 {
		empty = append(empty, die(0, at(time.Duration(i)*time.Second)))
	}
	left("of five that are empty", empty[2:]...)
}

// Just so when they died with their process.
func testQueueKeptCrashed(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Kept: 1})
	q.bury(t, 1)
	q.send(t, 1)
	q.crash(t, store.MaxCrashes)
	if list, _ := q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: "last", At: at(time.Hour)}); len(list) != 0 {
		t.Fatalf("claimed after so many crashes: %+v", list)
	}
	equal(t, "usage", q.usage(t), store.MessageUsage{Dead: 1, DeadBytes: q.usage(t).DeadBytes, Dropped: 1, Channels: 1})
	q.checkUsage(t)
}

// Of answers to asynchronous requests that are too many the oldest go.
func testQueueKeptAnswers(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Kept: 2})
	q.c.Kind = store.ChannelHTTP
	var ids []string
	for i := range 4 {
		q.send(t, 1)
		m := q.claim(t, 1)[0]
		_, err := q.Commit(t.Context(), store.Commit{
			AppID: q.c.AppID, Acks: []string{m.ID}, Lease: m.Lease, At: at(time.Duration(i) * time.Second),
			Finished: &store.Invocation{ID: m.ID, Script: "report", Response: []byte("answer")},
		})
		must(t, "Commit", err)
		ids = append(ids, m.ID)
	}
	for i, id := range ids {
		_, err := q.Invocation(t.Context(), q.c.AppID, id)
		if i < 2 {
			wantErr(t, "an old one", err, store.ErrNotFound)
		} else {
			must(t, "a new one", err)
		}
	}
	equal(t, "usage", q.usage(t), store.MessageUsage{Answers: 2, AnswerBytes: 12, Channels: 1})
	_, err := q.Sweep(t.Context(), at(time.Hour+store.InvocationMemory))
	must(t, "Sweep", err)
	if u := q.usage(t); u.Answers != 0 || u.AnswerBytes != 0 {
		t.Errorf("after the sweep: %+v", u)
	}
}

func testQueueChannelQuota(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Channels: 3})
	send := func(name string) error {
		m := q.message(at(0))
		m.Name = name
		_, err := q.Enqueue(t.Context(), m)
		return err
	}
	for i := range 3 {
		must(t, "within", send(fmt.Sprint("q", i)))
	}
	wantErr(t, "one more", send("q3"), store.ErrQuota)
	must(t, "one that is there", send("q2"))
	first := queueTest{q.Data, store.Channel{AppID: q.c.AppID, Kind: store.ChannelQueue, Name: "q0"}}
	must(t, "ack", first.ack(t, first.claim(t, 1)[0]))
	must(t, "in the place of an empty one", send("q3"))
	wantErr(t, "one more", send("q0"), store.ErrQuota)
	_, err := q.Purge(t.Context(), store.Channel{AppID: q.c.AppID, Kind: store.ChannelQueue, Name: "q1"}, false, nil)
	must(t, "Purge", err)
	must(t, "in the place of one that was purged", send("q0"))
	must(t, "Pause one that has no messages", q.Pause(t.Context(), store.Channel{AppID: q.c.AppID, Kind: store.ChannelTopic, Name: "mail"}, true))
}

// A channel that came to nothing can be paused all the same.
func testQueueRefusedChannel(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Messages: 1})
	_, err := q.Enqueue(t.Context(), q.message(at(0)), q.message(at(0)))
	wantErr(t, "too many in a new channel", err, store.ErrQuota)
	must(t, "Pause", q.Pause(t.Context(), q.c, true))
	if state, err := q.Channel(t.Context(), q.c, at(0)); err != nil || !state.Paused {
		t.Errorf("the channel is %+v, %v, want it paused", state, err)
	}
	q.send(t, 1)
	if list, _ := q.claimWith(t, store.Claim{Max: 1, Boot: "b", At: at(0)}); len(list) != 0 {
		t.Errorf("a paused channel delivers %v", messageIDs(list))
	}
}

// What is left of a removed channel reaches no later one of its name.
func testQueueRemove(t *testing.T, q queueTest) {
	must(t, "Remove nothing", q.Remove(t.Context(), q.c))
	q.bury(t, 1)
	q.send(t, 4)
	list := q.claim(t, 2)
	must(t, "Remove", q.Remove(t.Context(), q.c))
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 0")
	if all, err := q.Channels(t.Context(), q.c.AppID, "", at(0)); err != nil || len(all) != 0 {
		t.Errorf("the channels are %v, %v", all, err)
	}
	equal(t, "usage", q.usage(t).Messages, int64(2))
	must(t, "ack of what was worked on", q.ack(t, list[0]))
	must(t, "Return", q.Return(t.Context(), list[1].Lease, []store.Returned{{ID: list[1].ID, DueAt: at(0), Failed: true}}, at(0)))
	sent := q.send(t, 1)
	equal(t, "claimed of the new one", messageIDs(q.claim(t, 9)), messageIDs(sent))
	due, err := q.DueChannels(t.Context())
	must(t, "DueChannels", err)
	for c := range due {
		if c.AppID == q.c.AppID && c != q.c {
			t.Errorf("%v is due", c)
		}
	}
	// What the process did not live to return goes with the next sweep.
	must(t, "Remove", q.Remove(t.Context(), q.c))
	_, err = q.Recover(t.Context(), "node", "next", at(0))
	must(t, "Recover", err)
	_, err = q.Sweep(t.Context(), at(time.Minute))
	must(t, "Sweep", err)
	equal(t, "usage in the end", q.usage(t), store.MessageUsage{})
}

// What a process works on that never comes back goes as well, long after its lease.
func testQueueRemoveAbandoned(t *testing.T, q queueTest) {
	q.send(t, 1)
	q.claim(t, 1)
	must(t, "Remove", q.Remove(t.Context(), q.c))
	sweep := func(when time.Time, want int64) {
		t.Helper()
		_, err := q.Sweep(t.Context(), when)
		must(t, "Sweep", err)
		equal(t, "messages", q.usage(t).Messages, want)
	}
	sweep(at(time.Hour), 1) // its clock may be another
	sweep(at(48*time.Hour), 0)
}

// A channel that holds nothing goes, and whoever knew it makes it anew.
func testQueueIdleChannels(t *testing.T, q queueTest) {
	q.send(t, 1)
	paused := q.c
	paused.Name = "paused"
	must(t, "Pause", q.Pause(t.Context(), paused, true))
	sweep := func(want int64) {
		t.Helper()
		_, err := q.Sweep(t.Context(), at(0))
		must(t, "Sweep", err)
		equal(t, "channels", q.usage(t).Channels, want)
	}
	sweep(2)
	must(t, "ack", q.ack(t, q.claim(t, 1)[0]))
	sweep(1)
	q.send(t, 1)
	q.want(t, "ready 1 delayed 0 in-flight 0 dead 0")
	must(t, "Pause", q.Pause(t.Context(), paused, false))
	sweep(1)
}

// An asynchronous request that nobody runs is given up, and then forgotten.
func testQueueNobodyRan(t *testing.T, q queueTest) {
	q.c.Kind = store.ChannelHTTP
	sent := q.send(t, 2)
	leased := q.claim(t, 1)[0]
	next, err := q.Sweep(t.Context(), at(0))
	must(t, "Sweep", err)
	if next.IsZero() || next.After(at(store.InvocationMemory)) {
		t.Errorf("the next sweep is at %v", next)
	}
	_, err = q.Sweep(t.Context(), at(store.InvocationMemory))
	must(t, "Sweep", err)
	m, err := q.Message(t.Context(), q.c.AppID, sent[1].ID)
	must(t, "Message", err)
	if !m.DeadAt.Equal(at(store.InvocationMemory)) || m.LastError != store.NobodyRan {
		t.Errorf("it is %+v", m)
	}
	must(t, "ack of the other", q.ack(t, leased))
	next, err = q.Sweep(t.Context(), at(store.InvocationMemory))
	must(t, "Sweep", err)
	if next.IsZero() || next.After(at(2*store.InvocationMemory)) {
		t.Errorf("the sweep after that is at %v", next)
	}
	_, err = q.Sweep(t.Context(), at(2*store.InvocationMemory))
	must(t, "Sweep", err)
	equal(t, "usage in the end", q.usage(t), store.MessageUsage{})
}

// An asynchronous request is not given up while there is its script, however long the
// machine was off, or whatever its clock was set to.
func testNobodyRanYet(t *testing.T, s store.Store) {
	app := addApp(t, s, "requests")
	addScript(t, s, app, "report", source())
	q := queueTest{s, store.Channel{AppID: app.ID, Kind: store.ChannelHTTP, Name: "report"}}
	m := q.send(t, 1)[0]
	for _, days := range []time.Duration{1, 3} {
		now := at(days * 24 * time.Hour)
		next, err := s.Sweep(t.Context(), now)
		must(t, "Sweep", err)
		equal(t, "the channel", q.counts(t, now), "ready 1 delayed 0 in-flight 0 dead 0")
		if !next.After(now) || next.After(now.Add(store.InvocationMemory)) {
			t.Errorf("after %v the next sweep is at %v", now, next)
		}
	}
	_, err := s.DeleteScript(t.Context(), app.ID, "report", "deployer", at(0))
	must(t, "DeleteScript", err)
	_, err = s.Sweep(t.Context(), at(4*24*time.Hour))
	must(t, "Sweep", err)
	got, err := s.Message(t.Context(), app.ID, m.ID)
	must(t, "Message", err)
	equal(t, "why it is dead", got.LastError, store.NobodyRan)
}

// Asynchronous requests take a part of the room only: others find the rest.
func testQueueRequestQuota(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Messages: 8, Bytes: 400})
	own := q
	q.c.Kind = store.ChannelHTTP
	ask := func(size int) error {
		_, err := q.Enqueue(t.Context(), sized(q.message(at(0)), size))
		return err
	}
	must(t, "within", ask(10))
	wantErr(t, "too long", ask(91), store.ErrQuota)
	must(t, "within", ask(90))
	wantErr(t, "one more", ask(0), store.ErrQuota)
	equal(t, "usage", q.usage(t), store.MessageUsage{Messages: 2, Bytes: 100, Requests: 2, ReqBytes: 100, Channels: 1})
	list := q.claim(t, 2)
	wantErr(t, "one more while they run", ask(0), store.ErrQuota)
	must(t, "ack", q.ack(t, list[0]))
	must(t, "Return", q.Return(t.Context(), list[1].Lease, []store.Returned{{ID: list[1].ID, DueAt: at(0), Failed: true, Dead: true, Error: "no"}}, at(0)))
	must(t, "in their place", ask(1))
	must(t, "in their place", ask(1))
	n, err := q.Redrive(t.Context(), q.c, nil, at(0))
	if err != nil || n != 1 {
		t.Errorf("Redrive: %d, %v", n, err)
	}
	q.checkUsage(t)
	own.c.Name = "own"
	for range 5 {
		must(t, "the app's own beside them", second(own.Enqueue(t.Context(), sized(own.message(at(0)), 10))))
	}
	wantErr(t, "beyond the whole", second(own.Enqueue(t.Context(), sized(own.message(at(0)), 0))), store.ErrQuota)
	// What is worked on when its script is gone is counted until it ends.
	list = q.claim(t, 1)
	must(t, "Remove", q.Remove(t.Context(), q.c))
	equal(t, "what is worked on", q.usage(t).Requests, int64(1))
	must(t, "ack", q.ack(t, list[0]))
	equal(t, "then", q.usage(t).Requests, int64(0))
}

func testQueueKeyQuota(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{IdempotencyKeys: 3})
	send := func(c store.Channel, when time.Time, keys ...string) error {
		t.Helper()
		var list []store.Message
		for _, key := range keys {
			m := q.message(when)
			m.Channel, m.IdempotencyKey, m.CreatedAt = c, key, when
			list = append(list, m)
		}
		_, err := q.Enqueue(t.Context(), list...)
		return err
	}
	keys := func(what string, want int64) {
		t.Helper()
		equal(t, what, q.usage(t).IdempotencyKeys, want)
	}
	other := q.c
	other.Name = "other"
	must(t, "two, one of them twice", send(q.c, at(0), "a", "b", "a"))
	must(t, "the same in another channel", send(other, at(time.Hour), "a"))
	keys("three", 3)
	wantErr(t, "one more", send(other, at(time.Hour), "c"), store.ErrQuota)
	_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, RunID: newID(), Seq: 1, At: at(time.Hour), Messages: []store.Message{func() store.Message {
		m := q.message(at(time.Hour))
		m.IdempotencyKey = "c"
		return m
	}()}})
	wantErr(t, "a commit with one more", err, store.ErrQuota)
	must(t, "one that is known", send(q.c, at(time.Hour), "a"))
	must(t, "messages without a key", send(q.c, at(time.Hour), "", ""))
	keys("after a refusal", 3)
	for _, m := range q.claim(t, 9) {
		must(t, "ack", q.ack(t, m))
	}
	keys("when the messages are done", 3)
	// One that has expired and is used again takes no second place, and a sweep leaves
	// it alone.
	must(t, "again", send(q.c, at(store.IdempotencyMemory), "a"))
	keys("again", 3)
	_, err = q.Sweep(t.Context(), at(store.IdempotencyMemory))
	must(t, "Sweep", err)
	keys("after a sweep", 2)
	must(t, "in the place of one that is forgotten", send(other, at(store.IdempotencyMemory), "c"))
	must(t, "Remove", q.Remove(t.Context(), q.c))
	keys("without the channel", 2)
	_, err = q.Sweep(t.Context(), at(3*store.IdempotencyMemory))
	must(t, "Sweep", err)
	keys("in the end", 0)
}

// Requests that failed, which strangers can bring about, go before the dead letters of
// the app's own work.
func testQueueKeptRequests(t *testing.T, q queueTest) {
	q.bound(t, store.Quota{Kept: 3})
	own := q.bury(t, 2)
	requests := q
	requests.c.Kind = store.ChannelHTTP
	requests.bury(t, 4)
	list, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, State: store.MessageDead, Limit: 9, At: at(0)})
	must(t, "Messages", err)
	equal(t, "the app's own", messageIDs(list), messageIDs(own))
	equal(t, "usage", q.usage(t).Dead, int64(3))
	equal(t, "requests", q.usage(t).Requests, int64(0))
}
