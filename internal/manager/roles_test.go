package manager_test

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
)

// asker is somebody who calls an operation, with what the table goes by.
type asker struct {
	name  string
	id    auth.Identity
	inApp store.AppRole // in demo
	token func() string
}

// TestTheTableDecides calls every operation of the document as everybody, and
// as nobody, and compares who is let in with the table of permissions. An
// operation whose permission is not in the table fails.
func TestTheTableDecides(t *testing.T) { onBoth(t, theTableDecides) }

func theTableDecides(t *testing.T, in *instance) {
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	in.owner()
	app, script := in.deployed("demo")
	other, _ := in.deployed("other")
	e := run(app, script, "ok")
	in.rec.record(t, e)

	var askers []asker
	add := func(name string, role store.Role, inApp store.AppRole) asker {
		token := in.user(name, role)
		u, err := in.store.UserByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if inApp != "" {
			in.member(app, u, inApp)
		}
		a := asker{name: name, id: auth.Identity{User: u}, inApp: inApp, token: func() string { return token }}
		askers = append(askers, a)
		return a
	}
	owner := add("the-owner", store.RoleOwner, "")
	add("an-admin", store.RoleAdmin, "")
	add("a-stranger", store.RoleMember, "")
	add("a-viewer", store.RoleMember, store.AppViewer)
	editor := add("an-editor", store.RoleMember, store.AppEditor)
	add("an-app-admin", store.RoleMember, store.AppAdmin)
	for _, k := range []struct {
		of     asker
		scopes []store.Scope
		app    store.App
	}{
		{owner, []store.Scope{store.ScopeRead}, store.App{}},
		{owner, []store.Scope{store.ScopeDeploy}, store.App{}},
		{owner, []store.Scope{store.ScopeInvoke}, store.App{}},
		{owner, []store.Scope{store.ScopeAdmin}, store.App{}},
		{owner, []store.Scope{store.ScopeAdmin}, app},
		{owner, []store.Scope{store.ScopeAdmin}, other},
		{editor, []store.Scope{store.ScopeAdmin}, store.App{}},
		{editor, []store.Scope{store.ScopeAdmin}, app},
	} {
		key, token := in.key(k.of.id.User, k.app, k.scopes...)
		askers = append(askers, asker{
			name: fmt.Sprintf("%s's key %v for %q", k.of.name, k.scopes, k.app.Slug),
			id:   auth.Identity{User: k.of.id.User, Key: &key}, inApp: k.of.inApp, token: func() string { return token },
		})
	}

	n := 0
	for pattern, methods := range doc.Paths {
		for method, op := range methods {
			n++
			p, ok := auth.PermissionFor(op.Permission)
			if !ok {
				t.Errorf("%s %s (%s) needs %q, which is not in the table", method, pattern, op.OperationID, op.Permission)
				continue
			}
			// Nothing is to be changed: bodies are broken, and what would be
			// deleted is not there, or not empty.
			values := map[string]string{"app": "demo", "script": "unknown", "number": "99", "user": "unknown", "id": "unknown"}
			if op.OperationID == "getExecution" {
				values["id"] = e.ID
			}
			path := pattern
			for name, v := range values {
				path = strings.ReplaceAll(path, "{"+name+"}", v)
			}
			if op.OperationID == "streamExecutions" {
				path += "?script=unknown"
			}
			c := call{method: strings.ToUpper(method), path: path}
			if op.RequestBody != nil {
				c.body = "{"
			}
			if r := in.do(c); (r.status == 401) != (op.Permission != auth.Anyone) {
				t.Errorf("%s (%s): nobody gets %d", op.OperationID, op.Permission, r.status)
			}
			for _, a := range askers {
				want := a.id.May("", "", op.Permission)
				switch {
				case p.App != "" && (strings.Contains(pattern, "{app}") || op.OperationID == "getExecution"):
					want = a.id.May(app.ID, a.inApp, op.Permission)
				case p.App != "":
					want = a.id.MayIn(op.Permission) // a list of what one may see
				}
				c.token = a.token()
				if op.OperationID == "signOut" && a.id.Key == nil {
					c.token = in.signIn(a.name, "correct horse")
				}
				r := in.do(c)
				if refused := r.status == 401 || r.status == 403; refused == want || r.status == 401 {
					t.Errorf("%s (%s): %s gets %d, and the table says that they may: %v", op.OperationID, op.Permission, a.name, r.status, want)
				}
			}
		}
	}
	if n < 38 {
		t.Errorf("only %d operations were called", n)
	}
}

// TestRolesPage keeps docs/roles.md equal to the table and the document.
func TestRolesPage(t *testing.T) {
	const page = "../../docs/roles.md"
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	got := rolesPage(doc)
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("docs/roles.md is not what the table says (make generate rewrites it):\n%s", d)
	}
}

func rolesPage(doc document) string {
	operations := map[auth.Action][]string{}
	for _, methods := range doc.Paths {
		for _, op := range methods {
			operations[op.Permission] = append(operations[op.Permission], "`"+op.OperationID+"`")
		}
	}
	var b strings.Builder
	b.WriteString(`# Who may do what

<!-- Written by ` + "`make generate`" + ` from the table in internal/auth/roles.go; change that. -->

Every user has a role on the instance: **owner**, **admin** or **member**. A member also has a role in each app that they
belong to: **viewer**, **editor** or **admin**, each including those before it. Owners and admins of the instance may
do everything in every app. An API key may do what its scopes and its owner's roles both allow;
` + "`deploy` includes `read`, and `admin` includes all scopes" + `. A dash means that no API key may.

| permission | allows to | on the instance | or in the app, from | API key's scope | operations |
|---|---|---|---|---|---|
`)
	for _, p := range auth.Permissions() {
		var instance []string
		for _, r := range p.Instance {
			instance = append(instance, string(r))
		}
		if p.Action == auth.Anyone {
			instance = []string{"anybody"}
		}
		app, scope := string(p.App), string(p.Scope)
		if app == "" {
			app = "–"
		}
		if scope == "" {
			scope = "–"
		}
		ops := operations[p.Action]
		sort.Strings(ops)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", p.Action, p.Does, strings.Join(instance, ", "), app, scope, strings.Join(slices.Compact(ops), ", "))
	}
	b.WriteString("\nHow to manage people, members and keys stands in [people.md](people.md).\n")
	return b.String()
}
