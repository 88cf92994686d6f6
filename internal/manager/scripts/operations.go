package scripts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/apps"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// Config is what the operations need.
type Config struct {
	Store interface {
		store.Users
		store.Scripts
		store.Deployments
		store.Apps
	}
	Vault Vault
	// Guards is held while a guard is checked against its secret and set: its secret
	// is not set meanwhile.
	Guards sync.Locker
	Engine *rhai.Engine
	Limits store.Limits // the instance's; zero fields: not known here
	Now    func() time.Time
}

// Path is the input of operations on a script.
type Path struct {
	api.AppPath
	Script string `path:"script" doc:"The script's name" example:"hello"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{Config: c, api: a, turn: make(chan struct{}, 1)}
	const one = "/apps/{app}/scripts/{script}"
	notFound, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}
	api.Register(a, api.Op{
		ID: "listAllScripts", Method: http.MethodGet, Path: "/scripts", Tag: "scripts", Action: auth.ViewScripts,
		Summary: "List the scripts of all apps", Description: "By app and name; those that one may view.",
	}, s.listAll)
	api.Register(a, api.Op{
		ID: "listScripts", Method: http.MethodGet, Path: "/apps/{app}/scripts", Tag: "scripts", Action: auth.ViewScripts,
		Summary: "List an app's scripts by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "deployScript", Method: http.MethodPut, Path: one, Tag: "scripts", Action: auth.ChangeScripts,
		Summary: "Deploy a script",
		Description: "Creates it (201), or adds a version to it (200). The version is live for the next request. " +
			"A source that does not compile is refused with 422 and its position.",
		AlsoStatus: http.StatusCreated, Errors: conflict, MaxBody: maxDeployBody,
	}, s.deploy)
	api.Register(a, api.Op{
		ID: "getScript", Method: http.MethodGet, Path: one, Tag: "scripts", Action: auth.ViewScripts,
		Summary: "Show a script", Errors: notFound,
	}, s.show)
	api.Register(a, api.Op{
		ID: "updateScript", Method: http.MethodPatch, Path: one, Tag: "scripts", Action: auth.ChangeScripts,
		Summary: "Change a script's settings", Description: "This makes a deployment with the same version.", Errors: conflict,
	}, s.update)
	api.Register(a, api.Op{
		ID: "deleteScript", Method: http.MethodDelete, Path: one, Tag: "scripts", Action: auth.ChangeScripts,
		Summary: "Delete a script", Status: http.StatusNoContent, Errors: conflict,
	}, s.delete)
	api.Register(a, api.Op{
		ID: "listVersions", Method: http.MethodGet, Path: one + "/versions", Tag: "scripts", Action: auth.ViewScripts,
		Summary: "List a script's versions, newest first", Errors: notFound,
	}, s.versions)
	api.Register(a, api.Op{
		ID: "getVersionSource", Method: http.MethodGet, Path: one + "/versions/{number}", Tag: "scripts", Action: auth.ViewScripts,
		Summary: "Show a version with its source", Errors: notFound,
	}, s.version)
	api.Register(a, api.Op{
		ID: "activateVersion", Method: http.MethodPut, Path: one + "/active-version", Tag: "scripts", Action: auth.ChangeScripts,
		Summary: "Make another version answer requests", Errors: conflict,
	}, s.activate)
}

type service struct {
	Config
	api  *api.API
	turn chan struct{} // of who compiles: a hostile MiB makes hundreds of MiB of garbage
}

// unknown is the problem of a script that the app does not hold.
func unknown(ctx context.Context, name string) *api.Problem {
	return api.Refuse(http.StatusNotFound, "there is no script %.100q in %s", name, api.App(ctx).Slug)
}

// of turns what the store says of a named script into what the client is told.
func of(ctx context.Context, name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return unknown(ctx, name)
	}
	return err
}

type listOutput struct{ Body api.List[Script] }

func (s *service) listAll(ctx context.Context, in *api.PageQuery) (*listOutput, error) {
	p := in.Page()
	p.See = api.Sight(api.Identity(ctx))
	rows, err := s.Store.ListAllScripts(ctx, p)
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(r store.Script) string { return r.AppSlug + "/" + r.Name },
		func(r store.Script) Script { return Of(r, r.AppSlug) })}, nil
}

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*listOutput, error) {
	app := api.App(ctx)
	rows, err := s.Store.ListScripts(ctx, app.ID, in.Page())
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(r store.Script) string { return r.Name },
		func(r store.Script) Script { return Of(r, app.Slug) })}, nil
}

type deployOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the script is"`
	Body     Deployed
}

