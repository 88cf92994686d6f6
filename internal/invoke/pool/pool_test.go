package pool

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs e behind a socket until the test ends, or stop is called.
func serve(t *testing.T, e invoke.Executor) (path string, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := remote.NewServer(e)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		<-done
	}
	t.Cleanup(stop)
	return path, stop
}

// of returns a pool with an own executor and others, at sockets.
func of(t *testing.T, own string, others ...string) *Executor {
	t.Helper()
	nodes := make([]store.Node, len(others))
	for i, path := range others {
		nodes[i] = store.Node{Kind: store.NodeExecutor, Address: path}
	}
	var d net.Dialer
	e := New(Config{
		Own:    remote.NewUnixClient(own),
		Others: func() []store.Node { return nodes },
		Dial:   func(ctx context.Context, path string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
		Closed: func() []netip.AddrPort { return nil },
	})
	t.Cleanup(e.Close)
	return e
}

func TestPool(t *testing.T) {
	invoketest.Run(t, func(t *testing.T, e invoke.Executor) invoke.Executor {
		path, _ := serve(t, e)
		return of(t, path)
	})
	t.Run("by another node", func(t *testing.T) {
		invoketest.Run(t, func(t *testing.T, e invoke.Executor) invoke.Executor {
			path, _ := serve(t, e)
			return of(t, filepath.Join(t.TempDir(), "nobody"), path)
		})
	})
}

// says answers with its name.
func says(name string) invoke.Executor {
	return invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusOK, Error: name}, nil
	})
}

func run(t *testing.T, e *Executor) (who string, err error) {
	t.Helper()
	res, err := e.Run(t.Context(), &invoke.Start{RunID: "r"}, invoketest.Host{})
	if err != nil {
		return "", err
	}
	if res.Status == store.StatusRejected {
		return "rejected", nil
	}
	return res.Error, nil
}

// The own executor is the one that is asked, until it cannot be: then the others
// take turns.
func TestOthersAreAskedWhenTheOwnIsGone(t *testing.T) {
	own, stop := serve(t, says("own"))
	a, _ := serve(t, says("a"))
	b, stopB := serve(t, says("b"))
	e := of(t, own, a, filepath.Join(t.TempDir(), "nobody"), b)
	for range 10 {
		if who, err := run(t, e); who != "own" {
			t.Fatalf("asked %q, %v", who, err)
		}
	}
	stop()
	var asked []string
	for range 20 {
		who, err := run(t, e)
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, who)
	}
	if !slices.Contains(asked, "a") || !slices.Contains(asked, "b") {
		t.Errorf("asked only %q", asked)
	}
	stopB()
	for range 5 {
		if who, err := run(t, e); who != "a" {
			t.Errorf("asked %q, %v", who, err)
		}
	}
}

// A refusal for overload is none while another executor has a place, and is what is
// answered when none has.
func TestOverload(t *testing.T) {
	full := invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusRejected}, nil
	})
	own, _ := serve(t, full)
	a, _ := serve(t, full)
	b, stopB := serve(t, says("b"))
	e := of(t, own, a, b)
	for range 4 {
		if who, err := run(t, e); who != "b" {
			t.Errorf("asked %q, %v", who, err)
		}
	}
	stopB()
	if who, err := run(t, e); who != "rejected" {
		t.Errorf("without a place anywhere: %q, %v", who, err)
	}
}

// What was lost on the way is not run again.
func TestLostRunsAreNotRepeated(t *testing.T) {
	runs := make(chan string, 10)
	broken := func(name string) invoke.Executor {
		return invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
			runs <- name
			panic("it breaks")
		})
	}
	own, _ := serve(t, broken("own"))
	a, _ := serve(t, broken("a"))
	e := of(t, own, a)
	if _, err := run(t, e); !errors.Is(err, invoke.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	if <-runs != "own" || len(runs) > 0 {
		t.Error("another executor was asked")
	}
	e.Close()
	if _, err := run(t, e); !errors.Is(err, invoke.ErrUnreachable) {
		t.Errorf("after Close: %v", err)
	}
}

// An address that is closed later is told to the executors that are connected, wherever
// they are.
func TestClosedLater(t *testing.T) {
	told := make(chan []netip.AddrPort, 10)
	listen := func(e invoke.Executor) string {
		path := filepath.Join(t.TempDir(), "x")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		s := remote.NewServer(e)
		s.OnClosed(func(at []netip.AddrPort) { told <- at })
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Serve(l)
		}()
		t.Cleanup(func() {
			_ = s.Shutdown(context.Background())
			<-done
		})
		return path
	}
	own, other := listen(invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusRejected}, nil
	})), listen(says("other"))
	var closed atomic.Pointer[[]netip.AddrPort]
	closed.Store(&[]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8080")})
	var d net.Dialer
	e := New(Config{
		Own:    remote.NewUnixClient(own),
		Others: func() []store.Node { return []store.Node{{Kind: store.NodeExecutor, Address: other}} },
		Dial:   func(ctx context.Context, path string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
		Closed: func() []netip.AddrPort { return *closed.Load() },
	})
	t.Cleanup(e.Close)
	if who, err := run(t, e); who != "other" {
		t.Fatalf("asked %q, %v", who, err)
	}
	want := func() {
		t.Helper()
		for range 2 {
			if got := <-told; !slices.Equal(got, *closed.Load()) {
				t.Errorf("told of %v, want %v", got, *closed.Load())
			}
		}
	}
	want()
	closed.Store(&[]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8080"), netip.MustParseAddrPort("10.0.0.2:8080")})
	e.TellClosed()
	want()
}
