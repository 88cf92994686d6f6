package cli

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/exit"
)

// CompileError is the server's refusal of a source that does not compile.
type CompileError struct {
	Line, Column int64 // from 1
	SourceLine   string
	Message      string
	Advice       string
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Excerpt returns the source line with a mark below the column, and the advice
// if there is one.
func (e *CompileError) Excerpt() string {
	var b strings.Builder
	if e.SourceLine != "" {
		shown, before := around([]rune(e.SourceLine), int(e.Column)-1)
		// Tabs before the mark are repeated, so that it stands below its column.
		var lead strings.Builder
		for _, r := range shown[:before] {
			if r == '\t' {
				lead.WriteByte('\t')
			} else {
				lead.WriteByte(' ')
			}
		}
		fmt.Fprintf(&b, "%4d | %s\n     | %s^", e.Line, string(shown), lead.String())
	}
	if e.Advice != "" {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Advice)
	}
	return b.String()
}

// Excerpt returns a line of a source with a mark below the column, both counted from 1, or "" if there is no such line.
func Excerpt(source string, line, column int64) string {
	lines := strings.Split(source, "\n")
	if line < 1 || line > int64(len(lines)) {
		return ""
	}
	e := CompileError{Line: line, Column: column, SourceLine: strings.TrimSuffix(lines[line-1], "\r")}
	return e.Excerpt()
}

// Of a longer line only what lies around the mark is shown.
const (
	longestLine = 160
	beforeMark  = 100
)

// around returns the part of a line around the character at, and how many of
// its characters stand before it.
func around(line []rune, at int) (part []rune, before int) {
	at = min(max(at, 0), len(line))
	if len(line) <= longestLine {
		return line, at
	}
	from := max(0, at-beforeMark)
	to := min(len(line), from+longestLine)
	if from > 0 {
		part = append(part, '…')
	}
	before = len(part) + at - from
	part = append(part, line[from:to]...)
	if to < len(line) {
		part = append(part, '…')
	}
	return part, before
}

// Refusal turns what the server refused into an error: it carries the server's
// own words, the HTTP status, the exit code for it, and what to do.
func Refusal(p *client.Error) error {
	status := int(p.Status)
	e := &exit.Error{Code: exit.FromStatus(status), Status: status}
	if p.Line > 0 {
		ce := &CompileError{Line: p.Line, Column: p.Column, SourceLine: p.SourceLine, Message: p.Detail, Advice: p.Hint}
		if len(p.Errors) > 0 && p.Errors[0].Message != "" {
			ce.Message = p.Errors[0].Message
		}
		e.Err = fmt.Errorf("%w (HTTP %d)", ce, status)
		e.Hint = ce.Excerpt()
		return e
	}

	// Where in the request a value stood is of no use to who typed a command.
	text := strings.TrimPrefix(strings.TrimPrefix(p.Error(), "body."), "path.")
	var fields []string
	for _, f := range p.Errors {
		// A conflict's fields only repeat what stands in its way.
		if status == http.StatusConflict || f.Message == "" || strings.Contains(text, f.Message) {
			continue
		}
		fields = append(fields, strings.TrimPrefix(strings.TrimPrefix(f.Location, "body.")+": "+f.Message, ": "))
	}
	if len(fields) > 0 {
		text += ": " + strings.Join(fields, "; ")
	}
	e.Err = fmt.Errorf("%s (HTTP %d)", text, status)
	e.Hint = advice(p)
	return e
}

func advice(p *client.Error) string {
	switch status := p.Status; {
	case status == http.StatusUnauthorized:
		return "Sign in with: pic login URL"
	case status == http.StatusForbidden:
		return "pic whoami shows who you are, and pic roles which roles and scopes may do this: ask somebody who has them."
	case (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) && p.RetryAfter > 0:
		return fmt.Sprintf("Try again in %s.", p.RetryAfter)
	case status == http.StatusInsufficientStorage:
		return "pic apps usage shows what the app keeps, and how much it may."
	case status >= 500:
		return "The server failed; its own log says why. Trying again may help."
	}
	return ""
}

// AsCompileError returns the compile error in err, if there is one.
func AsCompileError(err error) (*CompileError, bool) {
	var ce *CompileError
	ok := errors.As(err, &ce)
	return ce, ok
}
