package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs e behind a Unix socket until the test ends.
func serve(t *testing.T, e invoke.Executor) (path string, s *Server) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s = NewServer(e)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		<-done
	})
	return path, s
}

func connect(t *testing.T, e invoke.Executor) *Client {
	t.Helper()
	path, _ := serve(t, e)
	c := NewUnixClient(path)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRemote(t *testing.T) {
	invoketest.Run(t, func(t *testing.T, e invoke.Executor) invoke.Executor { return connect(t, e) })
}

func ok(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
	return &invoke.Result{Status: store.StatusOK}, nil
}

func TestUnreachable(t *testing.T) {
	c := NewUnixClient(filepath.Join(t.TempDir(), "nobody.sock"))
	defer c.Close()
	if _, err := c.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

// The executor goes away under open runs: each ends with ErrLost, on the other
// side each is cancelled, and the next run finds the executor's successor.
func TestCrashAndReconnect(t *testing.T) {
	const n = 20
	var open, cancelled sync.WaitGroup
	open.Add(n)
	cancelled.Add(n)
	hold := true
	path, s := serve(t, invoketest.Func(func(ctx context.Context, st *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		if !hold {
			return ok(ctx, st, h)
		}
		open.Done()
		<-ctx.Done()
		cancelled.Done()
		return &invoke.Result{Status: store.StatusCancelled}, nil
	}))
	c := NewUnixClient(path)
	defer c.Close()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := c.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrLost) {
				t.Errorf("got %v, want ErrLost", err)
			}
		})
	}
	open.Wait()
	s.mu.Lock()
	for sc := range s.conns {
		sc.conn.nc.Close() // as the kernel does for a process that died
	}
	s.mu.Unlock()
	wg.Wait()
	cancelled.Wait()
	hold = false
	if res, err := c.Run(t.Context(), &invoke.Start{}, nil); err != nil || res.Status != store.StatusOK {
		t.Errorf("after the crash: %v, %v", res, err)
	}
}

// readsOnce is a host whose scripts' sources take a while.
type readsOnce struct {
	invoke.Host
	source func(context.Context) (string, error)
}

func (h readsOnce) Source(ctx context.Context, _ string) (string, error) { return h.source(ctx) }

// A call whose run is given up on the other side, or whose other side is gone, ends as
// one that is cancelled: what other runs wait for too, a program, is not to blame.
func TestCallsThatAreGivenUp(t *testing.T) {
	errs := make(chan error, 1)
	path, _ := serve(t, invoketest.Func(func(_ context.Context, _ *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		_, err := h.Source(context.Background(), "x")
		errs <- err
		return &invoke.Result{Status: store.StatusCancelled}, nil
	}))
	for name, giveUp := range map[string]func(c *Client, cancel context.CancelFunc){
		"cancelled": func(_ *Client, cancel context.CancelFunc) { cancel() },
		"gone":      func(c *Client, cancel context.CancelFunc) { c.Close(); cancel() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		c := NewUnixClient(path)
		if _, err := c.Run(ctx, &invoke.Start{}, readsOnce{source: func(ctx context.Context) (string, error) {
			giveUp(c, cancel)
			<-ctx.Done()
			return "", ctx.Err()
		}}); err != nil && !errors.Is(err, invoke.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the call ended with %v", name, err)
		}
		c.Close()
	}
}

func TestShutdownLetsRunsEnd(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	path, s := serve(t, invoketest.Func(func(ctx context.Context, st *invoke.Start, h invoke.Host) (*invoke.Result, error) {
		close(running)
		<-release
		return ok(ctx, st, h)
	}))
	c := NewUnixClient(path)
	defer c.Close()
	ended := make(chan error)
	go func() {
		_, err := c.Run(t.Context(), &invoke.Start{}, nil)
		ended <- err
	}()
	<-running
	down := make(chan error)
	go func() { down <- s.Shutdown(t.Context()) }()
	for { // until the client has heard of it
		c.mu.Lock()
		cc := c.current
		c.mu.Unlock()
		cc.mu.Lock()
		leaving := cc.leaving
		cc.mu.Unlock()
		if leaving {
			break
		}
	}
	if _, err := c.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrUnreachable) {
		t.Errorf("a run during the shutdown: got %v, want ErrUnreachable", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the open run: %v", err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownCutsRuns(t *testing.T) {
	running := make(chan struct{})
	path, s := serve(t, invoketest.Func(func(ctx context.Context, _ *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		close(running)
		<-ctx.Done()
		return &invoke.Result{Status: store.StatusCancelled}, nil
	}))
	c := NewUnixClient(path)
	defer c.Close()
	ended := make(chan error)
	go func() {
		_, err := c.Run(t.Context(), &invoke.Start{}, nil)
		ended <- err
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: got %v", err)
	}
	if err := <-ended; !errors.Is(err, invoke.ErrLost) {
		t.Errorf("the run that was cut: got %v, want ErrLost", err)
	}
}

func TestCloseEndsRuns(t *testing.T) {
	running := make(chan struct{})
	c := connect(t, invoketest.Func(func(ctx context.Context, _ *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		close(running)
		<-ctx.Done()
		return &invoke.Result{Status: store.StatusCancelled}, nil
	}))
	go func() { <-running; c.Close() }()
	if _, err := c.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	if _, err := c.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrUnreachable) {
		t.Errorf("after Close: got %v, want ErrUnreachable", err)
	}
}

// peer is the other end of a connection, spoken by hand.
func peer(t *testing.T) (ours net.Conn, path string) {
	t.Helper()
	path, _ = serve(t, invoketest.Func(ok))
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(time.Minute))
	return nc, path
}

