package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// RunQueue runs the suite for store.Queue and the part that messages have in
// commits. newApp returns the ID of an app without messages.
func RunQueue(t *testing.T, data store.Data, newApp func(t *testing.T) string) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, q queueTest)
	}{
		{"Deliver", testQueueDeliver},
		{"Delay", testQueueDelay},
		{"LeaseEnds", testQueueLeaseEnds},
		{"Alone", testQueueAlone},
		{"Recover", testQueueRecover},
		{"Extend", testQueueExtend},
		{"Return", testQueueReturn},
		{"Suspects", testQueueSuspects},
		{"TooManyCrashes", testQueueTooManyCrashes},
		{"Batches", testQueueBatches},
		{"ClaimBytes", testQueueClaimBytes},
		{"Release", testQueueRelease},
		{"SetBack", testQueueSetBack},
		{"CommitWhole", testQueueCommitWhole},
		{"CommitNames", testQueueCommitNames},
		{"KVTriggers", testQueueKVTriggers},
		{"Invocations", testQueueInvocations},
		{"IdempotencyKeys", testQueueIdempotencyKeys},
		{"Refused", testQueueRefused},
		{"States", testQueueStates},
		{"DeadLetters", testQueueDeadLetters},
		{"Purge", testQueuePurge},
		{"Pause", testQueuePause},
		{"Watch", testQueueWatch},
		{"HandOff", testQueueHandOff},
		{"HandOffCommit", testQueueHandOffCommit},
		{"HandOffNot", testQueueHandOffNot},
		{"HandOffBytes", testQueueHandOffBytes},
		{"HandOffGone", testQueueHandOffGone},
		{"DueChannels", testQueueDueChannels},
		{"Quota", testQueueQuota},
		{"Kept", testQueueKept},
		{"KeptCrashed", testQueueKeptCrashed},
		{"KeptAnswers", testQueueKeptAnswers},
		{"RequestQuota", testQueueRequestQuota},
		{"KeyQuota", testQueueKeyQuota},
		{"KeptRequests", testQueueKeptRequests},
		{"ChannelQuota", testQueueChannelQuota},
		{"RefusedChannel", testQueueRefusedChannel},
		{"Remove", testQueueRemove},
		{"RemoveAbandoned", testQueueRemoveAbandoned},
		{"IdleChannels", testQueueIdleChannels},
		{"NobodyRan", testQueueNobodyRan},
		{"Pages", testQueuePages},
		{"ConcurrentClaims", testQueueConcurrentClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := newApp(t)
			q := queueTest{data, store.Channel{AppID: app, Kind: store.ChannelQueue, Name: "emails"}}
			c.test(t, q)
			q.checkUsage(t)
		})
	}
}

type queueTest struct {
	store.Data
	c store.Channel
}

// message is a new one of the channel, due at a time.
func (q queueTest) message(due time.Time) store.Message {
	id := newID()
	token := ""
	if q.c.Kind == store.ChannelHTTP {
		token = "hash of " + id
	}
	return store.Message{ID: id, TokenHash: token, Channel: q.c, Source: "emails", Payload: []byte("payload of " + id), Depth: 1, CreatedAt: at(0), DueAt: due}
}

func (q queueTest) send(t *testing.T, n int) []store.Message {
	t.Helper()
	var list []store.Message
	for range n {
		list = append(list, q.message(at(0)))
	}
	added, err := q.Enqueue(t.Context(), list...)
	must(t, "Enqueue", err)
	if len(added) != n {
		t.Fatalf("%d of %d messages were added", len(added), n)
	}
	return list
}

func (q queueTest) claimAs(t *testing.T, boot string, n int, when time.Time) ([]store.Message, time.Time) {
	t.Helper()
	list, later := q.claimWith(t, store.Claim{Max: n, Boot: boot, At: when})
	return list, later.Due
}

// claimWith claims what c says, by the node "node" for a minute.
func (q queueTest) claimWith(t *testing.T, c store.Claim) ([]store.Message, store.Later) {
	t.Helper()
	c.Channel, c.Lease, c.Owner = q.c, time.Minute, "node"
	list, later, err := q.Claim(t.Context(), c)
	must(t, "Claim", err)
	return list, later
}

