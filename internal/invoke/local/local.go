// Package local carries the invoke contract inside one process: a call, with
// no copy of any body. It adds what the other side of a socket has by nature:
// a panic of the executor ends its run and nothing else, and after Close no
// run starts.
package local

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/picloud/picloud/internal/invoke"
)

// Executor hands runs to an executor of the same process.
type Executor struct {
	inner invoke.Executor

	mu     sync.Mutex
	closed bool
	runs   sync.WaitGroup
}

// New returns an Executor that runs everything on inner.
func New(inner invoke.Executor) *Executor {
	return &Executor{inner: inner}
}

// Run implements invoke.Executor.
func (e *Executor) Run(ctx context.Context, start *invoke.Start, host invoke.Host) (res *invoke.Result, err error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, fmt.Errorf("%w: it is closed", invoke.ErrUnreachable)
	}
	e.runs.Add(1)
	e.mu.Unlock()
	defer e.runs.Done()
	defer func() {
		if p := recover(); p != nil {
			slog.Error("the executor panicked", "run", start.RunID, "panic", p, "stack", string(debug.Stack()))
			res, err = nil, fmt.Errorf("%w: it panicked", invoke.ErrLost)
		}
	}()
	return e.inner.Run(ctx, start, host)
}

// Close refuses new runs and waits for the open ones until ctx is done; it
// then returns ctx's error, and the open ones go on.
func (e *Executor) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
