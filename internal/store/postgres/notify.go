package postgres

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/picloud/picloud/internal/store"
)

// What is told of, each on a channel of PostgreSQL's. The first line of a payload
// names the process that tells.
const (
	// changesChannel carries "origin\nappID\nslug"; the zero Change has the last
	// two empty.
	changesChannel = "picloud_changes"
	// messagesChannel carries "origin\nappID\nkind\nname\ndue", due in microseconds;
	// the zero Channel has empty texts. The origin alone is a sign of life.
	messagesChannel = "picloud_messages"
	// hereChannel carries the token of a call of Here, or of one of Gather from each
	// process that has done what it asks.
	hereChannel = "picloud_here"
	// gatherChannel carries the token of a call of Gather.
	gatherChannel = "picloud_gather"
)

const (
	// maxUntold bounds what waits while the server cannot be reached; beyond it the
	// zero Change stands for all changes, the zero Channel for all channels.
	maxUntold = 1000
	// spacing is the least time between two tellings of messages, so that many are
	// one: each wakes up every process.
	spacing = 5 * time.Millisecond
	// signEvery is how old the last sign of life of a process that adds messages may
	// be.
	signEvery = 10 * time.Second
	// maxPayload is a little less than what NOTIFY takes, in bytes.
	maxPayload = 7900
)

// notifier tells other processes of committed changes, and of messages that may
// be due. It does so after the commit, because NOTIFY inside a transaction makes
// commits queue for one lock, and what waits goes out together.
//
// A change is acknowledged to its caller only when it has been told, so only a
// process that dies in between leaves others unaware, and of nothing it had
// acknowledged. Messages are too many for that. Instead a process gives a sign of
// life before it adds some, unless the last one is fresh, and whoever hears one
// looks for messages once more, lookAfter later: it finds those of a process that
// died before it could tell.
type notifier struct {
	origin string // names this process, so that it can ignore itself
	pool   *pgxpool.Pool
	log    *slog.Logger
	stop   context.CancelFunc
	ended  chan struct{}

	began   time.Time
	signed  atomic.Int64 // when the last sign of life was sent, since began; 0: none was
	wake    chan struct{}
	wakeDue chan struct{} // what is not urgent

	mu      sync.Mutex
	pending untold
	told    chan struct{} // closed when what is pending has been told
}

// untold is what others are to be told of.
type untold struct {
	changes []store.Change
	due     map[store.Channel]time.Time
	sign    bool
}

func newNotifier(pool *pgxpool.Pool, log *slog.Logger) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	n := &notifier{
		origin: uuid.NewString(), pool: pool, log: log, stop: stop, began: time.Now(),
		ended: make(chan struct{}), told: make(chan struct{}), wake: make(chan struct{}, 1), wakeDue: make(chan struct{}, 1),
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
	if len(n.pending.changes) >= maxUntold {
		n.pending.changes = append(n.pending.changes[:0], store.Change{})
	}
	n.pending.changes = append(n.pending.changes, c)
	told := n.told
	n.mu.Unlock()
	n.await(context.Background(), told)
}

// await has what is pending told, and waits for that.
func (n *notifier) await(ctx context.Context, told <-chan struct{}) {
	signal(n.wake)
	timeout := time.NewTimer(tellTimeout)
	defer timeout.Stop()
	select {
	case <-told:
	case <-timeout.C:
	case <-n.ended:
	case <-ctx.Done():
	}
}

// tellDue has it sent soon that c has messages which are due at the given time.
func (n *notifier) tellDue(c store.Channel, due time.Time) {
	n.mu.Lock()
	n.pending.addDue(c, due)
	n.mu.Unlock()
	signal(n.wakeDue)
}

// addDue notes the earliest time for each channel; beyond maxUntold the zero
// Channel stands for all.
func (u *untold) addDue(c store.Channel, due time.Time) {
	if u.due == nil {
		u.due = make(map[store.Channel]time.Time)
	}
	if _, all := u.due[store.Channel{}]; all {
		return
	}
	at, known := u.due[c]
	if !known && len(u.due) >= maxUntold {
		clear(u.due)
		c, due = store.Channel{}, time.Time{}
	}
	if !known || due.Before(at) {
		u.due[c] = due
	}
}

