package manager_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/auth"
)

// visit asks for a page, with a form if there is one, as a browser would from
// our own origin.
func (in *instance) visit(method, path, cookie string, form url.Values, header ...string) (*http.Response, string) {
	in.t.Helper()
	r, err := http.NewRequestWithContext(in.t.Context(), method, in.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		in.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", in.server.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rsp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		in.t.Fatal(err)
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(rsp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return rsp, string(body)
}

func wantPage(t *testing.T, rsp *http.Response, body string, status int, contains string) {
	t.Helper()
	if rsp.StatusCode != status || !strings.Contains(body, contains) {
		t.Fatalf("%s %s answers %d, want %d with %q:\n%s", rsp.Request.Method, rsp.Request.URL.Path, rsp.StatusCode, status, contains, body)
	}
}

func wantRedirect(t *testing.T, rsp *http.Response, to string) {
	t.Helper()
	if rsp.StatusCode != http.StatusSeeOther || rsp.Header.Get("Location") != to {
		t.Fatalf("%s %s answers %d to %q, want 303 to %s", rsp.Request.Method, rsp.Request.URL.Path, rsp.StatusCode, rsp.Header.Get("Location"), to)
	}
}

func cookieOf(t *testing.T, rsp *http.Response) string {
	t.Helper()
	for _, c := range rsp.Cookies() {
		if c.Name == auth.SessionCookie && c.Value != "" && c.HttpOnly && c.SameSite == http.SameSiteLaxMode {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no session in %v", rsp.Header["Set-Cookie"])
	return ""
}

func TestPages(t *testing.T) {
	in := start(t)
	for _, path := range []string{"/", "/_"} {
		rsp, _ := in.visit("GET", path, "", nil)
		wantRedirect(t, rsp, "/_/")
	}
	rsp, _ := in.visit("GET", "/_/", "", nil)
	wantRedirect(t, rsp, "/_/login")
	rsp, _ = in.visit("GET", "/_/login", "", nil)
	wantRedirect(t, rsp, "/_/setup")
	rsp, body := in.visit("GET", "/_/setup", "", nil)
	wantPage(t, rsp, body, 200, `name="token"`)

	token, _ := in.setup.Issue()
	form := url.Values{"token": {token}, "username": {"<ada>"}, "password": {"correct horse"}}
	rsp, body = in.visit("POST", "/_/setup", "", form)
	wantPage(t, rsp, body, 422, `role="alert"`)
	if !strings.Contains(body, "&lt;ada&gt;") || strings.Contains(body, "correct horse") || !strings.Contains(body, token) {
		t.Errorf("the form is to keep what was typed, escaped, but the password:\n%s", body)
	}
	form.Set("username", "ada")
	rsp, body = in.visit("POST", "/_/setup", "", url.Values{"token": {"wrong"}, "username": {"ada"}, "password": {"correct horse"}})
	wantPage(t, rsp, body, 403, "restart PiCloud")
	rsp, _ = in.visit("POST", "/_/setup", "", form)
	wantRedirect(t, rsp, "/_/")
	cookie := cookieOf(t, rsp)
	rsp, body = in.visit("GET", "/_/", cookie, nil)
	wantPage(t, rsp, body, 200, "<strong>ada</strong> (owner)")
	wantPage(t, rsp, body, 200, "<title>PiCloud</title>")
	rsp, _ = in.visit("GET", "/_/setup", "", nil)
	wantRedirect(t, rsp, "/_/login")
	rsp, _ = in.visit("POST", "/_/setup", "", form)
	wantRedirect(t, rsp, "/_/login")

	rsp, _ = in.visit("POST", "/_/logout", cookie, url.Values{})
	wantRedirect(t, rsp, "/_/login")
	rsp, _ = in.visit("GET", "/_/", cookie, nil)
	wantRedirect(t, rsp, "/_/login")
	rsp, _ = in.visit("POST", "/_/logout", cookie, url.Values{})
	wantRedirect(t, rsp, "/_/login")

	rsp, body = in.visit("GET", "/_/login", "", nil)
	wantPage(t, rsp, body, 200, "<title>Sign in · PiCloud</title>")
	rsp, body = in.visit("POST", "/_/login", "", url.Values{"username": {"ada"}, "password": {"wrong"}})
	wantPage(t, rsp, body, 401, "wrong username or password")
	rsp, body = in.visit("POST", "/_/login", "", url.Values{"username": {"ada"}, "password": {strings.Repeat("x", 2000)}})
	wantPage(t, rsp, body, 401, "wrong username or password")
	rsp, _ = in.visit("POST", "/_/login", "", url.Values{"username": {"ada"}, "password": {strings.Repeat("x", 20<<10)}})
	wantPage(t, rsp, "", 413, "")
	rsp, _ = in.visit("POST", "/_/login", "", url.Values{"username": {"ada"}, "password": {"correct horse"}})
	wantRedirect(t, rsp, "/_/")
	in.visit("GET", "/_/", cookieOf(t, rsp), nil)

	for range 9 {
		in.visit("POST", "/_/login", "", url.Values{"username": {"bob"}, "password": {"wrong"}})
	}
	rsp, body = in.visit("POST", "/_/login", "", url.Values{"username": {"bob"}, "password": {"wrong"}})
	wantPage(t, rsp, body, 401, "wrong")
	rsp, body = in.visit("POST", "/_/login", "", url.Values{"username": {"bob"}, "password": {"wrong"}})
	wantPage(t, rsp, body, 429, "try again in")
	if rsp.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}

	rsp, _ = in.visit("GET", "/_/app/unknown", "", nil)
	wantPage(t, rsp, "", 404, "")
	rsp, _ = in.visit("PUT", "/_/login", "", nil)
	wantPage(t, rsp, "", 405, "")
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	in := start(t)
	in.owner()
	cookie := in.browser()
	form := url.Values{"username": {"ada"}, "password": {"correct horse"}}
	for _, path := range []string{"/_/login", "/_/logout", "/_/setup"} {
		rsp, body := in.visit("POST", path, cookie, form, "Origin", "null", "Sec-Fetch-Site", "cross-site")
		wantPage(t, rsp, body, 403, "another site")
		rsp, body = in.visit("POST", path, cookie, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		wantPage(t, rsp, body, 403, "another site")
		rsp, body = in.visit("POST", path, cookie, form, "Origin", "http://demo.localhost", "Sec-Fetch-Site", "same-site")
		wantPage(t, rsp, body, 403, "another site")
	}
	rsp, _ := in.visit("POST", "/_/logout", cookie, nil)
	wantPage(t, rsp, "", 403, "")
	rsp, body := in.visit("GET", "/_/", cookie, nil)
	wantPage(t, rsp, body, 200, "Signed in")
}

func TestPagesRunOnlyTheirOwnScript(t *testing.T) {
	in := start(t)
	for _, path := range []string{"/_/setup", "/_/login", "/_/", "/_/unknown"} {
		rsp, body := in.visit("GET", path, "", nil)
		policy := rsp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if regexp.MustCompile(`(script|style)-src[^;]*('self'|unsafe|\*|http)`).MatchString(policy) {
			t.Errorf("%s: the policy is loose: %s", path, policy)
		}
		if rsp.Header.Get("Referrer-Policy") != "same-origin" || rsp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, rsp.Header)
		}
		for _, inline := range regexp.MustCompile(`(?s)<(?:script|style)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(body, -1) {
			sum := sha256.Sum256([]byte(inline[1]))
			if !strings.Contains(policy, base64.StdEncoding.EncodeToString(sum[:])) {
				t.Errorf("%s: the policy does not name this text by its hash: %.80s", path, inline[1])
			}
		}
		if strings.Contains(body, " on") && regexp.MustCompile(`\son[a-z]+=`).MatchString(body) {
			t.Errorf("%s: an inline handler would not run", path)
		}
	}
}
