package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func testDeployScript(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	one, two := source(), source()
	limits := store.Limits{Operations: 1000, LogLines: 5}

	req := deployOf(app, "hello", one, at(time.Minute))
	req.Limits = limits
	guard, rate := store.Guard{Kind: store.GuardAPIKey}, store.Rate{Requests: 5, Seconds: 60}
	req.Guard, req.Rate = &guard, &rate
	got, err := s.DeployScript(ctx, req)
	must(t, "DeployScript", err)
	want := store.Deployed{
		Script: store.Script{
			ID: req.ScriptID, AppID: app.ID, AppSlug: "demo", Name: "hello", Endpoint: true,
			ActiveVersion: 1, LatestVersion: 1, CreatedAt: at(time.Minute), UpdatedAt: at(time.Minute),
			Guard: guard, Rate: rate,
		},
		Version:    store.Version{ScriptID: req.ScriptID, Number: 1, SourceHash: hash(one), CreatedAt: at(time.Minute), CreatedBy: "deployer"},
		Deployment: 2, Created: true,
	}
	equal(t, "first version", got, want)
	equal(t, "its deployment", active(t, s, "demo"), store.Deployment{
		AppID: app.ID, Number: 2, Parent: 1, Note: "hello version 1", CreatedAt: at(time.Minute), CreatedBy: "deployer",
		Manifest: store.Manifest{Scripts: map[string]store.ManifestScript{
			"hello": {ScriptID: req.ScriptID, Version: 1, SourceHash: hash(one), Endpoint: true, Limits: limits, Guard: guard, Rate: rate},
		}},
	})

	req2 := deployOf(app, "hello", two, at(time.Hour))
	req2.Endpoint = false
	req2.Rate = &store.Rate{} // the guard, of which nothing is said, stays
	got, err = s.DeployScript(ctx, req2)
	must(t, "DeployScript", err)
	want = store.Deployed{
		Script: store.Script{
			ID: req.ScriptID, AppID: app.ID, AppSlug: "demo", Name: "hello",
			ActiveVersion: 2, LatestVersion: 2, CreatedAt: at(time.Minute), UpdatedAt: at(time.Hour),
			Guard: guard,
		},
		Version:    store.Version{ScriptID: req.ScriptID, Number: 2, SourceHash: hash(two), CreatedAt: at(time.Hour), CreatedBy: "deployer"},
		Deployment: 3,
	}
	equal(t, "second version", got, want)

	script, err := s.Script(ctx, app.ID, "hello")
	must(t, "Script", err)
	equal(t, "Script", script, want.Script)
	_, err = s.Script(ctx, app.ID, "nope")
	wantErr(t, "a script that does not exist", err, store.ErrNotFound)

	versions, err := s.ListVersions(ctx, req.ScriptID, store.Page{Limit: 10})
	must(t, "ListVersions", err)
	first := store.Version{ScriptID: req.ScriptID, Number: 1, SourceHash: hash(one), CreatedAt: at(time.Minute), CreatedBy: "deployer"}
	equal(t, "versions, newest first", versions, []store.Version{want.Version, first})
	versions, err = s.ListVersions(ctx, req.ScriptID, store.Page{After: "2", Limit: 10})
	must(t, "ListVersions", err)
	equal(t, "versions after 2", versions, []store.Version{first})
	_, err = s.ListVersions(ctx, req.ScriptID, store.Page{After: "x", Limit: 10})
	wantErr(t, "a page that begins after no number", err, store.ErrInvalid)

	v, err := s.ScriptVersion(ctx, req.ScriptID, 1)
	must(t, "ScriptVersion", err)
	first.Source = one
	equal(t, "ScriptVersion", v, first)
	_, err = s.ScriptVersion(ctx, req.ScriptID, 3)
	wantErr(t, "a version that does not exist", err, store.ErrNotFound)

	unknown := deployOf(newApp("unknown"), "hello", source(), at(0))
	_, err = s.DeployScript(ctx, unknown)
	wantErr(t, "an app that does not exist", err, store.ErrNotFound)
	_, err = s.Source(ctx, unknown.SourceHash)
	wantErr(t, "nothing of a refused deployment stays", err, store.ErrNotFound)
}

