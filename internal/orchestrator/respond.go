package orchestrator

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/picloud/picloud/internal/invoke"
)

// sandboxPolicy gives what a script answers on the control host an origin of
// its own that nobody shares: it cannot call the API as the person who looks
// at it, nor read cookies or storage.
const sandboxPolicy = "sandbox allow-scripts allow-forms allow-popups allow-downloads"

const headerCSP = "Content-Security-Policy"

// sandbox puts the policy into h. A script can only add policies of its own;
// browsers enforce each.
func sandbox(h http.Header) { h[headerCSP] = sandboxOnly }

// Values that many responses share. They are full, so adding to one copies it.
var (
	sandboxOnly = []string{sandboxPolicy}
	anyOrigin   = []string{"*"}
)

// never are response headers that a script cannot set anywhere: those that
// frame the message or belong to one hop, and those that make a proxy in front
// fetch something else.
var never = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Content-Length": true, "X-Sendfile": true, "X-Lighttpd-Send-File": true, "Picloud-Execution-Id": true,
}

// notOnControlHost are response headers whose effect reaches beyond the
// response, to the whole origin.
var notOnControlHost = map[string]bool{
	"Service-Worker-Allowed": true, "Clear-Site-Data": true, "Strict-Transport-Security": true, "Alt-Svc": true,
	"Public-Key-Pins": true, "Expect-Ct": true, "Nel": true, "Report-To": true, "Reporting-Endpoints": true,
	"Set-Cookie": true, "Www-Authenticate": true, "Origin-Agent-Cluster": true, "Accept-Ch": true, "Critical-Ch": true, "Set-Login": true, "Use-As-Dictionary": true,
}

// countedBody is how long a body may be for net/http to see its end before it
// sends the headers, and to state its length itself, at less cost.
const countedBody = 2048

// respond sends a script's response by the rules of the origin it is on.
func (o *Orchestrator) respond(w http.ResponseWriter, r *http.Request, app *snapshot, res *invoke.Response, at place) {
	h := w.Header()
	ownCORS := false
	for name, values := range res.Header {
		if name != "Content-Type" && (!mayAnswer(name, at) || !validName(name)) {
			continue
		}
		switch name {
		case "Set-Cookie":
			for _, v := range values {
				if c, ok := cookie(v); ok {
					h.Add(name, c)
				}
			}
			continue
		case headerCSP:
			for _, v := range values {
				if validValue(v) {
					h.Add(name, v)
				}
			}
			continue
		case "Access-Control-Allow-Origin":
			ownCORS = true
		}
		if allValid(values) {
			h[name] = values
		}
	}
	if !ownCORS {
		allowOrigin(h, r, app.cors, at)
	}
	status := res.Status
	if status < 200 || status > 999 {
		status = http.StatusInternalServerError
	}
	if bodyless(status) {
		delete(h, "Content-Type")
		w.WriteHeader(status)
		return
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // say nothing rather than let it be guessed
	}
	if len(res.Body) > countedBody || r.Method == http.MethodHead {
		h["Content-Length"] = []string{strconv.Itoa(len(res.Body))}
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(res.Body) // the client may be gone: nothing to do about it
	}
}

func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// mayAnswer reports whether a script may set the header there.
func mayAnswer(name string, at place) bool {
	if never[name] || strings.HasPrefix(name, "X-Accel-") {
		return false
	}
	if at == controlHost && (notOnControlHost[name] || strings.HasPrefix(name, "Access-Control-")) {
		return false
	}
	return true
}

// cookie returns a Set-Cookie header's value as it may leave, and whether it
// may at all: not under PiCloud's names, not without a name (browsers send such a
// cookie as its bare value, which can look like any other), and for this host
// only, because hosts with a common domain belong to different apps.
func cookie(v string) (string, bool) {
	pair, attributes, _ := strings.Cut(v, ";")
	name, _, ok := strings.Cut(pair, "=")
	if !ok || strings.TrimSpace(name) == "" || ownCookie(name) || !validValue(v) {
		return "", false
	}
	if !strings.Contains(strings.ToLower(attributes), "domain") {
		return v, true
	}
	kept := pair
	for a := range strings.SplitSeq(attributes, ";") {
		key, _, _ := strings.Cut(a, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "domain") {
			kept += ";" + a
		}
	}
	return kept, true
}

func allValid(values []string) bool {
	for _, v := range values {
		if !validValue(v) {
			return false
		}
	}
	return true
}

// validValue reports whether v can stand in a header: no control characters.
func validValue(v string) bool {
	for i := 0; i < len(v); i++ {
		if c := v[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// validName reports whether name is a header's name in canonical form.
func validName(name string) bool {
	if name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return textproto.CanonicalMIMEHeaderKey(name) == name
}
