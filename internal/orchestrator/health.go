package orchestrator

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const readyTimeout = 2 * time.Second

// health answers whether the process lives.
func (o *Orchestrator) health(w http.ResponseWriter, r *http.Request) {
	probe(w, r, http.StatusOK, "ok\n")
}

// ready answers whether requests can be served: whether the database answers.
func (o *Orchestrator) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := o.cfg.Store.Ping(ctx); err != nil {
		slog.Warn("not ready", "error", err)
		probe(w, r, http.StatusServiceUnavailable, "the database does not answer\n")
		return
	}
	probe(w, r, http.StatusOK, "ok\n")
}

func probe(w http.ResponseWriter, r *http.Request, status int, text string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, r, http.StatusMethodNotAllowed, "use GET or HEAD", "")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client may be gone: nothing to do about it
}
