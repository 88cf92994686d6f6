package manager_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

// member puts a user into an app.
func (in *instance) member(app store.App, u store.User, role store.AppRole) {
	in.t.Helper()
	now := in.clock.now()
	err := in.store.AddMember(in.t.Context(), store.Member{AppID: app.ID, UserID: u.ID, Role: role, CreatedAt: now, UpdatedAt: now})
	if err != nil {
		in.t.Fatal(err)
	}
}

// key makes an API key and returns its token.
func (in *instance) key(u store.User, app store.App, scopes ...store.Scope) (store.APIKey, string) {
	in.t.Helper()
	id, token, hash := auth.NewKey()
	k := store.APIKey{ID: id, TokenHash: hash, UserID: u.ID, Name: id, Scopes: scopes, AppID: app.ID, CreatedAt: in.clock.now()}
	if err := in.store.CreateAPIKey(in.t.Context(), k); err != nil {
		in.t.Fatal(err)
	}
	return k, token
}

// as returns a function that calls the API with a token.
func (in *instance) as(token string) func(method, path string, body any) *reply {
	return func(method, path string, body any) *reply {
		in.t.Helper()
		return in.do(call{method: method, path: path, token: token, body: body})
	}
}

func TestUsers(t *testing.T) { onBoth(t, manageUsers) }

func manageUsers(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	r := owner("POST", "/users", object{"username": "Zoe", "password": "correct horse"}).want(201)
	if r.str("username") != "zoe" || r.str("role") != "member" || r.header.Get("Location") != "/api/v1/users/zoe" || strings.Contains(string(r.body), "argon") {
		t.Errorf("created: %s at %s", r.body, r.header.Get("Location"))
	}
	owner("POST", "/users", object{"username": "zoe", "password": "correct horse"}).want(409).says("zoe", "body.username")
	owner("POST", "/users", object{"username": "a b", "password": "correct horse"}).want(422).says("", "body.username")
	owner("POST", "/users", object{"username": "bob", "password": "short"}).want(422).says("", "body.password")
	owner("POST", "/users", object{"username": "bob", "password": "correct horse", "role": "king"}).want(422).says("", "body.role")
	owner("GET", "/users/bob", nil).want(404).says(`"bob"`, "")
	owner("PATCH", "/users/bob", object{}).want(404)
	owner("DELETE", "/users/bob", nil).want(404)
	if r := owner("GET", "/users?limit=1", nil).want(200); r.str("items.0.username") != "ada" || r.str("next") != "ada" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", "/users?after=ada", nil).want(200); r.str("items.0.username") != "zoe" || r.at("next") != nil {
		t.Errorf("second page: %s", r.body)
	}

	// The last owner stays.
	owner("DELETE", "/users/ada", nil).want(409).says("last owner", "")
	owner("PATCH", "/users/ada", object{"role": "admin"}).want(409).says("last owner", "")

	// Admins manage all but owners.
	in.user("gil", store.RoleAdmin)
	admin := in.as(in.signIn("gil", "correct horse"))
	admin("POST", "/users", object{"username": "bob", "password": "correct horse", "role": "owner"}).want(403)
	admin("PATCH", "/users/zoe", object{"role": "owner"}).want(403)
	admin("PATCH", "/users/gil", object{"role": "owner"}).want(403)
	admin("PATCH", "/users/ada", object{"password": "stolen horse"}).want(403)
	admin("DELETE", "/users/ada", nil).want(403)
	if r := admin("PATCH", "/users/zoe", object{"role": "admin"}).want(200); r.str("role") != "admin" {
		t.Errorf("promoted: %s", r.body)
	}

	// A new password ends sessions; a removed user is gone at once.
	zoe := in.as(in.signIn("zoe", "correct horse"))
	zoe("GET", "/whoami", nil).want(200)
	admin("PATCH", "/users/zoe", object{"password": "battery staple"}).want(200)
	zoe("GET", "/whoami", nil).want(401)
	zoe = in.as(in.signIn("zoe", "battery staple"))
	_, token := in.key(func() store.User { u, _ := in.store.UserByName(t.Context(), "zoe"); return u }(), store.App{}, store.ScopeRead)
	in.as(token)("GET", "/whoami", nil).want(200)
	admin("DELETE", "/users/zoe", nil).want(204)
	zoe("GET", "/whoami", nil).want(401)
	in.as(token)("GET", "/whoami", nil).want(401)

	// With two owners either may go.
	owner("PATCH", "/users/gil", object{"role": "owner"}).want(200)
	admin("DELETE", "/users/ada", nil).want(204)
	owner("GET", "/whoami", nil).want(401)
}

