// Package terminal is pic's view of its three streams: which of them is a
// terminal, how wide it is, whether it takes colours, and how to ask a person
// something on it.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// ErrNoTerminal is returned by the methods that ask when nobody can answer.
var ErrNoTerminal = errors.New("standard input is not a terminal")

// Streams are the standard streams of a command. Questions are written to Err,
// so that Out carries nothing but the answer of the command.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Getenv reads the environment: NO_COLOR, TERM and COLUMNS matter here.
	Getenv func(string) string
}

// System returns the streams of this process.
func System() *Streams {
	return &Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
}

// InIsTerminal reports whether a person can answer on In.
func (s *Streams) InIsTerminal() bool { return isTerminal(s.In) }

// OutIsTerminal reports whether a person reads Out.
func (s *Streams) OutIsTerminal() bool { return isTerminal(s.Out) }

// ErrIsTerminal reports whether a person reads Err.
func (s *Streams) ErrIsTerminal() bool { return isTerminal(s.Err) }

// Width returns how many columns a table on Out may take: COLUMNS if set,
// else the terminal's width, else 80.
func (s *Streams) Width() int {
	if n, err := strconv.Atoi(s.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := s.Out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// Color reports whether Out takes colours: it is a terminal, TERM is not
// "dumb", and NO_COLOR is unset or empty (https://no-color.org).
func (s *Streams) Color() bool {
	return s.OutIsTerminal() && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}

// Await returns what read returns, or the context's error once that has ended:
// a read from a terminal or a pipe cannot be interrupted otherwise. read then
// goes on in vain until the process ends.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Ask writes label to Err and reads one line from In, without the line's end.
// It returns ErrNoTerminal when In is not a terminal.
func (s *Streams) Ask(ctx context.Context, label string) (string, error) {
	if !s.InIsTerminal() {
		return "", ErrNoTerminal
	}
	fmt.Fprint(s.Err, label)
	return Await(ctx, s.line)
}

// AskSecret is Ask without echo.
func (s *Streams) AskSecret(ctx context.Context, label string) (string, error) {
	f, ok := s.In.(*os.File)
	if !ok || !isTerminal(f) {
		return "", ErrNoTerminal
	}
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	fmt.Fprint(s.Err, label)
	b, err := Await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(s.Err)
	if ctx.Err() != nil {
		// Whoever gave up wants to see again what they type.
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	return string(b), nil
}

// Confirm asks a yes-or-no question; anything but "y" and "yes" is no.
func (s *Streams) Confirm(ctx context.Context, question string) (bool, error) {
	a, err := s.Ask(ctx, question+" [y/N] ")
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(a)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// maxSecret bounds what ReadSecret takes from a pipe; no password or token is
// as long as that.
const maxSecret = 64 << 10

// ReadSecret reads a secret that was piped into In: everything, up to 64 KiB,
// without one line end behind it. One that is empty or not UTF-8 is an error.
func (s *Streams) ReadSecret(ctx context.Context) (string, error) {
	b, err := Await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(s.In, maxSecret+1)) })
	if err != nil {
		return "", fmt.Errorf("reading standard input: %w", err)
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("standard input holds more than %d bytes: that is no password or token", maxSecret)
	}
	if !utf8.Valid(b) {
		return "", errors.New("standard input is not UTF-8 text: encode bytes, with base64 for example")
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if v == "" {
		return "", errors.New("standard input is empty")
	}
	return v, nil
}

func (s *Streams) line() (string, error) {
	// One byte at a time: what follows the line belongs to the next question.
	var b strings.Builder
	r := bufio.NewReaderSize(oneByte{s.In}, 16)
	for {
		c, err := r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && b.Len() > 0 {
				break
			}
			return "", fmt.Errorf("reading from the terminal: %w", err)
		}
		if c == '\n' {
			break
		}
		b.WriteByte(c)
	}
	return strings.TrimSuffix(b.String(), "\r"), nil
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
