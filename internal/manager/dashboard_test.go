package manager_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager"
)

func compressed(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func withDashboard(t *testing.T) *instance {
	t.Helper()
	build := fstest.MapFS{
		".gitignore":                  {Data: []byte("*")},
		"index.html.gz":               compressed(t, "<!doctype html><title>the dashboard</title>"),
		"app/immutable/start.1.js.gz": compressed(t, "start()"),
		"app/icon.svg.gz":             compressed(t, "<svg/>"),
	}
	return start(t, func(c *manager.Config) { c.Dashboard = build })
}

func TestDashboard(t *testing.T) {
	in := withDashboard(t)
	in.owner()
	cookie := in.browser()
	for _, path := range []string{"/_/", "/_/apps/demo/scripts/lib/pricing", "/_/audit?user=ada"} {
		rsp, body := in.visit("GET", path, cookie, nil, "Accept-Encoding", "identity")
		wantPage(t, rsp, body, 200, "<title>the dashboard</title>")
		if got := rsp.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s is %s", path, got)
		}
		if got := rsp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s may be kept: %q", path, got)
		}
	}

	for _, encoding := range []string{"gzip, br", "br"} {
		rsp, body := in.visit("GET", "/_/app/immutable/start.1.js", "", nil, "Accept-Encoding", encoding)
		if got := rsp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("a file that never changes is fetched again: %q", got)
		}
		if got := rsp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
			t.Errorf("a script is %s", got)
		}
		if zipped := rsp.Header.Get("Content-Encoding") == "gzip"; zipped != strings.Contains(encoding, "gzip") {
			t.Errorf("to %q it answers %q", encoding, rsp.Header.Get("Content-Encoding"))
		} else if !zipped && body != "start()" {
			t.Errorf("it is %q", body)
		}
	}
	rsp, body := in.visit("GET", "/_/app/icon.svg", "", nil, "Accept-Encoding", "identity")
	wantPage(t, rsp, body, 200, "<svg/>")
	if got := rsp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a file without a hash in its name may be kept: %q", got)
	}
	if got := rsp.Header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("an icon is %s", got)
	}
	for _, path := range []string{"/_/app/", "/_/app/none.js", "/_/app/immutable", "/_/app/icon.svg.gz"} {
		rsp, body := in.visit("GET", path, cookie, nil)
		wantPage(t, rsp, body, 404, "")
	}
	rsp, _ = in.visit("POST", "/_/apps/demo", cookie, url.Values{})
	wantPage(t, rsp, "", 405, "")
}

func TestDashboardRunsOnlyItsOwnFiles(t *testing.T) {
	in := withDashboard(t)
	in.owner()
	cookie := in.browser()
	rsp, _ := in.visit("GET", "/_/", cookie, nil)
	host := rsp.Request.URL.Host
	policy := map[string]string{}
	for _, directive := range strings.Split(rsp.Header.Get("Content-Security-Policy"), ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = sources
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'", "require-trusted-types-for": "'script'",
		"script-src": host + "/_/app/", "style-src": host + "/_/app/",
	} {
		if policy[name] != want {
			t.Errorf("the policy says %s %s, want %s", name, policy[name], want)
		}
	}
	// A host that a policy cannot name, or that would end up as another directive.
	for _, host := range []string{"[::1]:8080", "a;script-src *", "a b"} {
		r := httptest.NewRequest("GET", "/_/", nil)
		r.Host = host
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		in.manager.ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "IPv4") || strings.Contains(w.Header().Get("Content-Security-Policy"), host) {
			t.Errorf("to %q it answers %d with %s:\n%s", host, w.Code, w.Header().Get("Content-Security-Policy"), w.Body)
		}
	}
}

func TestWithoutABuildAPageSaysSo(t *testing.T) {
	in := start(t)
	in.owner()
	cookie := in.browser()
	for _, path := range []string{"/_/", "/_/apps/demo"} {
		rsp, body := in.visit("GET", path, cookie, nil)
		wantPage(t, rsp, body, 200, "make run` builds it")
		wantPage(t, rsp, body, 200, "Sign out")
	}
}

func TestSigningInLeadsBack(t *testing.T) {
	in := withDashboard(t)
	in.owner()
	rsp, _ := in.visit("GET", "/_/apps/demo?tab=logs", "", nil)
	wantRedirect(t, rsp, "/_/login?next="+url.QueryEscape("/_/apps/demo?tab=logs"))
	rsp, body := in.visit("GET", rsp.Header.Get("Location"), "", nil)
	wantPage(t, rsp, body, 200, `name="next" value="/_/apps/demo?tab=logs"`)

	form := url.Values{"username": {"ada"}, "password": {"wrong"}, "next": {"/_/apps/demo?tab=logs"}}
	rsp, body = in.visit("POST", "/_/login", "", form)
	wantPage(t, rsp, body, 401, `name="next" value="/_/apps/demo?tab=logs"`)
	for next, want := range map[string]string{
		"/_/apps/demo?tab=logs": "/_/apps/demo?tab=logs",
		"":                      "/_/",
		"/demo/hostile":         "/_/",
		"//evil.example/_/":     "/_/",
		"https://evil.example":  "/_/",
		`/_/\evil.example`:      "/_/",
		"/_/../demo/hostile":    "/_/",
		"/_/%2e%2e/demo":        "/_/",
		"/_/a\r\nSet-Cookie: x": "/_/",
	} {
		rsp, _ = in.visit("POST", "/_/login", "", url.Values{"username": {"ada"}, "password": {"correct horse"}, "next": {next}})
		wantRedirect(t, rsp, want)
	}
}

func TestPermissionsAreThoseOfTheTable(t *testing.T) {
	onBoth(t, func(t *testing.T, in *instance) {
		token := in.owner()
		owner := in.as(token)
		owner("POST", "/apps", object{"slug": "demo"}).want(201)
		owner("POST", "/users", object{"username": "grace", "password": "correct horse"}).want(201)
		owner("POST", "/apps/demo/members", object{"username": "grace", "role": "editor"}).want(201)
		check := func(token, path string, may func(auth.Action) bool) {
			t.Helper()
			var got struct{ Permissions []auth.Action }
			if err := json.Unmarshal(in.as(token)("GET", path, nil).want(200).body, &got); err != nil {
				t.Fatal(err)
			}
			for _, p := range auth.Permissions() {
				if slices.Contains(got.Permissions, p.Action) != may(p.Action) {
					t.Errorf("%s: %s is shown as %t", path, p.Action, !may(p.Action))
				}
			}
		}
		check(token, "/whoami", func(a auth.Action) bool { return auth.May("owner", "", a) })
		check(token, "/apps/demo", func(a auth.Action) bool { return auth.May("owner", "", a) })
		grace := in.signIn("grace", "correct horse")
		check(grace, "/whoami", func(a auth.Action) bool { return auth.May("member", "", a) })
		check(grace, "/apps/demo", func(a auth.Action) bool { return auth.May("member", "editor", a) })
	})
}
