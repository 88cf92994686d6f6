package manager_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

func TestGuards(t *testing.T) { onBoth(t, guards) }

func guards(t *testing.T, in *instance) {
	in.owner()
	app, _ := in.deployed("demo")
	other, _ := in.deployed("other")
	guard := auth.NewGuard(auth.NewAuthenticator(in.store, auth.NewHasher(cheap), in.clock.now), in.store)
	user := func(name string, role store.Role) (store.User, string) {
		t.Helper()
		token := in.user(name, role)
		u, err := in.store.UserByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return u, token
	}
	admin, adminToken := user("grace", store.RoleAdmin)
	editor, editorToken := user("edith", store.RoleMember)
	viewer, viewerToken := user("vera", store.RoleMember)
	in.member(app, editor, store.AppEditor)
	in.member(app, viewer, store.AppViewer)
	key := func(u store.User, app store.App, scope store.Scope) string {
		_, token := in.key(u, app, scope)
		return token
	}
	for _, c := range []struct {
		name, token string
		apiKey      error // with the guard api-key
		user        error // with the guard user
		says        string
	}{
		{"nobody", "", auth.ErrNoToken, auth.ErrNoToken, ""},
		{"a made-up session", "pics_x", auth.ErrNoSession, auth.ErrNoSession, ""},
		{"a made-up key", "pic_x", auth.ErrNoKey, auth.ErrNoKey, ""},
		{"an admin", adminToken, nil, nil, ""},
		{"an editor", editorToken, nil, nil, ""},
		{"a viewer", viewerToken, auth.ErrNotInvited, nil, ""},
		{"an editor's key to invoke", key(editor, store.App{}, store.ScopeInvoke), nil, nil, ""},
		{"an editor's key to deploy", key(editor, store.App{}, store.ScopeDeploy), auth.ErrNotInvited, auth.ErrNotInvited, "may not call this endpoint: it needs the scope invoke for scripts.invoke"},
		{"a viewer's key to invoke", key(viewer, store.App{}, store.ScopeInvoke), auth.ErrNotInvited, nil, ""},
		{"an admin's key for the app", key(admin, app, store.ScopeInvoke), nil, nil, ""},
		{"an admin's key for another app", key(admin, other, store.ScopeInvoke), auth.ErrNotInvited, auth.ErrNotInvited, "may not call this endpoint: it is limited to the app " + other.Slug},
	} {
		for kind, want := range map[store.GuardKind]error{store.GuardAPIKey: c.apiKey, store.GuardUser: c.user, "of another version": auth.ErrNotInvited} {
			if kind == "of another version" && (errors.Is(c.user, auth.ErrNoToken) || errors.Is(c.user, auth.ErrNoSession) || errors.Is(c.user, auth.ErrNoKey)) {
				want = c.user
			}
			r := httptest.NewRequest(http.MethodPost, "http://localhost/demo/hello", nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			caller, err := guard.Admit(t.Context(), r, false, app.ID, store.Guard{Kind: kind})
			if !errors.Is(err, want) || (caller == "") != (err != nil) {
				t.Errorf("%s, guard %q: %q, %v; want %v", c.name, kind, caller, err, want)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%s, guard %q: %v, want %s", c.name, kind, err, c.says)
			}
		}
	}

	// Somebody's browser opens no guarded endpoint for another page.
	for _, c := range []struct {
		name, method string
		header       http.Header
		want         error
	}{
		{"typed in", "GET", http.Header{"Sec-Fetch-Site": {"none"}}, nil},
		{"our own page", "POST", http.Header{"Sec-Fetch-Site": {"same-origin"}}, nil},
		{"another site", "GET", http.Header{"Sec-Fetch-Site": {"cross-site"}}, auth.ErrNotInvited},
		{"a script's page", "GET", http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}, auth.ErrNotInvited},
		{"an old browser's form", "POST", http.Header{}, auth.ErrNotInvited},
	} {
		r := httptest.NewRequest(c.method, "http://localhost/demo/hello", nil)
		r.Header = c.header
		r.AddCookie(&http.Cookie{Name: auth.SessionCookie, Value: editorToken})
		if _, err := guard.Admit(t.Context(), r, false, app.ID, store.Guard{Kind: store.GuardUser}); !errors.Is(err, c.want) {
			t.Errorf("a cookie, %s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestGuardsStandInTheDeployment(t *testing.T) {
	in := start(t)
	do := in.as(in.owner())
	do("POST", "/apps", object{"slug": "demo"}).want(201)
	const script = "/apps/demo/scripts/hello"
	do("PUT", script, object{"source": "1", "guard": object{"kind": "king"}}).want(422)
	do("PUT", script, object{"source": "1", "rate": object{"requests": 1}}).want(422)
	do("PUT", script, object{"source": "1", "rate": object{"requests": -1, "seconds": 1}}).want(422)
	r := do("PUT", script, object{"source": "1", "guard": object{"kind": "api-key"}, "rate": object{"requests": 10, "seconds": 60}}).want(201)
	if r.str("script.guard.kind") != "api-key" || r.num("script.rate.requests") != 10 {
		t.Errorf("deployed: %s", r.body)
	}
	// A new version does not open what was guarded.
	r = do("PUT", script, object{"source": "2"}).want(200)
	if r.str("script.guard.kind") != "api-key" || r.num("script.rate.seconds") != 60 {
		t.Errorf("deployed again: %s", r.body)
	}
	r = do("GET", "/apps/demo/deployments/3", nil).want(200)
	if r.str("scripts.0.guard.kind") != "api-key" || r.num("scripts.0.rate.requests") != 10 {
		t.Errorf("the deployment: %s", r.body)
	}
	do("PUT", script, object{"source": "3", "guard": object{"kind": "none"}, "rate": object{"requests": 0, "seconds": 1}}).want(200)
	if r = do("GET", script, nil).want(200); r.at("guard") != nil || r.at("rate") != nil {
		t.Errorf("opened: %s", r.body)
	}
	do("PUT", script+"/active-version", object{"version": 1}).want(200)
	if r = do("GET", script, nil).want(200); r.at("guard") != nil {
		t.Errorf("an older version brings its guard back: %s", r.body)
	}
}

// A guard is not taken with a secret that cannot serve it, nor such a secret for a
// guard that is there; and nobody is shown the value.
func TestGuardsNeedASecretThatServes(t *testing.T) { onBoth(t, guardsNeedASecretThatServes) }

func guardsNeedASecretThatServes(t *testing.T, in *instance) {
	do := in.as(in.owner())
	do("POST", "/apps", object{"slug": "demo"}).want(201)
	const script, key, bad = "/apps/demo/scripts/hook", "/apps/demo/secrets/HK", "k3y-of-nobody"
	signed := object{"kind": "hmac", "secret": "HK", "scheme": "standard-webhooks"}
	refused := func(r *reply, location string) {
		t.Helper()
		r.want(422)
		if r.str("errors.0.location") != location || !strings.Contains(r.str("detail"), "base64, behind whsec_") || strings.Contains(string(r.body), bad) {
			t.Errorf("refused with %s; want %s, and not the value", r.body, location)
		}
	}
	do("PUT", script, object{"source": "1", "guard": signed}).want(409) // there is no such secret
	do("PUT", key, object{"value": bad}).want(201)
	refused(do("PUT", script, object{"source": "1", "guard": signed}), "body.guard.secret")
	do("GET", script, nil).want(404)
	do("PUT", script, object{"source": "1", "guard": object{"kind": "hmac", "secret": "HK"}}).want(201) // GitHub's may be any
	refused(do("PATCH", script, object{"guard": signed}), "body.guard.secret")
	do("PUT", key, object{"value": "whsec_a2V5"}).want(200)
	do("PATCH", script, object{"guard": signed}).want(200)

	refused(do("PUT", key, object{"value": bad}), "body.value")
	refused(do("PUT", key, object{"value": "whsec_"}), "body.value")
	refused(do("POST", "/apps/demo/secrets", object{"values": object{"A": "x", "HK": bad}}), "body.values.HK")
	do("PUT", "/apps/demo/secrets/OTHER", object{"value": bad}).want(201)
	do("PUT", key, object{"value": "a2V5Mg=="}).want(200)
	do("PATCH", script, object{"guard": object{"kind": "none"}}).want(200)
	do("PUT", key, object{"value": bad}).want(200)
}

// Of a guard and a value that cannot serve it, set at the same moment, one is refused.
func TestGuardAndSecretAtOnce(t *testing.T) { onBoth(t, guardAndSecretAtOnce) }

func guardAndSecretAtOnce(t *testing.T, in *instance) {
	do := in.as(in.owner())
	do("POST", "/apps", object{"slug": "demo"}).want(201)
	const script, key = "/apps/demo/scripts/hook", "/apps/demo/secrets/HK"
	for range 20 {
		do("PUT", key, object{"value": "whsec_a2V5"})
		do("PUT", script, object{"source": "1", "guard": object{"kind": "none"}})
		var guarded, spoilt *reply
		var both sync.WaitGroup
		both.Go(func() {
			guarded = do("PATCH", script, object{"guard": object{"kind": "hmac", "secret": "HK", "scheme": "standard-webhooks"}})
		})
		both.Go(func() { spoilt = do("PUT", key, object{"value": "cannot serve"}) })
		both.Wait()
		if (guarded.status == 200) == (spoilt.status == 200) {
			t.Fatalf("the guard: %d, the secret: %d, want one of them refused", guarded.status, spoilt.status)
		}
		do("PATCH", script, object{"guard": object{"kind": "none"}})
	}
}
