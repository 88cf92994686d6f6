package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
)

// listener receives what other processes tell. It has a connection of its own,
// on which it waits without a timer; when that is lost it reconnects, and
// announces the zero Change because it may have missed some.
type listener struct {
	config   *pgx.ConnConfig
	origin   string
	announce func(store.Change)
	log      *slog.Logger
	stop     context.CancelFunc
	ended    chan struct{}
}

func newListener(ctx context.Context, config *pgx.ConnConfig, origin string, announce func(store.Change), log *slog.Logger) (*listener, error) {
	l := &listener{config: config.Copy(), origin: origin, announce: announce, log: log, ended: make(chan struct{})}
	l.config.RuntimeParams["application_name"] += " listen"
	conn, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	go l.loop(run, conn)
	return l, nil
}

func (l *listener) close() {
	l.stop()
	<-l.ended
}

func (l *listener) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+quote(channel)); err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

func (l *listener) loop(ctx context.Context, conn *pgx.Conn) {
	defer close(l.ended)
	var again backoff
	for {
		err := l.receive(ctx, conn)
		closeConn(conn)
		for {
			if ctx.Err() != nil {
				return
			}
			l.log.Warn("the connection that hears of other nodes' changes is lost", "error", err)
			if !again.wait(ctx) {
				return
			}
			if conn, err = l.connect(ctx); err == nil {
				break
			}
		}
		again.reset()
		l.announce(store.Change{})
	}
}

// receive announces what arrives until the connection is lost.
func (l *listener) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if origin, change := parse(n.Payload); origin != l.origin {
			l.announce(change)
		}
	}
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// backoff spaces attempts: 50 ms, doubling to 5 s, each shortened by up to half
// at random, so that nodes do not all return in the same moment.
type backoff struct{ last time.Duration }

// wait reports false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	b.last = min(max(2*b.last, 50*time.Millisecond), 5*time.Second)
	t := time.NewTimer(b.last - rand.N(b.last/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (b *backoff) reset() { b.last = 0 }
