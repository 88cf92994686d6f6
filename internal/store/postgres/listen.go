package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/picloud/picloud/internal/store"
)

// listener receives what other processes tell. It has a connection of its own,
// on which it waits without a timer; when that is lost it reconnects, and
// announces the zero Change and the zero Channel because it may have missed some.
type listener struct {
	config *pgx.ConnConfig
	origin string
	to     announcer
	pool   *pgxpool.Pool // for what it is asked to do
	log    *slog.Logger
	stop   context.CancelFunc
	ended  chan struct{}
	after  time.Duration // lookAfter

	mu     sync.Mutex
	heard  time.Time   // when others last told of messages, or gave a sign of life, or a commit here was in doubt
	look   *time.Timer // nil: that is long ago
	closed bool
	here   map[string]*arrival // what is waited for, by token

	onGather atomic.Pointer[func(ctx context.Context)]
	running  sync.WaitGroup // what onGather does
}

// announcer passes on in this process what others told.
type announcer interface {
	Announce(store.Change)
	AnnounceDue(c store.Channel, due time.Time)
}

func newListener(ctx context.Context, config *pgx.ConnConfig, origin string, to announcer, pool *pgxpool.Pool, log *slog.Logger) (*listener, error) {
	l := &listener{config: config.Copy(), origin: origin, to: to, pool: pool, log: log, ended: make(chan struct{}), after: lookAfter}
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
	l.running.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.look != nil {
		l.look.Stop()
	}
}

// lookAfter is how long after a sign of life all messages are looked at: longer
// than the sign stays fresh and the longest transaction after it takes.
var lookAfter = time.Minute

// lookLater sees to it that messages are found which others add from now on and die
// before they can tell, or which the server still commits.
func (l *listener) lookLater() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = time.Now()
	if l.look == nil && !l.closed {
		l.look = time.AfterFunc(l.after, l.lookAgain)
	}
}

func (l *listener) lookAgain() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.look = nil
	if rest := l.after - time.Since(l.heard); rest > 0 {
		l.look = time.AfterFunc(rest, l.lookAgain)
	}
	l.mu.Unlock()
	l.to.AnnounceDue(store.Channel{}, time.Time{})
}

func (l *listener) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+quote(changesChannel)+`; LISTEN `+quote(messagesChannel)+`; LISTEN `+quote(hereChannel)+`; LISTEN `+quote(gatherChannel)); err != nil {
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
		l.to.Announce(store.Change{})
		l.to.AnnounceDue(store.Channel{}, time.Time{})
		l.arrived("") // the tokens of before may be lost; what they stood for has been announced
	}
}

// receive announces what arrives until the connection is lost.
func (l *listener) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		switch n.Channel {
		case hereChannel:
			l.arrived(n.Payload)
			continue
		case gatherChannel:
			l.gather(n.Payload)
			continue
		}
		if n.Channel == messagesChannel {
			origin, c, due, sign := parseDue(n.Payload)
			if origin == l.origin {
				continue
			}
			l.lookLater() // who tells lives
			if !sign {
				l.to.AnnounceDue(c, due)
			}
			continue
		}
		if origin, change := parseChange(n.Payload); origin != l.origin {
			l.to.Announce(change)
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
