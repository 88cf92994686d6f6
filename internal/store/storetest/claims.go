package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// crash has n processes die, one after the other, while they hold everything that
// is due, suspects too. The next boot is "boot n".
func (q queueTest) crash(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		boot := fmt.Sprint("boot ", i)
		q.claimWith(t, store.Claim{Max: 100, Boot: boot, At: at(time.Second)})
		for {
			list, _ := q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: boot, At: at(time.Second)})
			if len(list) == 0 {
				break
			}
		}
		_, err := q.Recover(t.Context(), "node", fmt.Sprint("boot ", i+1), at(time.Second))
		must(t, "Recover", err)
	}
}

func testQueueSuspects(t *testing.T, q queueTest) {
	q.send(t, 3)
	q.crash(t, store.SuspectCrashes)
	fresh := q.send(t, 1)
	list, later := q.claimWith(t, store.Claim{Max: 9, Boot: "b", At: at(time.Second)})
	equal(t, "what is claimed beside suspects", messageIDs(list), messageIDs(fresh))
	equal(t, "later", later, store.Later{Suspect: at(time.Second)})
	list, later = q.claimWith(t, store.Claim{Max: 9, Suspect: true, Boot: "b", At: at(time.Second)})
	if len(list) != 1 || list[0].Crashes != store.SuspectCrashes {
		t.Fatalf("the suspects claimed are %+v", list)
	}
	equal(t, "later", later, store.Later{})
	must(t, "ack", q.ack(t, list[0]))
	if list, _ := q.claimWith(t, store.Claim{Max: 9, Suspect: true, Boot: "b", At: at(0)}); len(list) != 0 {
		t.Errorf("a suspect is claimed that is not due: %+v", list)
	}

	// What a process that vanished has leased is found by others when its lease ends,
	// and may be a suspect by that.
	list, _ = q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: "b", At: at(time.Second)})
	if len(list) != 1 {
		t.Fatal("the last suspect but one is not claimed")
	}
	end := at(time.Second + time.Minute)
	list, _ = q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: "c", At: end})
	equal(t, "how many claim the last one", len(list), 1)
	list, _ = q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: "c", At: end})
	if len(list) != 1 || list[0].Crashes != store.SuspectCrashes+1 {
		t.Errorf("after the lease of a suspect: %+v", list)
	}
	// So does one that becomes a suspect by it.
	for i := range store.SuspectCrashes - 1 {
		end = end.Add(time.Hour)
		if list, _ := q.claimWith(t, store.Claim{Max: 9, Boot: fmt.Sprint("d", i), At: end}); len(list) != 1 || list[0].ID != fresh[0].ID || list[0].Crashes != int64(i+1) {
			t.Fatalf("after %d leases: %+v", i, list)
		}
	}
	end = end.Add(time.Hour)
	list, later = q.claimWith(t, store.Claim{Max: 9, Boot: "e", At: end})
	if len(list) != 0 || !later.Suspect.Equal(end) && later.Suspect.After(end) {
		t.Errorf("it is claimed with others: %+v, %+v", list, later)
	}
	m, err := q.Message(t.Context(), q.c.AppID, fresh[0].ID)
	must(t, "Message", err)
	if m.Crashes != store.SuspectCrashes || m.Owner != "" || m.State(end) != store.MessageReady {
		t.Errorf("a new suspect is %+v", m)
	}
}

func testQueueTooManyCrashes(t *testing.T, q queueTest) {
	sent := q.send(t, 1)
	q.crash(t, store.MaxCrashes)
	_, err := q.Enqueue(t.Context(), q.message(at(2*time.Second)))
	must(t, "Enqueue", err)
	if list, later := q.claimWith(t, store.Claim{Max: 1, Suspect: true, Boot: "last", At: at(3 * time.Second)}); len(list) != 0 {
		t.Errorf("claimed once more: %+v, later %+v", list, later)
	}
	m, err := q.Message(t.Context(), q.c.AppID, sent[0].ID)
	must(t, "Message", err)
	if m.State(at(0)) != store.MessageDead || !strings.Contains(m.LastError, "died") || m.Owner != "" || m.Crashes != store.MaxCrashes {
		t.Errorf("it is %+v", m)
	}
	list, later := q.claimWith(t, store.Claim{Max: 9, Boot: "last", At: at(3 * time.Second)})
	if len(list) != 1 || later != (store.Later{}) {
		t.Errorf("the other one: %+v, later %+v", list, later)
	}
	// The crash of a process beside this one counts as well.
	must(t, "Return", q.Return(t.Context(), list[0].Lease, []store.Returned{{ID: list[0].ID, DueAt: at(0), Crashed: true, Error: "the executor was lost"}}, at(0)))
	list, _ = q.claimWith(t, store.Claim{Max: 9, Boot: "last", At: at(3 * time.Second)})
	if len(list) != 1 || list[0].Crashes != 1 || list[0].Attempts != 0 || list[0].LastError != "the executor was lost" {
		t.Errorf("after a crash elsewhere: %+v", list)
	}
}