func TestPasswordChange(t *testing.T) {
	in := start(t)
	token := in.owner()
	here, there := in.as(token), in.as(in.signIn("ada", "correct horse"))
	change := func(current, next string) *reply {
		return here("PUT", "/password", object{"current_password": current, "new_password": next})
	}
	change("wrong", "battery staple").want(422).says("not your password", "body.current_password")
	change("correct horse", "short").want(422).says("", "body.new_password")
	change("correct horse", "battery staple").want(204)
	here("GET", "/whoami", nil).want(200)
	there("GET", "/whoami", nil).want(401)
	in.do(call{method: "POST", path: "/sessions", body: object{"username": "ada", "password": "correct horse"}}).want(401)
	in.signIn("ada", "battery staple")
	// Guessing is limited.
	last := 0
	for i := 0; i < 20 && last != 429; i++ {
		last = change("guess", "battery staple").status
	}
	if last != 429 {
		t.Errorf("the twentieth guess gets %d", last)
	}
}

func TestMembers(t *testing.T) { onBoth(t, manageMembers) }

func manageMembers(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	in.deployed("demo")
	in.deployed("other")
	zoe := in.as(in.user("zoe", store.RoleMember))
	bob := in.as(in.user("bob", store.RoleMember))
	slugs := func(r *reply) (out []string) {
		t.Helper()
		for _, item := range r.want(200).at("items").([]any) {
			out = append(out, item.(object)["slug"].(string))
		}
		return out
	}
	if got := slugs(zoe("GET", "/apps", nil)); len(got) != 0 {
		t.Errorf("a stranger sees %v", got)
	}
	zoe("GET", "/apps/demo", nil).want(403)

	r := owner("POST", "/apps/demo/members", object{"username": "zoe", "role": "viewer"}).want(201)
	if r.str("app") != "demo" || r.str("username") != "zoe" || r.str("role") != "viewer" {
		t.Errorf("added: %s", r.body)
	}
	owner("POST", "/apps/demo/members", object{"username": "zoe", "role": "editor"}).want(409).says("already", "body.username")
	owner("POST", "/apps/demo/members", object{"username": "a\x00b", "role": "editor"}).want(422).says("no such user", "body.username")
	owner("POST", "/apps/demo/members", object{"username": "nobody", "role": "editor"}).want(422).says("no such user", "body.username")
	owner("POST", "/apps/demo/members", object{"username": "bob", "role": "owner"}).want(422).says("", "body.role")
	owner("POST", "/apps/unknown/members", object{"username": "zoe", "role": "viewer"}).want(404)
	owner("PATCH", "/apps/demo/members/bob", object{"role": "editor"}).want(404).says("no member", "")
	owner("DELETE", "/apps/demo/members/nobody", nil).want(404)

	if got := slugs(zoe("GET", "/apps", nil)); !slices.Equal(got, []string{"demo"}) {
		t.Errorf("a viewer sees %v", got)
	}
	if items := zoe("GET", "/scripts", nil).want(200).at("items").([]any); len(items) != 1 {
		t.Errorf("a viewer sees the scripts %v", items)
	}
	zoe("GET", "/apps/demo/scripts/hello", nil).want(200)
	zoe("PUT", "/apps/demo/scripts/hello", object{"source": "2"}).want(403).says("scripts.change", "")
	zoe("GET", "/apps/other/executions", nil).want(403)
	owner("PATCH", "/apps/demo/members/zoe", object{"role": "editor"}).want(200)
	zoe("PUT", "/apps/demo/scripts/hello", object{"source": "2"}).want(200)
	zoe("POST", "/apps/demo/members", object{"username": "bob", "role": "viewer"}).want(403)
	owner("PATCH", "/apps/demo/members/ZOE", object{"role": "admin"}).want(200)
	zoe("POST", "/apps/demo/members", object{"username": "bob", "role": "viewer"}).want(201)
	zoe("PATCH", "/apps/demo", object{"slug": "shop"}).want(200)
	zoe("POST", "/apps", object{"slug": "mine"}).want(403)

	if r := bob("GET", "/apps/shop/members?limit=1", nil).want(200); r.str("items.0.username") != "bob" || r.str("next") != "bob" {
		t.Errorf("members: %s", r.body)
	}
	owner("DELETE", "/apps/shop/members/zoe", nil).want(204)
	zoe("GET", "/apps/shop", nil).want(403)
	bob("GET", "/apps/shop", nil).want(200)
}

