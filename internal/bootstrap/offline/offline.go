// Package offline wires the orchestrator and the executor that PiCloud runs
// scripts with, without a database and without the control plane: for trying
// scripts on one's own machine. It is apart from package bootstrap so that the
// command line links no database.
package offline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/executor"
	"github.com/picloud/picloud/internal/invoke/local"
	"github.com/picloud/picloud/internal/kv"
	"github.com/picloud/picloud/internal/orchestrator"
	"github.com/picloud/picloud/internal/orchestrator/schedules"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/rhai"
)

// Limits are an instance's default limits; a test of package bootstrap holds
// them equal to what picloud serve starts with.
var Limits = store.Limits{
	Operations:    100_000_000,
	WallTimeMS:    10_000,
	MemoryBytes:   64 << 20,
	CallDepth:     64,
	RequestBytes:  4 << 20,
	ResponseBytes: 8 << 20,
	LogLines:      1000,
	LogBytes:      256 << 10,
}

// Config says what to run.
type Config struct {
	App string // the slug of the one app there is
	// Record is called with each execution that has ended, by the goroutine
	// that answered the request.
	Record func(store.Execution)
	// Died, if it is not nil, is called with each message that becomes a dead letter.
	Died func(store.Message)
	// Unconsumed, if it is not nil, is called with each queue that gets a message and
	// that no script consumes, once.
	Unconsumed func(queue string)
	// Other answers requests for anything but the app.
	Other http.Handler
}

// Runtime runs the scripts of one app. It is safe for concurrent use.
type Runtime struct {
	orchestrator *orchestrator.Orchestrator
	executor     *executor.Executor
	local        *local.Executor
	calls        *outbound.Client
	apps         *apps
	memory       *memory.Data
	data         *kv.Swept
	schedules    *schedules.Runner
}

// Dev makes the Runtime of pic dev.
func Dev(app string, told dev.Told, other http.Handler) (dev.Runtime, error) {
	return New(Config{App: app, Record: told.Executed, Died: told.Died, Unconsumed: told.Unconsumed, Other: other})
}

// New returns a Runtime without scripts.
func New(c Config) (*Runtime, error) {
	if err := store.CheckSlug(c.App); err != nil {
		return nil, err
	}
	calls := outbound.New(outbound.Config{Opening: "open it with pic dev … --open-network ADDRESS"})
	data := memory.New()
	data.SetQuota(store.DefaultQuota)
	r := &Runtime{
		executor: executor.New(executor.Config{HTTP: calls, SetSecret: "write NAME=… into the .env file"}),
		calls:    calls,
		apps:     &apps{slug: c.App, made: time.Now().UTC()},
		memory:   data,
		data:     kv.New(data),
	}
	r.local = local.New(r.executor)
	r.orchestrator = orchestrator.New(orchestrator.Config{
		Store:    r.apps,
		Executor: r.local,
		Recorder: record(c.Record),
		Data:     &sending{Swept: r.data, apps: r.apps, tell: c.Unconsumed},
		Queue:    dying{r.data, c.Died},
		Node:     "dev",
		Secrets:  r.apps,
		Control:  c.Other,
		Open:     true,
		Limits:   Limits,
	})
	if err := r.orchestrator.Deliver(context.Background()); err != nil {
		return nil, err
	}
	r.schedules = schedules.Start(scheduled{r.memory, r.apps})
	return r, nil
}

// sending tells of queues that get messages and that no script consumes.
type sending struct {
	*kv.Swept
	apps *apps
	tell func(queue string)
	told sync.Map // queues
}

// Commit implements store.KV.
func (s *sending) Commit(ctx context.Context, c store.Commit) (int64, error) {
	version, err := s.Swept.Commit(ctx, c)
	if err != nil || s.tell == nil {
		return version, err
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		if m.Kind != store.ChannelQueue {
			continue
		}
		if _, consumed := s.apps.current().Manifest.Queues[m.Name]; consumed {
			s.told.Delete(m.Name)
		} else if _, before := s.told.LoadOrStore(m.Name, true); !before {
			s.tell(m.Name)
		}
	}
	return version, nil
}

// dying is a queue that tells of its dead letters.
type dying struct {
	store.Queue
	tell func(store.Message)
}