// testQueueBatches: a claim is for deliveries, and what is delivered by itself is one.
func testQueueBatches(t *testing.T, q queueTest) {
	for i, m := range q.send(t, 10) {
		if i < 2 {
			list, _ := q.claimWith(t, store.Claim{Max: 10, Boot: "a", At: at(time.Second)})
			for _, l := range list {
				must(t, "Return", q.Return(t.Context(), l.Lease, []store.Returned{{ID: l.ID, DueAt: at(0), Single: l.ID == m.ID}}, at(0)))
			}
		}
	}
	claim := func(deliveries, batch int) (singles, others int, later store.Later) {
		t.Helper()
		list, later := q.claimWith(t, store.Claim{Max: deliveries, Batch: batch, Boot: "b", At: at(time.Second)})
		if weight := store.Weight(list, batch); weight > deliveries*batch {
			t.Errorf("%d deliveries of %d: claimed %d, which is more", deliveries, batch, len(list))
		}
		for _, m := range list {
			if m.ByItself() {
				singles++
			} else {
				others++
			}
		}
		must(t, "Release", q.Release(t.Context(), "node", list[0].Lease, at(0)))
		return singles, others, later
	}
	if s, o, later := claim(3, 100); s != 2 || o != 8 && !(o < 8 && !later.Due.IsZero()) {
		t.Errorf("three deliveries of 100 are %d and %d others, later %+v", s, o, later)
	}
	if s, o, later := claim(10, 100); s != 2 || o != 8 || !later.Due.IsZero() {
		t.Errorf("ten deliveries of 100 are %d and %d others, later %+v", s, o, later)
	}
	if s, o, later := claim(1, 4); s+o < 1 || s > 1 || s == 1 && o > 0 || o < 4 && s == 0 && later.Due.IsZero() {
		t.Errorf("a delivery of 4 is %d and %d others, later %+v", s, o, later)
	}
}

func testQueueClaimBytes(t *testing.T, q queueTest) {
	const size, n = store.MaxPayload, 20
	sent := 0
	for range n / 4 {
		var list []store.Message
		for range 4 {
			m := q.message(at(0))
			m.Payload = make([]byte, size)
			list = append(list, m)
		}
		added, err := q.Enqueue(t.Context(), list...)
		must(t, "Enqueue", err)
		sent += len(added)
	}
	for _, c := range []store.Claim{{Max: 100}, {Max: 2, Batch: 50}} {
		c.Boot, c.At = "b", at(time.Second)
		list, later := q.claimWith(t, c)
		if len(list) != store.MaxClaimBytes/size || later.Due.IsZero() || later.Due.After(c.At) {
			t.Errorf("of %d messages of %d bytes %d are claimed at once, later %+v", sent, size, len(list), later)
		}
		rest, later := q.claimWith(t, c)
		if len(list)+len(rest) != n || later != (store.Later{}) {
			t.Errorf("then %d, later %+v", len(rest), later)
		}
		must(t, "Release", q.Release(t.Context(), "node", list[0].Lease, at(0)))
		must(t, "Release", q.Release(t.Context(), "node", rest[0].Lease, at(0)))
	}
	large := queueTest{q.Data, store.Channel{AppID: q.c.AppID, Kind: store.ChannelHTTP, Name: "hello"}}
	m := large.message(at(0))
	m.Payload = make([]byte, store.MaxClaimBytes+1)
	_, err := q.Enqueue(t.Context(), m)
	must(t, "Enqueue", err)
	if list := large.claim(t, 4); len(list) != 1 {
		t.Error("a message that is larger than a claim is not claimed")
	}
}

