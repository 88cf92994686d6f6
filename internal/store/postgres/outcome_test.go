package postgres_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
)

// cutter stands between a store and its server and, once armed, lets a COMMIT
// through and cuts the connection before its answer.
type cutter struct {
	armed atomic.Bool
	mark  string // what is cut, in lower case
	// end, if there is one, is what the server says last: before it all of its answer
	// passes but that it is ready, or nothing if lost is set.
	end     []byte
	lost    bool
	network string
	server  string
}

// serve listens on a unix socket and returns the URL that leads through it.
func (c *cutter) serve(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	c.network, c.server = "unix", filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	if u.Host != "" {
		c.network, c.server = "tcp", u.Host
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.relay(client) })
		}
	})
	q := u.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	return u.String()
}

func (c *cutter) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(c.network, c.server)
	if err != nil {
		return
	}
	defer server.Close()
	answers := make(chan struct{})
	var cut atomic.Bool
	go func() {
		defer close(answers)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && !cut.Load() {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if n > 0 && cut.Load() {
				if whole, ready := bytes.CutSuffix(buf[:n], []byte("Z\x00\x00\x00\x05I")); ready && c.end != nil {
					if c.lost {
						whole = nil
					}
					_, _ = client.Write(append(whole, c.end...))
				}
				client.Close() // the server has answered; the client will not know
				return
			}
			if err != nil {
				client.Close()
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if bytes.Contains(bytes.ToLower(buf[:n]), []byte(c.mark)) && c.armed.CompareAndSwap(true, false) {
			cut.Store(true)
		}
		if _, werr := server.Write(buf[:n]); werr != nil || err != nil {
			if err != nil && !errors.Is(err, io.EOF) {
				server.Close()
			}
			break
		}
	}
	server.Close()
	<-answers
}

func TestACommitWithoutAnAnswer(t *testing.T) {
	c := &cutter{mark: "commit\x00"}
	s := open(t, c.serve(t, migrated(t)))
	heard := hear(t, s)
	c.armed.Store(true)
	app := store.App{ID: "a", Slug: "maybe"}
	err := s.CreateApp(t.Context(), app, "x")
	if !errors.Is(err, store.ErrUnknownOutcome) {
		t.Fatalf("got %v, want that the outcome is unknown", err)
	}
	// It may have happened, so caches must be told. Here it has.
	expect(t, heard, store.Change{AppID: "a", Slug: "maybe"})
	if _, err := s.AppBySlug(t.Context(), "maybe"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// A run's commit travels with its statements.
func TestAWholeCommitWithoutAnAnswer(t *testing.T) {
	c := &cutter{mark: "cut here"}
	s := open(t, c.serve(t, migrated(t)))
	app := store.App{ID: store.NewID(), Slug: "maybe"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	send := func() error {
		now := time.Now()
		queue := store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "work"}
		_, err := s.Commit(t.Context(), store.Commit{AppID: app.ID, RunID: store.NewID(), At: now, Messages: []store.Message{
			{ID: store.NewID(), Channel: queue, Source: "cut here", Depth: 1, CreatedAt: now, DueAt: now},
		}})
		return err
	}
	for range 3 { // the server knows the statements then
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	c.armed.Store(true)
	if err := send(); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Fatalf("got %v, want that the outcome is unknown", err)
	}
	if u, err := s.MessageUsage(t.Context(), app.ID); err != nil || u.Messages != 4 {
		t.Errorf("after it: %+v, %v", u, err)
	}
}

// A server that is stopped while it commits says so after it has said that it did.
func TestACommitWithAnAnswerAndAnError(t *testing.T) {
	end, err := (&pgproto3.ErrorResponse{
		Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01", Message: "terminating connection due to administrator command",
	}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{mark: "cut here", end: end}
	s := open(t, c.serve(t, migrated(t)))
	app := store.App{ID: store.NewID(), Slug: "done"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	handed := 0
	defer s.HandOff(func(store.Channel, int) *store.Offer {
		return &store.Offer{Max: 1, Token: store.NewID(), Owner: "a", Boot: "a", Until: time.Now().Add(time.Hour), Settle: func(list []store.Message, _ bool) { handed += len(list) }}
	})()
	for i := range 4 { // the last one travels as a whole
		c.armed.Store(i == 3)
		now := time.Now()
		_, err := s.Commit(t.Context(), store.Commit{AppID: app.ID, RunID: store.NewID(), At: now, Messages: []store.Message{
			{ID: store.NewID(), Channel: queueOf(app.ID, "work"), Source: "cut here", Depth: 1, CreatedAt: now, DueAt: now},
		}})
		if err != nil {
			t.Errorf("commit %d: %v", i, err)
		}
	}
	if u, err := s.MessageUsage(t.Context(), app.ID); err != nil || u.Messages != 4 || handed != 4 {
		t.Errorf("after it: %+v, %v; %d were handed off", u, err, handed)
	}
}

// A server that cannot sync its journal panics. What it wrote there may be read when it
// starts again, so the commit may have been made.
func TestACommitThatPanics(t *testing.T) {
	end, err := (&pgproto3.ErrorResponse{
		Severity: "PANIC", SeverityUnlocalized: "PANIC", Code: "58030", Message: "could not fsync file",
	}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{mark: "cut here", end: end, lost: true}
	s := open(t, c.serve(t, migrated(t)))
	app := store.App{ID: store.NewID(), Slug: "maybe"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // the last one travels as a whole
		c.armed.Store(i == 3)
		now := time.Now()
		_, err = s.Commit(t.Context(), store.Commit{AppID: app.ID, RunID: store.NewID(), At: now, Messages: []store.Message{
			{ID: store.NewID(), Channel: queueOf(app.ID, "work"), Source: "cut here", Depth: 1, CreatedAt: now, DueAt: now},
		}})
	}
	if !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("got %v, want that the outcome is unknown", err)
	}
}

// The time that a commit may take begins when its statements have ended, which may have
// waited for others.
func TestACommitAfterALongWait(t *testing.T) {
	const timeout = time.Second
	t.Cleanup(postgres.SetCommitTimeout(timeout))
	url := migrated(t)
	s := open(t, url)
	app := store.App{ID: store.NewID(), Slug: "slow"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	put := func() error {
		now := time.Now()
		_, err := s.Commit(t.Context(), store.Commit{AppID: app.ID, RunID: store.NewID(), At: now, Ops: []store.KVOp{{Kind: store.KVSet, Key: "k", Value: []byte("v")}}})
		return err
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM kv FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- put() }()
	time.Sleep(timeout + 100*time.Millisecond)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A server that is slow to commit may do so after the client has given up, and after
// what is due by it was announced: it is looked for once more.
func TestACommitThatIsMadeLate(t *testing.T) {
	t.Cleanup(postgres.SetCommitTimeout(500 * time.Millisecond))
	t.Cleanup(postgres.SetLookAfter(3 * time.Second))
	url := migrated(t)
	s := open(t, url)
	app := store.App{ID: store.NewID(), Slug: "late"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	// What a disk that hangs does, which nothing cancels.
	if _, err := connect(t, url).Exec(t.Context(), `CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_sleep(10); RETURN NULL; EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER hang AFTER UPDATE ON messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
			WHEN (NEW.last_error = 'hang' AND NEW.lease = '') EXECUTE FUNCTION hang()`); err != nil {
		t.Fatal(err)
	}
	c, now := queueOf(app.ID, "work"), time.Now().UTC().Truncate(time.Microsecond)
	m := messageAt(c, now)
	if _, err := s.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	list, _, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: 1, Lease: time.Hour, Owner: "a", Boot: "a", At: now})
	if err != nil || len(list) != 1 {
		t.Fatalf("claimed %v, %v", list, err)
	}
	heard := hearDue(t, s)
	back := []store.Returned{{ID: m.ID, DueAt: now, Error: "hang"}}
	if err := s.Return(t.Context(), list[0].Lease, back, now); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Fatalf("got %v, want that the outcome is unknown", err)
	}
	expectDue(t, heard, notice{c, now})
	if list, later, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: 1, Lease: time.Hour, Owner: "a", Boot: "a", At: now}); err != nil || len(list) != 0 || !later.Due.IsZero() {
		t.Fatalf("who looks then finds %v, %+v, %v", list, later, err)
	}
	// Said again it waits for the commit, and changes nothing.
	if err := s.Return(t.Context(), list[0].Lease, back, now); err != nil {
		t.Fatal(err)
	}
	expectDue(t, heard, notice{})
	if list, _, err := s.Claim(t.Context(), store.Claim{Channel: c, Max: 1, Lease: time.Hour, Owner: "a", Boot: "a", At: now}); err != nil || len(list) != 1 {
		t.Errorf("claimed %v, %v", list, err)
	}
}
