package orchestrator

import (
	"net/url"
	"strings"
)

// appOfHost returns the slug of the app that a Host header names, and whether
// it names an app's own host at all.
func (o *Orchestrator) appOfHost(host string) (slug string, own bool) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if slug, ok := below(host, "localhost"); ok {
		return slug, true
	}
	if o.cfg.AppsDomain != "" {
		return below(host, o.cfg.AppsDomain)
	}
	return "", false
}

// below returns what stands before ".domain", in lower case.
func below(host, domain string) (string, bool) {
	n := len(host) - len(domain)
	if n < 2 || host[n-1] != '.' || !strings.EqualFold(host[n:], domain) {
		return "", false
	}
	return strings.ToLower(host[:n-1]), true
}

// reserved reports whether the control host keeps the first segment of a path
// for itself. No app can have such a slug.
func reserved(segment string) bool {
	switch segment {
	case "", "api", ".well-known", "favicon.ico", "robots.txt", "healthz", "readyz", "metrics":
		return true
	}
	return segment[0] == '_'
}

// cutSegment splits the escaped path "/first/rest" into "first", decoded, and
// "/rest". ok is false when path has no segment.
func cutSegment(path string) (first, rest string, ok bool) {
	if path == "" || path[0] != '/' {
		return "", "", false
	}
	path = path[1:]
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return decoded(path[:i]), path[i:], true
	}
	return decoded(path), "", true
}

// decoded is a segment of a path with its escapes decoded: %65cho is echo, as
// RFC 3986, section 6.2.2.2, has it. One that cannot be, or would become two,
// stays as it is; no app and no script is called so.
func decoded(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	s, err := url.PathUnescape(segment)
	if err != nil || strings.IndexByte(s, '/') >= 0 {
		return segment
	}
	return s
}

// printable shortens text from outside for a message.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
