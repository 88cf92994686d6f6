package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// full is an output that is full from the beginning.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A command whose output is lost has failed.
func TestLostOutput(t *testing.T) {
	script := file(t, t.TempDir(), "a.rhai", "print(1); nope")
	good := file(t, t.TempDir(), "b.rhai", "print(1);")
	for _, args := range [][]string{{"run", good}, {"check", script}, {"fmt", script}, {"disasm", script}, {"bench", good, "1"}, {"batch"}, {"repl"}, {"help"}} {
		var errOut bytes.Buffer
		status := command(context.Background(), args, strings.NewReader(`{"id":"a","script":"1"}`), full{}, &errOut)
		if status != 1 || !strings.Contains(errOut.String(), "no space left") {
			t.Errorf("%v: status %d, %q", args, status, errOut.String())
		}
	}
}

// Who waits for the standard input can be interrupted.
func TestInterruptWhileReading(t *testing.T) {
	for _, args := range [][]string{{"run", "-"}, {"check", "-"}, {"fmt", "-"}, {"disasm", "-"}, {"bench", "-", "1"}, {"batch"}, {"repl"}} {
		in, w := io.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		waiting := make(chan struct{})
		go func() {
			_, _ = w.Write([]byte("\n")) // returns when the command has begun to read
			close(waiting)
		}()
		go func() {
			<-waiting
			cancel()
		}()
		var out, errOut bytes.Buffer
		if status := command(ctx, args, in, &out, &errOut); status != 1 || !strings.Contains(errOut.String(), "interrupted") {
			t.Errorf("%v: status %d, %q", args, status, errOut.String())
		}
		_ = w.Close()
	}
}

// After an interruption no further script of a batch is begun.
func TestInterruptOfABatch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var out bytes.Buffer
	w := writerFunc(func(p []byte) (int, error) {
		cancel()
		return out.Write(p)
	})
	err := batch(ctx, nil, strings.NewReader(strings.Repeat(`{"id":"a","script":"1"}`+"\n", 5)), w)
	if !errors.Is(err, errStopped) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%v, %q", err, out.String())
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestFlags(t *testing.T) {
	script := file(t, t.TempDir(), "a.rhai", "1")
	for _, args := range [][]string{
		{"run", "-x"},
		{"run", script, "-x"},
		{"check", "-l", script},
		{"disasm", "--source", script},
		{"bench", "-n", "5"},
		{"batch", "-v"},
		{"repl", "-i"},
		{"fmt", script, "-x"},
	} {
		status, _, errOut := call(t, "", args...)
		if status != 2 || !strings.HasPrefix(errOut, "rhai "+args[0]+": unknown flag -") {
			t.Errorf("%v: status %d, %.60q", args, status, errOut)
		}
	}
	for _, n := range []string{"0", "-5", "9999999999999"} {
		if status, _, errOut := call(t, "", "bench", script, n); status != 2 || !strings.Contains(errOut, n) {
			t.Errorf("%s: status %d, %.60q", n, status, errOut)
		}
	}
	if status, out, errOut := call(t, "", "fmt", script, "-l"); status != 1 || out != script+"\n" {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
	if _, out, _ := call(t, "\ufeff"+`{"id":"a","script":"1"}`+"\r\n  \r\n", "batch"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"ok":true`) {
		t.Errorf("%q", out)
	}
}
