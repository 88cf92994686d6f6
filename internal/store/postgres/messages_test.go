package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
)

// notice is what a watcher is told.
type notice struct {
	c   store.Channel
	due time.Time
}

// hearDue returns a channel of what s announces of messages.
func hearDue(t *testing.T, s *postgres.Store) <-chan notice {
	t.Helper()
	heard := make(chan notice, 10_000)
	t.Cleanup(s.Watch(func(c store.Channel, due time.Time) { heard <- notice{c, due} }))
	return heard
}

func expectDue(t *testing.T, heard <-chan notice, want notice) {
	t.Helper()
	select {
	case got := <-heard:
		if got.c != want.c || !got.due.Equal(want.due) {
			t.Fatalf("heard %+v, want %+v", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("did not hear %+v", want)
	}
}

// expectDueAfter is expectDue when notices of a channel may come before.
func expectDueAfter(t *testing.T, heard <-chan notice, before store.Channel, want notice) {
	t.Helper()
	for {
		select {
		case got := <-heard:
			switch {
			case got.c == before:
				continue
			case got.c != want.c || !got.due.Equal(want.due):
				t.Fatalf("heard %+v, want %+v", got, want)
			}
			return
		case <-time.After(30 * time.Second):
			t.Fatalf("did not hear %+v", want)
		}
	}
}

// twoStores are two processes on one database, with an app, and what b hears of
// messages.
func twoStores(t *testing.T) (a, b *postgres.Store, app string, heardByB <-chan notice) {
	t.Helper()
	url := migrated(t)
	b = open(t, url)
	heardByB = hearDue(t, b)
	a = open(t, url)
	// Whoever starts makes up for one that died before it could tell.
	expectDue(t, heardByB, notice{})
	app = uuid.NewString()
	if err := a.CreateApp(t.Context(), store.App{ID: app, Slug: "demo"}, "x"); err != nil {
		t.Fatal(err)
	}
	return a, b, app, heardByB
}

func queueOf(app, name string) store.Channel {
	return store.Channel{AppID: app, Kind: store.ChannelQueue, Name: name}
}

func messageAt(c store.Channel, due time.Time) store.Message {
	return store.Message{ID: store.NewID(), Channel: c, Source: c.Name, Depth: 1, CreatedAt: due, DueAt: due}
}

func TestOtherProcessesHearOfMessages(t *testing.T) {
	a, b, app, heard := twoStores(t)
	heardByA := hearDue(t, a)
	emails, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
	m := messageAt(emails, now)
	if _, err := a.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	expectDue(t, heardByA, notice{emails, now}) // once, and not again from the server
	expectDue(t, heard, notice{emails, now})

	// What is claimed by one and returned is told to the other, with its time.
	list, _, err := b.Claim(t.Context(), store.Claim{Channel: emails, Max: 1, Lease: time.Hour, Owner: "b", Boot: "b", At: now})
	if err != nil || len(list) != 1 {
		t.Fatalf("claimed %v, %v", list, err)
	}
	later := now.Add(time.Minute)
	if err := b.Return(t.Context(), list[0].Lease, []store.Returned{{ID: m.ID, DueAt: later}}, now); err != nil {
		t.Fatal(err)
	}
	expectDue(t, heard, notice{emails, later})
	expectDue(t, heardByA, notice{emails, later})

	// What a process that died had leased is looked at by all when it is free.
	if list, _, err = b.Claim(t.Context(), store.Claim{Channel: emails, Max: 1, Lease: time.Hour, Owner: "b", Boot: "b", At: later}); err != nil || len(list) != 1 {
		t.Fatalf("claimed %v, %v", list, err)
	}
	if n, err := b.Recover(t.Context(), "b", "again", later); err != nil || n != 1 {
		t.Fatalf("recovered %d, %v", n, err)
	}
	expectDue(t, heard, notice{})
	expectDue(t, heardByA, notice{})
}

// Others hear when each channel has something due, or that any may have.
func TestManyChannelsAreTold(t *testing.T) {
	for _, n := range []int{50, 1200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			a, _, app, heard := twoStores(t)
			now := time.Now().UTC().Truncate(time.Microsecond)
			var list []store.Message
			want := map[store.Channel]bool{}
			for i := range n {
				c := queueOf(app, fmt.Sprintf("q%d", i))
				want[c] = true
				if n == 50 {
					list = append(list, messageAt(c, now.Add(time.Hour)))
				}
				list = append(list, messageAt(c, now))
			}
			if _, err := a.Enqueue(t.Context(), list...); err != nil {
				t.Fatal(err)
			}
			for len(want) > 0 {
				select {
				case got := <-heard:
					if got == (notice{}) {
						return // of any
					}
					if got.due.Equal(now.Add(time.Hour)) {
						continue // told before the one that is due
					}
					if !want[got.c] || !got.due.Equal(now) {
						t.Fatalf("heard %+v", got)
					}
					delete(want, got.c)
				case <-time.After(30 * time.Second):
					t.Fatalf("did not hear of %d channels", len(want))
				}
			}
		})
	}
}