// sign returns when the last sign of life is fresh, or could not be given for a
// while.
func (n *notifier) sign(ctx context.Context) {
	if last := n.signed.Load(); last != 0 && time.Since(n.began)-time.Duration(last) < signEvery {
		return
	}
	n.mu.Lock()
	n.pending.sign = true
	told := n.told
	n.mu.Unlock()
	n.await(ctx, told)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// closeTimeout bounds how long close waits for the server.
const closeTimeout = time.Second

// close tells what has not been told, such as of messages that were given back at the
// end: this process may have been the last that knew. What the server does not take
// is given up; the next process to start makes up for it.
func (n *notifier) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	n.mu.Lock()
	told := n.told
	n.mu.Unlock()
	n.await(ctx, told)
	n.stop()
	<-n.ended
}

func (n *notifier) loop(ctx context.Context) {
	defer close(n.ended)
	var again backoff
	var last time.Time // when messages were told of
	for {
		select {
		case <-n.wake:
		case <-n.wakeDue:
			if !n.space(ctx, last) {
				return
			}
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		list, told := n.pending, n.told
		n.pending, n.told = untold{}, make(chan struct{})
		n.mu.Unlock()
		for {
			err := n.send(ctx, list)
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
		last = time.Now()
		close(told)
	}
}

// space waits until messages may be told of again, or something is urgent; false
// when ctx ended.
func (n *notifier) space(ctx context.Context, last time.Time) bool {
	rest := spacing - time.Since(last)
	if rest <= 0 {
		return true
	}
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

func (n *notifier) send(ctx context.Context, list untold) error {
	var channels, payloads []string
	for _, c := range list.changes {
		channels, payloads = append(channels, changesChannel), append(payloads, n.origin+"\n"+c.AppID+"\n"+c.Slug)
	}
	for c, due := range maps.All(list.due) {
		payload := strings.Join([]string{n.origin, c.AppID, string(c.Kind), c.Name, dueText(due)}, "\n")
		if len(payload) > maxPayload {
			payload = strings.Join([]string{n.origin, "", "", "", dueText(time.Time{})}, "\n")
		}
		channels, payloads = append(channels, messagesChannel), append(payloads, payload)
	}
	if list.sign && len(list.due) == 0 {
		channels, payloads = append(channels, messagesChannel), append(payloads, n.origin)
	}
	if len(payloads) == 0 {
		return nil
	}
	at := time.Since(n.began)
	_, err := n.pool.Exec(ctx, `SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS t(c, p)`, channels, payloads)
	if err == nil && (list.sign || len(list.due) > 0) {
		n.signed.Store(int64(at))
	}
	return err
}

// dueText is 0 for the zero time: now.
func dueText(due time.Time) string {
	if due.IsZero() {
		return "0"
	}
	return strconv.FormatInt(due.UnixMicro(), 10)
}

// parseChange returns the change in a payload and who sent it; what it cannot read
// means that anything may have changed.
func parseChange(payload string) (origin string, c store.Change) {
	parts := strings.Split(payload, "\n")
	if len(parts) != 3 {
		return "", store.Change{}
	}
	return parts[0], store.Change{AppID: parts[1], Slug: parts[2]}
}

// parseDue returns the channel in a payload, when its messages are due, and who
// sent it; sign is true of what is only a sign of life. What it cannot read means
// that any channel may have some.
func parseDue(payload string) (origin string, c store.Channel, due time.Time, sign bool) {
	parts := strings.Split(payload, "\n")
	if len(parts) == 1 {
		if uuid.Validate(payload) == nil {
			return payload, c, due, true
		}
		return "", c, due, false
	}
	if len(parts) != 5 {
		return "", c, due, false
	}
	us, err := strconv.ParseInt(parts[4], 10, 64)
	if err != nil {
		return "", c, due, false
	}
	if us != 0 {
		due = time.UnixMicro(us).UTC()
	}
	return parts[0], store.Channel{AppID: parts[1], Kind: store.ChannelKind(parts[2]), Name: parts[3]}, due, false
}