func (s *service) deploy(ctx context.Context, in *struct {
	Path
	Body DeployScript
},
) (*deployOutput, error) {
	app, id := api.App(ctx), api.Identity(ctx)
	if err := store.CheckScriptName(in.Script); err != nil {
		return nil, api.Invalid("path.script", err.Error(), in.Script)
	}
	d := store.DeployScript{
		AppID: app.ID, ScriptID: store.NewID(), Name: in.Script,
		Source: in.Body.Source, Endpoint: true, By: id.User.ID, At: s.Now(),
	}
	if in.Body.Limits != nil {
		d.Limits = in.Body.Limits.Store()
		if err := apps.CheckLimits("body.limits", d.Limits, s.Limits); err != nil {
			return nil, err
		}
	}
	if in.Body.Guard != nil {
		guard, err := in.Body.Guard.Store("body.guard")
		if err != nil {
			return nil, err
		}
		d.Guard = &guard
	}
	if in.Body.Rate != nil {
		rate := in.Body.Rate.Store()
		d.Rate = &rate
	}
	if in.Body.Secrets != nil {
		var err error
		if d.Secrets, err = required("body.secrets", *in.Body.Secrets); err != nil {
			return nil, err
		}
	}
	program, err := s.compile(ctx, in.Script, in.Body.Source)
	if err != nil {
		return nil, err
	}
	warnings, err := s.warnings(ctx, app, in.Script, in.Body.Source, program)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(d.Source))
	d.SourceHash = hex.EncodeToString(hash[:])
	api.Note(ctx, "source %.12s…", d.SourceHash)
	switch old, err := s.Store.Script(ctx, app.ID, in.Script); {
	case err == nil:
		d.Endpoint = old.Endpoint
	case errors.Is(err, store.ErrNotFound):
		api.Created(ctx)
	default:
		return nil, err
	}
	if in.Body.Endpoint != nil {
		d.Endpoint = *in.Body.Endpoint
	}
	if d.Guard != nil {
		s.Guards.Lock()
		defer s.Guards.Unlock()
		if err := s.checkGuard(ctx, app, *d.Guard); err != nil {
			return nil, err
		}
	}
	made, err := s.Store.DeployScript(ctx, d)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		return nil, api.NoApp(app.Slug)
	}
	if errors.Is(err, store.ErrMissingSecret) {
		return nil, missingSecret(app, err)
	}
	if err != nil {
		return nil, err
	}
	out := &deployOutput{
		Status: http.StatusOK, Location: api.Prefix + "/apps/" + app.Slug + "/scripts/" + in.Script,
		Body: deployed(app.Slug, made, id.User.Username),
	}
	out.Body.Warnings = warnings
	if made.Created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// required checks the names of secrets and returns each once, in their order.
