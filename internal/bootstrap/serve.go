package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/executor"
	"github.com/picloud/picloud/internal/idle"
	"github.com/picloud/picloud/internal/invoke/local"
	"github.com/picloud/picloud/internal/kv"
	"github.com/picloud/picloud/internal/manager/pages"
	"github.com/picloud/picloud/internal/manager/version"
	"github.com/picloud/picloud/internal/orchestrator/record"
	"github.com/picloud/picloud/internal/orchestrator/schedules"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
	build "github.com/picloud/picloud/internal/version"
)

// Serve runs PiCloud until ctx ends and everything is stopped in good order:
// no more requests, those under way answered, what was recorded written, the
// database closed. It prints to stdout where it is, and on a first start how to
// set it up; it logs to stderr.
func Serve(ctx context.Context, c *settings.Config, stdout, stderr io.Writer) (err error) {
	floor := process.Ballast()
	defer runtime.KeepAlive(floor)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	dir, err := process.PrepareDataDir(c.DataDir)
	if err != nil {
		return err
	}
	// The address first: it fails fast, and a second picloud on the same address
	// should be told of that.
	l, err := process.Listen(ctx, c.Listen, "listen")
	if err != nil {
		return err
	}
	defer l.Close() // serveHTTP has closed it already, unless the start failed
	s, executions, err := openStore(ctx, c, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	vault, err := secret.Open(ctx, s, c.SecretsSource(dir))
	if err != nil {
		return err
	}
	node, forgetNode, err := nodeName(dir, nodeFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, forgetNode()) }()
	keeper := idle.New(idle.Quiet)
	p := join(c, wiring{own: l.Addr(), store: s, executions: executions, vault: vault, node: node, keeper: keeper, log: log})
	defer func() { err = errors.Join(err, p.close()) }()
	link, err := firstOwner(ctx, c, p.setup, process.BaseURL(l.Addr()), log)
	if err != nil {
		return err
	}
	stopLocal := serveLocal(dir, s, p.recorder, vault, log)
	defer stopLocal()
	if err := p.deliver(ctx); err != nil {
		return err
	}

	fmt.Fprintf(stdout, "PiCloud is at %s\n", process.BaseURL(l.Addr()))
	if link != "" {
		fmt.Fprintf(stdout, "Nobody can sign in yet. Choose the owner's name and password within %.0f minutes at\n  %s\n", auth.SetupLifetime.Minutes(), link)
	}
	process.NotifySystemd("READY=1")
	defer context.AfterFunc(ctx, func() { process.NotifySystemd("STOPPING=1") })()
	wallTime := time.Duration(c.Limits.WallTimeMS) * time.Millisecond
	return serveHTTP(ctx, l, keeper.Handler(p.handler), func() time.Duration { return c.StopTimeout }, wallTime, p.endStreams, log)
}

// runsEnd bounds how long a stop waits for executions that were cut off.
const runsEnd = 5 * time.Second

// parts is the services, joined.
type parts struct {
	handler    http.Handler
	setup      *auth.Setup
	recorder   *record.Recorder
	endStreams func()
	deliver    func(context.Context) error // begins to deliver messages
	close      func() error
}

// wiring is what the services are joined on.
type wiring struct {
	own        net.Addr // where PiCloud listens; nil: nowhere
	store      store.Store
	executions store.Executions
	vault      *secret.Vault // nil: there are no secrets
	node       string        // this node's name
	boot       string        // of this start of the process, as the list of a cluster has it; empty: there is none
	keeper     *idle.Keeper  // nil: nobody cares whether there is work
	log        *slog.Logger
}

// join wires the services of a single node together. It owns executions.
func join(c *settings.Config, w wiring) *parts {
	people := newPeople(w.store)
	recorder := record.New(w.executions, record.Config{Retention: c.Retention})
	calls := outbound.New(outbound.Config{Own: process.AddrPorts(w.own), UserAgent: "PiCloud/" + build.Number})
	scripts := executor.New(executor.Config{Concurrency: c.Concurrency, MemoryBudget: c.Memory, HTTP: calls})
	runs := local.New(scripts)
	data := kv.New(w.store)
	control := newControl(c, w, people, control{data: data, executions: recorder, feed: recorder, engine: scripts.Engine(), proxies: c.TrustedProxies})
	ingress := newIngress(c, w, people, ingress{data: data, runs: runs, recorder: recorder, control: control})
	firing := schedules.Start(w.store)
	return &parts{
		handler:    ingress,
		setup:      people.setup,
		recorder:   recorder,
		endStreams: control.EndStreams,
		deliver:    ingress.Deliver,
		// Requests are over by now: what still runs was cut off, and is given a
		// moment to notice.
		close: func() error {
			ctx, cancel := context.WithTimeout(context.Background(), runsEnd)
			defer cancel()
			firing.Close()
			ingress.StopDelivering(ctx)
			err := runs.Close(ctx)
			calls.Close()
			ingress.Close()
			data.Close()
			return errors.Join(err, recorder.Close())
		},
	}
}

// firstOwner sees to it that somebody can sign in: it makes the owner from the
// environment, or returns the link at which a person can. It does nothing once
// there is a user.
func firstOwner(ctx context.Context, c *settings.Config, setup *auth.Setup, base string, log *slog.Logger) (link string, err error) {
	needed, err := setup.Needed(ctx)
	if err != nil || !needed {
		return "", err
	}
	if c.OwnerUsername == "" {
		if c.PublicURL != "" {
			base = c.PublicURL
		}
		token, _ := setup.Issue()
		return base + pages.Setup + "#" + token, nil
	}
	user, err := setup.CreateOwner(ctx, c.OwnerUsername, c.OwnerPassword)
	var invalid *auth.InvalidError
	switch {
	case errors.As(err, &invalid):
		return "", fmt.Errorf("PICLOUD_OWNER_%s: %w", map[string]string{"username": "USERNAME", "password": "PASSWORD"}[invalid.Field], err)
	case errors.Is(err, auth.ErrAlreadySetUp): // another process on the same database was faster
		return "", nil
	case err != nil:
		return "", err
	}
	log.Info("the owner is created", "username", user.Username)
	return "", nil
}

func serverVersion() version.ServerVersion {
	return version.ServerVersion{Version: build.Number, Commit: build.Commit(), Go: runtime.Version()}
}
