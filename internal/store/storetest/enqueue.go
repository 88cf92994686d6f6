package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func testQueueCommitWhole(t *testing.T, q queueTest) {
	q.send(t, 2)
	list := q.claim(t, 2)
	out := q.message(at(0))
	out.Name = "next"
	whole := func(lease string, reads ...store.KVRead) error {
		_, err := q.Commit(t.Context(), store.Commit{
			AppID: q.c.AppID, RunID: newID(), Seq: 1, Reads: reads, Ops: []store.KVOp{add("n", 1)}, Messages: []store.Message{out},
			Acks: []string{list[0].ID, list[1].ID}, Lease: lease, At: at(0),
		})
		return err
	}
	check := func(what string, count int, state string) {
		t.Helper()
		got, err := q.KVGet(t.Context(), q.c.AppID, []string{"n"}, at(0))
		must(t, "KVGet", err)
		next := queueTest{q.Data, out.Channel}
		if len(got) != count || next.counts(t, at(0)) != fmt.Sprintf("ready %d delayed 0 in-flight 0 dead 0", count) {
			t.Errorf("%s: %d keys and %s", what, len(got), next.counts(t, at(0)))
		}
		q.want(t, state)
	}
	wantErr(t, "under a lease that is lost", whole(newID()), store.ErrLeaseLost)
	check("a lost lease", 0, "ready 0 delayed 0 in-flight 2 dead 0")
	wantErr(t, "after a stale read", whole(list[0].Lease, store.KVRead{Key: "other", Version: 7}), store.ErrConflict)
	check("a conflict", 0, "ready 0 delayed 0 in-flight 2 dead 0")
	must(t, "Commit", whole(list[0].Lease))
	check("committed", 1, "ready 0 delayed 0 in-flight 0 dead 0")
	wantErr(t, "again", whole(list[0].Lease), store.ErrLeaseLost)
	check("again", 1, "ready 0 delayed 0 in-flight 0 dead 0")
}

func testQueueCommitNames(t *testing.T, q queueTest) {
	c := store.Commit{AppID: q.c.AppID, RunID: newID(), Seq: 1, Messages: []store.Message{q.message(at(0))}, At: at(0)}
	for range 2 {
		_, err := q.Commit(t.Context(), c)
		must(t, "Commit", err)
	}
	q.want(t, "ready 1 delayed 0 in-flight 0 dead 0")
}

func testQueueIdempotencyKeys(t *testing.T, q queueTest) {
	send := func(key string, when time.Time, c store.Channel) int {
		t.Helper()
		m := q.message(when)
		m.Channel, m.IdempotencyKey, m.CreatedAt = c, key, when
		added, err := q.Enqueue(t.Context(), m)
		must(t, "Enqueue", err)
		return len(added)
	}
	other := q.c
	other.Name = "other"
	for i, c := range []struct {
		key  string
		when time.Time
		c    store.Channel
		want int
	}{
		{"k", at(0), q.c, 1},
		{"k", at(time.Hour), q.c, 0},
		{"l", at(0), q.c, 1},
		{"k", at(0), other, 1},
		{"k", at(store.IdempotencyMemory - time.Microsecond), q.c, 0},
		{"k", at(store.IdempotencyMemory), q.c, 1},
		{"k", at(store.IdempotencyMemory + time.Hour), q.c, 0},
	} {
		if got := send(c.key, c.when, c.c); got != c.want {
			t.Errorf("send %d: %d were added, want %d", i, got, c.want)
		}
	}
	for _, m := range q.claim(t, 9) {
		must(t, "ack", q.ack(t, m))
	}
	if send("l", at(time.Hour), q.c) != 0 {
		t.Error("the key is forgotten with its message")
	}
	if send("new", at(0), q.c) != 1 {
		t.Error("a new key is known")
	}
	next, err := q.Sweep(t.Context(), at(time.Hour))
	must(t, "Sweep", err)
	if next.IsZero() || next.After(at(store.IdempotencyMemory)) {
		t.Errorf("the next sweep is due at %v", next)
	}
	if send("l", at(time.Hour), q.c) != 0 {
		t.Error("a sweep forgot a key too early")
	}
}

func testQueueRefused(t *testing.T, q queueTest) {
	large := q.message(at(0))
	large.Payload = make([]byte, store.MaxPayload+1)
	deep := q.message(at(0))
	deep.Depth = store.MaxDepth + 1
	key := q.message(at(0))
	key.IdempotencyKey = strings.Repeat("k", store.MaxIdempotencyKey+1)
	nul := q.message(at(0))
	nul.IdempotencyKey = "a\x00b"
	latin := q.message(at(0))
	latin.IdempotencyKey = "caf\xe9"
	nameless := q.message(at(0))
	nameless.Name = ""
	for name, m := range map[string]store.Message{"a large payload": large, "a deep one": deep, "a long key": key, "a NUL in the key": nul, "a key that is not UTF-8": latin, "no channel": nameless} {
		_, err := q.Enqueue(t.Context(), q.message(at(0)), m)
		wantErr(t, name, err, store.ErrInvalid)
	}
	many := make([]store.Message, store.MaxCommitMessages+1)
	for i := range many {
		many[i] = q.message(at(0))
	}
	_, err := q.Enqueue(t.Context(), many...)
	wantErr(t, "too many at once", err, store.ErrInvalid)
	heavy := many[:store.MaxCommitPayload/store.MaxPayload+1]
	for i := range heavy {
		heavy[i].Payload = large.Payload[:store.MaxPayload]
	}
	_, err = q.Enqueue(t.Context(), heavy...)
	wantErr(t, "too much at once", err, store.ErrInvalid)
	foreign := q.message(at(0))
	foreign.AppID = newID()
	_, err = q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, Messages: []store.Message{foreign}, At: at(0)})
	wantErr(t, "another app's message", err, store.ErrInvalid)
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 0")
	_, _, err = q.Claim(t.Context(), store.Claim{Channel: q.c, Max: 1, At: at(0)})
	wantErr(t, "a claim by nobody", err, store.ErrInvalid)
	_, err = q.Message(t.Context(), q.c.AppID, newID())
	wantErr(t, "no message", err, store.ErrNotFound)
	_, _, err = q.Messages(t.Context(), store.MessageFilter{Channel: q.send(t, 1)[0].Channel, State: "lost", Limit: 1, At: at(0)})
	wantErr(t, "no state", err, store.ErrInvalid)
}

