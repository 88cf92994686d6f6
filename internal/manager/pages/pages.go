// Package pages serves the pages for people: set-up and sign-in, which work
// without scripts, except that the set-up page takes the token out of its address
// by one; and the dashboard, which is a program in the browser.
package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/sessions"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
)

// Where the pages are.
const (
	Home   = "/_/"
	Login  = "/_/login"
	Logout = "/_/logout"
	Setup  = "/_/setup"
)

// maxForm bounds a submitted form, in bytes; timeout what answering takes.
const (
	maxForm = 16 << 10
	timeout = 30 * time.Second
)

var (
	//go:embed page.html
	html string
	//go:embed style.css
	style string
	//go:embed setup.js
	script string

	page = template.Must(template.New("page").Parse(html))

	// Inline text is named by its hash: nothing else of this origin can run,
	// whatever a script of an app manages to have served from it.
	policy = "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// view is what a page shows.
type view struct {
	View, Title, Error, Notice     string
	Token, Username, Role, Address string
	Next                           string
	MinPassword, MaxPassword       int
	Style                          template.CSS
	Script                         template.JS
}

type server struct {
	api   *api.API
	setup *auth.Setup
	build fs.FS
}

// New returns the pages' handler. It shares the API's idea of who is signed in.
// build holds the dashboard's files, each compressed and called *.gz; without an
// index.html in it, or nil, a page says that there is no dashboard.
func New(a *api.API, s *auth.Setup, build fs.FS) http.Handler {
	p := &server{api: a, setup: s, build: build}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Home, p.dashboard)
	mux.HandleFunc("GET "+assets, p.asset)
	mux.HandleFunc("GET "+Login, p.loginForm)
	mux.HandleFunc("POST "+Login, p.login)
	mux.HandleFunc("POST "+Logout, p.logout)
	mux.HandleFunc("GET "+Setup, p.setupForm)
	mux.HandleFunc("POST "+Setup, p.createOwner)
	// Whoever opens the address that PiCloud printed.
	mux.Handle("GET /{$}", http.RedirectHandler(Home, http.StatusSeeOther))
	mux.Handle("GET /_", http.RedirectHandler(Home, http.StatusSeeOther))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		// Forms must not say "Origin: null", as they do under no-referrer.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if auth.OpaqueOrigin(r) || r.Method == http.MethodPost && auth.Related(r) == auth.OtherOrigin {
			http.Error(w, "This form was sent by another site's page. Open PiCloud's own page and try again.", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (p *server) show(w http.ResponseWriter, status int, v view) {
	v.Style, v.Script = template.CSS(style), template.JS(script)
	v.MinPassword, v.MaxPassword = auth.MinPassword, auth.MaxPassword
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		p.api.Log.Error("a page failed", "error", err)
		http.Error(w, "something went wrong inside PiCloud; its log says what", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // nobody is left to be told
}

// problem shows a view again with what went wrong.
func (p *server) problem(ctx context.Context, w http.ResponseWriter, v view, err error) {
	pr := api.From(ctx, p.api.Log, err)
	v.Error = pr.Detail
	for _, f := range pr.Errors {
		v.Error = f.Message
	}
	for k, values := range pr.GetHeaders() {
		if k == "Retry-After" {
			w.Header()[k] = values
		}
	}
	p.show(w, pr.Status, v)
}

// form reads a submitted form and reports whether it could.
func (p *server) form(w http.ResponseWriter, r *http.Request) bool {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "This form is too large.", http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "This form cannot be read.", http.StatusBadRequest)
	}
	return err == nil
}

// audit notes what a form did, as the API's operation of that name does it.
// Whoever gave a wrong password for user is not taken to be user.
func (p *server) audit(r *http.Request, action string, user store.User, err error) {
	e := &api.Event{
		User: user, From: p.api.Peer(r), UserAgent: r.UserAgent(), Action: action,
		Object: strings.TrimPrefix(r.URL.Path, "/"), Status: http.StatusSeeOther,
	}
	if user.Username != "" {
		e.Object = "users/" + user.Username
	}
	if err != nil {
		pr := api.From(r.Context(), p.api.Log, err)
		e.User, e.Status, e.Detail = store.User{}, pr.Status, pr.Detail
	}
	p.api.Audit(r.Context(), e)
}

var loginView = view{View: "login", Title: "Sign in"}

func (p *server) loginForm(w http.ResponseWriter, r *http.Request) {
	switch needed, err := p.setup.Needed(r.Context()); {
	case err != nil:
		p.problem(r.Context(), w, loginView, err)
	case needed:
		http.Redirect(w, r, Setup, http.StatusSeeOther)
	default:
		v := loginView
		v.Next = inside(r.URL.Query().Get("next"))
		p.show(w, http.StatusOK, v)
	}
}

func browser(r *http.Request, from peer.Peer) auth.Device {
	return auth.Device{Client: auth.ClientBrowser, Address: from.Addr, UserAgent: r.UserAgent()}
}

func (p *server) login(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	ctx, from := r.Context(), p.api.Peer(r)
	v := loginView
	v.Username, v.Next = r.PostForm.Get("username"), inside(r.PostForm.Get("next"))
	password := r.PostForm.Get("password")
	if len(v.Username) > 63 || len(password) > auth.MaxPassword {
		p.problem(ctx, w, loginView, auth.ErrBadCredentials)
		return
	}
	token, id, err := p.api.Auth.SignIn(ctx, v.Username, password, browser(r, from))
	p.audit(r, "signIn", id.User, err)
	if err != nil {
		sessions.LogRefused(ctx, p.api.Log, from, err)
		p.problem(ctx, w, v, err)
		return
	}
	http.SetCookie(w, auth.Cookie(id, token, from.HTTPS))
	http.Redirect(w, r, v.Next, http.StatusSeeOther)
}

func (p *server) logout(w http.ResponseWriter, r *http.Request) {
	id, err := p.api.Identify(r.Context(), r)
	if err == nil {
		err = p.api.Auth.SignOut(r.Context(), id.Session.ID)
		p.audit(r, "signOut", id.User, err)
	}
	if err != nil {
		if pr := api.From(r.Context(), p.api.Log, err); pr.Status != http.StatusUnauthorized {
			http.Error(w, pr.Detail, pr.Status)
			return
		}
	}
	http.SetCookie(w, auth.NoCookie(p.api.Peer(r).HTTPS))
	http.Redirect(w, r, Login, http.StatusSeeOther)
}

var setupView = view{View: "setup", Title: "Set up PiCloud"}

func (p *server) setupForm(w http.ResponseWriter, r *http.Request) {
	switch needed, err := p.setup.Needed(r.Context()); {
	case err != nil:
		p.problem(r.Context(), w, setupView, err)
	case !needed:
		http.Redirect(w, r, Login, http.StatusSeeOther)
	default:
		p.show(w, http.StatusOK, setupView)
	}
}

func (p *server) createOwner(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	ctx, from := r.Context(), p.api.Peer(r)
	v := setupView
	v.Token, v.Username = r.PostForm.Get("token"), r.PostForm.Get("username")
	user, err := p.setup.Redeem(ctx, v.Token, v.Username, r.PostForm.Get("password"))
	if errors.Is(err, auth.ErrAlreadySetUp) {
		http.Redirect(w, r, Login, http.StatusSeeOther)
		return
	}
	p.audit(r, "createOwner", user, err)
	if err != nil {
		p.problem(ctx, w, v, err)
		return
	}
	token, id, err := p.api.Auth.Begin(ctx, user, browser(r, from))
	if err != nil {
		p.problem(ctx, w, loginView, err)
		return
	}
	http.SetCookie(w, auth.Cookie(id, token, from.HTTPS))
	http.Redirect(w, r, Home, http.StatusSeeOther)
}
