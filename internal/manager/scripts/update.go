package scripts

import (
	"context"
	"errors"
	"net/http"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/apps"
	"github.com/picloud/picloud/internal/store"
)

// UpdateScript is new settings of a script. What is absent stays as it is.
type UpdateScript struct {
	Limits  *api.Limits `json:"limits,omitempty" doc:"Bounds this script's executions; 0 or absent in it: the app's"`
	Guard   *api.Guard  `json:"guard,omitempty" doc:"Who may call the endpoint"`
	Rate    *api.Rate   `json:"rate,omitempty" doc:"How often one caller may call it"`
	Secrets *[]string   `json:"secrets,omitempty" nullable:"false" maxItems:"250" doc:"The app's secrets that it requires"`
}

// missingSecret says what to do about a deployment that lacks a secret.
func missingSecret(app store.App, err error) error {
	return api.Refuse(http.StatusConflict, "%s; set it first: pic secrets set NAME --app %s", err, app.Slug)
}

func (s *service) update(ctx context.Context, in *struct {
	Path
	Body UpdateScript
},
) (*scriptOutput, error) {
	var change []func(*store.ManifestScript)
	if l := in.Body.Limits; l != nil {
		limits := l.Store()
		if err := apps.CheckLimits("body.limits", limits, s.Limits); err != nil {
			return nil, err
		}
		change = append(change, func(m *store.ManifestScript) { m.Limits = limits })
	}
	if g := in.Body.Guard; g != nil {
		guard, err := g.Store("body.guard")
		if err != nil {
			return nil, err
		}
		s.Guards.Lock()
		defer s.Guards.Unlock()
		if err := s.checkGuard(ctx, api.App(ctx), guard); err != nil {
			return nil, err
		}
		change = append(change, func(m *store.ManifestScript) { m.Guard = guard })
	}
	if r := in.Body.Rate; r != nil {
		change = append(change, func(m *store.ManifestScript) { m.Rate = r.Store() })
	}
	if names := in.Body.Secrets; names != nil {
		secrets, err := required("body.secrets", *names)
		if err != nil {
			return nil, err
		}
		change = append(change, func(m *store.ManifestScript) { m.Secrets = secrets })
	}
	app := api.App(ctx)
	if len(change) == 0 {
		return s.show(ctx, &in.Path)
	}
	_, err := s.Store.ChangeManifest(ctx, app.ID, "settings of "+in.Script, api.Identity(ctx).User.ID, s.Now(), func(m *store.Manifest) error {
		entry, ok := m.Scripts[in.Script]
		if !ok {
			return unknown(ctx, in.Script)
		}
		for _, f := range change {
			f(&entry)
		}
		m.Scripts[in.Script] = entry
		return nil
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, api.NoApp(app.Slug)
	case errors.Is(err, store.ErrMissingSecret):
		return nil, missingSecret(app, err)
	case err != nil:
		return nil, err
	}
	return s.show(ctx, &in.Path)
}
