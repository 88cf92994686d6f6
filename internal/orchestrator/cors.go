package orchestrator

import (
	"net/http"
	"slices"

	"github.com/picloud/picloud/internal/store"
)

const anyMethod = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// allowOrigin says which pages may read the response. An app without a list
// lets all, without credentials. On the control host credentials are never
// allowed: they would be PiCloud's.
func allowOrigin(h http.Header, r *http.Request, c store.CORS, at place) {
	if len(c.Origins) == 0 {
		h["Access-Control-Allow-Origin"] = anyOrigin
		return
	}
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(c.Origins, origin) {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	if at == ownHost {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
}

// preflight answers OPTIONS for an endpoint. Scripts do not see it.
func preflight(w http.ResponseWriter, r *http.Request, c store.CORS, at place) {
	h := w.Header()
	h.Set("Allow", anyMethod)
	allowOrigin(h, r, c, at)
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", anyMethod)
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && validValue(asked) {
			h.Set("Access-Control-Allow-Headers", asked)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
