package orchestrator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/orchestrator/dispatch"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
)

// snapshot is what routing needs of one app's active deployment. It does not
// change; runs that began with it end with it.
type snapshot struct {
	appID   string
	scripts map[string]*target // the endpoints by name
	cors    store.CORS
	vars    map[string]string
	limits  store.Limits // of the app
	topics  *topic.Index // its subscriptions; nil: none
	watched []store.KVTrigger

	triggers map[trigger]*dispatch.Target // nil: there are none
}

// target is one endpoint. start is complete but for what is the request's own.
type target struct {
	start invoke.Start
	guard store.Guard
	rate  store.Rate
}

func newSnapshot(app store.App, d store.Deployment, instance store.Limits) *snapshot {
	hashes := make(map[string]string, len(d.Manifest.Scripts))
	for name, s := range d.Manifest.Scripts {
		hashes[name] = s.SourceHash
	}
	limits := instance.Lower(d.Manifest.Limits)
	snap := &snapshot{
		appID: app.ID, scripts: map[string]*target{}, cors: d.Manifest.CORS, vars: d.Manifest.Variables,
		limits: limits, topics: topic.Subscriptions(&d.Manifest),
	}
	if w := store.WatchOf(&d.Manifest, 0); w != nil {
		snap.watched = w.Triggers
	}
	var out *invoke.Outbound
	if len(d.Manifest.Hosts) > 0 || len(app.Networks) > 0 {
		out = &invoke.Outbound{Hosts: d.Manifest.Hosts, Networks: app.Networks}
	}
	start := func(name string, trigger string) invoke.Start {
		s := d.Manifest.Scripts[name]
		return invoke.Start{
			AppID: app.ID, App: app.Slug, ScriptID: s.ScriptID, Script: name, Version: s.Version, Deployment: d.Number,
			Program: s.SourceHash, Scripts: hashes, Limits: limits.Lower(s.Limits), Trigger: trigger, Outbound: out,
		}
	}
	for name, s := range d.Manifest.Scripts {
		if s.Endpoint {
			snap.scripts[name] = &target{guard: s.Guard, rate: s.Rate, start: start(name, "http")}
		}
	}
	d.Manifest.EachTrigger(func(kind store.ChannelKind, name string, v store.Delivery) {
		if _, ok := d.Manifest.Scripts[v.Script]; !ok {
			return
		}
		if snap.triggers == nil {
			snap.triggers = map[trigger]*dispatch.Target{}
		}
		snap.triggers[trigger{kind, name}] = &dispatch.Target{Start: start(v.Script, string(kind)), Delivery: v, Data: snap}
	})
	return snap
}

const (
	lookupTimeout = 10 * time.Second
	maxUnknown    = 1024
)

// directory knows apps by slug. What it has read it keeps until the store
// tells of a change; it never asks again by itself.
type directory struct {
	store  Store
	limits store.Limits
	stop   func()
	news   func() // called after each change

	mu      sync.RWMutex
	apps    map[string]*snapshot
	slugs   map[string]string   // by ID, of apps that were asked for by it
	unknown map[string]struct{} // slugs that no app has; at most maxUnknown
	loading map[string]*load
	changes uint64 // that the store has told of
}

// load is a read under way that several requests wait for.
type load struct {
	done chan struct{}
	snap *snapshot
	err  error
}

func newDirectory(s Store, limits store.Limits, news func()) *directory {
	d := &directory{store: s, limits: limits, news: news}
	d.forget()
	d.stop = s.Subscribe(d.changed)
	return d
}

func (d *directory) close() { d.stop() }

func (d *directory) forget() {
	d.apps, d.unknown, d.loading = map[string]*snapshot{}, map[string]struct{}{}, map[string]*load{}
	d.slugs = map[string]string{}
}

// changed is called by the store.
func (d *directory) changed(c store.Change) {
	d.forgetApp(c)
	d.news()
}

func (d *directory) forgetApp(c store.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	if c == (store.Change{}) {
		d.forget()
		return
	}
	delete(d.apps, c.Slug)
	delete(d.slugs, c.AppID)
	for slug, snap := range d.apps {
		if snap.appID == c.AppID {
			delete(d.apps, slug)
		}
	}
	// A new slug may be one that was unknown. And a read that is under way may
	// have seen the state before: what comes now reads again.
	clear(d.unknown)
	clear(d.loading)
}

// app returns the app with the slug, or store.ErrNotFound.
func (d *directory) app(ctx context.Context, slug string) (*snapshot, error) {
	d.mu.RLock()
	snap := d.apps[slug]
	_, unknown := d.unknown[slug]
	d.mu.RUnlock()
	if snap != nil {
		return snap, nil
	}
	if unknown || store.CheckSlug(slug) != nil {
		return nil, store.ErrNotFound
	}
	d.mu.Lock()
	l := d.loading[slug]
	if l == nil {
		l = &load{done: make(chan struct{})}
		d.loading[slug] = l
		go d.load(context.WithoutCancel(ctx), slug, l)
	}
	d.mu.Unlock()
	select {
	case <-l.done:
		return l.snap, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *directory) load(ctx context.Context, slug string, l *load) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	app, dep, err := d.store.ActiveDeployment(ctx, slug)
	if err == nil {
		l.snap = newSnapshot(app, dep, d.limits)
	}
	l.err = err
	d.mu.Lock()
	if d.loading[slug] == l { // nothing has changed meanwhile
		delete(d.loading, slug)
		switch {
		case err == nil:
			d.apps[slug] = l.snap
		case errors.Is(err, store.ErrNotFound):
			if len(d.unknown) >= maxUnknown {
				clear(d.unknown)
			}
			d.unknown[slug] = struct{}{}
		}
	}
	d.mu.Unlock()
	close(l.done)
}

// appByID is app for who knows the app's ID.
func (d *directory) appByID(ctx context.Context, id string) (*snapshot, error) {
	for range 2 {
		d.mu.RLock()
		slug, known := d.slugs[id]
		changes := d.changes
		d.mu.RUnlock()
		if !known {
			app, err := d.store.App(ctx, id)
			if err != nil {
				return nil, err
			}
			slug = app.Slug
		}
		snap, err := d.app(ctx, slug)
		switch {
		case err == nil && snap.appID == id:
			if !known {
				d.note(id, slug, changes)
			}
			return snap, nil
		case err == nil: // the slug has changed hands since
			d.forgetApp(store.Change{AppID: id, Slug: slug})
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		case !d.outdated(id, slug, changes):
			return nil, err
		}
	}
	return nil, store.ErrNotFound
}

// knownByID returns an app that was asked for by its ID and has not changed since,
// nil if it is not at hand.
func (d *directory) knownByID(id string) *snapshot {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if snap := d.apps[d.slugs[id]]; snap != nil && snap.appID == id {
		return snap
	}
	return nil
}

// note keeps the slug of an app, unless a change has come since it was read:
// what was noted after a rename would be forgotten by none.
func (d *directory) note(id, slug string, changes uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == changes {
		d.slugs[id] = slug
	}
}

// outdated forgets the slug of an app, under which none was found, and reports
// whether the app may have another one by now.
func (d *directory) outdated(id, slug string, changes uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	noted, known := d.slugs[id]
	if noted == slug {
		delete(d.slugs, id)
	}
	return known || d.changes != changes
}
