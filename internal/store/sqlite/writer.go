package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// maxGroup bounds how many writes one commit carries, and thereby how long the
// first of them waits for the others.
const maxGroup = 128

// writer owns the only connection that writes. Calls that arrive while a commit
// waits for the disk form the next group: one transaction, a savepoint for each,
// one fsync, and then all are answered. A call that finds nobody at work does the
// writer's work itself: to wake up another goroutine, and be woken up by it, takes
// longer than the transaction.
type writer struct {
	turn  sync.Mutex // whose it is has the fields up to buffer
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	buffer []*call

	calls chan *call
	wake  chan struct{} // there may be calls
	ended chan struct{}

	mu     sync.RWMutex // held for reading while sending on calls
	closed bool
}

// call is one Write.
type call struct {
	ctx     context.Context
	relaxed bool // it may be lost in a power cut
	f       func(context.Context, sqlstore.Conn) error
	taken   atomic.Bool // whoever sets it first, writer or caller, decides whether f runs
	running bool        // the writer took it
	err     error
	paniced any
	done    chan struct{}
}

var errClosed = fmt.Errorf("%w: it has been closed", store.ErrUnavailable)

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, conn: conn, stmts: make(map[string]*sql.Stmt),
		buffer: make([]*call, 0, maxGroup), calls: make(chan *call, maxGroup), wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go w.loop()
	return w, nil
}

// write runs f and returns when its changes are on disk; relaxed ones when the
// system has them, which a process's death does not undo, and a later commit
// brings to disk. While the call waits
// for its turn the context ends it; once f runs it is finished, which is short.
func (w *writer) write(ctx context.Context, relaxed bool, f func(context.Context, sqlstore.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{ctx: ctx, relaxed: relaxed, f: f, done: make(chan struct{})}
	if relaxed || !w.atOnce(c) {
		if err := w.send(c); err != nil {
			return err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			if c.taken.CompareAndSwap(false, true) {
				return ctx.Err()
			}
			<-c.done
		}
	}
	if c.paniced != nil {
		panic(c.paniced)
	}
	return c.err
}

// atOnce serves a call, and those that arrive meanwhile, if nobody is at work.
func (w *writer) atOnce(c *call) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed || !w.turn.TryLock() {
		return false
	}
	defer w.turn.Unlock()
	w.group(c)
	return true
}

func (w *writer) send(c *call) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.calls <- c:
		select {
		case w.wake <- struct{}{}:
		default:
		}
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// close finishes the calls that wait and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.wake)
	}
	w.mu.Unlock()
	<-w.ended
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	clear(w.stmts)
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

func (w *writer) loop() {
	defer close(w.ended)
	for range w.wake {
		w.serve()
	}
	w.serve()
}

// serve serves the calls that wait, in their order.
func (w *writer) serve() {
	w.turn.Lock()
	defer w.turn.Unlock()
	for {
		select {
		case c := <-w.calls:
			// With others it costs nothing to be durable too.
			if c.relaxed && len(w.calls) == 0 {
				w.relaxed(c)
			} else {
				w.group(c)
			}
		default:
			return
		}
	}
}

// group runs a call and those that arrive meanwhile, commits, and answers.
func (w *writer) group(first *call) {
	group := append(w.buffer[:0], first)
	defer func() {
		clear(group)
		w.buffer = group
	}()
	ctx := context.Background()
	if err := w.exec(ctx, `BEGIN IMMEDIATE`); err != nil {
		answer(group, unavailable(err))
		return
	}
	fresh := true // nothing has changed since BEGIN
	for i := 0; i < len(group); i++ {
		c := group[i]
		whole := true
		switch {
		case !c.start():
		case fresh:
			fresh, whole = w.runFirst(ctx, c)
		default:
			whole = w.runInSavepoint(ctx, c)
		}
		if !whole {
			// SQLite has given up the whole transaction (disk full, I/O error):
			// each on its own, so that only the one to blame fails.
			w.rollback(ctx)
			for _, c := range group {
				w.alone(ctx, c)
			}
			return
		}
		if i == len(group)-1 && len(group) < maxGroup {
			select {
			case c := <-w.calls:
				group = append(group, c)
			default:
			}
		}
	}
	if err := w.commit(ctx); err != nil {
		for _, c := range group {
			if c.err == nil {
				c.err = err
			}
		}
	}
	for _, c := range group {
		close(c.done)
	}
}