func required(location string, names []string) ([]string, error) {
	for i, name := range names {
		if err := store.CheckSettingName(name); err != nil {
			return nil, api.Invalid(fmt.Sprintf("%s[%d]", location, i), err.Error(), nil)
		}
	}
	sorted := append([]string{}, names...) // not nil: none are required
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// compile refuses what does not compile. It waits its turn.
func (s *service) compile(ctx context.Context, name, source string) (*rhai.Program, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		return check(s.Engine, name, source)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func deployed(app string, d store.Deployed, by string) Deployed {
	return Deployed{Script: Of(d.Script, app), Version: versionOf(d.Version, by), Deployment: d.Deployment}
}

func versionOf(v store.Version, by string) ScriptVersion {
	return ScriptVersion{Number: v.Number, SourceHash: v.SourceHash, CreatedAt: v.CreatedAt, CreatedBy: by}
}

func madeBy(v store.Version) string { return v.CreatedBy }

type scriptOutput struct{ Body Script }

func (s *service) show(ctx context.Context, in *Path) (*scriptOutput, error) {
	app := api.App(ctx)
	script, err := s.Store.Script(ctx, app.ID, in.Script)
	if err != nil {
		return nil, of(ctx, in.Script, err)
	}
	return &scriptOutput{Body: Of(script, app.Slug)}, nil
}

func (s *service) delete(ctx context.Context, in *Path) (*struct{}, error) {
	_, err := s.Store.DeleteScript(ctx, api.App(ctx).ID, in.Script, api.Identity(ctx).User.ID, s.Now())
	var used *store.InUseError
	if errors.As(err, &used) {
		that := "that"
		if len(used.By) > 1 {
			that = "these"
		}
		return nil, api.Refuse(http.StatusConflict, "%s runs for %s: remove %s first", in.Script, strings.Join(used.By, ", "), that)
	}
	return nil, of(ctx, in.Script, err)
}

type versionsOutput struct{ Body api.List[ScriptVersion] }

func (s *service) versions(ctx context.Context, in *struct {
	Path
	api.PageQuery
},
) (*versionsOutput, error) {
	if err := api.NumberKey("query.after", in.After); err != nil {
		return nil, err
	}
	script, err := s.Store.Script(ctx, api.App(ctx).ID, in.Script)
	if err != nil {
		return nil, of(ctx, in.Script, err)
	}
	rows, err := s.Store.ListVersions(ctx, script.ID, in.Page())
	if err != nil {
		return nil, err
	}
	name, err := api.Usernames(ctx, s.Store, rows, madeBy)
	if err != nil {
		return nil, err
	}
	return &versionsOutput{Body: api.Cut(rows, in.Limit, func(v store.Version) string { return strconv.FormatInt(v.Number, 10) },
		func(v store.Version) ScriptVersion { return versionOf(v, name(v.CreatedBy)) })}, nil
}

type versionOutput struct{ Body ScriptVersionDetail }

func (s *service) version(ctx context.Context, in *struct {
	Path
	Number int64 `path:"number" minimum:"1"`
},
) (*versionOutput, error) {
	script, err := s.Store.Script(ctx, api.App(ctx).ID, in.Script)
	if err != nil {
		return nil, of(ctx, in.Script, err)
	}
	v, err := s.Store.ScriptVersion(ctx, script.ID, in.Number)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noVersion(in.Script, in.Number)
	}
	if err != nil {
		return nil, err
	}
	name, err := api.Usernames(ctx, s.Store, []store.Version{v}, madeBy)
	if err != nil {
		return nil, err
	}
	return &versionOutput{Body: ScriptVersionDetail{ScriptVersion: versionOf(v, name(v.CreatedBy)), Source: v.Source}}, nil
}

func noVersion(script string, number int64) *api.Problem {
	return api.Refuse(http.StatusNotFound, "%s has no version %d", script, number)
}

type activateOutput struct{ Body Deployed }

func (s *service) activate(ctx context.Context, in *struct {
	Path
	Body ActivateVersion
},
) (*activateOutput, error) {
	app := api.App(ctx)
	if _, err := s.Store.Script(ctx, app.ID, in.Script); err != nil {
		return nil, of(ctx, in.Script, err)
	}
	api.Note(ctx, "version %d", in.Body.Version)
	made, err := s.Store.ActivateVersion(ctx, app.ID, in.Script, in.Body.Version, api.Identity(ctx).User.ID, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, noVersion(in.Script, in.Body.Version)
	}
	if err != nil {
		return nil, err
	}
	name, err := api.Usernames(ctx, s.Store, []store.Version{made.Version}, madeBy)
	if err != nil {
		return nil, err
	}
	return &activateOutput{Body: deployed(app.Slug, made, name(made.Version.CreatedBy))}, nil
}
