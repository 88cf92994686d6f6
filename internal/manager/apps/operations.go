package apps

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Config is what the operations need.
type Config struct {
	Store interface {
		store.Apps
		store.Deployments
	}
	Executions store.Executions
	Limits     store.Limits // the instance's; zero fields: not known here
	Now        func() time.Time
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{Config: c, api: a}
	api.Register(a, api.Op{
		ID: "listApps", Method: http.MethodGet, Path: "/apps", Tag: "apps", Action: auth.ListApps,
		Summary: "List apps by slug", Description: "Those that one may view.",
	}, s.list)
	api.Register(a, api.Op{
		ID: "createApp", Method: http.MethodPost, Path: "/apps", Tag: "apps", Action: auth.CreateApp,
		Summary: "Create an app", Status: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, s.create)
	api.Register(a, api.Op{
		ID: "getApp", Method: http.MethodGet, Path: "/apps/{app}", Tag: "apps", Action: auth.ViewApp,
		Summary: "Show an app",
	}, s.show)
	api.Register(a, api.Op{
		ID: "updateApp", Method: http.MethodPatch, Path: "/apps/{app}", Tag: "apps", Action: auth.ManageApp,
		Summary: "Rename an app or change its settings", Errors: []int{http.StatusConflict},
	}, s.update)
	api.Register(a, api.Op{
		ID: "deleteApp", Method: http.MethodDelete, Path: "/apps/{app}", Tag: "apps", Action: auth.ManageApp,
		Summary: "Delete an app", Description: "Refused with 409 while it holds scripts, unless force is set. One that keeps much is stopped first and then emptied bit by bit: if that is cut short, it is still there without scripts, and can be deleted again.",
		Status: http.StatusNoContent, Errors: []int{http.StatusConflict},
	}, s.delete)
}

type service struct {
	Config
	api *api.API
}

type listOutput struct{ Body api.List[App] }

func (s *service) list(ctx context.Context, in *api.PageQuery) (*listOutput, error) {
	p := in.Page()
	p.See = api.Sight(api.Identity(ctx))
	rows, err := s.Store.ListApps(ctx, p)
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(a store.App) string { return a.Slug }, Of)}, nil
}

type createdOutput struct {
	Location string `header:"Location" doc:"Where the app is"`
	Body     AppDetail
}

func (s *service) create(ctx context.Context, in *struct{ Body CreateApp }) (*createdOutput, error) {
	slug := in.Body.Slug
	if err := store.CheckSlug(slug); err != nil {
		return nil, api.Invalid("body.slug", err.Error(), slug)
	}
	api.About(ctx, "apps/"+slug, slug)
	now := s.Now()
	app := store.App{ID: store.NewID(), Slug: slug, ActiveDeployment: 1, CreatedAt: now, UpdatedAt: now}
	err := s.Store.CreateApp(ctx, app, api.Identity(ctx).User.ID)
	if errors.Is(err, store.ErrTaken) {
		return nil, taken(slug)
	}
	if err != nil {
		return nil, err
	}
	return &createdOutput{Location: api.Prefix + "/apps/" + slug, Body: detail(ctx, app, store.Manifest{})}, nil
}

func taken(slug string) *api.Problem {
	p := api.Refuse(http.StatusConflict, "there is an app %q already: choose another slug", slug)
	p.Errors = []api.Fault{{Location: "body.slug", Message: "already exists", Value: slug}}
	return p
}

type detailOutput struct{ Body AppDetail }

func (s *service) show(ctx context.Context, _ *api.AppPath) (*detailOutput, error) {
	return s.read(ctx, api.App(ctx).Slug)
}

func (s *service) read(ctx context.Context, slug string) (*detailOutput, error) {
	app, d, err := s.Store.ActiveDeployment(ctx, slug)
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.NoApp(slug)
	}
	if err != nil {
		return nil, err
	}
	return &detailOutput{Body: detail(ctx, app, d.Manifest)}, nil
}

