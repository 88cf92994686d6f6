package store

import (
	"context"
	"time"
)

// App is a namespace with a slug.
type App struct {
	ID               string // UUIDv7
	Slug             string // unique
	ActiveDeployment int64  // number of the active deployment; every app has one
	// Networks are open to the app's HTTP calls although they are not public, in
	// the form of package outbound. They belong to no deployment: none that is
	// activated again opens what was closed.
	Networks  []string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Page bounds a listing. Lists are ordered by a key of their own (slug, name,
// number); After is the last key seen, empty for the first page.
type Page struct {
	After string
	Limit int // 1 to 1000
	// See leaves out what the reader must not know of, in ListApps and ListAllScripts.
	See Sight
}

// Sight is what of all apps somebody may see. The zero value is all of them.
type Sight struct {
	Member string // only apps that the user with this ID is a member of
	AppID  string // only this app
}

// Apps keeps apps.
type Apps interface {
	// CreateApp adds a together with its first, empty deployment number 1;
	// ErrTaken if the slug exists. by is the user's ID.
	CreateApp(ctx context.Context, a App, by string) error
	App(ctx context.Context, id string) (App, error)
	AppBySlug(ctx context.Context, slug string) (App, error)
	// ListApps returns apps by slug.
	ListApps(ctx context.Context, p Page) ([]App, error)
	// RenameApp gives the app a new slug; ErrTaken if another app has it.
	RenameApp(ctx context.Context, id, slug string, at time.Time) error
	// OpenNetworks replaces the networks that are open to the app.
	OpenNetworks(ctx context.Context, id string, networks []string, at time.Time) error
	// DeleteApp removes the app and everything in it; ErrNotEmpty while it holds
	// scripts, unless force is set. One that keeps much is stopped first, by a deployment
	// without scripts of the given author and time, and then emptied in batches: after an
	// error then it may be there still, with what is left of its data.
	DeleteApp(ctx context.Context, id string, force bool, by string, at time.Time) error
}

// Script is a named Rhai source in an app.
type Script struct {
	ID            string // UUIDv7
	AppID         string
	AppSlug       string   // filled on reading
	Name          string   // unique in the app
	Endpoint      bool     // from the active deployment: answers HTTP itself
	Guard         Guard    // from the active deployment
	Rate          Rate     // from the active deployment
	Secrets       []string // that it requires, from the active deployment
	ActiveVersion int64    // from the active deployment
	LatestVersion int64
	CreatedAt     time.Time
	UpdatedAt     time.Time // when its newest version was made
}

// Version is an immutable, numbered state of a script's source.
type Version struct {
	ScriptID   string
	Number     int64 // 1, 2, 3 …
	SourceHash string
	CreatedAt  time.Time
	CreatedBy  string // user ID
	Source     string // only filled by ScriptVersion
}

// DeployScript is the request to create a script or add a version to it.
type DeployScript struct {
	AppID      string
	ScriptID   string // used when the script is created
	Name       string
	Source     string
	SourceHash string // hex SHA-256 of Source
	Endpoint   bool
	Limits     Limits   // zero values: the app's
	Guard      *Guard   // nil: as the active deployment has it
	Rate       *Rate    // nil: as the active deployment has it
	Secrets    []string // that it requires; nil: as the active deployment has it
	By         string   // user ID
	At         time.Time
}

// Deployed is what DeployScript, ActivateVersion and DeleteScript made.
type Deployed struct {
	Script     Script
	Version    Version
	Deployment int64
	Created    bool // the script is new
}

// Scripts keeps scripts and their versions.
type Scripts interface {
	// DeployScript creates the script if its app has none of that name, adds a
	// version, writes the app's next deployment with that version active, and
	// moves the app to it, all in one transaction.
	DeployScript(ctx context.Context, d DeployScript) (Deployed, error)
	// ActivateVersion writes the app's next deployment with the given version of
	// the script active. Endpoint and limits stay as the active deployment has
	// them; a script that it lacks comes back as a library.
	ActivateVersion(ctx context.Context, appID, name string, number int64, by string, at time.Time) (Deployed, error)
	// DeleteScript writes the app's next deployment without the script and
	// forgets its name; sources and versions that older deployments name stay.
	// *InUseError while messages are delivered to it.
	DeleteScript(ctx context.Context, appID, name string, by string, at time.Time) (Deployed, error)

	Script(ctx context.Context, appID, name string) (Script, error)
	// ListScripts returns an app's scripts by name.
	ListScripts(ctx context.Context, appID string, p Page) ([]Script, error)
	// ListAllScripts returns the scripts of all apps by slug, then name; p.After is
	// "slug/name".
	ListAllScripts(ctx context.Context, p Page) ([]Script, error)
	// ListVersions returns a script's versions, newest first; p.After is a number.
	ListVersions(ctx context.Context, scriptID string, p Page) ([]Version, error)
	// ScriptVersion returns one version with its source.
	ScriptVersion(ctx context.Context, scriptID string, number int64) (Version, error)
	// Source returns a source by hash.
	Source(ctx context.Context, hash string) (string, error)
}
