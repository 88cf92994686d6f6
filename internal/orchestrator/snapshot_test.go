package orchestrator

import (
	"context"
	"errors"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

// renamed is a store of one app, whose slug a test changes.
type renamed struct {
	*apps
	slug   string
	rename func() // called in the next read of the deployment, once it has been read
}

func (a *renamed) App(_ context.Context, id string) (store.App, error) {
	return store.App{ID: id, Slug: a.slug}, nil
}

func (a *renamed) ActiveDeployment(_ context.Context, slug string) (store.App, store.Deployment, error) {
	a.reads++
	found := slug == a.slug
	if f := a.rename; f != nil {
		a.rename = nil
		f()
	}
	if !found {
		return store.App{}, store.Deployment{}, store.ErrNotFound
	}
	return store.App{ID: "1", Slug: slug}, store.Deployment{}, nil
}

// An app is found by its ID whenever it is renamed.
func TestRenameWhileAnAppIsLookedUp(t *testing.T) {
	for name, told := range map[string]bool{"the store tells of it during the read": true, "and later": false} {
		t.Run(name, func(t *testing.T) {
			a := &renamed{apps: &apps{}, slug: "old"}
			d := newDirectory(a, store.Limits{}, func() {})
			defer d.close()
			tell := func() {
				d.changed(store.Change{AppID: "1", Slug: "old"})
				d.changed(store.Change{AppID: "1", Slug: "new"})
			}
			a.rename = func() {
				a.slug = "new"
				if told {
					tell()
				}
			}
			if snap, err := d.appByID(t.Context(), "1"); err != nil || snap.appID != "1" {
				t.Fatalf("while it was renamed: %v, %v", snap, err)
			}
			if slug, noted := d.slugs["1"]; told && noted {
				t.Errorf("after the change %q is noted", slug)
			}
			if !told {
				tell()
			}
			for range 2 {
				if _, err := d.appByID(t.Context(), "1"); err != nil {
					t.Fatalf("renamed: %v", err)
				}
			}
			if d.slugs["1"] != "new" || a.reads != 2 {
				t.Errorf("noted: %q, after %d reads", d.slugs["1"], a.reads)
			}
		})
	}
}

// A slug that is noted and under which no app is found is not asked for again.
func TestSlugThatIsOutdated(t *testing.T) {
	a := &renamed{apps: &apps{}, slug: "new"}
	d := newDirectory(a, store.Limits{}, func() {})
	defer d.close()
	d.slugs["1"] = "old"
	if snap, err := d.appByID(t.Context(), "1"); err != nil || snap.appID != "1" || d.slugs["1"] != "new" {
		t.Errorf("%v, %v; noted: %q", snap, err, d.slugs["1"])
	}

	// Renamed between the two reads of one look-up.
	d.forgetApp(store.Change{})
	a.rename, a.slug = nil, "newer"
	between := &betweenReads{renamed: a, f: func() {
		a.slug = "newest"
		d.changed(store.Change{AppID: "1", Slug: "newest"})
	}}
	d.store = between
	if _, err := d.appByID(t.Context(), "1"); err != nil || d.slugs["1"] != "newest" {
		t.Errorf("%v; noted: %q", err, d.slugs["1"])
	}

	// An app without a deployment is not looked for twice.
	d.forgetApp(store.Change{})
	a.reads = 0
	none := &betweenReads{renamed: a, f: func() { a.slug = "gone" }}
	d.store = none
	if _, err := d.appByID(t.Context(), "1"); !errors.Is(err, store.ErrNotFound) || a.reads != 1 {
		t.Errorf("%v after %d reads", err, a.reads)
	}
}

// betweenReads calls f once the app has been read.
type betweenReads struct {
	*renamed
	f func()
}

func (b *betweenReads) App(ctx context.Context, id string) (store.App, error) {
	app, err := b.renamed.App(ctx, id)
	if f := b.f; f != nil {
		b.f = nil
		f()
	}
	return app, err
}
