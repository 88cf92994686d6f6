package cli

import (
	"context"
	"errors"
	"net/url"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/credentials"
)

// Connect returns a client with the stored credentials. It sends nothing.
func (e *Env) Connect() (*client.Client, error) {
	c, err := e.SignedIn()
	if err != nil {
		return nil, err
	}
	return e.ConnectAs(c)
}

// ConnectAs returns a client with the given credentials, which may hold no
// token. It sends nothing.
func (e *Env) ConnectAs(c credentials.Credentials) (*client.Client, error) {
	return client.New(c.URL, client.WithToken(c.Token), client.WithUserAgent(e.UserAgent()), client.WithTransport(&watched{e, c.URL, e.Transport()}))
}

// Explain turns an error of the client into what a person is told: the
// server's words and what to do, with the exit code that belongs to it.
func Explain(err error) error {
	var refused *client.Error
	var ue *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return Refusal(refused)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &ue):
		base := "the server"
		if u, perr := url.Parse(ue.URL); perr == nil {
			base = u.Scheme + "://" + u.Host
		}
		return Unreachable(base, err)
	}
	return err
}

// All reads every page of a listing; page answers one and the key of the next.
func All[T any](page func(p client.Page) (items []T, next string, err error)) ([]T, error) {
	all := []T{}
	p := client.Page{Limit: 500}
	for {
		items, next, err := page(p)
		if err != nil {
			return nil, Explain(err)
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		if next == p.After {
			return nil, errors.New("the server answers the same page again and again")
		}
		p.After = next
	}
}
