package pages

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/picloud/picloud/internal/manager/api"
)

// assets is where the dashboard's page loads everything from that it runs; names
// of what is immutable carry the hash of its content.
const (
	assets    = Home + "app/"
	immutable = assets + "immutable/"
)

// Files of the dashboard are kept compressed, as nearly every browser takes them.
const compressed = ".gz"

// types are said here, and not looked up: what a system's own table says of .js
// may be something that browsers do not run.
var types = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
}

// plainHost is what a content policy can name. It cannot name IPv6 addresses, and
// what else a Host header may hold must not end up in a policy.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]{1,5})?$`)

// dashboardPolicy lets the dashboard load what is its own by path: on its origin
// there are scripts' answers as well. Requests may go to those, too, for trying
// endpoints out.
func dashboardPolicy(host string) string {
	return "default-src 'none'; script-src " + host + assets + "; style-src " + host + assets + "; img-src " + host + assets +
		" data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
}

// dashboard answers every address that the dashboard may show: which ones there
// are is its own matter.
func (p *server) dashboard(w http.ResponseWriter, r *http.Request) {
	id, err := p.api.Identify(r.Context(), r)
	if err != nil {
		if pr := api.From(r.Context(), p.api.Log, err); pr.Status >= 500 {
			http.Error(w, pr.Detail, pr.Status)
			return
		}
		to := Login
		if r.URL.RequestURI() != Home {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	scheme := "http://"
	if p.api.Peer(r).HTTPS {
		scheme = "https://"
	}
	home := view{View: "home", Title: "PiCloud", Username: id.User.Username, Role: string(id.User.Role), Address: scheme + r.Host}
	page, err := p.file("index.html")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		home.Notice = "This PiCloud was built without its dashboard; `make run` builds it. Everything else works: the REST API, pic, and scripts."
		p.show(w, http.StatusOK, home)
	case err != nil:
		p.api.Log.Error("the dashboard cannot be read", "error", err)
		http.Error(w, "something went wrong inside PiCloud; its log says what", http.StatusInternalServerError)
	case !plainHost.MatchString(r.Host):
		home.Notice = "Open the dashboard by a name or an IPv4 address: its content policy cannot name the address that you used."
		p.show(w, http.StatusOK, home)
	default:
		w.Header().Set("Content-Security-Policy", dashboardPolicy(r.Host))
		p.send(w, r, page, "index.html")
	}
}

// asset answers a file that the dashboard's page loads. Whoever has signed out
// may read them: they are the same everywhere.
func (p *server) asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Home)
	content, err := p.file(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	if strings.HasPrefix(r.URL.Path, immutable) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	p.send(w, r, content, name)
}

// file returns what the build made of a file, compressed.
func (p *server) file(name string) ([]byte, error) {
	if p.build == nil || !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(p.build, name+compressed)
}

// send answers a compressed file, as it is to who takes that.
func (p *server) send(w http.ResponseWriter, r *http.Request, content []byte, name string) {
	h := w.Header()
	h.Set("Content-Type", types[path.Ext(name)])
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		w.Write(content) //nolint:errcheck // nobody is left to be told
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(content))
	if err == nil {
		_, err = io.Copy(w, plain)
	}
	if err != nil {
		p.api.Log.Warn("a file of the dashboard was not sent whole", "name", name, "error", err)
	}
}

// inside returns an address of the dashboard that somebody wanted to see before
// signing in, or its home. Nothing else is gone to.
func inside(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(next, `\`) ||
		!strings.HasPrefix(next, Home) || !strings.HasPrefix(path.Clean(u.Path)+"/", Home) {
		return Home
	}
	return next
}
