package manager_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

func owner(token, username, password string) map[string]any {
	return map[string]any{"token": token, "username": username, "password": password}
}

func TestSetUpByLink(t *testing.T) {
	in := start(t)
	if got := in.do(call{method: "GET", path: "/setup"}).want(200).at("needed"); got != true {
		t.Fatalf("needed is %v on an empty store", got)
	}
	in.do(call{method: "POST", path: "/setup", body: owner("picsetup_guessed", "ada", "correct horse")}).want(403).says("restart PiCloud", "")

	token, expires := in.setup.Issue()
	if want := in.clock.now().Add(auth.SetupLifetime); !expires.Equal(want) {
		t.Errorf("the link expires at %s, want %s", expires, want)
	}
	for _, c := range []struct {
		name, username, password, says, location string
	}{
		{"short password", "ada", "short", "", "body.password"},
		{"password is the name", "adalovelace", "AdaLovelace", "must differ", "body.password"},
		{"blank in the name", "ada l", "correct horse", "letters a-z", "body.username"},
		{"no name", "", "correct horse", "", "body.username"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := in.do(call{method: "POST", path: "/setup", body: owner(token, c.username, c.password)})
			r.want(422).says(c.says, c.location)
			if strings.Contains(string(r.body), c.password) {
				t.Errorf("the answer repeats the password: %s", r.body)
			}
		})
	}

	r := in.do(call{method: "POST", path: "/setup", body: owner(token, "Ada", "correct horse")}).want(201)
	if r.str("user.username") != "ada" || r.str("user.role") != "owner" {
		t.Errorf("the owner is %s", r.body)
	}
	in.do(call{method: "GET", path: "/whoami", token: r.str("token")}).want(200)
	if got := in.do(call{method: "GET", path: "/setup"}).want(200).at("needed"); got != false {
		t.Errorf("needed is %v with an owner", got)
	}
	in.do(call{method: "POST", path: "/setup", body: owner(token, "eve", "correct horse")}).want(409)
}

func TestSetUpLinkExpires(t *testing.T) {
	in := start(t)
	old, _ := in.setup.Issue()
	in.clock.advance(auth.SetupLifetime)
	in.do(call{method: "POST", path: "/setup", body: owner(old, "ada", "correct horse")}).want(403)
	current, _ := in.setup.Issue()
	in.do(call{method: "POST", path: "/setup", body: owner(old, "ada", "correct horse")}).want(403)
	in.do(call{method: "POST", path: "/setup", body: owner(current, "ada", "correct horse")}).want(201)
}

func TestOneOfManyBecomesOwner(t *testing.T) { onBoth(t, oneOfManyBecomesOwner) }

func oneOfManyBecomesOwner(t *testing.T, in *instance) {
	token, _ := in.setup.Issue()
	const racers = 8
	status := make([]int, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			status[i] = in.do(call{method: "POST", path: "/setup", body: owner(token, "racer"+string(rune('a'+i)), "correct horse")}).status
		})
	}
	wg.Wait()
	won := 0
	for _, s := range status {
		switch s {
		case 201:
			won++
		case 409, 403: // 403 when the link was used up before it was looked at
		default:
			t.Errorf("a racer got %d", s)
		}
	}
	if users, err := in.store.ListUsers(t.Context(), store.Page{Limit: 10}); err != nil || len(users) != 1 || won != 1 {
		t.Errorf("%d won, users: %v (%v)", won, users, err)
	}
}

func TestSessions(t *testing.T) {
	in := start(t)
	token := in.owner()
	in.do(call{method: "GET", path: "/whoami"}).want(401)
	r := in.do(call{method: "GET", path: "/whoami", token: "pics_nonsense"}).want(401)
	if r.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
	r = in.do(call{method: "GET", path: "/whoami", token: token}).want(200)
	if r.str("user.username") != "ada" || r.str("user.role") != "owner" || r.str("session.client") != "cli" {
		t.Errorf("whoami: %s", r.body)
	}
	if strings.Contains(string(r.body), token) {
		t.Error("whoami repeats the token")
	}

	for _, c := range []struct {
		name string
		body any
		want int
	}{
		{"wrong password", map[string]any{"username": "ada", "password": "wrong"}, 401},
		{"unknown user", map[string]any{"username": "nobody", "password": "correct horse"}, 401},
		{"impossible user", map[string]any{"username": "a\u0000b", "password": "correct horse"}, 401},
		{"empty password", map[string]any{"username": "ada", "password": ""}, 422},
		{"no password", map[string]any{"username": "ada"}, 422},
		{"unknown member", map[string]any{"username": "ada", "password": "correct horse", "admin": true}, 422},
		{"unknown client", map[string]any{"username": "ada", "password": "correct horse", "client": "toaster"}, 422},
		{"too long", map[string]any{"username": "ada", "password": strings.Repeat("x", 1025)}, 422},
		{"no object", "[]", 422},
		{"no JSON", `{"username": "ada", "password": "correct horse"`, 400},
		{"no body", "", 400},
		{"much too large", `{"username": "` + strings.Repeat("x", 1<<20) + `"}`, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := in.do(call{method: "POST", path: "/sessions", body: c.body}).want(c.want)
			if strings.Contains(string(r.body), "correct horse") {
				t.Errorf("the answer repeats the password: %s", r.body)
			}
		})
	}
	in.do(call{method: "POST", path: "/sessions", body: "username=ada", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}).want(415)
	if strings.Contains(in.log.String(), "correct horse") || strings.Contains(in.log.String(), token) {
		t.Error("a secret is in the log")
	}

	if r := in.do(call{method: "POST", path: "/sessions", body: map[string]any{"username": "ada", "password": "correct horse"}}).want(201); r.header["Set-Cookie"] != nil {
		t.Errorf("who is no browser gets the cookie %q", r.header["Set-Cookie"])
	}
	second := in.signIn("ADA", "correct horse")
	in.do(call{method: "DELETE", path: "/sessions/current", token: token}).want(204)
	in.do(call{method: "GET", path: "/whoami", token: token}).want(401)
	in.do(call{method: "DELETE", path: "/sessions/current", token: token}).want(401)
	in.do(call{method: "GET", path: "/whoami", token: second}).want(200)
}

