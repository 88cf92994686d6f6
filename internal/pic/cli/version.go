package cli

import (
	"net/http"

	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/version"
)

// versionHeader is in every answer of the API.
const versionHeader = "PiCloud-Version"

// watched notices in what the server at base answers that it is another version
// than this program.
type watched struct {
	env  *Env
	base string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(r)
	if err == nil {
		w.env.compare(w.base, res.Header.Get(versionHeader))
	}
	return res, err
}

// compare says once for each version of a server that it is not this program's.
func (e *Env) compare(base, server string) {
	order, known := version.Compare(server, e.Version)
	if !known || order == 0 {
		return
	}
	server = output.Printable(server)
	e.telling.Lock()
	defer e.telling.Unlock()
	if e.told == server {
		return
	}
	e.told = server
	if e.Credentials.Noted(base, server+", pic "+e.Version) {
		return
	}
	if order > 0 {
		e.Notef("The server runs PiCloud %s, which is newer than this pic %s: something may not work. Take the server's version of pic.", server, e.Version)
	} else {
		e.Notef("The server runs PiCloud %s, which is older than this pic %s: something may not work. Take the server's version of pic, or upgrade the server.", server, e.Version)
	}
}
