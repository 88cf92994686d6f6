package terminal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func piped(in string, env map[string]string) (*Streams, *bytes.Buffer) {
	var errs bytes.Buffer
	return &Streams{In: strings.NewReader(in), Out: &bytes.Buffer{}, Err: &errs, Getenv: func(k string) string { return env[k] }}, &errs
}

func TestNobodyIsAskedInAPipe(t *testing.T) {
	s, errs := piped("yes\n", nil)
	if _, err := s.Ask(t.Context(), "name: "); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("Ask: %v", err)
	}
	if _, err := s.AskSecret(t.Context(), "password: "); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("AskSecret: %v", err)
	}
	if ok, err := s.Confirm(t.Context(), "sure?"); ok || !errors.Is(err, ErrNoTerminal) {
		t.Errorf("Confirm: %v, %v", ok, err)
	}
	if errs.Len() > 0 {
		t.Errorf("a question was written: %q", errs)
	}
}

func TestReadSecret(t *testing.T) {
	for in, want := range map[string]string{"s3cret\n": "s3cret", "s3cret\r\n": "s3cret", "s3cret": "s3cret", " a b \n": " a b ", "two\n\n": "two\n"} {
		s, _ := piped(in, nil)
		if got, err := s.ReadSecret(t.Context()); err != nil || got != want {
			t.Errorf("ReadSecret of %q = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"":                               "standard input is empty",
		"\n":                             "standard input is empty",
		"a\xffb":                         "standard input is not UTF-8 text: encode bytes, with base64 for example",
		strings.Repeat("x", maxSecret+1): "standard input holds more than 65536 bytes: that is no password or token",
	} {
		s, _ := piped(in, nil)
		if _, err := s.ReadSecret(t.Context()); err == nil || err.Error() != want {
			t.Errorf("ReadSecret of %d bytes: %v, want %s", len(in), err, want)
		}
	}
}

func TestWidthAndColorInAPipe(t *testing.T) {
	for columns, want := range map[string]int{"": 80, "132": 132, "0": 80, "wide": 80} {
		s, _ := piped("", map[string]string{"COLUMNS": columns})
		if got := s.Width(); got != want {
			t.Errorf("Width with COLUMNS=%q = %d, want %d", columns, got, want)
		}
		if s.Color() || s.OutIsTerminal() || s.InIsTerminal() || s.ErrIsTerminal() {
			t.Error("a pipe was taken for a terminal")
		}
	}
}