func TestSessionsExpire(t *testing.T) {
	const day = 24 * time.Hour
	in := start(t)
	token := in.owner()
	// Used each month it goes on, but not for ever.
	for range 12 {
		in.clock.advance(30 * day)
		in.do(call{method: "GET", path: "/whoami", token: token}).want(200)
	}
	in.clock.advance(10 * day)
	in.do(call{method: "GET", path: "/whoami", token: token}).want(401)

	token = in.signIn("ada", "correct horse")
	in.clock.advance(90*day - time.Second)
	in.do(call{method: "GET", path: "/whoami", token: token}).want(200)
	in.clock.advance(90 * day)
	in.do(call{method: "GET", path: "/whoami", token: token}).want(401)
}

func TestNewPasswordEndsSessions(t *testing.T) {
	in := start(t)
	token := in.owner()
	name, err := auth.ResetOwnerPassword(t.Context(), in.store, auth.NewHasher(cheap), in.clock.now(), "", "battery staple")
	if err != nil || name != "ada" {
		t.Fatalf("reset: %q, %v", name, err)
	}
	in.do(call{method: "GET", path: "/whoami", token: token}).want(401)
	in.do(call{method: "POST", path: "/sessions", body: map[string]any{"username": "ada", "password": "correct horse"}}).want(401)
	in.signIn("ada", "battery staple")
}

func TestSignInAttemptsAreLimited(t *testing.T) {
	in := start(t)
	in.owner()
	try := func(name, password string) *reply {
		return in.do(call{method: "POST", path: "/sessions", body: map[string]any{"username": name, "password": password}})
	}
	// Known and unknown accounts alike.
	for _, name := range []string{"ada", "nobody"} {
		n := 0
		for ; try(name, "wrong").status == 401; n++ {
		}
		if n != 10 {
			t.Errorf("%s: %d attempts were looked at, want 10", name, n)
		}
	}
	r := try("ada", "correct horse").want(429)
	if r.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After is %q, want 60", r.header.Get("Retry-After"))
	}
	in.clock.advance(time.Minute)
	try("ada", "correct horse").want(201)
	// What was right does not count.
	for range 15 {
		try("ada", "correct horse").want(201)
	}
	if log := in.log.String(); !strings.Contains(log, "a sign-in was refused") || strings.Contains(log, "nobody") {
		t.Errorf("the log is to name refusals and not who: %s", log)
	}
}

func TestRoles(t *testing.T) {
	in := start(t)
	ownerToken := in.owner()
	admin, member := in.user("grace", store.RoleAdmin), in.user("mallory", store.RoleMember)
	in.do(call{method: "POST", path: "/apps", token: admin, body: map[string]any{"slug": "demo"}}).want(201)
	in.do(call{method: "GET", path: "/apps/demo", token: ownerToken}).want(200)
	e := store.Execution{ID: store.NewID(), ScriptID: store.NewID(), Script: "hello", Version: 1, Deployment: 1, Trigger: "http", Status: store.StatusOK, StartedAt: in.clock.now()}
	app, err := in.store.AppBySlug(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	e.AppID = app.ID
	in.rec.record(t, e)

	for _, c := range []struct {
		call
		want int
	}{
		{call{method: "GET", path: "/whoami"}, 200},
		{call{method: "GET", path: "/apps"}, 200},
		{call{method: "GET", path: "/scripts"}, 200},
		{call{method: "POST", path: "/apps", body: map[string]any{"slug": "mine"}}, 403},
		{call{method: "GET", path: "/apps/demo"}, 403},
		{call{method: "GET", path: "/apps/unknown"}, 404},
		{call{method: "PATCH", path: "/apps/demo", body: map[string]any{"slug": "mine"}}, 403},
		{call{method: "DELETE", path: "/apps/demo"}, 403},
		{call{method: "GET", path: "/apps/demo/scripts"}, 403},
		{call{method: "PUT", path: "/apps/demo/scripts/hello", body: map[string]any{"source": "1"}}, 403},
		{call{method: "GET", path: "/apps/demo/scripts/hello"}, 403},
		{call{method: "DELETE", path: "/apps/demo/scripts/hello"}, 403},
		{call{method: "GET", path: "/apps/demo/scripts/hello/versions"}, 403},
		{call{method: "GET", path: "/apps/demo/scripts/hello/versions/1"}, 403},
		{call{method: "PUT", path: "/apps/demo/scripts/hello/active-version", body: map[string]any{"version": 1}}, 403},
		{call{method: "GET", path: "/apps/demo/deployments"}, 403},
		{call{method: "GET", path: "/apps/demo/deployments/1"}, 403},
		{call{method: "GET", path: "/apps/demo/executions"}, 403},
		{call{method: "GET", path: "/apps/demo/executions/stream"}, 403},
		{call{method: "GET", path: "/executions/" + e.ID}, 403},
		// Who may not is told so before what they sent is looked at.
		{call{method: "PUT", path: "/apps/demo/scripts/hello", body: "{"}, 403},
	} {
		c.token = member
		r := in.do(c.call).want(c.want)
		if c.want == 200 && r.data["items"] != nil && len(r.data["items"].([]any)) != 0 {
			t.Errorf("%s shows a member %s", r.name, r.body)
		}
		c.token = ""
		in.do(c.call).want(401)
	}
}
