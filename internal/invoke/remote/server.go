package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// maxStreams bounds the runs one connection may have open, beyond what the
// executor itself admits.
const maxStreams = 4096

// Server runs on its executor what the clients that connect to it send.
type Server struct {
	executor invoke.Executor
	onClosed func([]netip.AddrPort) // nil: nobody wants to know

	mu        sync.Mutex
	closing   bool
	about     []byte // what it says of itself; nil: nothing
	listeners map[net.Listener]struct{}
	conns     map[*serverConn]struct{}
	accepted  sync.WaitGroup // connections, until nothing of them is left
}

// acceptPause is how long Serve waits when the system has nothing left for a
// connection.
var acceptPause = 100 * time.Millisecond

// NewServer returns a Server for the given executor.
func NewServer(e invoke.Executor) *Server {
	return &Server{executor: e, listeners: map[net.Listener]struct{}{}, conns: map[*serverConn]struct{}{}}
}

// Serve accepts connections until l fails or the server is shut down; then it
// returns net.ErrClosed. It closes l.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		l.Close()
		return net.ErrClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, l)
		s.mu.Unlock()
		l.Close()
	}()
	for {
		nc, err := l.Accept()
		if err != nil {
			switch {
			case errors.Is(err, net.ErrClosed):
				return net.ErrClosed
			case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
				// The calls of scripts take files as well, and end.
				slog.Error("no connection can be taken at the moment; trying again", "error", err)
				time.Sleep(acceptPause)
				continue
			}
			return err
		}
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			nc.Close()
			return net.ErrClosed
		}
		s.accepted.Add(1)
		s.mu.Unlock()
		go s.handle(nc)
	}
}

// Shutdown tells the clients to send nothing more, waits until the open runs
// have ended or ctx is done, then drops the connections; runs that are still
// open are cancelled. It returns ctx's error if it cut any.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for l := range s.listeners {
		l.Close()
	}
	conns := make([]*serverConn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		// The client hangs up when its last run has ended.
		if _, err := c.conn.send(ctx, typeGoAway, 0, nil); err != nil {
			c.conn.close(errClosed)
		}
	}
	done := make(chan struct{})
	go func() { s.accepted.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		for _, c := range conns {
			c.conn.close(errClosed)
		}
		<-done
	}
	return err
}

func (s *Server) handle(nc net.Conn) {
	if err := hello(nc); err != nil {
		slog.Warn("refused a connection to the executor", "error", err)
		nc.Close()
		s.accepted.Done()
		return
	}
	sc := &serverConn{server: s, streams: map[uint64]*serverStream{}}
	sc.mu.Lock() // until conn is set
	s.mu.Lock()
	sc.conn = newConn(nc, sc.receive, sc.end)
	s.conns[sc] = struct{}{}
	closing, about := s.closing, s.about
	s.mu.Unlock()
	sc.mu.Unlock()
	if about != nil {
		// An error means that the connection has ended.
		_, _ = sc.conn.send(context.Background(), typeAbout, 0, about)
	}
	if closing {
		sc.conn.close(errClosed)
	}
}

// serverConn is one client and its runs.
type serverConn struct {
	server *Server
	conn   *conn
	runs   sync.WaitGroup

	mu      sync.Mutex
	streams map[uint64]*serverStream
}

// serverStream is one run; it is the Host that the run sees.
type serverStream struct {
	conn    *conn
	id      uint64
	cancel  context.CancelCauseFunc
	replies chan reply // room for one: the call that waits
	mu      sync.Mutex // held during a call
	ordinal uint64
}

// end is called when the connection is over: it cancels its runs and waits
// for them.
func (c *serverConn) end(cause error) {
	c.mu.Lock()
	for _, st := range c.streams {
		st.cancel(fmt.Errorf("the orchestrator is gone: %w", cause))
	}
	c.mu.Unlock()
	c.runs.Wait()
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	c.server.accepted.Done()
}

