package manager_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

type object = map[string]any

func TestApps(t *testing.T) { onBoth(t, manageApps) }

func manageApps(t *testing.T, in *instance) {
	token := in.owner()
	do := func(method, path string, body any) *reply {
		t.Helper()
		return in.do(call{method: method, path: path, token: token, body: body})
	}
	if items := do("GET", "/apps", nil).want(200).at("items").([]any); len(items) != 0 {
		t.Fatalf("a new instance has apps: %v", items)
	}
	r := do("POST", "/apps", object{"slug": "demo"}).want(201)
	if r.str("slug") != "demo" || r.num("active_deployment") != 1 || r.header.Get("Location") != "/api/v1/apps/demo" {
		t.Errorf("created: %s, at %q", r.body, r.header.Get("Location"))
	}
	r = do("POST", "/apps", object{"slug": "demo"}).want(409)
	r.says("demo", "body.slug")
	for _, slug := range []string{"", "Demo", "a_b", "-a", "a-", "a b", "é", "api", "_x", "healthz", ".well-known", strings.Repeat("a", 64), strings.Repeat("a", 300), "a\u0000"} {
		r := do("POST", "/apps", object{"slug": slug}).want(422)
		if r.str("errors.0.location") != "body.slug" {
			t.Errorf("%q: %s", slug, r.body)
		}
	}
	do("POST", "/apps", object{"slug": "a_b"}).want(422).says("letters a-z, digits and hyphens", "body.slug")
	do("POST", "/apps", object{"slug": 1}).want(422)
	do("POST", "/apps", object{}).want(422)
	do("POST", "/apps", object{"slug": "x", "name": "y"}).want(422)

	do("GET", "/apps/unknown", nil).want(404).says(`"unknown"`, "")
	do("GET", "/apps/%00", nil).want(422)
	do("GET", "/apps/a%ff", nil).want(422)

	do("POST", "/apps", object{"slug": "other"}).want(201)
	do("PATCH", "/apps/demo", object{"slug": "other"}).want(409)
	do("PATCH", "/apps/demo", object{"slug": "Renamed"}).want(422)
	do("PATCH", "/apps/unknown", object{"slug": "renamed"}).want(404)
	r = do("PATCH", "/apps/demo", object{"slug": "renamed"}).want(200)
	if r.str("slug") != "renamed" {
		t.Errorf("renamed: %s", r.body)
	}
	do("GET", "/apps/demo", nil).want(404)
	do("PATCH", "/apps/renamed", object{"slug": "renamed"}).want(200)

	r = do("PATCH", "/apps/renamed", object{"limits": object{"operations": 1000}, "cors": object{"origins": []string{"https://example.com"}}}).want(200)
	if r.num("limits.operations") != 1000 || r.str("cors.origins.0") != "https://example.com" || r.num("active_deployment") != 2 {
		t.Errorf("settings: %s", r.body)
	}
	r = do("PATCH", "/apps/renamed", object{}).want(200)
	if r.num("limits.operations") != 1000 || r.num("active_deployment") != 2 {
		t.Errorf("an empty change changed something: %s", r.body)
	}
	if r = do("PATCH", "/apps/renamed", object{"limits": object{}}).want(200); r.at("limits") != nil || r.str("cors.origins.0") == "" {
		t.Errorf("limits were to be put back: %s", r.body)
	}
	do("PATCH", "/apps/renamed", object{"limits": object{"operations": instanceLimits.Operations + 1}}).want(422).says("above the instance's", "body.limits.operations")
	do("PATCH", "/apps/renamed", object{"limits": object{"operations": -1}}).want(422)
	for _, origin := range []string{"example.com", "https://example.com/", "https://Example.com", "*", "null", "ftp://example.com", "https://u@example.com", "https://example.com?x"} {
		do("PATCH", "/apps/renamed", object{"cors": object{"origins": []string{origin}}}).want(422).says("https://example.com, without a path", "body.cors.origins[0]")
	}

	r = do("PATCH", "/apps/renamed", object{"outbound": object{"hosts": []string{"api.example.com", "*.example.org:8443"}}, "networks": object{"open": []string{"10.0.0.0/8"}}}).want(200)
	if r.str("outbound.hosts.1") != "*.example.org:8443" || r.str("networks.open.0") != "10.0.0.0/8" {
		t.Errorf("outbound: %s", r.body)
	}
	logged := func(want string) {
		t.Helper()
		if r := do("GET", "/audit?action=updateApp&limit=1", nil).want(200); r.str("items.0.detail") != want {
			t.Errorf("the audit log: %s, want %q", r.body, want)
		}
	}
	logged("open networks: 10.0.0.0/8, change hosts")
	do("PATCH", "/apps/renamed", object{"slug": "demo2", "networks": object{"open": []string{"127.0.0.0/8", "10.0.0.0/8"}}}).want(200)
	logged("rename to demo2, open networks: 127.0.0.0/8 10.0.0.0/8")
	do("PATCH", "/apps/demo2", object{"slug": "renamed", "networks": object{"open": []string{"10.0.0.0/8"}}, "limits": object{}}).want(200)
	logged("rename to renamed, open networks: 10.0.0.0/8, change limits")
	do("PATCH", "/apps/renamed", object{"slug": "renamed", "networks": object{"open": []string{}}}).want(200)
	logged("close all networks")
	do("PATCH", "/apps/renamed", object{"networks": object{"open": []string{"10.0.0.0/8"}}}).want(200)
	if r = do("PATCH", "/apps/renamed", object{"outbound": object{}}).want(200); r.at("outbound") != nil || r.str("networks.open.0") == "" {
		t.Errorf("hosts were to be put back: %s", r.body)
	}
	if r = do("PATCH", "/apps/renamed", object{"networks": object{"open": []string{}}}).want(200); r.at("networks") != nil {
		t.Errorf("networks were to be closed: %s", r.body)
	}
	do("PATCH", "/apps/renamed", object{"outbound": object{"hosts": []string{"a.example", "https://b.example"}}}).want(422).says("no host such as", "body.outbound.hosts[1]")
	do("PATCH", "/apps/renamed", object{"networks": object{"open": []string{"router.lan"}}}).want(422).says("no network such as", "body.networks.open[0]")

	do("DELETE", "/apps/unknown", nil).want(404)
	do("DELETE", "/apps/renamed?force=perhaps", nil).want(422)
	do("DELETE", "/apps/renamed", nil).want(204)
	do("DELETE", "/apps/renamed", nil).want(404)
}

