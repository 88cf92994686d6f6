package manager_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/auth"
)

// browser signs ada in as a browser does and returns her cookie.
func (in *instance) browser() string {
	in.t.Helper()
	r := in.do(call{
		method: "POST", path: "/sessions", body: map[string]any{"username": "ada", "password": "correct horse", "client": "browser"},
		header: http.Header{"Origin": {in.server.URL}, "Sec-Fetch-Site": {"same-origin"}},
	}).want(201)
	if r.at("token") != nil {
		in.t.Error("a browser's token is in the body, where scripts can read it")
	}
	cookie, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	if err != nil {
		in.t.Fatal(err)
	}
	if cookie.Name != auth.SessionCookie || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure {
		in.t.Errorf("the cookie over plain HTTP is %s", cookie)
	}
	return cookie.Name + "=" + cookie.Value
}

func TestCookiesCountOnlyFromOurOwnPages(t *testing.T) {
	in := start(t)
	in.owner()
	cookie := in.browser()
	origin := in.server.URL
	n := 0
	for _, c := range []struct {
		name       string
		header     http.Header
		get, write int
	}{
		{"our page", http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"same-origin"}}, 200, 201},
		{"our page in an old browser", http.Header{"Origin": {origin}}, 200, 201},
		{"typed in", http.Header{"Sec-Fetch-Site": {"none"}}, 200, 403},
		{"no browser", http.Header{}, 200, 403},
		{"another site", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, 403, 403},
		{"an app's own host", http.Header{"Origin": {"http://demo.localhost"}, "Sec-Fetch-Site": {"same-site"}}, 403, 403},
		{"another site in an old browser", http.Header{"Origin": {"https://evil.example"}}, 403, 403},
		{"another port", http.Header{"Origin": {"http://127.0.0.1:1"}}, 403, 403},
		{"an image on another site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, 403},
		{"a script's page", http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}, 403, 403},
		{"a script's page that lies", http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}, 403, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.header.Clone()
			h.Set("Cookie", cookie)
			in.do(call{method: "GET", path: "/whoami", header: h}).want(c.get)
			n++
			in.do(call{method: "POST", path: "/apps", body: map[string]any{"slug": "app" + string(rune('a'+n))}, header: h}).want(c.write)
		})
	}
	// Nobody can be signed in as somebody else from another site's page.
	in.do(call{
		method: "POST", path: "/sessions", body: map[string]any{"username": "ada", "password": "correct horse", "client": "browser"},
		header: http.Header{"Origin": {"https://evil.example"}},
	}).want(403)
}

func TestNullOriginIsRefusedEverywhere(t *testing.T) {
	in := start(t)
	token := in.owner()
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			path := strings.NewReplacer("{app}", "demo", "{script}", "hello", "{number}", "1", "{id}", "x").Replace(path)
			in.do(call{method: strings.ToUpper(method), path: path, token: token, body: "{}", header: http.Header{"Origin": {"null"}}}).want(403)
		}
	}
}

func TestNoCrossOriginReading(t *testing.T) {
	in := start(t)
	token := in.owner()
	r := in.do(call{method: "GET", path: "/whoami", token: token, header: http.Header{"Origin": {"https://elsewhere.example"}}}).want(200)
	for k := range r.header {
		if strings.HasPrefix(k, "Access-Control-") {
			t.Errorf("%s: %s", k, r.header.Get(k))
		}
	}
	in.do(call{method: "OPTIONS", path: "/whoami", header: http.Header{"Origin": {"https://elsewhere.example"}, "Access-Control-Request-Method": {"GET"}}}).want(405)
}

func TestSigningOutABrowser(t *testing.T) {
	in := start(t)
	in.owner()
	cookie := in.browser()
	h := http.Header{"Cookie": {cookie}, "Origin": {in.server.URL}}
	r := in.do(call{method: "DELETE", path: "/sessions/current", header: h}).want(204)
	if c := r.header.Get("Set-Cookie"); !strings.Contains(c, "Max-Age=0") {
		t.Errorf("the browser keeps its cookie: %q", c)
	}
	in.do(call{method: "GET", path: "/whoami", header: h}).want(401)
}

func TestUnknownPathsAndMethods(t *testing.T) {
	in := start(t)
	in.do(call{method: "GET", path: "/nothing"}).want(404)
	in.do(call{method: "GET", path: "/apps/a/b/c/d/e"}).want(404)
	for _, path := range []string{"", "/", "//whoami", "/apps/../whoami", "/whoami/", "/apps/demo/scripts/.."} {
		if r := in.do(call{method: "GET", path: path}).want(404); r.header.Get("Location") != "" {
			t.Errorf("%q redirects to %s", path, r.header.Get("Location"))
		}
	}
	r := in.do(call{method: "POST", path: "/whoami"}).want(405)
	if r.header.Get("Allow") != "GET" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
	r = in.do(call{method: "TRACE", path: "/apps/demo"}).want(405)
	if r.header.Get("Allow") != "GET, PATCH, DELETE" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
}
