package main

import (
	"context"
	"errors"
	"io"
)

var errStopped = errors.New("rhai: interrupted")

// input reads until the context ends. What it still waits for then is left to the end of the process.
type input struct {
	ctx context.Context
	in  io.Reader
}

func (i *input) Read(p []byte) (int, error) {
	if i.ctx.Done() == nil {
		return i.in.Read(p)
	}
	type result struct {
		n   int
		err error
	}
	buf := make([]byte, len(p)) // p is no longer ours after an interruption
	done := make(chan result, 1)
	go func() {
		n, err := i.in.Read(buf)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		copy(p, buf[:r.n])
		return r.n, r.err
	case <-i.ctx.Done():
		return 0, errStopped
	}
}

// output remembers the first failure, which those who print do not look at.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}
