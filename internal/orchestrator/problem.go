package orchestrator

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/picloud/picloud/internal/invoke"
)

// problemDetails is an error in the form of RFC 9457.
type problemDetails struct {
	Status      int    `json:"status"`
	Title       string `json:"title"`
	Detail      string `json:"detail,omitempty"`
	ExecutionID string `json:"execution_id,omitempty"`
}

// problemResponse makes a response of a problem.
func problemResponse(status int, detail, executionID string) *invoke.Response {
	title := http.StatusText(status)
	if status == statusClientClosed {
		title = "Client Closed Request"
	}
	body, _ := json.Marshal(problemDetails{status, title, detail, executionID}) // strings and a number: cannot fail
	return &invoke.Response{
		Status: status,
		Header: http.Header{"Content-Type": {"application/problem+json"}},
		Body:   append(body, '\n'),
	}
}

// problem answers with a problem, beside the headers set so far.
func problem(w http.ResponseWriter, r *http.Request, status int, detail, executionID string) {
	res := problemResponse(status, detail, executionID)
	h := w.Header()
	h["Content-Type"] = res.Header["Content-Type"]
	h.Set("Content-Length", strconv.Itoa(len(res.Body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(res.Body) // the client may be gone: nothing to do about it
	}
}