// Return implements store.Queue.
func (d dying) Return(ctx context.Context, lease string, list []store.Returned, at time.Time) error {
	if err := d.Queue.Return(ctx, lease, list, at); err != nil || d.tell == nil {
		return err
	}
	for _, r := range list {
		if !r.Dead {
			continue
		}
		// One that is gone by now was too many.
		if m, err := d.Message(ctx, appID, r.ID); err == nil && !m.DeadAt.IsZero() {
			d.tell(m)
		}
	}
	return nil
}

// scheduled is the schedules with the changes that are told of them.
type scheduled struct {
	*memory.Data
	apps *apps
}

// Subscribe implements schedules.Store.
func (s scheduled) Subscribe(f func(store.Change)) (stop func()) { return s.apps.Subscribe(f) }

type record func(store.Execution)

func (r record) Record(e store.Execution) { r(e) }

// ServeHTTP answers as an instance would at /{app}/… and {app}.localhost.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) { r.orchestrator.ServeHTTP(w, q) }

// Deploy replaces all scripts. Requests under way end with those they began
// with. A source that does not compile is deployed, too: its endpoint says so.
//
// Of triggers only what starts scripts beside requests counts.
func (r *Runtime) Deploy(scripts []dev.Script, triggers store.Manifest) error {
	for _, s := range scripts {
		if err := store.CheckScriptName(s.Name); err != nil {
			return err
		}
	}
	r.memory.DeploySchedules(appID, triggers.Schedules, time.Now())
	r.apps.deploy(scripts, triggers)
	return nil
}

// Open lets scripts call networks that are not public, from the next request on,
// but nothing at own, where the Runtime itself is reached.
func (r *Runtime) Open(networks []string, own net.Addr) error {
	for _, n := range networks {
		if err := outbound.CheckNetwork(n); err != nil {
			return err
		}
	}
	if tcp, ok := own.(*net.TCPAddr); ok {
		r.calls.Own(tcp.AddrPort())
	}
	r.apps.open(networks)
	return nil
}

// Settings replaces the variables, which are the secrets, too. Requests under way
// end with the variables that they began with.
func (r *Runtime) Settings(values map[string]string) { r.apps.set(values) }

// maxFindings bounds what is told of one source.
const maxFindings = 20

// Check returns why a source does not compile or, if it does, what in it will fail when it is reached.
func (r *Runtime) Check(name, source string) []dev.Finding {
	err := r.executor.Check(name, source)
	var re *rhai.Error
	switch {
	case errors.As(err, &re):
		return []dev.Finding{{Line: int(re.Position.Line), Column: int(re.Position.Col), Message: re.Message(), Hint: re.Hint(source), Fatal: true}}
	case err != nil:
		return []dev.Finding{{Message: err.Error(), Fatal: true}}
	}
	var list []dev.Finding
	for _, w := range r.executor.Engine().Warnings(source) {
		if len(list) == maxFindings {
			break
		}
		list = append(list, dev.Finding{Line: int(w.Position.Line), Column: int(w.Position.Col), Message: w.Message, Hint: w.Hint})
	}
	return append(list, r.missing(name, source)...)
}

// missing says what a source imports that the app does not hold.
func (r *Runtime) missing(name, source string) (list []dev.Finding) {
	program, err := r.executor.Engine().Compile(name, source)
	if err != nil {
		return nil // that was said
	}
	known := r.apps.names()
	for _, i := range program.Imports() {
		message := fmt.Sprintf("it imports %.100q, and there is no script of that name: what needs it fails", i.Path)
		switch {
		case i.Path == name:
			message = fmt.Sprintf("it imports itself, %.100q: each call will fail", i.Path)
		case known[i.Path]:
			continue
		}
		known[i.Path] = true // said once
		if list = append(list, dev.Finding{Line: int(i.Position.Line), Column: int(i.Position.Col), Message: message}); len(list) == maxFindings {
			break
		}
	}
	return list
}

// Close waits for the runs under way, as long as ctx lives.
func (r *Runtime) Close(ctx context.Context) error {
	r.schedules.Close()
	r.orchestrator.StopDelivering(ctx)
	r.orchestrator.Close()
	defer r.data.Close()
	defer r.calls.Close()
	return r.local.Close(ctx)
}

