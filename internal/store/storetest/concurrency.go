package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// testConcurrentDeploys shows that no deployment is lost or numbered twice when
// many arrive for the same app, some of them refused.
func testConcurrentDeploys(t *testing.T, s store.Store) {
	const workers, each = 8, 10
	ctx := t.Context()
	app := addApp(t, s, "demo")
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		numbers = map[int64]bool{}
	)
	for w := range workers {
		wg.Go(func() {
			for range each {
				d, err := s.DeployScript(ctx, deployOf(app, fmt.Sprintf("s%d", w), source(), at(0)))
				if err != nil {
					t.Errorf("DeployScript: %v", err)
					return
				}
				mu.Lock()
				if numbers[d.Deployment] {
					t.Errorf("deployment %d came twice", d.Deployment)
				}
				numbers[d.Deployment] = true
				mu.Unlock()
				if _, err := s.ActivateVersion(ctx, app.ID, "nope", 1, "x", at(0)); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("ActivateVersion: %v", err)
				}
			}
		})
	}
	wg.Wait()
	d := active(t, s, "demo")
	equal(t, "deployments", d.Number, 1+workers*each)
	equal(t, "scripts", len(d.Manifest.Scripts), workers)
	for name, m := range d.Manifest.Scripts {
		equal(t, "version of "+name, m.Version, each)
	}
	list, err := s.ListDeployments(ctx, app.ID, store.Page{Limit: 1000})
	must(t, "ListDeployments", err)
	equal(t, "rows", len(list), 1+workers*each)
	for _, d := range list {
		equal(t, fmt.Sprintf("parent of %d", d.Number), d.Parent, d.Number-1)
	}
}

// testConcurrentReaders shows that a reader sees a deployment whole, and never
// an older one than was acknowledged before it asked.
func testConcurrentReaders(t *testing.T, s store.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	app := addApp(t, s, "demo")
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		acked int64 = 1
		ended       = make(chan struct{})
	)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				mu.Lock()
				least := acked
				mu.Unlock()
				a, d, err := s.ActiveDeployment(ctx, "demo")
				if err != nil {
					t.Errorf("ActiveDeployment: %v", err)
					return
				}
				if a.ActiveDeployment != d.Number || d.Number < least {
					t.Errorf("app says %d, deployment is %d, acknowledged was %d", a.ActiveDeployment, d.Number, least)
					return
				}
				if v := d.Manifest.Scripts["hello"].Version; v != d.Number-1 {
					t.Errorf("deployment %d has version %d", d.Number, v)
					return
				}
			}
		})
	}
	for range 30 {
		d := addScript(t, s, app, "hello", source())
		mu.Lock()
		acked = d.Deployment
		mu.Unlock()
	}
	close(ended)
	wg.Wait()
}

// testSharedSourceRace deletes apps while others deploy the same source: a
// version never loses its text.
func testSharedSourceRace(t *testing.T, s store.Store) {
	ctx := t.Context()
	text := source()
	stays := addApp(t, s, "stays")
	for i := range 10 {
		goes := addApp(t, s, fmt.Sprintf("goes-%d", i))
		addScript(t, s, goes, "hello", text)
		var wg sync.WaitGroup
		var d store.Deployed
		var deployErr error
		wg.Go(func() {
			if err := s.DeleteApp(ctx, goes.ID, true, "x", at(0)); err != nil {
				t.Errorf("DeleteApp: %v", err)
			}
		})
		wg.Go(func() {
			d, deployErr = s.DeployScript(ctx, deployOf(stays, fmt.Sprintf("s%d", i), text, at(0)))
		})
		wg.Wait()
		must(t, "DeployScript", deployErr)
		v, err := s.ScriptVersion(ctx, d.Script.ID, 1)
		must(t, "ScriptVersion", err)
		equal(t, "source", v.Source, text)
	}
}

func testContexts(t *testing.T, s store.Store) {
	app := addApp(t, s, "demo")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "a write", s.CreateApp(ended, newApp("late"), "x"), context.Canceled)
	_, err := s.AppBySlug(ended, "demo")
	wantErr(t, "a read", err, context.Canceled)
	_, err = s.AppBySlug(t.Context(), "late")
	wantErr(t, "nothing of it", err, store.ErrNotFound)

	// Callers that give up at any moment disturb nobody: what was acknowledged is
	// there, and what was refused is not.
	var wg sync.WaitGroup
	for i := range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		slug := fmt.Sprintf("app-%d", i)
		wg.Go(func() {
			err := s.CreateApp(ctx, newApp(slug), "x")
			_, found := s.AppBySlug(t.Context(), slug)
			switch {
			case err == nil && found != nil:
				t.Errorf("%s was acknowledged, but: %v", slug, found)
			case errors.Is(err, context.Canceled) && found == nil:
				t.Errorf("%s was refused (%v), but is there", slug, err)
			}
		})
		wg.Go(cancel)
		wg.Go(func() {
			if _, err := s.DeployScript(t.Context(), deployOf(app, "hello", source(), at(0))); err != nil {
				t.Errorf("another caller: %v", err)
			}
		})
	}
	wg.Wait()
	equal(t, "the other callers' deployments", active(t, s, "demo").Number, 41)
}

func testClosed(t *testing.T, s store.Store) {
	must(t, "Ping", s.Ping(t.Context()))
	must(t, "Close", s.Close())
	must(t, "Close again", s.Close())
	wantErr(t, "a write after Close", s.CreateApp(t.Context(), newApp("late"), "x"), store.ErrUnavailable)
	_, err := s.AppBySlug(t.Context(), "late")
	wantErr(t, "a read after Close", err, store.ErrUnavailable)
	wantErr(t, "Ping after Close", s.Ping(t.Context()), store.ErrUnavailable)
}