func (q queueTest) claim(t *testing.T, n int) []store.Message {
	t.Helper()
	list, _ := q.claimAs(t, "first", n, at(time.Second))
	return list
}

func (q queueTest) ack(t *testing.T, m store.Message) error {
	t.Helper()
	_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, Acks: []string{m.ID}, Lease: m.Lease, At: at(0)})
	return err
}

// counts shows how many messages are in each state.
func (q queueTest) counts(t *testing.T, when time.Time) string {
	t.Helper()
	s, err := q.Channel(t.Context(), q.c, when)
	must(t, "Channel", err)
	return fmt.Sprintf("ready %d delayed %d in-flight %d dead %d", s.Ready, s.Delayed, s.Leased, s.Dead)
}

func (q queueTest) want(t *testing.T, want string) {
	t.Helper()
	if got := q.counts(t, at(time.Second)); got != want {
		t.Errorf("the channel has %s, want %s", got, want)
	}
}

func messageIDs(list []store.Message) string {
	var out []string
	for _, m := range list {
		out = append(out, m.ID)
	}
	return strings.Join(out, " ")
}

func testQueueDeliver(t *testing.T, q queueTest) {
	sent := q.send(t, 3)
	got := q.claim(t, 2)
	equal(t, "claimed", messageIDs(got), messageIDs(sent[:2]))
	want := sent[0]
	want.Lease, want.Owner, want.DueAt = got[0].Lease, "node", at(time.Second+time.Minute)
	equal(t, "a claimed message", got[0], want)
	if got[0].Lease == "" {
		t.Error("the claim has no lease")
	}
	q.want(t, "ready 1 delayed 0 in-flight 2 dead 0")
	must(t, "ack", q.ack(t, got[0]))
	rest, next := q.claimAs(t, "first", 5, at(time.Second))
	equal(t, "the rest", messageIDs(rest), messageIDs(sent[2:]))
	if !next.IsZero() {
		t.Errorf("more is due at %v", next)
	}
	must(t, "ack", q.ack(t, rest[0]))
	must(t, "ack", q.ack(t, got[1]))
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 0")
	wantErr(t, "a second ack", q.ack(t, got[1]), store.ErrLeaseLost)
	if list, _ := q.claimAs(t, "first", 1, at(24*time.Hour)); len(list) != 0 {
		t.Errorf("delivered again: %v", list)
	}
}

func testQueueDelay(t *testing.T, q queueTest) {
	later, sooner := q.message(at(2*time.Hour)), q.message(at(time.Hour))
	_, err := q.Enqueue(t.Context(), later, sooner)
	must(t, "Enqueue", err)
	list, next := q.claimAs(t, "first", 9, at(time.Hour-time.Microsecond))
	if len(list) != 0 || !next.Equal(at(time.Hour)) {
		t.Errorf("claimed %v, next %v", list, next)
	}
	list, next = q.claimAs(t, "first", 9, at(time.Hour))
	if len(list) != 1 || list[0].ID != sooner.ID || !next.Equal(at(2*time.Hour)) {
		t.Errorf("claimed %v, next %v", list, next)
	}
}

func testQueueLeaseEnds(t *testing.T, q queueTest) {
	q.send(t, 1)
	first := q.claim(t, 1)[0]
	if list, next := q.claimAs(t, "other", 1, at(time.Minute)); len(list) != 0 || !next.Equal(first.DueAt) {
		t.Errorf("a leased message is claimed: %v, next %v", list, next)
	}
	if list, next := q.claimAs(t, "first", 1, at(time.Hour)); len(list) != 0 || !next.IsZero() {
		t.Errorf("a process takes its own message from itself: %v, next %v", list, next)
	}
	list, _ := q.claimAs(t, "other", 1, first.DueAt)
	if len(list) != 1 || list[0].Crashes != 1 || list[0].Attempts != 0 || list[0].Lease == first.Lease {
		t.Fatalf("after the lease: %+v", list)
	}
	wantErr(t, "an ack under the old lease", q.ack(t, first), store.ErrLeaseLost)
	must(t, "an ack under the new one", q.ack(t, list[0]))
}

