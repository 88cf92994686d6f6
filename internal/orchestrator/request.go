package orchestrator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/picloud/picloud/internal/invoke"
)

var (
	errBodyTooLarge = errors.New("the request's body is too large")
	errBodyMemory   = errors.New("too many large requests at once")
)

// smallBody is the longest body for which no memory is reserved, in bytes.
const smallBody = 64 << 10

// readBody reads the whole body, at most limit bytes. release gives back what
// was reserved for it. Memory is reserved, and taken, as the body comes: what a
// client only announces holds up nobody.
func (o *Orchestrator) readBody(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), err error) {
	none := func() {}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, none, nil
	}
	if r.ContentLength > limit {
		return nil, none, errBodyTooLarge
	}
	longest := limit + 1 // where a body without a length shows that it is too large
	if r.ContentLength > 0 {
		longest = r.ContentLength
	}
	var held int64
	defer func() {
		if err != nil {
			o.bodies.Add(-held)
		}
	}()
	in := http.MaxBytesReader(w, r.Body, limit)
	body = make([]byte, 0, min(longest, smallBody))
	for int64(len(body)) < longest {
		if len(body) == cap(body) {
			size := min(2*int64(cap(body)), longest)
			if o.bodies.Add(size-held) > o.cfg.BodyMemory {
				o.bodies.Add(held - size)
				return nil, none, errBodyMemory
			}
			held = size
			body = append(make([]byte, 0, size), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				err = errBodyTooLarge
			}
			return nil, none, err
		}
	}
	if int64(len(body)) < r.ContentLength {
		return nil, none, io.ErrUnexpectedEOF
	}
	return body, func() { o.bodies.Add(-held) }, nil
}

func bodyFailed(w http.ResponseWriter, r *http.Request, err error, limit int64) {
	switch {
	case errors.Is(err, errBodyTooLarge):
		// The rest is not read, so the connection cannot be used again.
		w.Header().Set("Connection", "close")
		problem(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request's body is larger than the limit of %d bytes", limit), "")
	case errors.Is(err, errBodyMemory):
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", "1")
		problem(w, r, http.StatusServiceUnavailable, "too many large requests at once", "")
	default:
		problem(w, r, http.StatusBadRequest, "the request's body could not be read to its end", "")
	}
}

// request makes q what the script may see of r.
func (o *Orchestrator) request(q *invoke.Request, r *http.Request, body []byte, rest string) {
	from := o.cfg.TrustedProxies.Of(r)
	ip, scheme := "", "http://"
	if from.Addr.IsValid() {
		ip = from.Addr.String()
	}
	if from.HTTPS {
		scheme = "https://"
	}
	target := r.RequestURI
	if target == "" || target[0] != '/' { // absolute, as to a proxy
		target = r.URL.RequestURI()
	}
	*q = invoke.Request{
		Method: r.Method,
		URL:    scheme + r.Host + target,
		Path:   r.URL.Path,
		Query:  r.URL.RawQuery,
		Header: withoutCredentials(r.Header),
		Params: restParam(rest),
		Body:   body,
		IP:     ip,
	}
}

var noRest = []invoke.Param{{Name: "rest"}}

// restParam is what follows the script's name, without the slash before it.
func restParam(rest string) []invoke.Param {
	if len(rest) < 2 {
		return noRest
	}
	rest = rest[1:]
	if s, err := url.PathUnescape(rest); err == nil {
		rest = s
	}
	return []invoke.Param{{Name: "rest", Value: rest}}
}

// withoutCredentials returns h without PiCloud's own: its session cookies and
// bearer tokens. Scripts' own cookies and tokens stay.
func withoutCredentials(h http.Header) http.Header {
	changed := false
	change := func() {
		if !changed {
			h, changed = h.Clone(), true
		}
	}
	for _, v := range h["Authorization"] {
		if ownToken(v) {
			change()
			h.Del("Authorization")
			break
		}
	}
	for _, v := range h["Cookie"] {
		if strings.Contains(strings.ToLower(v), ownCookiePart) {
			change()
			withoutOwnCookies(h)
			break
		}
	}
	if _, ok := h["Proxy-Authorization"]; ok {
		change()
		h.Del("Proxy-Authorization")
	}
	return h
}

// ownToken reports whether an Authorization header carries a token of
// PiCloud's: "pic", perhaps letters for its kind, an underscore.
func ownToken(v string) bool {
	v = strings.TrimSpace(v)
	scheme, token, ok := strings.Cut(v, " ")
	if !ok {
		token = scheme
	}
	token = strings.TrimSpace(token)
	if len(token) < 4 || !strings.EqualFold(token[:3], "pic") {
		return false
	}
	kind, _, ok := strings.Cut(token[3:], "_")
	return ok && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") == ""
}

// ownCookiePart is in the name of each of PiCloud's cookies: picloud_session,
// __Host-picloud_session.
const ownCookiePart = "picloud_"

func ownCookie(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.TrimPrefix(name, "__host-")
	name = strings.TrimPrefix(name, "__secure-")
	return strings.HasPrefix(name, ownCookiePart)
}

func withoutOwnCookies(h http.Header) {
	var lines []string
	for _, line := range h["Cookie"] {
		var kept []string
		for part := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(part, "=")
			if part = strings.TrimSpace(part); part != "" && !ownCookie(name) {
				kept = append(kept, part)
			}
		}
		if len(kept) > 0 {
			lines = append(lines, strings.Join(kept, "; "))
		}
	}
	if len(lines) == 0 {
		h.Del("Cookie")
		return
	}
	h["Cookie"] = lines
}