func testActivateVersion(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	one, two := source(), source()
	addScript(t, s, app, "hello", one)
	d := addScript(t, s, app, "hello", two)

	got, err := s.ActivateVersion(ctx, app.ID, "hello", 1, "ada", at(time.Hour))
	must(t, "ActivateVersion", err)
	want := d
	want.Script.ActiveVersion, want.Deployment = 1, 4
	want.Version = store.Version{ScriptID: d.Script.ID, Number: 1, SourceHash: hash(one), CreatedAt: at(time.Minute), CreatedBy: "deployer"}
	equal(t, "ActivateVersion", got, want)
	equal(t, "its deployment", active(t, s, "demo"), store.Deployment{
		AppID: app.ID, Number: 4, Parent: 3, Note: "hello back to version 1", CreatedAt: at(time.Hour), CreatedBy: "ada",
		Manifest: store.Manifest{Scripts: map[string]store.ManifestScript{
			"hello": {ScriptID: d.Script.ID, Version: 1, SourceHash: hash(one), Endpoint: true},
		}},
	})

	_, err = s.ActivateVersion(ctx, app.ID, "hello", 9, "ada", at(0))
	wantErr(t, "a version that does not exist", err, store.ErrNotFound)
	_, err = s.ActivateVersion(ctx, app.ID, "nope", 1, "ada", at(0))
	wantErr(t, "a script that does not exist", err, store.ErrNotFound)
	equal(t, "deployment after refusals", active(t, s, "demo").Number, 4)
	equal(t, "a new version goes on counting", addScript(t, s, app, "hello", source()).Version.Number, 3)
}

func testDeleteScript(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	text := source()
	d := addScript(t, s, app, "hello", text)
	addScript(t, s, app, "stays", source())

	subscribe := func(change func(*store.Manifest)) {
		_, err := s.ChangeManifest(ctx, app.ID, "", "ada", at(0), func(m *store.Manifest) error { change(m); return nil })
		must(t, "ChangeManifest", err)
	}
	subscribe(func(m *store.Manifest) {
		m.Subscriptions = map[string]store.ManifestSubscription{"mail": {Pattern: ">", Delivery: store.Delivery{Script: "hello"}}}
	})
	_, err := s.DeleteScript(ctx, app.ID, "hello", "ada", at(time.Hour))
	var used *store.InUseError
	if !errors.As(err, &used) || !slices.Equal(used.By, []string{`the subscription "mail"`}) {
		t.Errorf("a script that runs for a subscription: %v", err)
	}
	subscribe(func(m *store.Manifest) { m.Subscriptions = nil })
	got, err := s.DeleteScript(ctx, app.ID, "hello", "ada", at(time.Hour))
	must(t, "DeleteScript", err)
	equal(t, "what was deleted", got, store.Deployed{Script: d.Script, Deployment: 6})
	if _, ok := active(t, s, "demo").Manifest.Scripts["hello"]; ok {
		t.Error("the new deployment still has the script")
	}
	_, err = s.Script(ctx, app.ID, "hello")
	wantErr(t, "the deleted script", err, store.ErrNotFound)
	_, err = s.DeleteScript(ctx, app.ID, "hello", "ada", at(time.Hour))
	wantErr(t, "deleting it again", err, store.ErrNotFound)

	old, err := s.Deployment(ctx, app.ID, 3)
	must(t, "an older deployment", err)
	v, err := s.ScriptVersion(ctx, old.Manifest.Scripts["hello"].ScriptID, 1)
	must(t, "the version it names", err)
	equal(t, "its source", v.Source, text)

	again := addScript(t, s, app, "hello", text)
	equal(t, "the name is free for a new script", again.Created, true)
	equal(t, "which counts from 1", again.Version.Number, 1)
	if again.Script.ID == d.Script.ID {
		t.Error("the new script has the old one's ID")
	}
}