func testQueueAlone(t *testing.T, q queueTest) {
	sent := q.send(t, 3)
	claim := func(boot string, when time.Time) ([]store.Message, time.Time) {
		t.Helper()
		list, later, err := q.Claim(t.Context(), store.Claim{Channel: q.c, Max: 9, Alone: true, Lease: time.Minute, Owner: boot, Boot: boot, At: when})
		must(t, "Claim", err)
		return list, later.Due
	}
	first, _ := claim("a", at(0))
	if len(first) != 1 || first[0].ID != sent[0].ID {
		t.Fatalf("claimed %v", first)
	}
	for _, boot := range []string{"a", "b"} {
		if list, next := claim(boot, at(time.Second)); len(list) != 0 || !next.Equal(first[0].DueAt) {
			t.Errorf("%s claims %v beside it, next %v", boot, list, next)
		}
	}
	must(t, "ack", q.ack(t, first[0]))
	second, _ := claim("b", at(time.Second))
	if len(second) != 1 || second[0].ID != sent[1].ID {
		t.Fatalf("claimed after it %v", second)
	}
	// A lease that has ended keeps nobody else out.
	if list, _ := claim("b", second[0].DueAt); len(list) != 0 {
		t.Errorf("its own process claims %v", list)
	}
	if list, _ := claim("a", second[0].DueAt); len(list) != 1 {
		t.Errorf("after the lease %v are claimed", list)
	}
	// Of those that claim at once, one gets one.
	q.send(t, 20)
	_, err := q.Recover(t.Context(), "a", "later", at(0))
	must(t, "Recover", err)
	_, err = q.Recover(t.Context(), "b", "later", at(0))
	must(t, "Recover", err)
	var (
		all sync.WaitGroup
		mu  sync.Mutex
		n   int
	)
	for i := range 8 {
		all.Go(func() {
			list, _, err := q.Claim(t.Context(), store.Claim{Channel: q.c, Max: 9, Alone: true, Lease: time.Minute, Owner: fmt.Sprint(i), Boot: fmt.Sprint(i), At: at(time.Hour)})
			if err != nil {
				t.Errorf("Claim: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			n += len(list)
		})
	}
	all.Wait()
	equal(t, "messages claimed by eight at once", n, 1)
}

func testQueueRecover(t *testing.T, q queueTest) {
	q.send(t, 2)
	old := q.claim(t, 1)[0]
	_, err := q.Recover(t.Context(), "another", "second", at(time.Second))
	must(t, "Recover", err)
	q.want(t, "ready 1 delayed 0 in-flight 1 dead 0")
	_, err = q.Recover(t.Context(), "node", "first", at(time.Second))
	must(t, "Recover", err)
	q.want(t, "ready 1 delayed 0 in-flight 1 dead 0")
	n, err := q.Recover(t.Context(), "node", "second", at(time.Second))
	must(t, "Recover", err)
	if n < 1 {
		t.Errorf("%d messages were recovered", n)
	}
	list, _ := q.claimAs(t, "second", 2, at(time.Second))
	if len(list) != 2 || list[0].ID != old.ID || list[0].Crashes != 1 || list[1].Crashes != 0 {
		t.Errorf("claimed after recovery: %+v", list)
	}
	wantErr(t, "an ack of the former process", q.ack(t, old), store.ErrLeaseLost)
}

func testQueueExtend(t *testing.T, q queueTest) {
	q.send(t, 2)
	list := q.claim(t, 2)
	must(t, "ack", q.ack(t, list[1]))
	lost, err := q.Extend(t.Context(), list[0].Lease, []string{list[1].ID, list[0].ID}, at(time.Hour))
	must(t, "Extend", err)
	equal(t, "lost", lost, []string{list[1].ID})
	if got, _ := q.claimAs(t, "other", 1, at(30*time.Minute)); len(got) != 0 {
		t.Errorf("claimed in spite of the extension: %v", got)
	}
	must(t, "ack", q.ack(t, list[0]))
}

func testQueueReturn(t *testing.T, q queueTest) {
	q.send(t, 4)
	list := q.claim(t, 4)
	must(t, "Return", q.Return(t.Context(), list[0].Lease, []store.Returned{
		{ID: list[0].ID, DueAt: at(time.Hour), Failed: true, Error: "it threw"},
		{ID: list[1].ID, DueAt: at(0), Single: true},
		{ID: list[2].ID, DueAt: at(0), Failed: true, Dead: true, Error: "once too often"},
		{ID: newID(), DueAt: at(0)},
	}, at(time.Minute)))
	must(t, "Return under another lease", q.Return(t.Context(), newID(), []store.Returned{{ID: list[3].ID, DueAt: at(0), Failed: true}}, at(0)))
	q.want(t, "ready 1 delayed 1 in-flight 1 dead 1")
	got := q.claim(t, 4)
	if len(got) != 1 || got[0].ID != list[1].ID || !got[0].Single || got[0].Attempts != 0 || got[0].Crashes != 0 {
		t.Errorf("claimed %+v", got)
	}
	must(t, "Return", q.Return(t.Context(), got[0].Lease, []store.Returned{{ID: got[0].ID, DueAt: at(0)}}, at(0)))
	if got := q.claim(t, 1); len(got) != 1 || !got[0].Single {
		t.Errorf("what was to be delivered singly is so no longer: %+v", got)
	}
	dead, err := q.Message(t.Context(), q.c.AppID, list[2].ID)
	must(t, "Message", err)
	if dead.State(at(0)) != store.MessageDead || !dead.DeadAt.Equal(at(time.Minute)) || dead.LastError != "once too often" || dead.Attempts != 1 {
		t.Errorf("the dead letter is %+v", dead)
	}
	waiting, err := q.Message(t.Context(), q.c.AppID, list[0].ID)
	must(t, "Message", err)
	if waiting.LastError != "it threw" || waiting.Attempts != 1 || waiting.State(at(0)) != store.MessageDelayed || waiting.State(at(time.Hour)) != store.MessageReady {
		t.Errorf("the one to be tried again is %+v", waiting)
	}
}

func testQueueStates(t *testing.T, q queueTest) {
	q.send(t, 3)
	list := q.claim(t, 2)
	must(t, "Return", q.Return(t.Context(), list[0].Lease, []store.Returned{{ID: list[0].ID, DueAt: at(0), Dead: true}}, at(0)))
	_, err := q.Enqueue(t.Context(), q.message(at(time.Hour)), q.message(at(time.Hour)))
	must(t, "Enqueue", err)
	all, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, Limit: 10, At: at(time.Second)})
	must(t, "Messages", err)
	seen := map[store.MessageState]int{}
	for _, m := range all {
		seen[m.State(at(time.Second))]++
	}
	for state, want := range map[store.MessageState]int{store.MessageReady: 1, store.MessageDelayed: 2, store.MessageLeased: 1, store.MessageDead: 1} {
		got, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, State: state, Limit: 10, At: at(time.Second)})
		must(t, "Messages", err)
		if len(got) != want || seen[state] != want {
			t.Errorf("%s: %d listed, %d among all, want %d", state, len(got), seen[state], want)
		}
	}
	page, _, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, After: all[1].ID, Limit: 2, At: at(0)})
	must(t, "Messages", err)
	equal(t, "a page", messageIDs(page), messageIDs(all[2:4]))
	state, err := q.Channel(t.Context(), q.c, at(time.Second))
	must(t, "Channel", err)
	equal(t, "the channel", state, store.ChannelState{Channel: q.c, Ready: 1, Delayed: 2, Leased: 1, Dead: 1, Oldest: at(0)})
	topic := q.message(at(0))
	topic.Kind, topic.Name = store.ChannelTopic, "audit"
	_, err = q.Enqueue(t.Context(), topic)
	must(t, "Enqueue", err)
	both, err := q.Channels(t.Context(), q.c.AppID, "", at(time.Second))
	must(t, "Channels", err)
	equal(t, "all channels", both, []store.ChannelState{state, {Channel: topic.Channel, Ready: 1, Oldest: at(0)}})
	one, err := q.Channels(t.Context(), q.c.AppID, store.ChannelTopic, at(time.Second))
	must(t, "Channels", err)
	equal(t, "the topics", one, both[1:])
	none, err := q.Channel(t.Context(), store.Channel{AppID: q.c.AppID, Kind: store.ChannelQueue, Name: "unused"}, at(0))
	must(t, "Channel", err)
	if none.Ready != 0 || none.Name != "unused" {
		t.Errorf("an unused channel: %+v", none)
	}
}