func greet(t *testing.T, nc net.Conn) {
	t.Helper()
	if err := hello(nc); err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(time.Minute))
}

func frame(t messageType, flags byte, stream uint64, length int, body []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(body))
	binary.BigEndian.PutUint32(b, uint32(length))
	b[4], b[5] = byte(t), flags
	binary.BigEndian.PutUint64(b[6:], stream)
	return append(b, body...)
}

// What does not belong on the wire ends the connection, and nothing else.
func TestMalformed(t *testing.T) {
	start := encodeStart(&invoke.Start{RunID: "r"}, time.Now())
	var cut []byte
	for i := range uint64(maxCut + 1) {
		cut = append(cut, frame(typeStart, flagMore, i, 1, []byte{0})...)
	}
	for name, wire := range map[string][]byte{
		"frame too long":         frame(typeStart, 0, 1, chunkSize+1, nil),
		"start that is no start": frame(typeStart, 0, 1, 1, []byte{0x80}),
		"field beyond the end":   frame(typeStart, 0, 1, 2, []byte{3, 200}),
		"too many cut messages":  cut,
	} {
		t.Run(name, func(t *testing.T) {
			nc, path := peer(t)
			greet(t, nc)
			if _, err := nc.Write(wire); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(nc); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the connection is not closed: %v", err)
			}
			c := NewUnixClient(path)
			defer c.Close()
			if _, err := c.Run(t.Context(), &invoke.Start{}, nil); err != nil {
				t.Errorf("another connection: %v", err)
			}
		})
	}
	t.Run("unknown message and fields are skipped", func(t *testing.T) {
		nc, _ := peer(t)
		greet(t, nc)
		e := &encoder{b: append([]byte(nil), start...)}
		e.string(1000, "from the future")
		e.uint(1001, 1)
		nc.Write(frame(200, 0, 9, 3, []byte("new")))
		nc.Write(frame(typeStart, 0, 1, len(e.b), e.b))
		var h [headerSize]byte
		if _, err := io.ReadFull(nc, h[:]); err != nil || messageType(h[4]) != typeResult {
			t.Errorf("got type %d, %v; want a result", h[4], err)
		}
	})
}

func TestGreeting(t *testing.T) {
	for name, tc := range map[string]struct{ greeting, want string }{
		"another version": {"PiCloud\x63", "version 99"},
		"another service": {"HTTP/1.1", "not a PiCloud service"},
		"nothing":         {"", "no greeting"}, // neither read nor, perhaps, written
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("unix", filepath.Join(t.TempDir(), "x.sock"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(nc, tc.greeting)
				if tc.greeting == "" {
					nc.Close()
					return
				}
				io.ReadFull(nc, make([]byte, 8))
				nc.Close()
			}()
			c := NewUnixClient(l.Addr().String())
			defer c.Close()
			_, err = c.Run(t.Context(), &invoke.Start{}, nil)
			if !errors.Is(err, invoke.ErrUnreachable) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ErrUnreachable that says %q", err, tc.want)
			}
		})
	}
}

