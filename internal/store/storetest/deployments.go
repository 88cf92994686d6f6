package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func testDeployments(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	addScript(t, s, app, "one", source())
	addScript(t, s, app, "two", source())

	gotApp, d, err := s.ActiveDeployment(ctx, "demo")
	must(t, "ActiveDeployment", err)
	app.ActiveDeployment, app.UpdatedAt = 3, at(time.Minute)
	equal(t, "its app", gotApp, app)
	equal(t, "scripts in it", len(d.Manifest.Scripts), 2)
	same, err := s.Deployment(ctx, app.ID, 3)
	must(t, "Deployment", err)
	equal(t, "the same by number", same, d)
	_, _, err = s.ActiveDeployment(ctx, "nope")
	wantErr(t, "an app that does not exist", err, store.ErrNotFound)
	_, err = s.Deployment(ctx, app.ID, 4)
	wantErr(t, "a number that does not exist", err, store.ErrNotFound)

	list := func(after string, limit int) (numbers []int64) {
		t.Helper()
		page, err := s.ListDeployments(ctx, app.ID, store.Page{After: after, Limit: limit})
		must(t, "ListDeployments", err)
		for _, d := range page {
			numbers = append(numbers, d.Number)
			if d.Manifest.Scripts != nil {
				t.Errorf("deployment %d comes with its manifest", d.Number)
			}
			if d.AppID != app.ID || d.Parent != d.Number-1 || d.Note == "" || d.CreatedBy == "" || d.CreatedAt.IsZero() {
				t.Errorf("deployment %d is incomplete: %+v", d.Number, d)
			}
		}
		return numbers
	}
	equal(t, "newest first", list("", 10), []int64{3, 2, 1})
	equal(t, "first page", list("", 2), []int64{3, 2})
	equal(t, "second page", list("2", 2), []int64{1})
	_, err = s.ListDeployments(ctx, app.ID, store.Page{After: "x"})
	wantErr(t, "a page that begins after no number", err, store.ErrInvalid)
}

func testChangeManifest(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	addScript(t, s, app, "hello", source())
	before := active(t, s, "demo")

	d, err := s.ChangeManifest(ctx, app.ID, "limits", "ada", at(time.Hour), func(m *store.Manifest) error {
		m.Limits = store.Limits{WallTimeMS: 50}
		m.CORS.Origins = []string{"https://example.com"}
		return nil
	})
	must(t, "ChangeManifest", err)
	want := before
	want.Number, want.Parent, want.Note, want.CreatedBy, want.CreatedAt = 3, 2, "limits", "ada", at(time.Hour)
	want.Manifest.Limits.WallTimeMS, want.Manifest.CORS.Origins = 50, []string{"https://example.com"}
	equal(t, "what it returns", d, want)
	equal(t, "what is active", active(t, s, "demo"), want)
	old, err := s.Deployment(ctx, app.ID, 2)
	must(t, "Deployment", err)
	equal(t, "the deployment before it", old, before)

	refused := errors.New("no")
	_, err = s.ChangeManifest(ctx, app.ID, "x", "ada", at(0), func(m *store.Manifest) error {
		m.Limits = store.Limits{}
		return refused
	})
	wantErr(t, "a change that fails", err, refused)
	equal(t, "after it", active(t, s, "demo"), want)
	_, err = s.ChangeManifest(ctx, newID(), "x", "ada", at(0), func(*store.Manifest) error { return nil })
	wantErr(t, "an app that does not exist", err, store.ErrNotFound)

	d2 := addScript(t, s, app, "other", source())
	equal(t, "the app's limits stay with a script's deployment", active(t, s, "demo").Manifest.Limits, want.Manifest.Limits)
	equal(t, "deployments count on", d2.Deployment, 4)
}

func testChanges(t *testing.T, s store.Store) {
	ctx := t.Context()
	var got []store.Change
	stop := s.Subscribe(func(c store.Change) { got = append(got, c) })
	// Everything is told before the call that changed it returns.
	expect := func(what string, want ...store.Change) {
		t.Helper()
		equal(t, what, got, want)
		got = nil
	}
	app := addApp(t, s, "demo")
	demo := store.Change{AppID: app.ID, Slug: "demo"}
	expect("CreateApp", demo)
	addScript(t, s, app, "hello", source())
	expect("DeployScript", demo)
	must(t, "ActivateVersion", second(s.ActivateVersion(ctx, app.ID, "hello", 1, "x", at(0))))
	expect("ActivateVersion", demo)
	must(t, "ChangeManifest", second(s.ChangeManifest(ctx, app.ID, "n", "x", at(0), func(*store.Manifest) error { return nil })))
	expect("ChangeManifest", demo)
	must(t, "DeleteScript", second(s.DeleteScript(ctx, app.ID, "hello", "x", at(0))))
	expect("DeleteScript", demo)
	must(t, "RenameApp", s.RenameApp(ctx, app.ID, "show", at(0)))
	show := store.Change{AppID: app.ID, Slug: "show"}
	expect("RenameApp", demo, show)

	wantErr(t, "a refused change", s.CreateApp(ctx, newApp("show"), "x"), store.ErrTaken)
	must(t, "CreateUser", s.CreateUser(ctx, newUser("ada")))
	_, err := s.AppBySlug(ctx, "show")
	must(t, "AppBySlug", err)
	expect("refusals, other records and reads")

	must(t, "DeleteApp", s.DeleteApp(ctx, app.ID, true, "x", at(0)))
	expect("DeleteApp", show)
	stop()
	addApp(t, s, "late")
	expect("after the subscription")
}