func testQueuePages(t *testing.T, q queueTest) {
	var sent []store.Message
	for range 6 {
		m := sized(q.message(at(0)), store.MaxPayload)
		sent = append(sent, m)
	}
	_, err := q.Enqueue(t.Context(), sent...)
	must(t, "Enqueue", err)
	page := func(after string, limit int, wantMore bool, want ...store.Message) {
		t.Helper()
		list, more, err := q.Messages(t.Context(), store.MessageFilter{Channel: q.c, After: after, Limit: limit, At: at(0)})
		must(t, "Messages", err)
		if got := messageIDs(list); got != messageIDs(want) || more != wantMore {
			t.Errorf("%d after %q: %s, more %v, want %s, %v", limit, after, got, more, messageIDs(want), wantMore)
		}
	}
	page("", 100, true, sent[:4]...)
	page(sent[3].ID, 100, false, sent[4:]...)
	page(sent[3].ID, 2, false, sent[4:]...)
	page("", 2, true, sent[:2]...)
	page(sent[5].ID, 2, false)
}

// bury makes n messages dead letters.
func (q queueTest) bury(t *testing.T, n int) []store.Message {
	t.Helper()
	q.send(t, n)
	list := q.claim(t, n)
	var back []store.Returned
	for _, m := range list {
		back = append(back, store.Returned{ID: m.ID, DueAt: at(0), Failed: true, Dead: true, Error: "no"})
	}
	must(t, "Return", q.Return(t.Context(), list[0].Lease, back, at(0)))
	return list
}