func TestAPIKeys(t *testing.T) { onBoth(t, manageKeys) }

func manageKeys(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	in.deployed("other")
	zoe := in.as(in.user("zoe", store.RoleMember))
	user, err := in.store.UserByName(t.Context(), "zoe")
	if err != nil {
		t.Fatal(err)
	}
	in.member(app, user, store.AppEditor)

	r := zoe("POST", "/api-keys", object{"name": "ci", "scopes": []string{"deploy", "deploy"}, "expires_at": in.clock.now().Add(48 * time.Hour)}).want(201)
	token, id := r.str("raw_token"), r.str("id")
	if !strings.HasPrefix(token, "pic_"+id+"_") || len(r.at("scopes").([]any)) != 1 || r.str("owner") != "zoe" || r.at("last_used_at") != nil {
		t.Errorf("minted: %s", r.body)
	}
	if r := zoe("GET", "/api-keys", nil).want(200); strings.Contains(string(r.body), "raw_token") || strings.Contains(string(r.body), token) || r.str("items.0.id") != id {
		t.Errorf("list: %s", r.body)
	}
	zoe("POST", "/api-keys", object{"name": "ci"}).want(409).says("another name", "body.name")
	zoe("POST", "/api-keys", object{"name": "x", "scopes": []string{"all"}}).want(422)
	zoe("POST", "/api-keys", object{"name": "x", "expires_at": in.clock.now()}).want(422).says("to come", "body.expires_at")
	zoe("POST", "/api-keys", object{"name": "x", "app": "unknown"}).want(404)
	zoe("POST", "/api-keys", object{"name": "x", "app": "\x00"}).want(404)
	for _, name := range []string{"", " ", "a\x00b", "a\nb", " a"} {
		zoe("POST", "/api-keys", object{"name": name}).want(422).says("", "body.name")
	}
	zoe("POST", "/api-keys", object{"name": "x", "app": "other"}).want(403)

	key := in.as(token)
	if r := key("GET", "/whoami", nil).want(200); r.str("api_key.name") != "ci" || r.at("session") != nil || r.str("user.username") != "zoe" {
		t.Errorf("whoami: %s", r.body)
	}
	if r := zoe("GET", "/api-keys", nil).want(200); r.str("items.0.last_used_at") == "" {
		t.Errorf("not used: %s", r.body)
	}
	key("PUT", "/apps/demo/scripts/hello", object{"source": "2"}).want(200)
	key("PUT", "/apps/other/scripts/hello", object{"source": "2"}).want(403)
	key("DELETE", "/apps/demo", nil).want(403).says("scope admin", "")
	key("POST", "/api-keys", object{"name": "more"}).want(403).says("sign in", "")
	key("PUT", "/password", object{"current_password": "correct horse", "new_password": "battery staple"}).want(403)
	key("DELETE", "/sessions/current", nil).want(403)

	// As its owner's rights shrink, so do the key's.
	owner("PATCH", "/apps/demo/members/zoe", object{"role": "viewer"}).want(200)
	key("PUT", "/apps/demo/scripts/hello", object{"source": "3"}).want(403)
	key("GET", "/apps/demo/scripts", nil).want(200)
	owner("DELETE", "/apps/demo/members/zoe", nil).want(204)
	key("GET", "/apps/demo/scripts", nil).want(403)

	// One for a single app sees that alone.
	r = owner("POST", "/api-keys", object{"name": "demo", "scopes": []string{"admin"}, "app": "demo"}).want(201)
	bound := in.as(r.str("raw_token"))
	if r := bound("GET", "/apps", nil).want(200); len(r.at("items").([]any)) != 1 || r.str("items.0.slug") != "demo" {
		t.Errorf("apps: %s", r.body)
	}
	if r := bound("GET", "/scripts", nil).want(200); len(r.at("items").([]any)) != 1 {
		t.Errorf("scripts: %s", r.body)
	}
	bound("PATCH", "/apps/demo", object{"limits": object{"operations": 5000}}).want(200)
	bound("GET", "/apps/other", nil).want(403)
	bound("POST", "/apps", object{"slug": "new"}).want(403)
	bound("GET", "/users", nil).want(403)

	// A key makes no sessions: it sets no passwords, and no owners.
	r2 := owner("POST", "/api-keys", object{"name": "all", "scopes": []string{"admin"}}).want(201)
	all := in.as(r2.str("raw_token"))
	all("GET", "/users", nil).want(200)
	all("PATCH", "/users/zoe", object{"password": "battery staple"}).want(403).says("may not set passwords", "")
	all("PATCH", "/users/zoe", object{"role": "owner"}).want(403)
	all("POST", "/users", object{"username": "bob", "password": "battery staple", "role": "owner"}).want(403)
	owner("DELETE", "/api-keys/"+r2.str("id"), nil).want(204)

	// Its end.
	owner("DELETE", "/api-keys/unknown", nil).want(404)
	zoe("DELETE", "/api-keys/"+r.str("id"), nil).want(403)
	zoe("GET", "/api-keys?all=true", nil).want(403)
	zoe("GET", "/api-keys?user=ada", nil).want(403)
	if r := owner("GET", "/api-keys?user=zoe", nil).want(200); len(r.at("items").([]any)) != 1 || r.str("items.0.id") != id {
		t.Errorf("zoe's: %s", r.body)
	}
	owner("GET", "/api-keys?user=unknown", nil).want(404)
	if r := owner("GET", "/api-keys?all=true", nil).want(200); len(r.at("items").([]any)) != 2 {
		t.Errorf("all: %s", r.body)
	}
	in.clock.advance(49 * time.Hour)
	key("GET", "/whoami", nil).want(401).says("expired", "")
	if r := zoe("GET", "/api-keys", nil).want(200); r.at("items.0.expired") != true {
		t.Errorf("expired: %s", r.body)
	}
	owner("DELETE", "/api-keys/"+id, nil).want(204)
	zoe("DELETE", "/api-keys/"+id, nil).want(404)
	bound("GET", "/whoami", nil).want(200)
	owner("DELETE", "/api-keys/"+r.str("id"), nil).want(204)
	bound("GET", "/whoami", nil).want(401)
	in.do(call{method: "GET", path: "/whoami", token: token[:len(token)-1] + "!"}).want(401)
}