func testQueueKVTriggers(t *testing.T, q queueTest) {
	k := kvTest{q.Data, q.c.AppID}
	k.commit(t, set("a/gone", "1"), set("b", "1"))
	watch := store.WatchOf(&store.Manifest{KVTriggers: map[string]store.ManifestKVTrigger{"all": {}, "a": {Prefix: "a/"}}}, 2)
	_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, RunID: newID(), Seq: 1, At: at(0), Watch: watch, Ops: []store.KVOp{
		add("a/n", 1), add("a/n", 2), remove("a/gone"), remove("a/none"), remove("b"),
	}})
	must(t, "Commit", err)
	for name, want := range map[string][]string{"all": {"a/gone", "a/n", "b"}, "a": {"a/gone", "a/n"}} {
		list, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: store.Channel{AppID: q.c.AppID, Kind: store.ChannelKV, Name: name}, Limit: 9})
		must(t, "Messages", err)
		var keys []string
		for _, m := range list {
			keys = append(keys, m.Source)
			equal(t, "its depth", m.Depth, int64(2))
		}
		slices.Sort(keys)
		equal(t, "the trigger "+name+" is told of", keys, want)
	}
}

func testQueueInvocations(t *testing.T, q queueTest) {
	q.c.Kind = store.ChannelHTTP
	request := q.message(at(0))
	request.TokenHash = "hash of " + request.ID
	_, err := q.Enqueue(t.Context(), request)
	must(t, "Enqueue", err)
	known := func(when string) {
		t.Helper()
		id, err := q.InvocationID(t.Context(), "hash of "+request.ID)
		if err != nil || id != request.ID {
			t.Errorf("by its token %s: %q, %v", when, id, err)
		}
	}
	known("before it is claimed")
	for _, hash := range []string{"", request.ID, "hash of " + newID()} {
		_, err := q.InvocationID(t.Context(), hash)
		wantErr(t, "another token", err, store.ErrNotFound)
	}
	m := q.claim(t, 1)[0]
	must(t, "Return", q.Return(t.Context(), m.Lease, []store.Returned{{ID: m.ID, DueAt: at(0), Failed: true, Error: "no"}}, at(0)))
	m = q.claim(t, 1)[0]
	finish := func(lease string) error {
		_, err := q.Commit(t.Context(), store.Commit{
			AppID: q.c.AppID, Acks: []string{m.ID}, Lease: lease, At: at(time.Minute),
			Finished: &store.Invocation{ID: m.ID, Script: "report", Response: []byte("\x00answer")},
		})
		return err
	}
	wantErr(t, "under another lease", finish(newID()), store.ErrLeaseLost)
	_, err = q.Invocation(t.Context(), q.c.AppID, m.ID)
	wantErr(t, "before its end", err, store.ErrNotFound)
	must(t, "Commit", finish(m.Lease))
	wantErr(t, "again", finish(m.Lease), store.ErrLeaseLost)
	known("when it is done")
	want := store.Invocation{ID: m.ID, AppID: q.c.AppID, Script: "report", FinishedAt: at(time.Minute), Attempts: 1, Response: []byte("\x00answer")}
	got, err := q.Invocation(t.Context(), q.c.AppID, m.ID)
	must(t, "Invocation", err)
	equal(t, "the answer", got, want)
	_, err = q.Invocation(t.Context(), newID(), m.ID)
	wantErr(t, "another app's", err, store.ErrNotFound)
	_, err = q.Sweep(t.Context(), at(time.Minute+store.InvocationMemory-time.Microsecond))
	must(t, "Sweep", err)
	_, err = q.Invocation(t.Context(), q.c.AppID, m.ID)
	must(t, "Invocation after a sweep", err)
	_, err = q.Sweep(t.Context(), at(time.Minute+store.InvocationMemory))
	must(t, "Sweep", err)
	_, err = q.Invocation(t.Context(), q.c.AppID, m.ID)
	wantErr(t, "when it is forgotten", err, store.ErrNotFound)
	_, err = q.InvocationID(t.Context(), "hash of "+request.ID)
	wantErr(t, "its token then", err, store.ErrNotFound)
	failed := q.bury(t, 1)[0]
	_, err = q.Sweep(t.Context(), at(store.InvocationMemory-time.Microsecond))
	must(t, "Sweep", err)
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 1")
	_, err = q.Sweep(t.Context(), at(store.InvocationMemory))
	must(t, "Sweep", err)
	_, err = q.Message(t.Context(), q.c.AppID, failed.ID)
	wantErr(t, "a request that failed", err, store.ErrNotFound)
}
