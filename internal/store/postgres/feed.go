package postgres

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
)

// executionsChannel carries the IDs of executions that were written, separated by
// commas.
const executionsChannel = "picloud_executions"

// idsTold is how many IDs one notification carries: 37 bytes each.
const idsTold = 200

var _ store.ExecutionFeed = (*Executions)(nil)

// Tell has other processes told of each batch that is written from now on, for who
// follows executions there. It is not to be called later than the first write.
func (x *Executions) Tell() { x.tell = true }

func (x *Executions) tellOf(ctx context.Context, batch []store.Execution) {
	var payloads []string
	for len(batch) > 0 {
		n := min(len(batch), idsTold)
		ids := make([]string, n)
		for i := range ids {
			ids[i] = batch[i].ID
		}
		payloads, batch = append(payloads, strings.Join(ids, ",")), batch[n:]
	}
	// What is recorded is kept; those who follow miss it.
	if _, err := x.db.pool.Exec(ctx, `SELECT pg_notify($1, p) FROM unnest($2::text[]) p`, executionsChannel, payloads); err != nil {
		x.feed.log.Warn("who follows executions misses some", "error", err)
	}
}

// Watch is store.ExecutionFeed's: it hears of what other processes that Tell write.
// It returns when it hears, or cannot for a while.
func (x *Executions) Watch(f func(batch []store.Execution)) (stop func()) { return x.feed.watch(f) }

// Dropped is store.ExecutionFeed's. This process does not know of others' losses.
func (x *Executions) Dropped(string) int64 { return 0 }

// feed listens, on a connection of its own, while there is somebody to tell.
type feed struct {
	config *pgx.ConnConfig
	from   *Executions
	log    *slog.Logger

	mu       sync.Mutex
	next     int
	watchers map[int]func([]store.Execution)
	cancel   context.CancelFunc // nil: it does not listen
	hears    chan struct{}      // closed once it does, or has failed to
	running  sync.WaitGroup
}

func newFeed(config *pgx.ConnConfig, from *Executions, log *slog.Logger) *feed {
	f := &feed{config: config.Copy(), from: from, log: log, watchers: map[int]func([]store.Execution){}}
	f.config.RuntimeParams["application_name"] += " follow"
	return f
}

func (f *feed) watch(g func([]store.Execution)) (stop func()) {
	f.mu.Lock()
	f.next++
	id := f.next
	f.watchers[id] = g
	if f.cancel == nil {
		ctx, cancel := context.WithCancel(context.Background())
		hears := make(chan struct{})
		f.cancel, f.hears = cancel, hears
		f.running.Go(func() { f.loop(ctx, sync.OnceFunc(func() { close(hears) })) })
	}
	hears := f.hears
	f.mu.Unlock()
	<-hears
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, id)
		if len(f.watchers) == 0 && f.cancel != nil {
			f.cancel()
			f.cancel = nil
		}
	}
}

func (f *feed) close() {
	f.mu.Lock()
	clear(f.watchers)
	if f.cancel != nil {
		f.cancel()
		f.cancel = nil
	}
	f.mu.Unlock()
	f.running.Wait()
}

// firstTry bounds how long Watch waits for the connection.
const firstTry = 5 * time.Second

func (f *feed) loop(ctx context.Context, hears func()) {
	defer hears()
	defer time.AfterFunc(firstTry, hears).Stop()
	var again backoff
	for {
		conn, err := pgx.ConnectConfig(ctx, f.config)
		if err == nil {
			if _, err = conn.Exec(ctx, `LISTEN `+quote(executionsChannel)); err == nil {
				hears()
				again.reset()
				err = f.receive(ctx, conn)
			}
			closeConn(conn)
		}
		if ctx.Err() != nil {
			return
		}
		f.log.Warn("the connection that hears of executions is lost: who follows them misses some", "error", err)
		if !again.wait(ctx) {
			return
		}
	}
}

func (f *feed) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		var batch []store.Execution
		for id := range strings.SplitSeq(n.Payload, ",") {
			e, err := f.from.Execution(ctx, id)
			if err != nil {
				if ctx.Err() == nil {
					f.log.Warn("who follows executions misses one", "execution", id, "error", err)
				}
				continue
			}
			batch = append(batch, e)
		}
		f.mu.Lock()
		watchers := make([]func([]store.Execution), 0, len(f.watchers))
		for _, g := range f.watchers {
			watchers = append(watchers, g)
		}
		f.mu.Unlock()
		for _, g := range watchers {
			g(batch)
		}
	}
}