func (c *serverConn) receive(t messageType, id uint64, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch t {
	case typeStart:
		start, err := decodeStart(body, time.Now())
		if err != nil {
			return fmt.Errorf("malformed start: %w", err)
		}
		if c.streams[id] != nil {
			return errors.New("a start for a run that is open")
		}
		if len(c.streams) >= maxStreams {
			go c.conn.send(context.Background(), typeResult, id, encodeResult(&invoke.Result{
				Status: store.StatusRejected, Error: "too many runs at once on one connection",
				StartedAt: time.Now().UTC(), RetryAfter: time.Second,
			}))
			return nil
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		st := &serverStream{conn: c.conn, id: id, cancel: cancel, replies: make(chan reply, 1)}
		c.streams[id] = st
		c.runs.Add(1)
		go c.run(ctx, st, start)
	case typeClosed:
		list, err := decodeAddresses(body)
		if err != nil {
			return fmt.Errorf("malformed addresses: %w", err)
		}
		if c.server.onClosed != nil {
			c.server.onClosed(list)
		}
	case typeCancel:
		if st := c.streams[id]; st != nil {
			st.cancel(context.Canceled)
		}
	case typeReply:
		r, err := decodeReply(body)
		if err != nil {
			return fmt.Errorf("malformed reply: %w", err)
		}
		if st := c.streams[id]; st != nil {
			select {
			case <-st.replies: // of a call that was given up
			default:
			}
			st.replies <- r
		}
	}
	return nil
}

func (c *serverConn) run(ctx context.Context, st *serverStream, start *invoke.Start) {
	defer c.runs.Done()
	defer st.cancel(nil)
	res := c.safely(ctx, st, start)
	// Not ctx: the result of a cancelled run is wanted, too.
	if _, err := c.conn.send(context.Background(), typeResult, st.id, encodeResult(res)); err != nil && errors.Is(err, errTooLong) {
		res = &invoke.Result{Status: store.StatusLimit, Error: "the response: " + err.Error(), StartedAt: res.StartedAt, Duration: res.Duration}
		_, _ = c.conn.send(context.Background(), typeResult, st.id, encodeResult(res))
	}
	c.mu.Lock()
	delete(c.streams, st.id)
	c.mu.Unlock()
}

// safely runs start. A result without a status says that the run failed for a
// reason that is the executor's own.
func (c *serverConn) safely(ctx context.Context, st *serverStream, start *invoke.Start) (res *invoke.Result) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("the executor panicked", "run", start.RunID, "panic", p, "stack", string(debug.Stack()))
			res = &invoke.Result{Error: "it panicked"}
		}
	}()
	res, err := c.server.executor.Run(ctx, start, st)
	if err != nil {
		return &invoke.Result{Error: err.Error()}
	}
	return res
}

// call asks the host on the other side and waits for its reply.
func (st *serverStream) call(ctx context.Context, m method, payload []byte) ([]byte, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ordinal++
	if _, err := st.conn.send(ctx, typeCall, st.id, call{st.ordinal, m, payload}.encode()); err != nil {
		if st.conn.closed() {
			err = st.gone()
		}
		return nil, err
	}
	for {
		select {
		case r := <-st.replies:
			if r.ordinal == st.ordinal {
				return r.payload, r.err()
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-st.conn.dead:
			return nil, st.gone()
		}
	}
}

// gone is why a call has no reply when the connection is over, which cancels the run.
func (st *serverStream) gone() error {
	return &hostError{"the orchestrator is gone: " + st.conn.cause.Error(), context.Canceled}
}

// Source implements invoke.Host.
func (st *serverStream) Source(ctx context.Context, hash string) (string, error) {
	b, err := st.call(ctx, methodSource, []byte(hash))
	return string(b), err
}

// Commit implements invoke.Host.
func (st *serverStream) Commit(ctx context.Context, c *invoke.Commit) (invoke.Outcome, error) {
	b, err := st.call(ctx, methodCommit, encodeCommit(c))
	if err != nil {
		return invoke.Outcome{}, err
	}
	return decodeOutcome(b)
}

// Variables implements invoke.Host.
func (st *serverStream) Variables(ctx context.Context) (map[string]string, error) {
	b, err := st.call(ctx, methodVariables, nil)
	if err != nil {
		return nil, err
	}
	return decodeVariables(b)
}

// Secret implements invoke.Host.
func (st *serverStream) Secret(ctx context.Context, name string) (string, error) {
	b, err := st.call(ctx, methodSecret, []byte(name))
	return string(b), err
}

// Get implements invoke.Host.
func (st *serverStream) Get(ctx context.Context, keys []string) ([]invoke.Entry, error) {
	e := &encoder{}
	for _, k := range keys {
		e.item(1, k)
	}
	b, err := st.call(ctx, methodGet, e.b)
	if err != nil {
		return nil, err
	}
	p, err := decodePage(b)
	return p.Entries, err
}

// List implements invoke.Host.
func (st *serverStream) List(ctx context.Context, q invoke.Query) (invoke.Page, error) {
	b, err := st.call(ctx, methodList, encodeQuery(q))
	if err != nil {
		return invoke.Page{}, err
	}
	return decodePage(b)
}