func (s *service) update(ctx context.Context, in *struct {
	api.AppPath
	Body UpdateApp
},
) (*detailOutput, error) {
	app, slug := api.App(ctx), api.App(ctx).Slug
	if in.Body.Limits != nil {
		if err := CheckLimits("body.limits", in.Body.Limits.Store(), s.Limits); err != nil {
			return nil, err
		}
	}
	if in.Body.CORS != nil {
		if err := checkCORS(in.Body.CORS.Origins); err != nil {
			return nil, err
		}
	}
	if err := s.checkOutbound(ctx, in.Body); err != nil {
		return nil, err
	}
	if in.Body.Slug != nil && *in.Body.Slug != slug {
		slug = *in.Body.Slug
		if err := store.CheckSlug(slug); err != nil {
			return nil, api.Invalid("body.slug", err.Error(), slug)
		}
	}
	// All of it, for the entry is written with the first change.
	if what := consists(in.Body, slug != app.Slug); len(what) > 0 {
		api.Note(ctx, "%s", strings.Join(what, ", "))
	}
	// The name first: it is the change that can be refused, and then nothing is done.
	if slug != app.Slug {
		err := s.Store.RenameApp(ctx, app.ID, slug, s.Now())
		switch {
		case errors.Is(err, store.ErrTaken):
			return nil, taken(slug)
		case errors.Is(err, store.ErrNotFound):
			return nil, api.NoApp(app.Slug)
		case err != nil:
			return nil, err
		}
	}
	if networks := in.Body.Networks; networks != nil {
		err := s.Store.OpenNetworks(ctx, app.ID, networks.Open, s.Now())
		if errors.Is(err, store.ErrNotFound) {
			return nil, api.NoApp(app.Slug)
		}
		if err != nil {
			return nil, err
		}
	}
	if note := changes(in.Body); note != "" {
		_, err := s.Store.ChangeManifest(ctx, app.ID, note, api.Identity(ctx).User.ID, s.Now(), func(m *store.Manifest) error {
			if in.Body.Limits != nil {
				m.Limits = in.Body.Limits.Store()
			}
			if in.Body.CORS != nil {
				m.CORS = store.CORS{Origins: in.Body.CORS.Origins}
			}
			if o := in.Body.Outbound; o != nil {
				m.Hosts = o.Hosts
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s.read(ctx, slug)
}

// consists says in the audit log what a change consists of.
func consists(u UpdateApp, rename bool) (what []string) {
	if rename {
		what = append(what, "rename to "+*u.Slug)
	}
	switch {
	case u.Networks == nil:
	case len(u.Networks.Open) == 0:
		what = append(what, "close all networks")
	default:
		what = append(what, "open networks: "+strings.Join(u.Networks.Open, " "))
	}
	if note := changes(u); note != "" {
		what = append(what, note)
	}
	return what
}

// changes says what becomes another deployment; empty: nothing does.
func changes(u UpdateApp) string {
	var what []string
	if u.Limits != nil {
		what = append(what, "limits")
	}
	if u.CORS != nil {
		what = append(what, "CORS")
	}
	if u.Outbound != nil {
		what = append(what, "hosts")
	}
	if len(what) == 0 {
		return ""
	}
	return "change " + strings.Join(what, " and ")
}

func (s *service) delete(ctx context.Context, in *struct {
	api.AppPath
	Force bool `query:"force" doc:"Delete its scripts with it"`
},
) (*struct{}, error) {
	app := api.App(ctx)
	if in.Force {
		api.Note(ctx, "with its scripts")
	}
	// What has begun is ended, though whoever asked for it may have gone.
	ctx = context.WithoutCancel(ctx)
	err := s.Store.DeleteApp(ctx, app.ID, in.Force, api.Identity(ctx).User.ID, s.Now())
	switch {
	case errors.Is(err, store.ErrNotEmpty):
		return nil, api.Refuse(http.StatusConflict, "%s still holds scripts: delete them first, or force it", app.Slug)
	case errors.Is(err, store.ErrNotFound):
		return nil, api.NoApp(app.Slug)
	case err != nil:
		return nil, err
	}
	// The app is gone whatever becomes of its record, which ages out anyway.
	if err := s.Executions.DeleteAppExecutions(ctx, app.ID); err != nil {
		s.api.Log.WarnContext(ctx, "the executions of a deleted app remain until they are too old", "app", app.Slug, "error", err)
	}
	return nil, nil
}
