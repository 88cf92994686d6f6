package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// explained is an error in a file, with the line it is on and what may help.
type explained struct {
	err  error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// explain adds to an error of a script the name of its file, the line with a caret and a hint. A
// place in an imported file has its line there, so it gets neither.
func explain(name, source string, err error) error {
	pos, hint, text := syntax.Pos{}, "", err.Error()
	var re *rhai.Error
	var se *syntax.Error
	switch {
	case errors.As(err, &re):
		if re.Kind != rhai.ErrInModule && (len(re.Trace) == 0 || re.Trace[0].Source == "" || re.Trace[0].Source == name) {
			pos, hint = re.Place(), re.Hint(source)
		}
		if err == error(re) {
			text = re.Report()
		}
	case errors.As(err, &se):
		pos, hint, text = se.Pos, se.Hint(), "Syntax error: "+text
	}
	return &explained{err, name + ": " + text + excerpt(source, pos, hint)}
}

// excerpt is the line of a place and a hint, each on lines of its own.
func excerpt(source string, pos syntax.Pos, hint string) string {
	var b strings.Builder
	if x := rhai.Excerpt(source, pos); x != "" {
		b.WriteString("\n" + x)
	}
	if hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", hint)
	}
	return b.String()
}
