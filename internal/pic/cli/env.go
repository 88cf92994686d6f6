// Package cli holds what every command of pic works with: the streams, the
// environment, the form of output and the connection to the server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// Env is the surroundings of one run of pic.
type Env struct {
	*terminal.Streams
	Credentials credentials.Store
	// Version is this program's version.
	Version string
	// Output is the value of --output; empty picks the format by the stream.
	Output string

	busy bool // Progress has said something

	telling sync.Mutex // of told
	told    string     // the server's version that this run has spoken of
}

// New returns the surroundings made of s.
func New(s *terminal.Streams, version string) *Env {
	return &Env{Streams: s, Credentials: credentials.Store{Getenv: s.Getenv}, Version: version}
}

// Writer returns the writer for a command's answer: in the form --output says,
// else a table on a terminal and TSV in a pipe.
func (e *Env) Writer() (*output.Writer, error) {
	f := output.TSV
	if e.OutIsTerminal() {
		f = output.Table
	}
	if e.Output != "" {
		var err error
		if f, err = output.ParseFormat(e.Output); err != nil {
			return nil, exit.Usagef("%w", err)
		}
	}
	return &output.Writer{W: e.Out, Format: f, Width: e.Width(), Color: e.Color()}, nil
}

// Notef says something to the person on Err, followed by a line end. What was
// done is said before the answer is shown, so that the two keep their order on
// a terminal also when the answer goes through a pipe.
func (e *Env) Notef(format string, args ...any) {
	fmt.Fprintf(e.Err, format+"\n", args...)
}

// Input is standard input, from which something is read that no argument gave. A person
// who is to type it is told so.
func (e *Env) Input(what string) io.Reader {
	if e.InIsTerminal() {
		e.Notef("Reading the %s from the keyboard; Ctrl-D ends it.", what)
	}
	return e.In
}

// Progress says on one line of a terminal how far something is that takes long;
// the next replaces it, and Done removes it. Without a terminal nothing is said.
func (e *Env) Progress(format string, args ...any) {
	if e.ErrIsTerminal() && e.Getenv("TERM") != "dumb" {
		fmt.Fprintf(e.Err, "\r\x1b[K"+format, args...)
		e.busy = true
	}
}

// Done removes what Progress said.
func (e *Env) Done() {
	if e.busy {
		fmt.Fprint(e.Err, "\r\x1b[K")
		e.busy = false
	}
}

// Report writes err and its hint to Err, as the last thing pic says.
func (e *Env) Report(err error) {
	e.Done()
	e.Notef("pic: %s", output.PrintableLines(err.Error()))
	if h := exit.Hint(err); h != "" {
		e.Notef("%s", output.PrintableLines(h))
	}
}

// Confirm asks before something is destroyed. Without a terminal to ask on,
// --yes must have been given.
func (e *Env) Confirm(ctx context.Context, yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	ok, err := e.Streams.Confirm(ctx, fmt.Sprintf(format, args...))
	switch {
	case errors.Is(err, terminal.ErrNoTerminal):
		return exit.Usagef("nobody can confirm this: standard input is not a terminal; add --yes")
	case err != nil:
		return err
	case !ok:
		return errors.New("nothing was changed")
	}
	return nil
}
