package postgres

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/picloud/picloud/internal/store"
)

// channel carries changes as "origin\nappID\nslug"; the zero Change has the
// last two empty.
const channel = "picloud_changes"

// maxUntold bounds what waits while the server cannot be reached; beyond it the
// zero Change stands for all.
const maxUntold = 1000

// notifier tells other processes of committed changes. It does so after the
// commit, because NOTIFY inside a transaction makes commits queue for one lock,
// and those that wait go out together. A change is acknowledged to its caller
// only when it has been told, so only a process that dies in between leaves
// others unaware, and of nothing it had acknowledged.
type notifier struct {
	origin string // names this process, so that it can ignore itself
	pool   *pgxpool.Pool
	log    *slog.Logger
	stop   context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	pending []store.Change
	told    chan struct{} // closed when what is pending has been told
	wake    chan struct{}
}

func newNotifier(pool *pgxpool.Pool, log *slog.Logger) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	n := &notifier{
		origin: uuid.NewString(), pool: pool, log: log, stop: stop,
		ended: make(chan struct{}), told: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	go n.loop(ctx)
	return n
}

// tellTimeout bounds how long a caller whose change is committed waits until
// others know. The telling goes on in the background.
const tellTimeout = 5 * time.Second

// tell returns when c has been sent, or could not be for a while.
func (n *notifier) tell(c store.Change) {
	n.mu.Lock()
	if len(n.pending) >= maxUntold {
		n.pending = append(n.pending[:0], store.Change{})
	}
	n.pending = append(n.pending, c)
	told := n.told
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
	timeout := time.NewTimer(tellTimeout)
	defer timeout.Stop()
	select {
	case <-told:
	case <-timeout.C:
	case <-n.ended:
	}
}

// close gives up what has not been told; the next process to start makes up
// for it.
func (n *notifier) close() {
	n.stop()
	<-n.ended
}

func (n *notifier) loop(ctx context.Context) {
	defer close(n.ended)
	var again backoff
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		changes, told := n.pending, n.told
		n.pending, n.told = nil, make(chan struct{})
		n.mu.Unlock()
		for len(changes) > 0 {
			err := n.send(ctx, changes)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			n.log.Warn("other nodes cannot be told of a change yet", "error", err)
			if !again.wait(ctx) {
				return
			}
		}
		again.reset()
		close(told)
	}
}

func (n *notifier) send(ctx context.Context, changes []store.Change) error {
	payloads := make([]string, len(changes))
	for i, c := range changes {
		payloads[i] = n.origin + "\n" + c.AppID + "\n" + c.Slug
	}
	_, err := n.pool.Exec(ctx, `SELECT pg_notify($1, p) FROM unnest($2::text[]) p`, channel, payloads)
	return err
}

// parse returns the change in a payload and who sent it; what it cannot read
// means that anything may have changed.
func parse(payload string) (origin string, c store.Change) {
	parts := strings.Split(payload, "\n")
	if len(parts) != 3 {
		return "", store.Change{}
	}
	return parts[0], store.Change{AppID: parts[1], Slug: parts[2]}
}
