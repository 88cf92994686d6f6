package bootstrap

import (
	"net/http"
	"net/netip"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/kv"
	"github.com/picloud/picloud/internal/manager"
	"github.com/picloud/picloud/internal/orchestrator"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/web"
)

// people is who may sign in, for the services that ask.
type people struct {
	auth  *auth.Authenticator
	setup *auth.Setup
}

func newPeople(s store.Store) people {
	hasher := auth.NewHasher(auth.DefaultParams)
	return people{auth: auth.NewAuthenticator(s, hasher, manager.Now), setup: auth.NewSetup(s, hasher, manager.Now)}
}

// control is what the control plane stands on, beside the store.
type control struct {
	data       *kv.Swept
	executions store.Executions
	feed       store.ExecutionFeed
	engine     *rhai.Engine
	proxies    []netip.Prefix
}

func newControl(c *settings.Config, w wiring, p people, on control) *manager.Manager {
	return manager.New(manager.Config{
		Store:      w.store,
		Data:       on.data,
		KVBytes:    c.KVBytes,
		Quota:      c.Quota,
		Vault:      w.vault,
		Executions: on.executions,
		Feed:       on.feed,
		Auth:       p.auth,
		Setup:      p.setup,
		Engine:     on.engine,
		Limits:     c.Limits,
		Proxies:    peer.Trust(on.proxies),
		Now:        manager.Now,
		Log:        w.log,
		Version:    serverVersion(),
		Dashboard:  web.Build(),
	})
}

// ingress is what the ingress stands on, beside the store.
type ingress struct {
	data     *kv.Swept
	runs     invoke.Executor
	recorder orchestrator.Recorder
	control  http.Handler
}

func newIngress(c *settings.Config, w wiring, p people, on ingress) *orchestrator.Orchestrator {
	routing := orchestrator.Config{
		Store:          w.store,
		Executor:       on.runs,
		Recorder:       on.recorder,
		Data:           on.data,
		Queue:          on.data,
		Node:           w.node,
		Boot:           w.boot,
		KVBytes:        c.KVBytes,
		Secrets:        w.vault,
		Control:        on.control,
		Guard:          auth.NewGuard(p.auth, w.store),
		Limits:         c.Limits,
		AppsDomain:     c.AppsDomain,
		TrustedProxies: peer.Trust(c.TrustedProxies),
	}
	if w.keeper != nil {
		routing.Idle = w.keeper
	}
	return orchestrator.New(routing)
}