// A host of an older release says that it does not know a method.
func TestUnknownMethod(t *testing.T) {
	r := answer(t.Context(), invoketest.Host{}, call{ordinal: 1, method: 250})
	r, err := decodeReply(r.encode())
	if err != nil || r.code != replyUnsupported || !strings.Contains(r.err().Error(), "250") {
		t.Errorf("got %+v, %v", r, err)
	}
}

// A peer that does not read slows senders down, and they can give up.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		c := newConn(a, func(messageType, uint64, []byte) error { return nil }, func(error) {})
		queued := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			sent, err := c.send(ctx, typeCall, 1, make([]byte, chunkSize))
			cancel()
			if !sent {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("giving up: %v", err)
				}
				break
			}
			if queued++; queued > cap(c.out)+2 {
				t.Fatalf("%d frames were taken, room is for %d", queued, cap(c.out))
			}
		}
		if queued < cap(c.out) {
			t.Errorf("%d frames were taken, room is for %d", queued, cap(c.out))
		}
		c.close(errClosed)
		if _, err := c.send(t.Context(), typeCall, 1, []byte("x")); !errors.Is(err, errClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

func TestTooLongMessage(t *testing.T) {
	c := connect(t, invoketest.Func(ok))
	body := make([]byte, MaxMessage+1)
	if _, err := c.Run(t.Context(), &invoke.Start{Request: &invoke.Request{Body: body}}, nil); !errors.Is(err, invoke.ErrUnreachable) || !strings.Contains(err.Error(), "128 MiB") {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodeStart(&invoke.Start{RunID: "r", Request: &invoke.Request{Body: []byte("x")}}, time.Now()))
	f.Add(encodeCommit(&invoke.Commit{Acks: []string{"a"}, Reads: []invoke.Read{{Key: "k"}}}))
	f.Add(encodeResult(&invoke.Result{Response: &invoke.Response{Status: 200}, Logs: []store.LogLine{{Message: "m"}}}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = decodeStart(b, time.Now())
		_, _ = decodeResult(b)
		_, _ = decodeCommit(b)
		_, _ = decodeCall(b)
		_, _ = decodeReply(b)
		_, _ = decodeOutcome(b)
	})
}

func BenchmarkRun(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	s := NewServer(invoketest.Func(ok))
	go s.Serve(l)
	c := NewUnixClient(path)
	start := &invoke.Start{RunID: "r", Request: &invoke.Request{Method: "GET"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Run(b.Context(), start, nil); err != nil {
			b.Fatal(err)
		}
	}
	c.Close()
	s.Shutdown(context.Background())
}

// An executor says who it is, each time that it is connected to, and is told first
// which addresses its scripts may not reach.
func TestIntroduction(t *testing.T) {
	closed := make(chan []netip.AddrPort, 2)
	path, s := serve(t, invoketest.Func(ok))
	s.OnClosed(func(at []netip.AddrPort) { closed <- at })
	want := About{Version: "0.1.0", Address: "10.0.0.1:8082", Boot: "b"}
	s.Introduce(want)
	own := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8080"), netip.MustParseAddrPort("[::]:8080")}
	c := NewUnixClient(path)
	c.Closed(func() []netip.AddrPort { return own })
	defer c.Close()
	for range 2 {
		got, lost, err := c.Connect(t.Context())
		if err != nil || got != want {
			t.Fatalf("Connect: %+v, %v", got, err)
		}
		if _, err := c.Run(t.Context(), &invoke.Start{}, nil); err != nil {
			t.Fatalf("a run: %v", err)
		}
		if at := <-closed; !slices.Equal(at, own) {
			t.Errorf("the executor was told of %v", at)
		}
		c.mu.Lock()
		c.current.conn.close(errClosed)
		c.mu.Unlock()
		<-lost
	}
}

// exhausted is a listener to which the system has given no file for a while.
type exhausted struct {
	net.Listener
	left int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// That the system has no files left for a moment ends no executor.
func TestServeOutlastsALackOfFiles(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "x.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(nil)
	s.Introduce(About{Version: "1"})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(&exhausted{l, 2}) }()
	c := NewUnixClient(l.Addr().String())
	if about, _, err := c.Connect(t.Context()); err != nil || about.Version != "1" {
		t.Errorf("%+v, %v", about, err)
	}
	c.Close()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