func testQueueRelease(t *testing.T, q queueTest) {
	q.send(t, 3)
	token := newID()
	list, _ := q.claimWith(t, store.Claim{Max: 2, Token: token, Boot: "b", At: at(time.Second)})
	if len(list) != 2 || list[0].Lease != token || list[1].Lease != token {
		t.Fatalf("claimed under %s: %+v", token, list)
	}
	other := q.claim(t, 1)
	for _, c := range [][2]string{{"another", token}, {"node", newID()}, {"node", ""}, {"", ""}} {
		must(t, "Release", q.Release(t.Context(), c[0], c[1], at(0)))
		q.want(t, "ready 0 delayed 0 in-flight 3 dead 0")
	}
	heard := make(chan store.Channel, 10)
	defer q.Watch(func(c store.Channel, _ time.Time) {
		if c.AppID == q.c.AppID {
			heard <- c
		}
	})()
	must(t, "Release", q.Release(t.Context(), "node", token, at(time.Second)))
	equal(t, "told", <-heard, q.c)
	q.want(t, "ready 2 delayed 0 in-flight 1 dead 0")
	wantErr(t, "an ack", q.ack(t, list[0]), store.ErrLeaseLost)
	must(t, "an ack under the other lease", q.ack(t, other[0]))
	again, _ := q.claimWith(t, store.Claim{Max: 9, Boot: "b", At: at(time.Second)})
	if len(again) != 2 || again[0].Crashes != 0 || again[0].Attempts != 0 {
		t.Errorf("claimed again: %+v", again)
	}
}

func testQueueSetBack(t *testing.T, q queueTest) {
	old := at(10 * time.Hour) // what the clock showed
	set := at(9 * time.Hour)  // what it shows now
	add := func(created, due time.Time) store.Message {
		m := q.message(due)
		m.CreatedAt = created
		_, err := q.Enqueue(t.Context(), m)
		must(t, "Enqueue", err)
		return m
	}
	leased := add(at(0), at(0))
	list, _ := q.claimWith(t, store.Claim{Max: 1, Boot: "b", At: old})
	equal(t, "claimed", messageIDs(list), leased.ID)
	retried := add(at(0), at(time.Hour))
	list, _ = q.claimWith(t, store.Claim{Max: 1, Boot: "b", At: old})
	equal(t, "claimed", messageIDs(list), retried.ID)
	must(t, "Return", q.Return(t.Context(), list[0].Lease, []store.Returned{{ID: retried.ID, DueAt: old.Add(10 * time.Minute), Failed: true}}, old))
	cases := []struct {
		what         string
		m            store.Message
		due, created time.Time
	}{
		{"one that was due", add(old.Add(-time.Minute), old.Add(-time.Minute)), set, old.Add(-time.Minute - time.Hour)},
		{"one that was due all the same", add(at(0), at(time.Minute)), at(time.Minute), at(0)},
		{"one that was sent with a delay", add(old.Add(-10*time.Minute), old.Add(20*time.Minute)), set.Add(20 * time.Minute), old.Add(-70 * time.Minute)},
		{"one that was sent with a delay long ago", add(at(time.Hour), at(20*time.Hour)), at(20 * time.Hour), at(time.Hour)},
		{"one that is to be tried again", retried, set.Add(10 * time.Minute), at(0)},
		{"one that is leased", leased, old.Add(time.Minute), at(0)},
	}
	heard := make(chan store.Channel, 10)
	defer q.Watch(func(c store.Channel, _ time.Time) {
		if c == (store.Channel{}) {
			heard <- c
		}
	})()
	check := func() {
		t.Helper()
		for _, c := range cases {
			m, err := q.Message(t.Context(), q.c.AppID, c.m.ID)
			must(t, "Message", err)
			equal(t, c.what+": due", m.DueAt, c.due)
			equal(t, c.what+": created", m.CreatedAt, c.created)
		}
	}
	must(t, "SetBack", q.SetBack(t.Context(), old, set))
	<-heard
	check()
	// Another process has noticed it too: what waits comes early.
	must(t, "SetBack again", q.SetBack(t.Context(), old, set))
	cases[2].due, cases[4].due = set, set
	check()
}
