// Package exchange reads and compares HTTP requests with the answers they
// should get. The examples and the guides are written in its form, which
// examples/README.md describes, so that tests can hold them to what they say.
package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Exchange is one request and what its answer must be.
type Exchange struct {
	Line   int // of its first line in the file, from 1
	Method string
	Target string // path and query inside the app, "/" first
	Header http.Header
	Body   string

	Status     int
	WantHeader []WantHeader
	WantBody   *string // nil: any
}

// WantHeader is what a header of the answer must be.
type WantHeader struct {
	Name  string
	Value string         // exactly, unless Match is set
	Match *regexp.Regexp // the value was written between slashes
}

// Parse reads the exchanges in text. name is for messages.
func Parse(name, text string) ([]Exchange, error) {
	var found []Exchange
	var request, answer []string
	first := 0
	flush := func() error {
		if request == nil {
			return nil
		}
		x, err := parseOne(request, answer)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, first, err)
		}
		x.Line = first
		found = append(found, x)
		request, answer = nil, nil
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch {
		case strings.HasPrefix(line, ">"):
			if answer != nil {
				if err := flush(); err != nil {
					return nil, err
				}
			}
			if request == nil {
				first = i + 1
			}
			request = append(request, unmark(line))
		case strings.HasPrefix(line, "<"):
			if request == nil {
				return nil, fmt.Errorf("%s:%d: an answer without a request before it", name, i+1)
			}
			answer = append(answer, unmark(line))
		case line == "" || strings.HasPrefix(line, "#"):
		default:
			return nil, fmt.Errorf("%s:%d: %q starts with none of > < #", name, i+1, line)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return found, nil
}

func unmark(line string) string { return strings.TrimPrefix(line[1:], " ") }

func parseOne(request, answer []string) (Exchange, error) {
	x := Exchange{Header: http.Header{}}
	var ok bool
	if x.Method, x.Target, ok = strings.Cut(request[0], " "); !ok || !strings.HasPrefix(x.Target, "/") {
		return x, fmt.Errorf("%q is no METHOD /PATH", request[0])
	}
	head, body, _ := split(request[1:])
	for _, h := range head {
		k, v, ok := strings.Cut(h, ":")
		if !ok {
			return x, fmt.Errorf("%q is no NAME: VALUE", h)
		}
		x.Header.Add(k, strings.TrimSpace(v))
	}
	x.Body = strings.Join(body, "\n")

	if answer == nil {
		return x, errors.New("a request without an answer")
	}
	status, err := strconv.Atoi(answer[0])
	if err != nil || status < 100 || status > 599 {
		return x, fmt.Errorf("%q is no HTTP status", answer[0])
	}
	x.Status = status
	head, body, hasBody := split(answer[1:])
	for _, h := range head {
		k, v, ok := strings.Cut(h, ":")
		if !ok {
			return x, fmt.Errorf("%q is no NAME: VALUE", h)
		}
		want := WantHeader{Name: k, Value: strings.TrimSpace(v)}
		if v := want.Value; len(v) > 1 && v[0] == '/' && v[len(v)-1] == '/' {
			if want.Match, err = regexp.Compile(strings.ReplaceAll(v[1:len(v)-1], `\/`, "/")); err != nil {
				return x, err
			}
		}
		x.WantHeader = append(x.WantHeader, want)
	}
	if hasBody {
		b := strings.Join(body, "\n")
		x.WantBody = &b
	}
	return x, nil
}

// split parts header lines from a body at the first empty line.
func split(lines []string) (head, body []string, hasBody bool) {
	for i, l := range lines {
		if l == "" {
			return lines[:i], lines[i+1:], true
		}
	}
	return lines, nil, false
}

// Request returns the request to an app whose root is at base.
func (x Exchange) Request(ctx context.Context, base string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, x.Method, strings.TrimRight(base, "/")+x.Target, strings.NewReader(x.Body))
	if err != nil {
		return nil, err
	}
	req.Header = x.Header.Clone()
	return req, nil
}

// Check returns what in an answer is not as it must be, or nil.
func (x Exchange) Check(status int, header http.Header, body []byte) error {
	var wrong []error
	if status != x.Status {
		wrong = append(wrong, fmt.Errorf("status %d, want %d", status, x.Status))
	}
	for _, h := range x.WantHeader {
		got := strings.Join(header.Values(h.Name), ", ")
		switch {
		case h.Match != nil && !h.Match.MatchString(got):
			wrong = append(wrong, fmt.Errorf("header %s: %q does not match %s", h.Name, got, h.Value))
		case h.Match == nil && got != h.Value:
			wrong = append(wrong, fmt.Errorf("header %s: %q, want %q", h.Name, got, h.Value))
		}
	}
	if x.WantBody != nil {
		if err := checkBody(*x.WantBody, header, body); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		wrong = append(wrong, fmt.Errorf("the answer's body:\n%s", body))
	}
	return errors.Join(wrong...)
}

func checkBody(want string, header http.Header, body []byte) error {
	if strings.Contains(header.Get("Content-Type"), "json") && json.Valid([]byte(want)) {
		w, err := decode([]byte(want))
		if err != nil {
			return err
		}
		got, err := decode(body)
		if err != nil {
			return fmt.Errorf("the body is no JSON: %w", err)
		}
		if d := cmp.Diff(w, wildcards(w, got)); d != "" {
			return fmt.Errorf("the body differs (-want +got):\n%s", d)
		}
		return nil
	}
	return MatchText(want, string(body))
}

func decode(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// wildcards returns got with "*" wherever want holds it.
func wildcards(want, got any) any {
	switch w := want.(type) {
	case string:
		if w == "*" && got != nil {
			return "*"
		}
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			out := make(map[string]any, len(g))
			for k, v := range g {
				out[k] = v
				if wv, ok := w[k]; ok {
					out[k] = wildcards(wv, v)
				}
			}
			return out
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			out := make([]any, len(g))
			for i := range g {
				out[i] = wildcards(w[i], g[i])
			}
			return out
		}
	}
	return got
}

// MatchText compares text line by line, apart from blanks at the ends of lines
// and of the whole. In want "…" stands for any text, and a line of only "…" for
// any number of lines.
func MatchText(want, got string) error {
	w, g := textLines(want), textLines(got)
	if !matchLines(w, g) {
		return fmt.Errorf("the text differs (-want +got):\n%s", cmp.Diff(w, g))
	}
	return nil
}

func textLines(s string) []string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return lines
}

func matchLines(want, got []string) bool {
	for len(want) > 0 {
		if want[0] == "…" {
			for skip := 0; skip <= len(got); skip++ {
				if matchLines(want[1:], got[skip:]) {
					return true
				}
			}
			return false
		}
		if len(got) == 0 || !matchLine(want[0], got[0]) {
			return false
		}
		want, got = want[1:], got[1:]
	}
	return len(got) == 0
}

func matchLine(want, got string) bool {
	parts := strings.Split(want, "…")
	if len(parts) == 1 {
		return want == got
	}
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	got = got[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(got, p)
		if i < 0 {
			return false
		}
		got = got[i+len(p):]
	}
	return strings.HasSuffix(got, last)
}
