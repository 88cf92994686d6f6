package local_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/invoketest"
	"github.com/picloud/picloud/internal/invoke/local"
	"github.com/picloud/picloud/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	invoketest.Run(t, func(t *testing.T, e invoke.Executor) invoke.Executor {
		l := local.New(e)
		t.Cleanup(func() {
			if err := l.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return l
	})
}

func TestCloseWaitsForRuns(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	l := local.New(invoketest.Func(func(context.Context, *invoke.Start, invoke.Host) (*invoke.Result, error) {
		close(running)
		<-release
		return &invoke.Result{Status: store.StatusOK}, nil
	}))
	ended := make(chan error)
	go func() {
		_, err := l.Run(t.Context(), &invoke.Start{}, nil)
		ended <- err
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close while a run is open: got %v", err)
	}
	if _, err := l.Run(t.Context(), &invoke.Start{}, nil); !errors.Is(err, invoke.ErrUnreachable) {
		t.Errorf("Run after Close: got %v, want ErrUnreachable", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the open run: %v", err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A body is handed over, not copied.
func TestNoCopy(t *testing.T) {
	body := []byte("hello")
	l := local.New(invoketest.Func(func(_ context.Context, s *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
		return &invoke.Result{Status: store.StatusOK, Response: &invoke.Response{Body: s.Request.Body}}, nil
	}))
	res, err := l.Run(t.Context(), &invoke.Start{Request: &invoke.Request{Body: body}}, nil)
	if err != nil || &res.Response.Body[0] != &body[0] {
		t.Errorf("the body was copied (%v)", err)
	}
}
