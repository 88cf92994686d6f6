package orchestrator

import (
	"errors"
	"net/http"

	"github.com/picloud/picloud/internal/store"
)

// certificatePath is where a proxy that fetches certificates on demand asks
// first whether a host is one of ours: 200 says yes (Caddy's on_demand_tls ask).
// It needs no sign-in, since it tells nothing that a request to the host does not.
const certificatePath = "/_/certificate"

func (o *Orchestrator) certificate(w http.ResponseWriter, r *http.Request) {
	slug, own := o.appOfHost(r.URL.Query().Get("domain"))
	if !own {
		probe(w, r, http.StatusNotFound, "no app has this host\n")
		return
	}
	switch _, err := o.apps.app(r.Context(), slug); {
	case err == nil:
		probe(w, r, http.StatusOK, "an app has this host\n")
	case errors.Is(err, store.ErrNotFound):
		probe(w, r, http.StatusNotFound, "no app has this host\n")
	default:
		o.lookupFailed(w, r, slug, err)
	}
}