// runFirst runs a call in a transaction without changes, which needs no
// savepoint: if the call fails, a new transaction is begun. It reports whether
// the transaction is still without changes, and whether there is one.
func (w *writer) runFirst(ctx context.Context, c *call) (fresh, whole bool) {
	if w.run(c); c.err == nil {
		return false, true
	}
	w.rollback(ctx)
	return true, w.exec(ctx, `BEGIN IMMEDIATE`) == nil
}

// runInSavepoint runs a call so that its failure undoes its own changes only.
// It reports false when the transaction is lost.
func (w *writer) runInSavepoint(ctx context.Context, c *call) bool {
	if err := w.exec(ctx, `SAVEPOINT call`); err != nil {
		return false
	}
	w.run(c)
	if c.err != nil {
		if err := w.exec(ctx, `ROLLBACK TO call`); err != nil {
			return false
		}
	}
	return w.exec(ctx, `RELEASE call`) == nil
}

// alone runs a call, perhaps once more, in a transaction of its own.
func (w *writer) alone(ctx context.Context, c *call) {
	defer close(c.done)
	if !c.start() {
		return
	}
	if err := w.exec(ctx, `BEGIN IMMEDIATE`); err != nil {
		c.err = unavailable(err)
		return
	}
	if w.run(c); c.err != nil {
		w.rollback(ctx)
		return
	}
	c.err = w.commit(ctx)
}

// relaxed runs a call in a transaction of its own that is not synced.
func (w *writer) relaxed(c *call) {
	if err := w.synchronous(recent); err != nil {
		answer([]*call{c}, unavailable(err))
		return
	}
	w.alone(context.Background(), c)
	if err := w.synchronous(durable); err != nil {
		panic(fmt.Sprintf("commits would no longer be durable: %v", err))
	}
}

// synchronous changes what survives a power cut, between transactions. A statement
// that was prepared before would change nothing: SQLite sets it when it compiles.
func (w *writer) synchronous(d durability) error {
	_, err := w.conn.ExecContext(context.Background(), `PRAGMA synchronous = `+string(d))
	return err
}

// start claims the call for the writer; false when its caller has gone.
func (c *call) start() bool {
	if c.running {
		return true
	}
	c.running = c.taken.CompareAndSwap(false, true)
	return c.running
}

func (w *writer) run(c *call) {
	c.err, c.paniced = nil, nil
	defer func() {
		if p := recover(); p != nil {
			c.paniced, c.err = p, fmt.Errorf("panic: %v", p)
		}
	}()
	// Without the caller's cancellation: SQLite answers an interrupted statement
	// by undoing the whole transaction, the other calls' too.
	c.err = c.f(context.WithoutCancel(c.ctx), txConn{w})
	switch primary(c.err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY:
		c.err = unavailable(c.err)
	}
}

// commit makes the transaction durable, or undoes it.
func (w *writer) commit(ctx context.Context) error {
	err := w.exec(ctx, `COMMIT`)
	if err == nil {
		return nil
	}
	w.rollback(ctx)
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM:
		return unavailable(err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
}

// rollback ends a transaction that SQLite may already have ended.
func (w *writer) rollback(ctx context.Context) { _ = w.exec(ctx, `ROLLBACK`) }

func (w *writer) exec(ctx context.Context, query string) error {
	_, err := txConn{w}.Exec(ctx, query)
	return err
}

func answer(group []*call, err error) {
	for _, c := range group {
		c.err = err
		close(c.done)
	}
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }
