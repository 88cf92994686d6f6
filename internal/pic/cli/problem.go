package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/picloud/picloud/internal/pic/exit"
)

// problem is what pic reads of an RFC 9457 problem document; compile errors
// carry the four members from Line on.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	SourceLine string `json:"source_line"`
	Hint       string `json:"hint"`
}

// CompileError is the server's refusal of a source that does not compile.
type CompileError struct {
	Line, Column int // from 1
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
		gutter := fmt.Sprintf("%4d | ", e.Line)
		// Tabs before the mark are repeated, so that it stands below its column.
		var lead strings.Builder
		for i, r := range []rune(e.SourceLine) {
			if i >= e.Column-1 {
				break
			}
			if r == '\t' {
				lead.WriteByte('\t')
			} else {
				lead.WriteByte(' ')
			}
		}
		fmt.Fprintf(&b, "%s%s\n     | %s^", gutter, e.SourceLine, lead.String())
	}
	if e.Advice != "" {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Advice)
	}
	return b.String()
}

// Refusal turns an answer of the API that is not 2xx into an error: it carries
// the server's own words, the HTTP status, the exit code for it, and what to do.
func Refusal(status int, body []byte) error {
	var p problem
	// A body that is no problem document leaves p empty: the status speaks then.
	_ = json.Unmarshal(body, &p)

	e := &exit.Error{Code: exit.FromStatus(status)}
	if p.Line > 0 {
		ce := &CompileError{Line: p.Line, Column: p.Column, SourceLine: p.SourceLine, Message: p.Detail, Advice: p.Hint}
		if len(p.Errors) > 0 && p.Errors[0].Message != "" {
			ce.Message = p.Errors[0].Message
		}
		e.Err = fmt.Errorf("%w (HTTP %d)", ce, status)
		e.Hint = ce.Excerpt()
		return e
	}

	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if text == "" {
		text = http.StatusText(status)
	}
	var fields []string
	for _, f := range p.Errors {
		if f.Message == "" || strings.Contains(text, f.Message) {
			continue
		}
		if loc := strings.TrimPrefix(f.Location, "body."); loc != "" {
			fields = append(fields, loc+": "+f.Message)
		} else {
			fields = append(fields, f.Message)
		}
	}
	if len(fields) > 0 {
		text += ": " + strings.Join(fields, "; ")
	}
	e.Err = fmt.Errorf("%s (HTTP %d)", text, status)
	e.Hint = advice(status)
	return e
}

func advice(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Sign in with: pic login URL"
	case http.StatusForbidden:
		return "You are signed in, but this needs more rights. pic whoami shows who you are; ask an owner or admin of the instance."
	case http.StatusTooManyRequests:
		return "Too many requests: wait a moment, then try again."
	}
	if status >= 500 {
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
