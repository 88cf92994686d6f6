package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/picloud/picloud/internal/pic/terminal/terminaltest"
)

// readUntil reads what the program wrote until it ends with the given text.
func readUntil(t *testing.T, person *os.File, end string) string {
	t.Helper()
	var got []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte(end)) {
		if _, err := person.Read(b); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, b[0])
	}
	return string(got)
}

func TestQuestionsOnATerminal(t *testing.T) {
	person, program := terminaltest.Open(t)
	s := &Streams{In: program, Out: program, Err: program, Getenv: func(string) string { return "" }}
	if !s.InIsTerminal() || !s.OutIsTerminal() || !s.ErrIsTerminal() || !s.Color() {
		t.Error("a terminal was not noticed")
	}
	s.Getenv = func(k string) string { return map[string]string{"NO_COLOR": "1"}[k] }
	if s.Color() {
		t.Error("NO_COLOR was not heeded")
	}

	type answers struct {
		name, secret string
		sure         bool
		err          error
	}
	done := make(chan answers, 1)
	go func() {
		var a answers
		if a.name, a.err = s.Ask(t.Context(), "Username: "); a.err == nil {
			if a.secret, a.err = s.AskSecret(t.Context(), "Password: "); a.err == nil {
				a.sure, a.err = s.Confirm(t.Context(), "Sure?")
			}
		}
		fmt.Fprint(program, "end")
		done <- a
	}()
	readUntil(t, person, "Username: ")
	fmt.Fprint(person, "ada\n")
	readUntil(t, person, "Password: ")
	for echoes(t, program) {
		runtime.Gosched()
	}
	fmt.Fprint(person, "correct horse\n")
	echo := readUntil(t, person, "Sure? [y/N] ")
	fmt.Fprint(person, "Yes\n")
	readUntil(t, person, "end")
	if a := <-done; a.err != nil || a.name != "ada" || a.secret != "correct horse" || !a.sure {
		t.Errorf("%+v", a)
	}
	if bytes.Contains([]byte(echo), []byte("horse")) {
		t.Errorf("the password was echoed: %q", echo)
	}
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

func TestGivingUpBringsTheEchoBack(t *testing.T) {
	person, program := terminaltest.Open(t)
	s := &Streams{In: program, Out: program, Err: program, Getenv: func(string) string { return "" }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.AskSecret(ctx, "Password: ")
		done <- err
	}()
	readUntil(t, person, "Password: ")
	for echoes(t, program) {
		runtime.Gosched()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !echoes(t, program) {
		t.Error("the terminal does not echo any more")
	}
	fmt.Fprint(person, "\n") // lets the read that was given up end
}