func TestListsComeInPages(t *testing.T) {
	in := start(t)
	token := in.owner()
	want := []string{"a", "b", "c", "d", "e"}
	for _, slug := range want {
		in.do(call{method: "POST", path: "/apps", token: token, body: object{"slug": slug}}).want(201)
	}
	for limit := range 6 {
		if limit == 0 {
			continue
		}
		var got []string
		for after, n := "", 0; ; n++ {
			if n > 5 {
				t.Fatal("the pages do not end")
			}
			r := in.do(call{method: "GET", path: "/apps?limit=" + string(rune('0'+limit)) + "&after=" + after, token: token}).want(200)
			for _, item := range r.at("items").([]any) {
				got = append(got, item.(object)["slug"].(string))
			}
			if after = r.str("next"); after == "" {
				break
			}
		}
		if strings.Join(got, "") != strings.Join(want, "") {
			t.Errorf("in pages of %d: %v", limit, got)
		}
	}
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "limit=1.5", "limit=99999999999999999999", "after=" + strings.Repeat("x", 201)} {
		in.do(call{method: "GET", path: "/apps?" + query, token: token}).want(422)
	}
}

func TestOneOfManyCreatesAnApp(t *testing.T) { onBoth(t, oneOfManyCreatesAnApp) }

func oneOfManyCreatesAnApp(t *testing.T, in *instance) {
	token := in.owner()
	var wg sync.WaitGroup
	status := make([]int, 6)
	for i := range status {
		wg.Go(func() {
			status[i] = in.do(call{method: "POST", path: "/apps", token: token, body: object{"slug": "demo"}}).status
		})
	}
	wg.Wait()
	won := 0
	for _, s := range status {
		if s == 201 {
			won++
		} else if s != 409 {
			t.Errorf("a racer got %d", s)
		}
	}
	if won != 1 {
		t.Errorf("%d racers created the app", won)
	}
}

// broken is a store whose reads of apps fail.
type broken struct {
	store.Store
	err error
}

func (b *broken) ListApps(context.Context, store.Page) ([]store.App, error) { return nil, b.err }

func TestFailuresInside(t *testing.T) {
	in := start(t)
	token := in.owner()
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"the database is away", store.ErrUnavailable, 503},
		{"too slow", context.DeadlineExceeded, 503},
		{"anything else", errUnheardOf, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := in.with(&broken{in.store, c.err})
			r := other.do(call{method: "GET", path: "/apps", token: token}).want(c.want)
			if strings.Contains(string(r.body), "pg_hba.conf") {
				t.Errorf("the inside is shown: %s", r.body)
			}
			if c.want == 503 && r.header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			if c.want == 500 && !strings.Contains(other.log.String(), "pg_hba.conf") {
				t.Errorf("the log does not say what failed: %s", other.log)
			}
		})
	}
}