func testQueueDeadLetters(t *testing.T, q queueTest) {
	dead := q.bury(t, 4)
	if got := q.claim(t, 9); len(got) != 0 {
		t.Errorf("dead letters are claimed: %v", got)
	}
	n, err := q.Redrive(t.Context(), q.c, []string{dead[1].ID, newID()}, at(time.Minute))
	if err != nil || n != 1 {
		t.Errorf("Redrive: %d, %v", n, err)
	}
	got, _ := q.claimAs(t, "first", 9, at(time.Minute))
	if len(got) != 1 || got[0].ID != dead[1].ID || got[0].Attempts != 0 || got[0].LastError != "no" {
		t.Errorf("redriven: %+v", got)
	}
	n, err = q.Redrive(t.Context(), q.c, nil, at(0))
	if err != nil || n != 3 {
		t.Errorf("Redrive of all: %d, %v", n, err)
	}
	q.want(t, "ready 3 delayed 0 in-flight 1 dead 0")
}

func testQueuePurge(t *testing.T, q queueTest) {
	dead := q.bury(t, 2)
	for _, id := range []string{"", "a\x00b", "caf\xe9"} {
		ids := []string{dead[0].ID, id}
		_, err := q.Purge(t.Context(), q.c, true, ids)
		wantErr(t, fmt.Sprintf("Purge of %q", id), err, store.ErrInvalid)
		_, err = q.Redrive(t.Context(), q.c, ids, at(0))
		wantErr(t, fmt.Sprintf("Redrive of %q", id), err, store.ErrInvalid)
	}
	q.send(t, 5)
	q.claim(t, 1)
	waiting := q.message(at(time.Hour))
	_, err := q.Enqueue(t.Context(), waiting)
	must(t, "Enqueue", err)
	for _, c := range []struct {
		dead bool
		ids  []string
		n    int64
		left string
	}{
		{false, []string{dead[0].ID}, 0, "ready 4 delayed 1 in-flight 1 dead 2"},
		{true, []string{dead[0].ID}, 1, "ready 4 delayed 1 in-flight 1 dead 1"},
		{false, []string{waiting.ID, newID()}, 1, "ready 4 delayed 0 in-flight 1 dead 1"},
		{false, nil, 4, "ready 0 delayed 0 in-flight 1 dead 1"},
		{true, nil, 1, "ready 0 delayed 0 in-flight 1 dead 0"},
	} {
		n, err := q.Purge(t.Context(), q.c, c.dead, c.ids)
		if err != nil || n != c.n {
			t.Errorf("Purge(%v, %v): %d, %v", c.dead, c.ids, n, err)
		}
		q.want(t, c.left)
	}
}

