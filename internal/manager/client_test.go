package manager_test

import (
	"testing"

	"github.com/picloud/picloud/client"
)

// TestTheClientReachesEverything calls each of the client's methods once: it
// and the server mean the same by the document. FollowExecutions has tests of its own.
func TestTheClientReachesEverything(t *testing.T) {
	in := start(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dial := func(token string) *client.Client {
		t.Helper()
		c, err := client.New(in.server.URL, client.WithToken(token))
		must(err)
		return c
	}
	c := dial("")
	v, err := c.Version(ctx)
	must(err)
	if v.Version != "1.2.3" || v.API != "v1" {
		t.Errorf("version: %+v", v)
	}
	state, err := c.Setup(ctx)
	must(err)
	token, _ := in.setup.Issue()
	made, err := c.CreateOwner(ctx, token, "ada", "correct horse")
	must(err)
	if !state.Needed || made.User.Username != "ada" {
		t.Errorf("set-up: %+v, %+v", state, made)
	}
	session, err := c.SignIn(ctx, "ada", "correct horse")
	must(err)
	c = dial(session.Token)
	who, err := c.Whoami(ctx)
	must(err)
	if who.User.Role != client.UserRoleOwner || who.Session.ID != session.Session.ID || !who.Session.ExpiresAt.After(who.Session.CreatedAt) {
		t.Errorf("whoami: %+v", who)
	}

	_, err = c.CreateApp(ctx, "demo")
	must(err)
	slug, limits := "renamed", client.Limits{Operations: 1000}
	app, err := c.UpdateApp(ctx, "demo", client.UpdateApp{Slug: &slug, Limits: &limits})
	must(err)
	if app.Slug != slug || app.Limits != limits {
		t.Errorf("app: %+v", app)
	}
	deployed, created, err := c.DeployScript(ctx, slug, "hello", client.DeployScript{Source: "1"})
	must(err)
	if !created || deployed.Version.Number != 1 || !deployed.Script.Endpoint {
		t.Errorf("deployed: %v, %+v", created, deployed)
	}
	library := false
	if _, created, err = c.DeployScript(ctx, slug, "hello", client.DeployScript{Source: "2", Endpoint: &library, Limits: &limits}); created {
		t.Error("the second version created the script")
	}
	must(err)
	script, err := c.Script(ctx, slug, "hello")
	must(err)
	if script.Endpoint || script.ActiveVersion != 2 || script.App != slug {
		t.Errorf("script: %+v", script)
	}
	_, err = c.ActivateVersion(ctx, slug, "hello", 1)
	must(err)
	version, err := c.ScriptVersion(ctx, slug, "hello", 2)
	must(err)
	versions, err := c.ListVersions(ctx, slug, "hello", client.Page{Limit: 1})
	must(err)
	if version.Source != "2" || len(versions.Items) != 1 || versions.Next != "2" {
		t.Errorf("versions: %+v, %+v", version, versions)
	}
	deployments, err := c.ListDeployments(ctx, slug, client.Page{})
	must(err)
	detail, err := c.Deployment(ctx, slug, deployments.Items[0].Number)
	must(err)
	if !detail.Active || detail.Scripts[0].Version != 1 || detail.Limits != limits {
		t.Errorf("deployment: %+v", detail)
	}
	apps, err := c.ListApps(ctx, client.Page{})
	must(err)
	all, err := c.ListAllScripts(ctx, client.Page{})
	must(err)
	own, err := c.ListScripts(ctx, slug, client.Page{})
	must(err)
	if len(apps.Items) != 1 || len(all.Items) != 1 || len(own.Items) != 1 {
		t.Errorf("lists: %+v, %+v, %+v", apps, all, own)
	}

	stored, err := in.store.AppBySlug(ctx, slug)
	must(err)
	storedScript, err := in.store.Script(ctx, stored.ID, "hello")
	must(err)
	e := run(stored, storedScript, "error")
	in.rec.record(t, e)
	list, err := c.ListExecutions(ctx, slug, client.ExecutionQuery{Script: "hello", Status: client.ExecutionStatusError, Logs: true, Limit: 1})
	must(err)
	one, err := c.Execution(ctx, e.ID)
	must(err)
	if len(list.Items) != 1 || list.Items[0].Logs[0].Message != "hi" || one.ID != e.ID || one.DurationUs != 1500 {
		t.Errorf("executions: %+v, %+v", list, one)
	}

	zoe, err := c.CreateUser(ctx, "zoe", "", "correct horse")
	must(err)
	role := client.UpdateUserRoleAdmin
	zoe, err = c.UpdateUser(ctx, zoe.Username, client.UpdateUser{Role: &role})
	must(err)
	shown, err := c.User(ctx, "zoe")
	must(err)
	people, err := c.ListUsers(ctx, client.Page{Limit: 1})
	must(err)
	if shown != zoe || zoe.Role != client.UserRoleAdmin || len(people.Items) != 1 || people.Next != "ada" {
		t.Errorf("users: %+v, %+v", shown, people)
	}
	_, err = c.AddMember(ctx, slug, "zoe", "viewer")
	must(err)
	m, err := c.UpdateMember(ctx, slug, "zoe", "editor")
	must(err)
	members, err := c.ListMembers(ctx, slug, client.Page{})
	must(err)
	if len(members.Items) != 1 || members.Items[0] != m || m.Role != client.MemberRoleEditor {
		t.Errorf("members: %+v", members)
	}
	must(c.RemoveMember(ctx, slug, "zoe"))
	must(c.DeleteUser(ctx, "zoe"))
	key, err := c.MintAPIKey(ctx, client.MintKey{Name: "ci", Scopes: []client.MintKeyScopes{client.MintKeyScopesDeploy}, App: slug})
	must(err)
	by, err := dial(key.RawToken).Whoami(ctx)
	must(err)
	keys, err := c.ListAPIKeys(ctx, client.KeyQuery{All: true})
	must(err)
	if by.APIKey.ID != key.ID || !by.Session.CreatedAt.IsZero() || len(keys.Items) != 1 || keys.Items[0].ID != key.ID {
		t.Errorf("keys: %+v, %+v", by, keys)
	}
	must(c.DeleteAPIKey(ctx, key.ID))
	must(c.ChangePassword(ctx, "correct horse", "battery staple"))
	log, err := c.ListAudit(ctx, client.AuditQuery{User: "ada", Since: in.clock.now(), Oldest: true, Limit: 2})
	must(err)
	if len(log.Items) != 2 || log.Items[0].Action != "createOwner" || log.Next != log.Items[1].ID {
		t.Errorf("audit log: %+v", log)
	}

	if err := c.DeleteApp(ctx, slug, false); client.Status(err) != 409 {
		t.Errorf("deleting an app with scripts: %v", err)
	}
	must(c.DeleteScript(ctx, slug, "hello"))
	_, err = c.App(ctx, slug)
	must(err)
	must(c.DeleteApp(ctx, slug, true))
	must(c.SignOut(ctx))
	if _, err := c.Whoami(ctx); client.Status(err) != 401 {
		t.Errorf("after signing out: %v", err)
	}
}
