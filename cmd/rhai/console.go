package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync/atomic"

	"golang.org/x/term"
)

// console edits lines on a terminal.
type console struct {
	term        *term.Terminal
	keys        *keys
	raw, cooked func() // switch the terminal; nil in tests
	history     *history
}

// openConsole returns nil if in and out are not a terminal.
func openConsole(in io.Reader, out io.Writer, s *session) *console {
	i, ok := in.(*os.File)
	o, ok2 := out.(*os.File)
	if !ok || !ok2 || !term.IsTerminal(int(i.Fd())) || !term.IsTerminal(int(o.Fd())) {
		return nil
	}
	c := newConsole(i, o, s, openHistory(historyFile()))
	var state *term.State
	c.raw = func() {
		state, _ = term.MakeRaw(int(i.Fd())) // without it lines are still read, only not edited
		if w, h, err := term.GetSize(int(o.Fd())); err == nil && w > 0 {
			_ = c.term.SetSize(w, h)
		}
	}
	c.cooked = func() {
		if state != nil {
			_ = term.Restore(int(i.Fd()), state)
		}
	}
	return c
}

func newConsole(in io.Reader, out io.Writer, s *session, h *history) *console {
	c := &console{keys: &keys{in: in}, history: h, raw: func() {}, cooked: func() {}}
	c.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{c.keys, out}, "")
	c.term.History = h
	c.term.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos, choices := s.complete(line, pos)
		if choices != "" {
			_, _ = io.WriteString(c.term, choices+"\n")
		}
		return line, pos, true
	}
	return c
}

func (c *console) readLine(prompt string) (string, error) {
	c.raw()
	defer c.cooked()
	c.term.SetPrompt(prompt)
	line, err := c.term.ReadLine()
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	if c.keys.interrupted.Swap(false) && err == nil {
		return "", errInterrupted
	}
	return line, err
}

// during lets the interrupt key end f and not the session.
func (c *console) during(ctx context.Context, f func(context.Context)) bool {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt)
	defer stop()
	f(ctx)
	return true
}

func (c *console) close() { c.history.close() }

// keys turns the interrupt key, which would end the input, into one that clears the line and one that ends it.
type keys struct {
	in          io.Reader
	rest        []byte
	interrupted atomic.Bool
}

func (k *keys) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		var buf [256]byte
		n, err := k.in.Read(buf[:])
		for _, b := range buf[:n] {
			if b == 3 {
				k.interrupted.Store(true)
				k.rest = append(k.rest, 1, 11, '\r') // to the beginning, delete to the end, enter
				continue
			}
			k.rest = append(k.rest, b)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}
