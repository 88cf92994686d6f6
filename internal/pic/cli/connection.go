package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
)

// UserAgent is what pic calls itself.
func (e *Env) UserAgent() string { return "pic/" + e.Version }

// BaseURL returns the server's URL without asking for a token.
func (e *Env) BaseURL() (string, error) {
	c, err := e.load()
	return c.URL, err
}

// SignedIn returns the credentials; without a token in them it is an error
// with the exit code for it.
func (e *Env) SignedIn() (credentials.Credentials, error) {
	c, err := e.load()
	if err != nil {
		return c, err
	}
	if c.Token == "" {
		return c, &exit.Error{
			Code: exit.NotSignedIn,
			Err:  fmt.Errorf("not signed in to %s", c.URL),
			Hint: "Sign in with: pic login " + c.URL + ", or set " + credentials.EnvToken,
		}
	}
	return c, nil
}

func (e *Env) load() (credentials.Credentials, error) {
	c, err := e.Credentials.Load()
	if errors.Is(err, credentials.ErrNone) {
		return c, &exit.Error{
			Code: exit.NotSignedIn,
			Err:  err,
			Hint: "Sign in with: pic login URL, or set " + credentials.EnvURL + " and " + credentials.EnvToken,
		}
	}
	return c, err
}

// Transport returns the transport for requests to the server. It bounds the
// waiting for a connection; requests bound the rest by their context.
func (e *Env) Transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	return t
}

// Unreachable says why a request to the server at base got no answer.
func Unreachable(base string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s does not answer", base)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // without the method and the whole URL
	}
	var oe *net.OpError
	if errors.As(err, &oe) && oe.Op == "dial" {
		return &exit.Error{
			Code: exit.Failed,
			Err:  fmt.Errorf("cannot reach %s: %w", base, err),
			Hint: "Is PiCloud running there? On your own machine: picloud serve",
		}
	}
	return fmt.Errorf("the request to %s failed: %w", base, err)
}
