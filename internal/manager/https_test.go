package manager_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/peer"
)

func TestCookiesOverHTTPS(t *testing.T) {
	in := start(t, func(c *manager.Config) { c.Proxies = peer.Trust{netip.MustParsePrefix("127.0.0.0/8")} })
	in.owner()
	forwarded := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"192.0.2.7"}, "Sec-Fetch-Site": {"same-origin"}}
	r := in.do(call{
		method: "POST", path: "/sessions", header: forwarded,
		body: map[string]any{"username": "ada", "password": "correct horse", "client": "browser"},
	}).want(201)
	c, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	if err != nil || c.Name != auth.SecureSessionCookie || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Fatalf("the cookie over HTTPS is %q (%v)", r.header.Get("Set-Cookie"), err)
	}
	header := forwarded.Clone()
	header.Set("Cookie", c.Name+"="+c.Value)
	in.do(call{method: "GET", path: "/whoami", header: header}).want(200)
	// A cookie that a site below our domain planted does not count.
	header.Set("Cookie", auth.SessionCookie+"="+c.Value)
	in.do(call{method: "GET", path: "/whoami", header: header}).want(401)
}
