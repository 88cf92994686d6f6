package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/picloud/picloud/internal/store"
)

// Place is where something happened.
type Place struct {
	Script       string // its name, or that of the test's file
	Line, Column int    // from 1
}

// Cause is an error in another file than that of the test.
type Cause struct {
	Place
	Message string
	Calls   []Call // that it passed through, the innermost first

	script, recorded string // the script that ran, and the whole text
}

// is reports whether an execution ended with the error.
func (c *Cause) is(e *store.Execution) bool {
	return c != nil && c.script == e.Script && c.recorded == e.Error
}

// Call is a call of a function.
type Call struct {
	What string // "call to function 'f'", or "closure call"
	Place
}

var (
	placeAtEnd = regexp.MustCompile(`(?s)^(.*) \(line (\d+), position (\d+)\)$`)
	callLine   = regexp.MustCompile(`^in (call to function '[^']*'|closure call)(?: \(from '([^']*)'\))?(?: \(line (\d+), position (\d+)\))?$`)
)

// Explain takes the text of an error of a script apart. It names the place in the
// innermost function, and below it the calls of that function and of those around
// it. Where a call enters another source, it names that.
func Explain(text, script string) Cause {
	x := Cause{script: script, recorded: text}
	message := text
	var calls []Call // the outermost first
	in := script
	for {
		i := strings.LastIndexByte(message, '\n')
		m := callLine.FindStringSubmatch(message[i+1:])
		if i < 0 || m == nil {
			break
		}
		message = message[:i]
		calls = append(calls, Call{m[1], Place{in, number(m[3]), number(m[4])}})
		if m[2] != "" {
			in = m[2]
		}
	}
	slices.Reverse(calls)
	x.Script, x.Calls = in, calls
	if m := placeAtEnd.FindStringSubmatch(message); m != nil {
		message, x.Line, x.Column = m[1], number(m[2]), number(m[3])
	}
	x.Message = strings.TrimPrefix(message, "Runtime error: ")
	return x
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // 0: there is none
	return n
}

// text is the cause in one piece, with the calls below the message.
func (c *Cause) text(file func(script string) string) string {
	s := c.Message
	for _, x := range c.Calls {
		s += "\nin " + x.What
		if x.Line > 0 {
			s += " (" + x.at(file) + ")"
		}
	}
	return s
}

// at names a place.
func (p *Place) at(file func(script string) string) string {
	s := file(p.Script)
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			s += fmt.Sprintf(":%d", p.Column)
		}
	}
	return s
}