func testListScripts(t *testing.T, s store.Store) {
	ctx := t.Context()
	a, ab := addApp(t, s, "a"), addApp(t, s, "a-b")
	addApp(t, s, "none")
	for _, name := range []string{"z", "m", "k_1"} {
		addScript(t, s, a, name, source())
	}
	addScript(t, s, ab, "b", source())
	lib := deployOf(a, "m", source(), at(0))
	lib.Endpoint = false
	must(t, "DeployScript", second(s.DeployScript(ctx, lib)))
	must(t, "DeleteScript", second(s.DeleteScript(ctx, a.ID, "z", "x", at(0))))

	type row struct {
		name     string
		endpoint bool
		active   int64
	}
	names := func(list []store.Script, err error) (rows []row) {
		t.Helper()
		must(t, "list", err)
		for _, v := range list {
			rows = append(rows, row{v.AppSlug + "/" + v.Name, v.Endpoint, v.ActiveVersion})
		}
		return rows
	}
	k, m, b := row{"a/k_1", true, 1}, row{"a/m", false, 2}, row{"a-b/b", true, 1}
	check := func(what string, got []row, want ...row) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: got %v, want %v", what, got, want)
			}
		}
	}
	check("an app's", names(s.ListScripts(ctx, a.ID, store.Page{Limit: 10})), k, m)
	check("after k_1", names(s.ListScripts(ctx, a.ID, store.Page{After: "k_1", Limit: 10})), m)
	check("all", names(s.ListAllScripts(ctx, store.Page{Limit: 10})), k, m, b)
	check("all, first page", names(s.ListAllScripts(ctx, store.Page{Limit: 2})), k, m)
	check("all, second page", names(s.ListAllScripts(ctx, store.Page{After: "a/m", Limit: 2})), b)
	check("of no app", names(s.ListScripts(ctx, newID(), store.Page{Limit: 10})))

	// A member's, one a page: apps without scripts and those of others lie between.
	zoe := addUser(t, s, "zoe", store.RoleMember)
	c, d := addApp(t, s, "c"), addApp(t, s, "d")
	addScript(t, s, c, "x", source())
	addScript(t, s, d, "y", source())
	for _, app := range []store.App{a, ab, d} {
		must(t, "AddMember", s.AddMember(ctx, member(app, zoe, store.AppViewer)))
	}
	var paged []row
	p := store.Page{Limit: 1, See: store.Sight{Member: zoe.ID}}
	for range 10 {
		page := names(s.ListAllScripts(ctx, p))
		if len(page) == 0 {
			break
		}
		paged, p.After = append(paged, page...), page[0].name
	}
	check("a member's, one a page", paged, k, m, b, row{"d/y", true, 1})

	// While apps come and go the others are all there, each time.
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			app := newApp("b")
			if err := s.CreateApp(ctx, app, "x"); err != nil {
				t.Errorf("CreateApp: %v", err)
				return
			}
			for _, name := range []string{"p", "q"} {
				if _, err := s.DeployScript(ctx, deployOf(app, name, source(), at(0))); err != nil {
					t.Errorf("DeployScript: %v", err)
				}
			}
			if err := s.DeleteApp(ctx, app.ID, true, "x", at(0)); err != nil {
				t.Errorf("DeleteApp: %v", err)
			}
		}
	}()
	for range 50 {
		var others []row
		for _, r := range names(s.ListAllScripts(ctx, store.Page{Limit: 10})) {
			if !strings.HasPrefix(r.name, "b/") {
				others = append(others, r)
			}
		}
		check("while an app comes and goes", others, k, m, b, row{"c/x", true, 1}, row{"d/y", true, 1})
	}
	close(stop)
	<-ended
}

func testSources(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	// Kept byte by byte, whatever they are; equal ones once.
	odd := source() + "\x00 \xff \U0001F600 \r\n"
	big := source() + string(make([]byte, 1<<20))
	for _, text := range []string{"", odd, big} {
		addScript(t, s, app, "one", text)
		addScript(t, s, app, "two", text)
		got, err := s.Source(ctx, hash(text))
		must(t, "Source", err)
		if got != text {
			t.Errorf("a source of %d bytes came back changed, with %d", len(text), len(got))
		}
	}
	if _, err := s.Source(ctx, "nope"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown hash: %v", err)
	}
}
