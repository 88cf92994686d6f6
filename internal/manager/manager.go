// Package manager is the control plane: the REST API below /api/v1 and the
// pages below /_/. Each noun of the API has a package of its own below this one.
package manager

//go:generate env BLESS=1 go test . -run TestRolesPage -count=1

import (
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/apps"
	"github.com/picloud/picloud/internal/manager/audit"
	"github.com/picloud/picloud/internal/manager/data"
	"github.com/picloud/picloud/internal/manager/deployments"
	"github.com/picloud/picloud/internal/manager/executions"
	"github.com/picloud/picloud/internal/manager/keys"
	"github.com/picloud/picloud/internal/manager/members"
	"github.com/picloud/picloud/internal/manager/pages"
	"github.com/picloud/picloud/internal/manager/permissions"
	"github.com/picloud/picloud/internal/manager/queues"
	"github.com/picloud/picloud/internal/manager/schedules"
	"github.com/picloud/picloud/internal/manager/scripts"
	"github.com/picloud/picloud/internal/manager/secrets"
	"github.com/picloud/picloud/internal/manager/sessions"
	"github.com/picloud/picloud/internal/manager/setup"
	"github.com/picloud/picloud/internal/manager/topics"
	"github.com/picloud/picloud/internal/manager/usage"
	"github.com/picloud/picloud/internal/manager/users"
	"github.com/picloud/picloud/internal/manager/variables"
	"github.com/picloud/picloud/internal/manager/version"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// Config is what the control plane stands on.
type Config struct {
	Store store.Store
	// Data keeps the data and messages of scripts; nil: Store does. KVBytes and Quota
	// bound each app's; Data sees to the Quota.
	Data    store.Data
	KVBytes int64
	Quota   store.Quota
	// Vault seals the apps' secrets before Store keeps them, and opens those that a
	// guard names.
	Vault interface {
		secrets.Vault
		scripts.Vault
	}
	// Executions answers reads after everything buffered is written.
	Executions store.Executions
	// Feed tells of executions as they are recorded.
	Feed store.ExecutionFeed
	// Auth and Setup share their users with Store.
	Auth  *auth.Authenticator
	Setup *auth.Setup
	// Engine compiles what is deployed, as the executor will.
	Engine *rhai.Engine
	// Limits are the instance's. Apps and scripts can only lower those that are set.
	Limits store.Limits
	// Proxies are believed about who sent a request.
	Proxies peer.Trust
	// Now is the program's clock: UTC, in microseconds. nil: the system's.
	Now func() time.Time
	Log *slog.Logger // nil: slog.Default()
	// Heartbeat is how often streams show that they are alive and look whether
	// their readers may still follow; 0: 25 seconds.
	Heartbeat time.Duration
	Version   version.ServerVersion
	// Dashboard holds the files of its build, each compressed and called *.gz.
	// Without them, or nil, a page says that there is no dashboard.
	Dashboard fs.FS
}

// Manager serves the control plane.
type Manager struct {
	api    *api.API
	pages  http.Handler
	ending chan struct{}
	end    sync.Once
}

// Now is the system's clock as the store keeps time.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// New returns the control plane.
func New(c Config) *Manager {
	if c.Now == nil {
		c.Now = Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = 25 * time.Second
	}
	m := &Manager{ending: make(chan struct{})}
	m.api = api.New(api.Config{
		Auth: c.Auth, Apps: c.Store, Members: c.Store, AuditLog: c.Store, Proxies: c.Proxies, Now: c.Now, Log: c.Log,
		Version: c.Version.Version,
	})
	guards := &sync.Mutex{} // there is one manager that changes anything
	setup.Register(m.api, c.Setup)
	sessions.Register(m.api, c.Store, c.Now)
	users.Register(m.api, c.Store, c.Now)
	members.Register(m.api, c.Store, c.Now)
	keys.Register(m.api, c.Store, c.Now)
	audit.Register(m.api, c.Store)
	permissions.Register(m.api)
	apps.Register(m.api, apps.Config{Store: c.Store, Executions: c.Executions, Limits: c.Limits, Now: c.Now})
	scripts.Register(m.api, scripts.Config{Store: c.Store, Vault: c.Vault, Guards: guards, Engine: c.Engine, Limits: c.Limits, Now: c.Now})
	deployments.Register(m.api, c.Store)
	if c.Data == nil {
		c.Data = c.Store
	}
	waiting := struct {
		store.Deployments
		store.Queue
	}{c.Store, c.Data}
	secrets.Register(m.api, secrets.Config{Store: c.Store, Vault: c.Vault, Guards: guards, Now: c.Now})
	variables.Register(m.api, variables.Config{Store: c.Store, Now: c.Now})
	usage.Register(m.api, usage.Config{Data: c.Data, Quota: c.Quota, KVBytes: c.KVBytes})
	data.Register(m.api, data.Config{KV: c.Data, Store: waiting, MaxBytes: c.KVBytes, Now: c.Now})
	schedules.Register(m.api, waiting, c.Store, c.Now)
	topics.Register(m.api, waiting, c.Now)
	queues.Register(m.api, waiting, c.Now)
	executions.Register(m.api, executions.Config{
		Store: c.Store, Executions: c.Executions, Feed: c.Feed, Ending: m.ending, Heartbeat: c.Heartbeat,
	})
	version.Register(m.api, c.Version)
	m.pages = pages.New(m.api, c.Setup, c.Dashboard)
	return m
}

// ServeHTTP answers requests for /api/v1 and /_/; / leads to the latter.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == api.Prefix || strings.HasPrefix(r.URL.Path, api.Prefix+"/") {
		m.api.ServeHTTP(w, r)
		return
	}
	m.pages.ServeHTTP(w, r)
}

// EndStreams makes the streams that clients follow end, so that a graceful stop
// does not wait for them. Pass it to http.Server.RegisterOnShutdown.
func (m *Manager) EndStreams() { m.end.Do(func() { close(m.ending) }) }

// OpenAPI returns the document of the REST API, as YAML.
func OpenAPI() ([]byte, error) {
	return New(Config{}).api.OpenAPI().YAML()
}
