package auth

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Names of the session's cookie. Over HTTPS the __Host- prefix keeps sites
// below our domain (apps have such) from planting one of their own.
const (
	SessionCookie       = "picloud_session"
	SecureSessionCookie = "__Host-picloud_session"
)

// Token returns the session's token in a request and whether it came in a
// cookie. The Authorization header wins. secure says whether the client spoke
// HTTPS, to us or to a trusted proxy.
func Token(r *http.Request, secure bool) (token string, cookie bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, rest, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(rest), false
		}
	}
	name := SessionCookie
	if secure {
		name = SecureSessionCookie
	}
	if c, err := r.Cookie(name); err == nil {
		return c.Value, true
	}
	return "", false
}

// Cookie returns the cookie that carries a session's token: out of scripts'
// reach, and not sent along by other sites' forms and frames.
func Cookie(id Identity, token string, secure bool) *http.Cookie {
	c := &http.Cookie{
		Name: SessionCookie, Value: token, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode, Expires: id.Session.CreatedAt.Add(lifetimes[ClientBrowser].whole),
	}
	if secure {
		c.Name = SecureSessionCookie
	}
	return c
}

// NoCookie returns the cookie that makes a browser forget the session.
func NoCookie(secure bool) *http.Cookie {
	c := Cookie(Identity{}, "", secure)
	c.Expires, c.MaxAge = time.Time{}, -1
	return c
}

// OpaqueOrigin reports whether a request comes from a sandboxed document or
// the like ("Origin: null"). Scripts' pages on the control host are such.
func OpaqueOrigin(r *http.Request) bool {
	for _, o := range r.Header.Values("Origin") {
		if strings.EqualFold(strings.TrimSpace(o), "null") {
			return true
		}
	}
	return false
}

// Relation is where a browser says that a request comes from.
type Relation int

// The relations.
const (
	Unstated    Relation = iota // no browser, or one that does not say
	SameOrigin                  // our own pages
	OtherOrigin                 // any other page, those of our own apps included
)

// Related tells from Sec-Fetch-Site, or else Origin, whose page sent a request.
func Related(r *http.Request) Relation {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return SameOrigin
	case "none": // typed in, or a bookmark
		return Unstated
	case "":
	default:
		return OtherOrigin
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return Unstated
	}
	// The scheme is not compared: behind a proxy that ends TLS we see http.
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return SameOrigin
	}
	return OtherOrigin
}
