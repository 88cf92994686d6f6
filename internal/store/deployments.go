package store

import (
	"context"
	"slices"
	"time"
)

// Deployment is an immutable snapshot of one app.
type Deployment struct {
	AppID     string
	Number    int64 // 1, 2, 3 … within the app
	Parent    int64 // the deployment it was made from; 0 for the first
	Manifest  Manifest
	Note      string // what changed, in a few words
	CreatedAt time.Time
	CreatedBy string
}

// Manifest says what a deployment consists of. It is kept as JSON.
type Manifest struct {
	Scripts map[string]ManifestScript `json:"scripts"`
	Limits  Limits                    `json:"limits,omitzero"` // the app's; each may only lower the instance's
	CORS    CORS                      `json:"cors,omitzero"`
	// Hosts are the only ones that the app's HTTP calls may reach, in the form of
	// package outbound; none: every public one.
	Hosts []string `json:"hosts,omitempty"`
	// What else starts scripts: queues by their name, the others by one of their own.
	Queues        map[string]ManifestQueue        `json:"queues,omitempty"`
	Subscriptions map[string]ManifestSubscription `json:"subscriptions,omitempty"`
	Schedules     map[string]ManifestSchedule     `json:"schedules,omitempty"`
	KVTriggers    map[string]ManifestKVTrigger    `json:"kv_triggers,omitempty"`
	// Variables is what env::get answers: settings that are no secrets, by name.
	Variables map[string]string `json:"variables,omitempty"`
}

// RequiredBy returns the first script, by name, that needs the app's secret of the
// given name; ok is false if there is none.
func (m *Manifest) RequiredBy(secret string) (script string, ok bool) {
	for name, s := range m.Scripts {
		if (!ok || name < script) && slices.Contains(s.RequiredSecrets(), secret) {
			script, ok = name, true
		}
	}
	return script, ok
}

// ManifestScript is one script of a deployment.
type ManifestScript struct {
	ScriptID   string `json:"script_id"`
	Version    int64  `json:"version"`
	SourceHash string `json:"source_hash"`
	Endpoint   bool   `json:"endpoint"`
	Limits     Limits `json:"limits,omitzero"`
	Guard      Guard  `json:"guard,omitzero"`
	Rate       Rate   `json:"rate,omitzero"`
	// Secrets are those that the app must have: without one of them a deployment
	// is refused.
	Secrets []string `json:"secrets,omitempty"`
}

// RequiredSecrets returns the names of the secrets without which the script
// cannot be deployed, its guard's included.
func (s *ManifestScript) RequiredSecrets() []string {
	if s.Guard.Secret == "" || slices.Contains(s.Secrets, s.Guard.Secret) {
		return s.Secrets
	}
	return append(slices.Clip(s.Secrets), s.Guard.Secret)
}

// Rate bounds how often one caller may call an endpoint: Requests at once, and
// as many again each Seconds. The zero value: no bound.
type Rate struct {
	Requests int64 `json:"requests,omitempty"`
	Seconds  int64 `json:"seconds,omitempty"`
}

// Limits bounds an execution. A zero field means: as the level above says
// (script, app, instance). A level can only lower what stands above it.
type Limits struct {
	Operations    int64 `json:"operations,omitempty"`
	WallTimeMS    int64 `json:"wall_time_ms,omitempty"`
	MemoryBytes   int64 `json:"memory_bytes,omitempty"`
	CallDepth     int64 `json:"call_depth,omitempty"`
	RequestBytes  int64 `json:"request_bytes,omitempty"`
	ResponseBytes int64 `json:"response_bytes,omitempty"`
	LogLines      int64 `json:"log_lines,omitempty"`
	LogBytes      int64 `json:"log_bytes,omitempty"`
}

// Lower returns l with each limit that m sets lower put in its place.
func (l Limits) Lower(m Limits) Limits {
	lower := func(a, b int64) int64 {
		if b > 0 && (a == 0 || b < a) {
			return b
		}
		return a
	}
	return Limits{
		Operations:    lower(l.Operations, m.Operations),
		WallTimeMS:    lower(l.WallTimeMS, m.WallTimeMS),
		MemoryBytes:   lower(l.MemoryBytes, m.MemoryBytes),
		CallDepth:     lower(l.CallDepth, m.CallDepth),
		RequestBytes:  lower(l.RequestBytes, m.RequestBytes),
		ResponseBytes: lower(l.ResponseBytes, m.ResponseBytes),
		LogLines:      lower(l.LogLines, m.LogLines),
		LogBytes:      lower(l.LogBytes, m.LogBytes),
	}
}

// CORS says which other origins may read an app's responses. The zero value
// allows any origin without credentials.
type CORS struct {
	Origins []string `json:"origins,omitempty"`
}

// Deployments keeps deployments.
type Deployments interface {
	// ActiveDeployment returns an app and its active deployment in one read.
	ActiveDeployment(ctx context.Context, slug string) (App, Deployment, error)
	Deployment(ctx context.Context, appID string, number int64) (Deployment, error)
	// ListDeployments returns an app's deployments, newest first, without their
	// manifests; p.After is a number.
	ListDeployments(ctx context.Context, appID string, p Page) ([]Deployment, error)
	// ChangeManifest writes the app's next deployment: the active manifest as
	// change left it. change may run more than once.
	ChangeManifest(ctx context.Context, appID, note, by string, at time.Time, change func(*Manifest) error) (Deployment, error)
}
