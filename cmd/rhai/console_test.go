package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// typed runs a session in which the keys are typed and returns what appeared on the terminal.
func typed(t *testing.T, h *history, keys string) string {
	t.Helper()
	var out bytes.Buffer
	s := newSession(&out)
	c := newConsole(strings.NewReader(keys), &out, s, h)
	if err := s.loop(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestConsole(t *testing.T) {
	const up, left, ctrlC, ctrlD = "\x1b[A", "\x1b[D", "\x03", "\x04"
	for _, c := range []struct{ name, keys, want string }{
		{"a value", "1 + 1\r" + ctrlD, "2\n"},
		{"history", "40 + 2\r1\r" + up + up + "\r" + ctrlD, "42\n"},
		{"editing", "40 - 2" + left + left + "\x7f+\r" + ctrlD, "42\n"},
		{"completion of a keyword and a variable", "let lengthy = 21;\rlen" + "gt\t * 2\r" + ctrlD, "42\n"},
		{"completion of a method", "\"abc\".to_upp\t()\r" + ctrlD, "\"ABC\"\n"},
		{"completion of a key", "let m = #{ surname: 5 };\rm.surn\t\r" + ctrlD, "5\n"},
		{"completion of a function", "fn triple(x) { 3 * x }\rtrip\t(2)\r" + ctrlD, "6\n"},
		{"choices", "\"\".to_\t" + ctrlC + ctrlD, "to_chars  "},
		{"interrupt gives up what was typed", "fn f() {\r" + ctrlC + "7\r" + ctrlD, "7\n"},
		{"several lines", "fn f() {\r9 }\rf()\r" + ctrlD, "9\n"},
		{"a hint", "let f = |x| x;\rf(1)\r" + ctrlD, "f.call(…)\n"},
	} {
		if out := typed(t, &history{}, c.keys); !strings.Contains(out, c.want) {
			t.Errorf("%s: %q is not in %q", c.name, c.want, out)
		}
	}
}

func TestComplete(t *testing.T) {
	s := newSession(io.Discard)
	for _, c := range []struct{ line, want, choices string }{
		{"whi", "while", ""},
		{"x.is_em", "x.is_empty", ""},
		{"", "", ""},
		{"zzz", "zzz", ""},
		{"a.to_lo", "a.to_lower", ""},
		{"let x = par", "let x = parse_", ""},
	} {
		line, pos, choices := s.complete(c.line, len(c.line))
		if line != c.want || pos != len(c.want) || choices != c.choices {
			t.Errorf("%q: %q, %d, %q", c.line, line, pos, choices)
		}
	}
	if line, pos, _ := s.complete("whi x", 3); line != "while x" || pos != 5 {
		t.Errorf("in the middle: %q, %d", line, pos)
	}
	if _, _, choices := s.complete("a.to_", 5); !strings.Contains(choices, "to_blob  ") || !strings.Contains(choices, "to_upper") {
		t.Errorf("choices: %q", choices)
	}
}

func TestHistoryIsKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state", "rhai", "history")
	h := openHistory(name)
	for _, l := range []string{"let x = 1;", "let x = 1;", "  ", "x"} {
		h.Add(l)
	}
	h.close()
	h = openHistory(name)
	if h.Len() != 2 || h.At(0) != "x" || h.At(1) != "let x = 1;" {
		t.Errorf("%q", h.lines)
	}
	for i := range 2 * maxHistory {
		h.Add(fmt.Sprint(i))
	}
	h.close()
	h = openHistory(name)
	defer h.close()
	text, err := os.ReadFile(name)
	if n := strings.Count(string(text), "\n"); err != nil || n != maxHistory || h.Len() != maxHistory || h.At(0) != fmt.Sprint(2*maxHistory-1) {
		t.Errorf("%v: %d lines in the file, %d in memory", err, n, h.Len())
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// Without a place for it the history ends with the session.
	h = openHistory(filepath.Join(name, "in a file"))
	h.Add("y")
	if h.Len() != 1 || h.file != nil {
		t.Errorf("%+v", h)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestConsoleWithoutInput(t *testing.T) {
	s := newSession(io.Discard)
	if err := s.loop(context.Background(), newConsole(broken{}, io.Discard, s, &history{})); err == nil || err.Error() != "gone" {
		t.Error(err)
	}
}
