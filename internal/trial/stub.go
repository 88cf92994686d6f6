package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/outbound"
)

// Stub answers the calls of scripts in the place of another server.
type Stub struct {
	Method string // "*": any
	URL    string // "*" in it stands for any text; a query only matters if it has one
	Answer func(Call) (Answer, error)
}

// Call is a call that a script made.
type Call struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Stub adds a stub; of those that fit a call the newest answers.
func (t *Trial) Stub(s Stub) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stubs = append(t.stubs, s)
}

// Calls returns the calls of scripts, in their order.
func (t *Trial) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Call(nil), t.calls...)
}

// Do makes a call: the newest stub that fits answers it. Nothing leaves the
// machine. Redirects are answers: a stub says what the script gets at last.
func (t *Trial) Do(ctx context.Context, r *outbound.Request) (*outbound.Response, []outbound.Exchange, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, errors.New("the address is none of http or https")
	}
	u.Fragment = ""
	c := Call{Method: r.Method, URL: u.String(), Header: r.Header.Clone(), Body: bytes.Clone(r.Body)}
	x := outbound.Exchange{Method: r.Method, Host: u.Host, Started: time.Now()}
	t.mu.Lock()
	t.calls = append(t.calls, c)
	var stub *Stub
	for i := len(t.stubs) - 1; i >= 0 && stub == nil; i-- {
		if s := &t.stubs[i]; (s.Method == "*" || s.Method == c.Method) && s.fits(u) {
			stub = &Stub{s.Method, s.URL, s.Answer}
		}
	}
	t.mu.Unlock()
	if stub == nil {
		err := fmt.Errorf("no stub answers %s %s: add one with test::stub(%q, %q, #{ json: … })", c.Method, c.URL, c.Method, c.URL)
		x.Error = err.Error()
		return nil, []outbound.Exchange{x}, err
	}
	a, err := stub.Answer(c)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		x.Error = err.Error()
		return nil, []outbound.Exchange{x}, err
	}
	x.Status = a.Status
	if r.Method == http.MethodHead {
		a.Body = nil
	}
	return &outbound.Response{Status: a.Status, Header: a.Header, URL: c.URL, Length: int64(len(a.Body)), Body: io.NopCloser(bytes.NewReader(a.Body))},
		[]outbound.Exchange{x}, nil
}

// fits reports whether a stub is for an address.
func (s *Stub) fits(u *url.URL) bool {
	text := u.String()
	if !strings.Contains(s.URL, "?") {
		text, _, _ = strings.Cut(text, "?")
	}
	return wild(s.URL, text)
}

// wild compares text with a pattern in which "*" stands for any text.
func wild(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}
