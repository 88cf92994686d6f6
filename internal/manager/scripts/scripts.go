// Package scripts manages scripts: named Rhai sources with immutable versions.
package scripts

import (
	"time"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// MaxSource bounds a script's source, in bytes.
const MaxSource = 1 << 20

// maxDeployBody leaves room for JSON's escapes.
const maxDeployBody = 4 << 20

// Script is a named Rhai source in an app.
type Script struct {
	ID            string     `json:"id"`
	App           string     `json:"app" doc:"The app's slug"`
	Name          string     `json:"name" example:"hello"`
	Endpoint      bool       `json:"endpoint" doc:"It answers HTTP requests itself; a library is only imported"`
	Path          string     `json:"path,omitempty" example:"/demo/hello" doc:"Where an endpoint answers on the control host"`
	Guard         *api.Guard `json:"guard,omitempty" doc:"Absent: anybody may call the endpoint"`
	Rate          *api.Rate  `json:"rate,omitempty" doc:"Absent: callers are not limited"`
	Secrets       []string   `json:"secrets,omitempty" nullable:"false" doc:"The secrets that it requires: without one of them no deployment is possible"`
	ActiveVersion int64      `json:"active_version" doc:"The version that answers requests"`
	LatestVersion int64      `json:"latest_version"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at" doc:"When its newest version was made"`
}

// Of shows a stored script of the app with the given slug.
func Of(s store.Script, app string) Script {
	shown := Script{
		ID: s.ID, App: app, Name: s.Name, Endpoint: s.Endpoint, ActiveVersion: s.ActiveVersion,
		LatestVersion: s.LatestVersion, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
		Guard: api.GuardOf(s.Guard), Rate: api.RateOf(s.Rate), Secrets: s.Secrets,
	}
	if s.Endpoint {
		shown.Path = "/" + app + "/" + s.Name
	}
	return shown
}

// ScriptVersion is an immutable, numbered state of a script's source.
type ScriptVersion struct {
	Number     int64     `json:"number" doc:"1, 2, 3 …"`
	SourceHash string    `json:"source_hash" doc:"SHA-256 of the source, in hexadecimal"`
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by,omitempty" doc:"Username"`
}

// ScriptVersionDetail is a version and what it consists of.
type ScriptVersionDetail struct {
	ScriptVersion
	Source string `json:"source"`
}

// DeployScript is a new version of a script.
type DeployScript struct {
	Source   string      `json:"source" doc:"Rhai, at most 1 MiB"`
	Endpoint *bool       `json:"endpoint,omitempty" doc:"false makes it a library. Absent: as it is; a new script becomes an endpoint"`
	Limits   *api.Limits `json:"limits,omitempty" doc:"Bounds this script's executions; 0 or absent: the app's. A script can only lower those"`
	Guard    *api.Guard  `json:"guard,omitempty" doc:"Who may call the endpoint. Absent: as it is; a new script has none"`
	Secrets  *[]string   `json:"secrets,omitempty" nullable:"false" maxItems:"250" doc:"The app's secrets that it requires. Absent: as it is; a new script requires none"`
	Rate     *api.Rate   `json:"rate,omitempty" doc:"How often one caller may call it. Absent: as it is; a new script has no bound"`
}

// Deployed is what a change made.
type Deployed struct {
	Script     Script        `json:"script"`
	Version    ScriptVersion `json:"version" doc:"The one that is active now"`
	Deployment int64         `json:"deployment" doc:"The app's deployment that the change made"`
	Warnings   []Warning     `json:"warnings,omitempty" nullable:"false" doc:"What compiles and will not work as it is, such as importing a script that the app does not hold"`
}

// ActivateVersion chooses a version.
type ActivateVersion struct {
	Version int64 `json:"version" minimum:"1" doc:"The number of the version that shall answer requests"`
}