func TestAudit(t *testing.T) { onBoth(t, auditLog) }

func auditLog(t *testing.T, in *instance) {
	token := in.owner()
	owner := in.as(token)
	member := in.as(in.user("zoe", store.RoleMember))
	// entries returns what a query answers, as "who action object status".
	entries := func(query string) (out []string) {
		t.Helper()
		for _, item := range owner("GET", "/audit?"+query, nil).want(200).at("items").([]any) {
			e := item.(object)
			who, _ := e["username"].(string)
			out = append(out, strings.TrimSpace(strings.Join([]string{who, e["action"].(string), e["object"].(string), http.StatusText(int(e["status"].(float64)))}, " ")))
		}
		return out
	}
	want := func(query string, want ...string) {
		t.Helper()
		if got := entries(query); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", query, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	want("", "zoe signIn users/zoe Created", "ada signIn users/ada Created")

	in.clock.advance(time.Second)
	owner("POST", "/apps", object{"slug": "demo"}).want(201)
	owner("POST", "/apps", object{"slug": "demo"}).want(409)
	owner("PUT", "/apps/demo/scripts/hello", object{"source": "1"}).want(201)
	owner("GET", "/apps/demo", nil).want(200)
	member("GET", "/apps/demo", nil).want(403)
	member("DELETE", "/apps/demo?force=true", nil).want(403)
	in.do(call{method: "POST", path: "/sessions", body: object{"username": "ada", "password": "secret guess"}}).want(401)
	in.do(call{method: "POST", path: "/sessions", body: object{"username": "hunter2", "password": "secret guess"}}).want(401)
	in.do(call{method: "DELETE", path: "/apps/demo"}).want(401)
	owner("POST", "/users", object{"username": "bob", "password": "battery staple"}).want(201)

	owner("PUT", "/apps/demo/kv/entry?key=greeting", object{"value": "hello"}).want(200)
	if r := owner("GET", "/audit?action=setKV", nil).want(200); r.str("items.0.detail") != `key "greeting"` || r.str("items.0.object") != "apps/demo/kv/entry" {
		t.Errorf("a change of data: %s", r.body)
	}
	if n := len(entries("app=demo&action=setKV")); n != 1 {
		t.Errorf("it was noted %d times", n)
	}

	want("app=demo&oldest=true",
		"ada createApp apps/demo Created", "ada createApp apps/demo Conflict", "ada deployScript apps/demo/scripts/hello Created",
		"zoe getApp apps/demo Forbidden", "zoe deleteApp apps/demo Forbidden", "deleteApp apps/demo Unauthorized", "ada setKV apps/demo/kv/entry OK")
	want("action=signIn&refused=true", "signIn sessions Unauthorized", "signIn users/ada Unauthorized")
	want("user=zoe&refused=true", "zoe deleteApp apps/demo Forbidden", "zoe getApp apps/demo Forbidden")
	want("user=ada&limit=1", "ada setKV apps/demo/kv/entry OK")
	want("since="+in.clock.now().Add(time.Second).Format(time.RFC3339), []string{}...)
	want("until="+in.clock.now().Format(time.RFC3339), "zoe signIn users/zoe Created", "ada signIn users/ada Created")
	owner("GET", "/audit?since=yesterday", nil).want(422).says("", "query.since")
	member("GET", "/audit", nil).want(403)

	r := owner("GET", "/audit?limit=500", nil).want(200)
	for _, secret := range []string{"secret guess", "hunter2", "battery staple", "correct horse", token} {
		if strings.Contains(string(r.body), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if r.str("items.0.address") == "" || r.str("items.0.user_agent") == "" || r.str("items.0.at") == "" {
		t.Errorf("an entry: %s", r.body)
	}
	// Every page once, and nothing lost.
	var paged []string
	for before := ""; ; {
		r := owner("GET", "/audit?limit=3&before="+before, nil).want(200)
		for _, item := range r.at("items").([]any) {
			paged = append(paged, item.(object)["id"].(string))
		}
		if before = r.str("next"); before == "" {
			break
		}
	}
	if n := len(r.at("items").([]any)); len(paged) < n || !slices.IsSortedFunc(paged, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d entries in pages, %d at once", len(paged), n)
	}

	// Strangers cannot fill the disk.
	for range 100 {
		in.do(call{method: "DELETE", path: "/apps/demo"}).want(401)
	}
	if n := len(entries("action=deleteApp&limit=500")); n > 40 {
		t.Errorf("%d refusals of a stranger are kept", n)
	}

	// What is too old goes, when something is written.
	in.clock.advance(500 * 24 * time.Hour)
	in.signIn("ada", "correct horse")
	owner = in.as(in.signIn("ada", "correct horse"))
	want("limit=500", "ada signIn users/ada Created", "ada signIn users/ada Created")
}

func TestManagingSessions(t *testing.T) { onBoth(t, manageSessions) }

func manageSessions(t *testing.T, in *instance) {
	ownerToken := in.owner()
	owner := in.as(ownerToken)
	zoe := in.as(in.user("zoe", store.RoleMember))
	in.clock.advance(time.Minute)
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; { // IDs sort by the millisecond
	}
	second := in.do(call{
		method: "POST", path: "/sessions", body: object{"username": "zoe", "password": "correct horse"},
		header: http.Header{"User-Agent": {"a \xff browser " + strings.Repeat("x", 400)}},
	}).want(201)
	there := in.as(second.str("token"))

	ids := func(r *reply) (out []string) {
		t.Helper()
		for _, item := range r.want(200).at("items").([]any) {
			out = append(out, item.(object)["id"].(string))
		}
		return out
	}
	r := zoe("GET", "/sessions", nil).want(200)
	mine := ids(r)
	if len(mine) != 2 || mine[1] != second.str("session.id") || r.at("items.0.current") != true || r.at("items.1.current") != nil {
		t.Fatalf("zoe's sessions: %s", r.body)
	}
	if r.str("items.0.address") != "127.0.0.1" || r.str("items.0.username") != "zoe" || r.str("items.0.client") != "cli" {
		t.Errorf("a session: %s", r.body)
	}
	if agent := r.str("items.1.user_agent"); !strings.HasPrefix(agent, "a \uFFFD browser xxx") || len(agent) > 310 {
		t.Errorf("the browser is called %q", agent)
	}
	if strings.Contains(string(r.body), "pics_") || strings.Contains(string(r.body), "hash") {
		t.Errorf("the list holds tokens: %s", r.body)
	}
	if r := zoe("GET", "/sessions?limit=1", nil).want(200); r.str("items.0.id") != mine[0] || r.str("next") != mine[0] {
		t.Errorf("first page: %s", r.body)
	}
	if got := ids(zoe("GET", "/sessions?after="+mine[0], nil)); !slices.Equal(got, mine[1:]) {
		t.Errorf("second page: %v", got)
	}

	// Others' are for who may manage them; no key may any.
	zoe("GET", "/sessions?user=ada", nil).want(403)
	zoe("GET", "/sessions?all=true", nil).want(403)
	zoe("DELETE", "/sessions?user=ada", nil).want(403)
	if got := ids(zoe("GET", "/sessions?user=zoe", nil)); !slices.Equal(got, mine) {
		t.Errorf("by one's own name: %v", got)
	}
	owners := ids(owner("GET", "/sessions", nil))
	zoe("DELETE", "/sessions/"+owners[0], nil).want(403)
	if got := ids(owner("GET", "/sessions?user=zoe", nil)); !slices.Equal(got, mine) {
		t.Errorf("zoe's for the owner: %v", got)
	}
	if got := ids(owner("GET", "/sessions?all=true", nil)); len(got) != 3 {
		t.Errorf("all: %v", got)
	}
	owner("GET", "/sessions?user=unknown", nil).want(404).says(`"unknown"`, "")
	owner("DELETE", "/sessions?user=unknown", nil).want(404)
	ada, err := in.store.UserByName(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	_, token := in.key(ada, store.App{}, store.ScopeAdmin)
	in.as(token)("GET", "/sessions", nil).want(403).says("no API key may", "")
	in.as(token)("DELETE", "/sessions", nil).want(403)

	// Their end is at once.
	zoe("DELETE", "/sessions/unknown", nil).want(404).says("it may have ended", "")
	zoe("DELETE", "/sessions/"+mine[1], nil).want(204)
	there("GET", "/whoami", nil).want(401)
	zoe("DELETE", "/sessions/"+mine[1], nil).want(404)
	there = in.as(in.signIn("zoe", "correct horse"))
	zoe("DELETE", "/sessions", nil).want(204)
	there("GET", "/whoami", nil).want(401)
	zoe("GET", "/whoami", nil).want(200)
	owner("DELETE", "/sessions/"+mine[0], nil).want(204)
	zoe("GET", "/whoami", nil).want(401)
	zoe = in.as(in.signIn("zoe", "correct horse"))
	owner("DELETE", "/sessions?user=zoe", nil).want(204)
	zoe("GET", "/whoami", nil).want(401)
	owner("GET", "/whoami", nil).want(200)
	if r := owner("GET", "/audit?action=endSessions&limit=1", nil).want(200); r.str("items.0.detail") != "all of zoe" {
		t.Errorf("in the audit log: %s", r.body)
	}

	// One that has expired is none.
	in.clock.advance(91 * 24 * time.Hour)
	owner = in.as(in.signIn("ada", "correct horse"))
	if got := ids(owner("GET", "/sessions?all=true", nil)); len(got) != 1 {
		t.Errorf("after their time: %v", got)
	}
}

func TestPermissionsAreShown(t *testing.T) {
	in := start(t)
	in.owner()
	r := in.as(in.user("zoe", store.RoleMember))("GET", "/permissions", nil).want(200)
	rows := r.at("items").([]any)
	table := auth.Permissions()
	if len(rows) != len(table) || r.at("next") != nil {
		t.Fatalf("%d rows, want %d: %s", len(rows), len(table), r.body)
	}
	for i, p := range table {
		row := rows[i].(object)
		app, _ := row["app"].(string)
		scope, _ := row["scope"].(string)
		var instance []store.Role
		for _, role := range row["instance"].([]any) {
			instance = append(instance, store.Role(role.(string)))
		}
		if row["permission"] != string(p.Action) || row["allows_to"] != p.Does || app != string(p.App) || scope != string(p.Scope) || !slices.Equal(instance, p.Instance) {
			t.Errorf("%v, want %+v", row, p)
		}
	}
}
