package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func testApps(t *testing.T, s store.Store) {
	ctx := t.Context()
	demo := addApp(t, s, "demo")
	wantErr(t, "a slug that exists", s.CreateApp(ctx, newApp("demo"), "x"), store.ErrTaken)

	got, err := s.App(ctx, demo.ID)
	must(t, "App", err)
	equal(t, "App", got, demo)
	got, err = s.AppBySlug(ctx, "demo")
	must(t, "AppBySlug", err)
	equal(t, "AppBySlug", got, demo)
	_, err = s.App(ctx, newID())
	wantErr(t, "an ID that does not exist", err, store.ErrNotFound)
	_, err = s.AppBySlug(ctx, "nope")
	wantErr(t, "a slug that does not exist", err, store.ErrNotFound)
	if !strings.Contains(fmt.Sprint(err), `"nope"`) {
		t.Errorf("the error %q does not name the slug", err)
	}

	equal(t, "first deployment", active(t, s, "demo"), store.Deployment{
		AppID: demo.ID, Number: 1, Note: "created", CreatedAt: at(0), CreatedBy: "creator",
	})

	// Bytewise order: '-' < '0' < 'a'.
	for _, slug := range []string{"b", "a", "a-b", "a0"} {
		addApp(t, s, slug)
	}
	var pages [][]string
	for after := ""; ; {
		list, err := s.ListApps(ctx, store.Page{After: after, Limit: 2})
		must(t, "ListApps", err)
		if len(list) == 0 {
			break
		}
		var slugs []string
		for _, a := range list {
			slugs = append(slugs, a.Slug)
			after = a.Slug
		}
		pages = append(pages, slugs)
	}
	equal(t, "pages", pages, [][]string{{"a", "a-b"}, {"a0", "b"}, {"demo"}})

	must(t, "RenameApp", s.RenameApp(ctx, demo.ID, "show", at(time.Hour)))
	demo.Slug, demo.UpdatedAt = "show", at(time.Hour)
	got, err = s.AppBySlug(ctx, "show")
	must(t, "AppBySlug", err)
	equal(t, "renamed", got, demo)
	_, err = s.AppBySlug(ctx, "demo")
	wantErr(t, "the old slug", err, store.ErrNotFound)
	wantErr(t, "renaming to another app's slug", s.RenameApp(ctx, demo.ID, "a", at(0)), store.ErrTaken)
	must(t, "renaming to its own slug", s.RenameApp(ctx, demo.ID, "show", at(time.Hour)))
	wantErr(t, "renaming nothing", s.RenameApp(ctx, newID(), "x", at(0)), store.ErrNotFound)
	addApp(t, s, "demo") // the old slug is free again

	must(t, "OpenNetworks", s.OpenNetworks(ctx, demo.ID, []string{"10.0.0.0/8", "[fd00::1]:80"}, at(2*time.Hour)))
	demo.Networks, demo.UpdatedAt = []string{"10.0.0.0/8", "[fd00::1]:80"}, at(2*time.Hour)
	got, _, err = s.ActiveDeployment(ctx, "show")
	must(t, "ActiveDeployment", err)
	equal(t, "with networks", got, demo)
	must(t, "closing them", s.OpenNetworks(ctx, demo.ID, nil, at(2*time.Hour)))
	demo.Networks = nil
	got, err = s.App(ctx, demo.ID)
	must(t, "App", err)
	equal(t, "without networks", got, demo)
	wantErr(t, "networks of nothing", s.OpenNetworks(ctx, newID(), nil, at(0)), store.ErrNotFound)
}

func testDeleteApp(t *testing.T, s store.Store) {
	ctx := t.Context()
	empty, full, other := addApp(t, s, "empty"), addApp(t, s, "full"), addApp(t, s, "other")
	wantErr(t, "deleting nothing", s.DeleteApp(ctx, newID(), true, "x", at(0)), store.ErrNotFound)

	must(t, "deleting an empty app", s.DeleteApp(ctx, empty.ID, false, "x", at(0)))
	_, err := s.App(ctx, empty.ID)
	wantErr(t, "the deleted app", err, store.ErrNotFound)

	own, shared := source(), source()
	d := addScript(t, s, full, "hello", own)
	addScript(t, s, full, "lib", shared)
	addScript(t, s, other, "lib", shared)
	err = s.DeleteApp(ctx, full.ID, false, "x", at(0))
	wantErr(t, "an app with scripts", err, store.ErrNotEmpty)
	if !strings.Contains(fmt.Sprint(err), `"hello"`) {
		t.Errorf("the error %q does not name a script", err)
	}
	must(t, "deleting by force", s.DeleteApp(ctx, full.ID, true, "x", at(0)))

	_, _, err = s.ActiveDeployment(ctx, "full")
	wantErr(t, "its deployment", err, store.ErrNotFound)
	_, err = s.Deployment(ctx, full.ID, 1)
	wantErr(t, "its first deployment", err, store.ErrNotFound)
	_, err = s.ScriptVersion(ctx, d.Script.ID, 1)
	wantErr(t, "its script", err, store.ErrNotFound)
	_, err = s.Source(ctx, hash(own))
	wantErr(t, "a source that only it had", err, store.ErrNotFound)
	got, err := s.Source(ctx, hash(shared))
	must(t, "a source that another app has too", err)
	equal(t, "shared source", got, shared)

	addScript(t, s, other, "gone", source())
	must(t, "deleting the first script", second(s.DeleteScript(ctx, other.ID, "gone", "x", at(0))))
	must(t, "deleting the second script", second(s.DeleteScript(ctx, other.ID, "lib", "x", at(0))))
	must(t, "deleting an app whose scripts are deleted", s.DeleteApp(ctx, other.ID, false, "x", at(0)))
	_, err = s.Source(ctx, hash(shared))
	wantErr(t, "the shared source after both", err, store.ErrNotFound)
}

func second[T any](_ T, err error) error { return err }