func TestALostListenerLooksForMessages(t *testing.T) {
	url := migrated(t)
	heard := hearDue(t, open(t, url))
	exec(t, url, terminateListeners)
	expectDue(t, heard, notice{})
}

func TestWhatCannotBeReadMayBeAboutAnyMessage(t *testing.T) {
	url := migrated(t)
	heard := hearDue(t, open(t, url))
	for _, payload := range []string{"nonsense", "", "a\nb", "a\nb\nc\nd\nsoon"} {
		exec(t, url, fmt.Sprintf(`NOTIFY picloud_messages, E'%s'`, payload))
		expectDue(t, heard, notice{})
	}
}

// A process that dies between its commit and the notification has given a sign of
// life before, and who heard it looks again.
func TestMessagesThatNobodyWasToldOf(t *testing.T) {
	t.Cleanup(postgres.SetLookAfter(100 * time.Millisecond)) // after the stores are closed
	a, _, app, heard := twoStores(t)
	// What a told of when it started counts as a sign of life.
	expectDue(t, heard, notice{})
	emails, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
	if _, err := a.Enqueue(t.Context(), messageAt(emails, now)); err != nil {
		t.Fatal(err)
	}
	expectDue(t, heard, notice{emails, now})
	expectDue(t, heard, notice{})
	// Then it is quiet until there is another sign.
	postgres.Age(a)
	select {
	case got := <-heard:
		t.Fatalf("heard %+v", got)
	default:
	}
	if err := a.Pause(t.Context(), emails, true); err != nil { // which tells nothing
		t.Fatal(err)
	}
	expectDue(t, heard, notice{})
}

// A channel that another process removed, and made anew, is the one that is asked for
// and changed, not the one that was known.
func TestChannelMadeAnewElsewhere(t *testing.T) {
	a, b, app, _ := twoStores(t)
	c := queueOf(app, "emails")
	now := time.UnixMicro(1_700_000_000_000_000).UTC()
	send := func(s *postgres.Store) {
		t.Helper()
		m := store.Message{ID: store.NewIDAt(now), Channel: c, Source: c.Name, Payload: []byte("x"), Depth: 1, CreatedAt: now, DueAt: now}
		if _, err := s.Enqueue(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	send(b)
	send(b) // which knows the channel now
	if err := a.Remove(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	send(a)
	list, _, err := b.Messages(t.Context(), store.MessageFilter{Channel: c, Limit: 10, At: now})
	if err != nil || len(list) != 1 {
		t.Errorf("the messages are %v, %v, want one", list, err)
	}
	if err := b.Pause(t.Context(), c, true); err != nil {
		t.Fatal(err)
	}
	if state, err := a.Channel(t.Context(), c, now); err != nil || !state.Paused {
		t.Errorf("the channel is %+v, %v, want it paused", state, err)
	}
	if n, err := b.Purge(t.Context(), c, false, nil); err != nil || n != 1 {
		t.Errorf("purged %d, %v, want one", n, err)
	}
}

// A process that is closed tells first of what it has given back.
func TestAProcessThatIsClosedTells(t *testing.T) {
	for range 20 {
		a, _, app, heard := twoStores(t)
		c, now := queueOf(app, "emails"), time.Now().UTC().Truncate(time.Microsecond)
		for range 3 { // the last ones come soon after another telling
			if _, err := a.Enqueue(t.Context(), messageAt(c, now)); err != nil {
				t.Fatal(err)
			}
			expectDue(t, heard, notice{c, now})
		}
		later := now.Add(time.Minute)
		if _, err := a.Enqueue(t.Context(), messageAt(c, later)); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		expectDue(t, heard, notice{c, later})
	}
}

// What a process sent that was killed the server may commit after the next one has
// started, and has looked.
func TestAProcessThatStartsLooksAgain(t *testing.T) {
	t.Cleanup(postgres.SetLookAfter(100 * time.Millisecond))
	s := open(t, migrated(t))
	expectDue(t, hearDue(t, s), notice{})
}
