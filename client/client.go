// Package client is the Go client of PiCloud's REST API.
//
//	c, err := client.New("http://localhost:8080", client.WithToken(token))
//	apps, err := c.ListApps(ctx, client.Page{})
//
// The types and the requests are generated from api/openapi.yaml; Client adds
// the token, time limits and errors. What the server refuses comes back as
// *Error. A Client is safe for concurrent use.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultTimeout bounds a request whose context has no deadline.
	DefaultTimeout = 60 * time.Second

	// maxResponse bounds what is read of an answer, in bytes.
	maxResponse = 64 << 20
)

// Client talks to one PiCloud server.
type Client struct {
	api       *operations
	http      *http.Client
	base      string
	token     string
	userAgent string
	silence   time.Duration
}

// Option changes a Client that New makes.
type Option func(*Client)

// WithToken signs the requests with a session's token.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithUserAgent says who asks, such as "pic/1.2.3".
func WithUserAgent(ua string) Option { return func(c *Client) { c.userAgent = ua } }

// WithTransport replaces http.DefaultTransport.
func WithTransport(t http.RoundTripper) Option { return func(c *Client) { c.http.Transport = t } }

// New returns a client of the server at base, for example
// "https://cloud.example.com". It sends nothing yet.
func New(base string, opts ...Option) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no server's address: it must look like https://cloud.example.com", base)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a server's address has no user, query or fragment")
	}
	c := &Client{
		base:      strings.TrimRight(u.String(), "/"),
		userAgent: "picloud-go-client",
		silence:   DefaultSilence,
		http: &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			// The API never redirects, and the token is for this server only.
			return fmt.Errorf("the server redirects to %s://%s: use that as its address", r.URL.Scheme, r.URL.Host)
		}},
	}
	for _, o := range opts {
		o(c)
	}
	c.api, err = NewClient(c.base+"/api/v1", WithHTTPClient(c.http), WithRequestEditorFn(c.sign))
	return c, err
}

// BaseURL returns the server's address without a slash at its end.
func (c *Client) BaseURL() string { return c.base }

func (c *Client) sign(_ context.Context, r *http.Request) error {
	r.Header.Set("User-Agent", c.userAgent)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return nil
}

// limited gives a context a deadline if it has none.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

// call sends a request and decodes the answer. It returns *Error for what the
// server refuses.
func call[T any](ctx context.Context, send func(context.Context) (*http.Response, error)) (out T, err error) {
	_, err = callStatus(ctx, &out, send)
	return out, err
}

// callStatus is call for operations with several statuses of success.
func callStatus[T any](ctx context.Context, out *T, send func(context.Context) (*http.Response, error)) (status int, err error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	rsp, err := send(ctx)
	if err != nil {
		return 0, err
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(rsp.Body, maxResponse+1))
	if err != nil {
		return 0, fmt.Errorf("reading the server's answer: %w", err)
	}
	if len(body) > maxResponse {
		return 0, fmt.Errorf("the server's answer is larger than %d MiB: ask for less", maxResponse>>20)
	}
	if rsp.StatusCode < 200 || rsp.StatusCode > 299 {
		return 0, refusal(rsp, body)
	}
	if rsp.StatusCode == http.StatusNoContent {
		return rsp.StatusCode, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return 0, fmt.Errorf("%s answers something that is not PiCloud's: is the address right? (%w)", rsp.Request.URL.Host, err)
	}
	return rsp.StatusCode, nil
}