func testQueuePause(t *testing.T, q queueTest) {
	must(t, "Pause", q.Pause(t.Context(), q.c, true))
	q.send(t, 1)
	if list, next := q.claimAs(t, "first", 1, at(time.Hour)); len(list) != 0 || !next.IsZero() {
		t.Errorf("a paused channel delivers: %v, %v", list, next)
	}
	state, err := q.Channel(t.Context(), q.c, at(time.Second))
	must(t, "Channel", err)
	if !state.Paused || state.Ready != 1 {
		t.Errorf("it is %+v", state)
	}
	must(t, "Pause", q.Pause(t.Context(), q.c, false))
	if list := q.claim(t, 1); len(list) != 1 {
		t.Error("a resumed channel delivers nothing")
	}
}

func testQueueWatch(t *testing.T, q queueTest) {
	var mu sync.Mutex
	var heard []string
	stop := q.Watch(func(c store.Channel, due time.Time) {
		if c.AppID != q.c.AppID {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		late := "now"
		if due.After(at(0)) {
			late = due.Sub(at(0)).String()
		}
		heard = append(heard, c.Name+" "+late)
	})
	want := func(what string, want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(heard)
		equal(t, what, heard, want)
		heard = nil
	}
	q.send(t, 1)
	want("a message", "emails now")
	other := q.message(at(0))
	other.Name = "other"
	_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, At: at(0), Messages: []store.Message{q.message(at(2 * time.Hour)), q.message(at(time.Hour)), other}})
	must(t, "Commit", err)
	want("a commit", "emails 1h0m0s", "other now")
	m := q.claim(t, 1)[0]
	want("a claim")
	must(t, "Return", q.Return(t.Context(), m.Lease, []store.Returned{{ID: m.ID, DueAt: at(time.Minute)}}, at(0)))
	want("a return", "emails 1m0s")
	must(t, "Pause", q.Pause(t.Context(), q.c, true))
	want("a pause")
	must(t, "Pause", q.Pause(t.Context(), q.c, false))
	want("its end", "emails now")
	_, err = q.Enqueue(t.Context(), store.Message{})
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("an invalid message: %v", err)
	}
	stop()
	q.send(t, 1)
	want("after the end")
}

func testQueueDueChannels(t *testing.T, q queueTest) {
	q.send(t, 1)
	late := q.message(at(time.Hour))
	late.Name = "late"
	_, err := q.Enqueue(t.Context(), late)
	must(t, "Enqueue", err)
	gone := queueTest{q.Data, store.Channel{AppID: q.c.AppID, Kind: store.ChannelTopic, Name: "gone"}}
	gone.bury(t, 1)
	all, err := q.DueChannels(t.Context())
	must(t, "DueChannels", err)
	own := map[string]time.Time{}
	for c, due := range all {
		if c.AppID == q.c.AppID {
			own[string(c.Kind)+" "+c.Name] = due
		}
	}
	equal(t, "due", own, map[string]time.Time{"queue emails": at(0), "queue late": at(time.Hour)})
}

func testQueueConcurrentClaims(t *testing.T, q queueTest) {
	const messages, workers = 200, 8
	for range 4 {
		q.send(t, messages/4)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for {
				list, _, err := q.Claim(t.Context(), store.Claim{Channel: q.c, Max: 7, Lease: time.Minute, Owner: "node", Boot: fmt.Sprint(w), At: at(time.Second)})
				if err != nil {
					t.Error(err)
					return
				}
				if len(list) == 0 {
					// Others may hold what is left, or have it done.
					s, err := q.Channel(t.Context(), q.c, at(time.Second))
					if err != nil || s.Ready == 0 {
						return
					}
					continue
				}
				for _, m := range list {
					_, err := q.Commit(t.Context(), store.Commit{AppID: q.c.AppID, Ops: []store.KVOp{add("done", 1)}, Acks: []string{m.ID}, Lease: m.Lease, At: at(0)})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					seen[m.ID]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if len(seen) != messages {
		t.Errorf("%d of %d messages were handled", len(seen), messages)
	}
	k := kvTest{q.Data, q.c.AppID}
	equal(t, "their effects", k.all(t, at(0)), fmt.Sprintf("done=%d", messages))
	q.want(t, "ready 0 delayed 0 in-flight 0 dead 0")
}