// apps is the one app with its current deployment, in memory.
type apps struct {
	slug string
	made time.Time

	mu         sync.Mutex
	deployment store.Deployment
	networks   []string            // open to HTTP calls
	settings   map[string]string   // variables and secrets by name; replaced as a whole
	sources    []map[string]string // by hash, of the latest deployments, the newest last
	changed    []func(store.Change)
}

// names is that of each script.
func (a *apps) names() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := map[string]bool{}
	for name := range a.deployment.Manifest.Scripts {
		names[name] = true
	}
	return names
}

// kept is how many deployments' sources are kept: a run that began with an
// older one may still ask for them.
const kept = 64

const appID = "00000000-0000-7000-8000-000000000000"

func (a *apps) deploy(scripts []dev.Script, triggers store.Manifest) {
	a.mu.Lock()
	d := store.Deployment{
		AppID: appID, Number: a.deployment.Number + 1, Parent: a.deployment.Number, CreatedAt: time.Now().UTC(),
		Manifest: store.Manifest{
			Scripts: map[string]store.ManifestScript{}, Variables: a.settings,
			Queues: triggers.Queues, Subscriptions: triggers.Subscriptions, Schedules: triggers.Schedules, KVTriggers: triggers.KVTriggers,
		},
	}
	sources := map[string]string{}
	for _, s := range scripts {
		sum := sha256.Sum256([]byte(s.Source))
		hash := hex.EncodeToString(sum[:])
		sources[hash] = s.Source
		d.Manifest.Scripts[s.Name] = store.ManifestScript{ScriptID: s.Name, Version: d.Number, SourceHash: hash, Endpoint: !s.Library}
	}
	a.deployment = d
	a.sources = append(a.sources, sources)
	if len(a.sources) > kept {
		a.sources = slices.Delete(a.sources, 0, 1)
	}
	changed := a.changed
	a.mu.Unlock()
	for _, f := range changed {
		f(store.Change{AppID: appID, Slug: a.slug})
	}
}

func (a *apps) open(networks []string) {
	a.mu.Lock()
	a.networks = networks
	changed := a.changed
	a.mu.Unlock()
	for _, f := range changed {
		f(store.Change{AppID: appID, Slug: a.slug})
	}
}

func (a *apps) set(values map[string]string) {
	a.mu.Lock()
	a.settings, a.deployment.Manifest.Variables = values, values
	changed := a.changed
	a.mu.Unlock()
	for _, f := range changed {
		f(store.Change{AppID: appID, Slug: a.slug})
	}
}

// Secret implements orchestrator.Secrets.
func (a *apps) Secret(_ context.Context, _, name string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	value, ok := a.settings[name]
	if !ok {
		return "", fmt.Errorf("the secret %s: %w", name, store.ErrNotFound)
	}
	return value, nil
}

// current is the deployment that is active.
func (a *apps) current() store.Deployment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.deployment
}

// App implements orchestrator.Store.
func (a *apps) App(_ context.Context, id string) (store.App, error) {
	if id != appID {
		return store.App{}, fmt.Errorf("the app %s: %w", id, store.ErrNotFound)
	}
	return store.App{ID: appID, Slug: a.slug, CreatedAt: a.made}, nil
}

// ActiveDeployment implements orchestrator.Store.
func (a *apps) ActiveDeployment(_ context.Context, slug string) (store.App, store.Deployment, error) {
	if slug != a.slug {
		return store.App{}, store.Deployment{}, fmt.Errorf("the app %q: %w", slug, store.ErrNotFound)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	app := store.App{ID: appID, Slug: a.slug, ActiveDeployment: a.deployment.Number, Networks: a.networks, CreatedAt: a.made, UpdatedAt: a.deployment.CreatedAt}
	return app, a.deployment, nil
}

// Source implements orchestrator.Store.
func (a *apps) Source(_ context.Context, hash string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, sources := range slices.Backward(a.sources) {
		if s, ok := sources[hash]; ok {
			return s, nil
		}
	}
	return "", fmt.Errorf("the source %s: %w", hash, store.ErrNotFound)
}

// Subscribe implements orchestrator.Store. Subscribers live as long as the Runtime.
func (a *apps) Subscribe(f func(store.Change)) (stop func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed = append(a.changed, f)
	return func() {}
}

// Ping implements orchestrator.Store.
func (a *apps) Ping(context.Context) error { return nil }
