package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Request is one call of a script.
type Request struct {
	App       string // ID
	Policy    Policy
	Method    string
	URL       string
	Header    http.Header // canonical names
	Body      []byte
	Redirects int // how many to follow; 0: the redirect is the answer
}

// Response is the answer. Close Body when it has been read.
type Response struct {
	Status int
	Header http.Header
	URL    string // of the last request
	Length int64  // of Body; -1: not known
	Body   io.ReadCloser
}

// Exchange is a request that was sent, or refused, and its answer.
type Exchange struct {
	Method   string
	Host     string // with the port unless it is the scheme's own
	Status   int    // 0: there was no answer
	Started  time.Time
	Duration time.Duration // to the header of the answer
	Error    string
}

// Do makes a call and follows redirects. It returns each exchange, also with an
// error. The error's text is for the script's author; it holds nothing of
// the address but the host. Do ends with ctx, and so does reading the body.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, []Exchange, error) {
	if err := checkHeader(r.Header); err != nil {
		return nil, nil, err
	}
	to, err := parseTarget(r.URL)
	if err != nil {
		return nil, nil, err
	}
	t, release := c.acquire(r.App, r.Policy.Networks)
	var trail []Exchange
	method, header, body := r.Method, r.Header.Clone(), r.Body
	if header == nil {
		header = http.Header{}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", c.cfg.UserAgent)
	}
	for followed := 0; ; followed++ {
		res, x, err := c.exchange(ctx, t, r, to, method, header, body)
		trail = append(trail, x)
		if err != nil {
			release()
			return nil, trail, err
		}
		location := res.Header.Get("Location")
		if !isRedirect(res.StatusCode) || location == "" || r.Redirects == 0 {
			length := res.ContentLength
			if method == http.MethodHead || res.Body == http.NoBody { // what it says is what GET would have
				length = 0
			}
			return &Response{
				Status: res.StatusCode, Header: res.Header, URL: to.url.String(), Length: length,
				Body: &releasingBody{res.Body, release},
			}, trail, nil
		}
		// What is short is read, so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, res.Body, 2<<10)
		res.Body.Close()
		next, err := redirect(to, location)
		if err == nil && followed == r.Redirects {
			err = fmt.Errorf("%s redirects more than %d times", to.display(), r.Redirects)
		}
		if err != nil {
			release()
			return nil, trail, err
		}
		if next.origin() != to.origin() {
			header = harmless(header)
		}
		// Fetch Standard, "HTTP-redirect fetch", step 12.
		if s := res.StatusCode; s == http.StatusSeeOther && method != http.MethodGet && method != http.MethodHead ||
			(s == http.StatusMovedPermanently || s == http.StatusFound) && method == http.MethodPost {
			method, body = http.MethodGet, nil
			for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"} {
				header.Del(name)
			}
		}
		to = next
	}
}

// exchange sends one request.
func (c *Client) exchange(ctx context.Context, t *transport, r *Request, to *target, method string, header http.Header, body []byte) (*http.Response, Exchange, error) {
	x := Exchange{Method: method, Host: to.display(), Started: time.Now().UTC()}
	var res *http.Response
	err := error(nil)
	if !allowsHost(r.Policy.Hosts, to.host, to.port) {
		err = refuse("%s is not among the hosts that this app may call: an admin of the app can add it (pic apps update APP --add-host HOST)", to.display())
	} else {
		res, err = send(ctx, t, to, method, header, body)
	}
	x.Duration = time.Since(x.Started)
	if err != nil {
		x.Error = err.Error()
		return nil, x, err
	}
	x.Status = res.StatusCode
	return res, x, nil
}

func send(ctx context.Context, t *transport, to *target, method string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the method or the address cannot be sent")
	}
	req.Header = header
	res, err := t.RoundTrip(req)
	if err != nil {
		return nil, describe(ctx, to, err)
	}
	return res, nil
}

// describe makes an error one for the script's author. It tells nothing of this
// machine's network.
func describe(ctx context.Context, to *target, err error) error {
	var (
		refused *RefusedError
		lookup  *lookupError
		record  tls.RecordHeaderError
		cert    *tls.CertificateVerificationError
		op      *net.OpError
	)
	host := to.display()
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &lookup):
		return lookup
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &cert):
		return fmt.Errorf("the certificate of %s is not valid: %w", host, cert.Err)
	case errors.As(err, &record):
		return fmt.Errorf("%s does not speak TLS", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s refused the connection", host)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return fmt.Errorf("there is no way to %s", host)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s did not accept the connection in time", host)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s closed the connection before it answered", host)
	case strings.Contains(err.Error(), "server closed idle connection"):
		return fmt.Errorf("%s closed the connection before it answered", host)
	case errors.As(err, &op):
		return fmt.Errorf("the connection to %s failed", host)
	}
	return fmt.Errorf("%s: %s", host, strings.TrimPrefix(err.Error(), "net/http: "))
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect is where a Location leads.
func redirect(from *target, location string) (*target, error) {
	fail := func(err error) error {
		return fmt.Errorf("%s redirects to where a call cannot go: %w", from.display(), err)
	}
	for i := 0; i < len(location); i++ {
		if ch := location[i]; ch <= ' ' || ch == 0x7f || ch == '\\' {
			return nil, fail(errors.New("the address contains a blank, a backslash or a control character"))
		}
	}
	u, err := from.url.Parse(location)
	if err != nil || len(location) > maxURL {
		return nil, fail(errors.New("the address is malformed"))
	}
	to, err := newTarget(u)
	if err != nil {
		return nil, fail(err)
	}
	if from.url.Scheme == "https" && to.url.Scheme == "http" {
		return nil, fail(errors.New("from https to http"))
	}
	return to, nil
}

// harmless returns the headers that another origin gets, too: none that may be a
// credential, whatever it is called.
func harmless(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		switch name {
		case "Accept", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Type",
			"Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Range", "User-Agent":
			kept[name] = values
		}
	}
	return kept
}

// checkHeader refuses headers that belong to the connection, or that could make
// a server take the call for another host's.
func checkHeader(h http.Header) error {
	for name := range h {
		switch name {
		case "Host", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Transfer-Encoding", "Content-Length",
			"Te", "Trailer", "Upgrade", "Expect":
			return fmt.Errorf("the header %s belongs to the connection: a script cannot set it", strings.ToLower(name))
		}
	}
	return nil
}

// releasingBody gives the transport back when it is closed.
type releasingBody struct {
	io.ReadCloser
	release func()
}

func (b *releasingBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
