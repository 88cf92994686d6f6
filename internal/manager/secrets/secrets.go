// Package secrets manages the apps' secrets: they are set and listed, and never
// shown.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Secret is what is told of a secret: not its value.
type Secret struct {
	Name       string    `json:"name" example:"STRIPE_KEY"`
	RequiredBy []string  `json:"required_by" nullable:"false" doc:"The scripts that were deployed with the requirement of it"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at" doc:"When its value was set last"`
	UpdatedBy  string    `json:"updated_by,omitempty" doc:"Username"`
}

// SetSecret is the new value of a secret.
type SetSecret struct {
	Value string `json:"value" writeOnly:"true" doc:"1 byte to 64 KiB of UTF-8 without U+0000. It is shown to nobody"`
}

// ImportSecrets is the new values of several secrets.
type ImportSecrets struct {
	Values map[string]string `json:"values" writeOnly:"true" doc:"By name. Other secrets stay"`
}

// ImportedSecrets says what an import did.
type ImportedSecrets struct {
	Created int `json:"created" doc:"How many are new"`
	Updated int `json:"updated" doc:"How many had a value before"`
}

// Vault seals secrets.
type Vault interface {
	// Set sets secrets of an app, all of them or none, and returns how many are new.
	Set(ctx context.Context, appID string, values map[string]string, by string, at time.Time) (created int, err error)
}

// Config is what the operations need.
type Config struct {
	Store interface {
		store.Users
		store.Secrets
		store.Deployments
	}
	Vault Vault
	// Guards is held while a secret is checked against the guards that name it and
	// set: none of them is set meanwhile.
	Guards sync.Locker
	Now    func() time.Time
}

// JSON may need six bytes for one.
const (
	maxBody       = 6*store.MaxSecretValue + 1024
	maxImportBody = 4 << 20
)

// Path is the input of operations on a secret.
type Path struct {
	api.AppPath
	Secret string `path:"secret" doc:"The secret's name: letters, digits and underscores" example:"STRIPE_KEY"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{c}
	const all, one = "/apps/{app}/secrets", "/apps/{app}/secrets/{secret}"
	conflict := []int{http.StatusConflict}
	api.Register(a, api.Op{
		ID: "listSecrets", Method: http.MethodGet, Path: all, Tag: "secrets", Action: auth.ViewSecrets,
		Summary: "List an app's secrets by name", Description: "Their values are shown to nobody.",
	}, s.list)
	api.Register(a, api.Op{
		ID: "importSecrets", Method: http.MethodPost, Path: all, Tag: "secrets", Action: auth.ChangeSecrets,
		Summary: "Set several secrets, all of them or none", Errors: conflict, MaxBody: maxImportBody,
	}, s.importAll)
	api.Register(a, api.Op{
		ID: "setSecret", Method: http.MethodPut, Path: one, Tag: "secrets", Action: auth.ChangeSecrets,
		Summary: "Set a secret", Description: "Executions that begin from now on see the new value.",
		AlsoStatus: http.StatusCreated, Errors: conflict, MaxBody: maxBody,
	}, s.set)
	api.Register(a, api.Op{
		ID: "deleteSecret", Method: http.MethodDelete, Path: one, Tag: "secrets", Action: auth.ChangeSecrets,
		Summary: "Delete a secret", Description: "Refused with 409 while the active deployment requires it.",
		Status: http.StatusNoContent, Errors: conflict,
	}, s.delete)
}

type service struct{ Config }

func unknown(ctx context.Context, name string) *api.Problem {
	return api.Refuse(http.StatusNotFound, "%s has no secret %.200q", api.App(ctx).Slug, name)
}

type listOutput struct{ Body api.List[Secret] }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*listOutput, error) {
	app := api.App(ctx)
	rows, err := s.Store.ListSecrets(ctx, app.ID, in.Page())
	if err != nil {
		return nil, err
	}
	show, err := s.shower(ctx, app, rows...)
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: api.Cut(rows, in.Limit, func(x store.Secret) string { return x.Name }, show)}, nil
}

// shower returns how the given secrets of the app are shown.
func (s *service) shower(ctx context.Context, app store.App, rows ...store.Secret) (func(store.Secret) Secret, error) {
	d, err := s.Store.Deployment(ctx, app.ID, app.ActiveDeployment)
	if errors.Is(err, store.ErrNotFound) { // the app is gone
		return nil, api.NoApp(app.Slug)
	}
	if err != nil {
		return nil, err
	}
	username, err := api.Usernames(ctx, s.Store, rows, func(x store.Secret) string { return x.UpdatedBy })
	if err != nil {
		return nil, err
	}
	requiredBy := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Manifest.Scripts)) {
		script := d.Manifest.Scripts[name]
		for _, secret := range script.RequiredSecrets() {
			requiredBy[secret] = append(requiredBy[secret], name)
		}
	}
	return func(x store.Secret) Secret {
		shown := Secret{Name: x.Name, RequiredBy: []string{}, CreatedAt: x.CreatedAt, UpdatedAt: x.UpdatedAt, UpdatedBy: username(x.UpdatedBy)}
		if by := requiredBy[x.Name]; by != nil {
			shown.RequiredBy = by
		}
		return shown
	}, nil
}

type setOutput struct {
	Status int
	Body   Secret
}

func (s *service) set(ctx context.Context, in *struct {
	Path
	Body SetSecret
},
) (*setOutput, error) {
	if err := store.CheckSettingName(in.Secret); err != nil {
		return nil, api.Invalid("path.secret", err.Error(), nil)
	}
	if err := store.CheckSecret(in.Body.Value); err != nil {
		return nil, api.Invalid("body.value", err.Error(), nil)
	}
	app := api.App(ctx)
	s.Guards.Lock()
	defer s.Guards.Unlock()
	serves, err := s.guards(ctx, app)
	if err != nil {
		return nil, err
	}
	if err := serves(in.Secret, in.Body.Value); err != nil {
		return nil, api.Invalid("body.value", err.Error(), nil)
	}
	created, err := s.put(ctx, map[string]string{in.Secret: in.Body.Value})
	if err != nil {
		return nil, err
	}
	made, err := s.Store.Secret(ctx, app.ID, in.Secret)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		return nil, unknown(ctx, in.Secret)
	}
	if err != nil {
		return nil, err
	}
	show, err := s.shower(ctx, app, made)
	if err != nil {
		return nil, err
	}
	out := &setOutput{Status: http.StatusOK, Body: show(made)}
	if created > 0 {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// guards returns what says whether a value can serve the guards of the app's
// scripts that name the secret: with one that cannot, each request would be
// answered 503. The value is not in the error.
func (s *service) guards(ctx context.Context, app store.App) (serves func(name, value string) error, err error) {
	_, d, err := s.Store.ActiveDeployment(ctx, app.Slug) // that of now: app is older
	if errors.Is(err, store.ErrNotFound) {               // the app is gone
		return nil, api.NoApp(app.Slug)
	}
	if err != nil {
		return nil, err
	}
	return func(name, value string) error {
		for _, script := range slices.Sorted(maps.Keys(d.Manifest.Scripts)) {
			g := d.Manifest.Scripts[script].Guard
			if g.Secret != name {
				continue
			}
			if err := auth.CheckKey(g, value); err != nil {
				return fmt.Errorf("the guard of %s needs it: %w", script, err)
			}
		}
		return nil
	}, nil
}

func (s *service) put(ctx context.Context, values map[string]string) (created int, err error) {
	app := api.App(ctx)
	created, err = s.Vault.Set(ctx, app.ID, values, api.Identity(ctx).User.ID, s.Now())
	switch {
	case errors.Is(err, store.ErrQuota):
		return 0, api.Refuse(http.StatusConflict, "%s would have more than %d secrets, the most an app may have", app.Slug, store.MaxSecrets)
	case errors.Is(err, store.ErrNotFound):
		return 0, api.NoApp(app.Slug)
	}
	return created, err
}

type importOutput struct{ Body ImportedSecrets }

func (s *service) importAll(ctx context.Context, in *struct {
	api.AppPath
	Body ImportSecrets
},
) (*importOutput, error) {
	names := slices.Sorted(maps.Keys(in.Body.Values))
	if len(names) == 0 {
		return nil, api.Invalid("body.values", "is empty: there is nothing to import", nil)
	}
	s.Guards.Lock()
	defer s.Guards.Unlock()
	serves, err := s.guards(ctx, api.App(ctx))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := store.CheckSettingName(name); err != nil {
			return nil, api.Invalid("body.values", err.Error(), nil)
		}
		if err := store.CheckSecret(in.Body.Values[name]); err != nil {
			return nil, api.Invalid("body.values."+name, err.Error(), nil)
		}
		if err := serves(name, in.Body.Values[name]); err != nil {
			return nil, api.Invalid("body.values."+name, err.Error(), nil)
		}
	}
	api.Note(ctx, "%s", strings.Join(names, ", "))
	created, err := s.put(ctx, in.Body.Values)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: ImportedSecrets{Created: created, Updated: len(names) - created}}, nil
}

func (s *service) delete(ctx context.Context, in *Path) (*struct{}, error) {
	err := s.Store.DeleteSecret(ctx, api.App(ctx).ID, in.Secret)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown(ctx, in.Secret)
	}
	if errors.Is(err, store.ErrRequired) {
		return nil, api.Refuse(http.StatusConflict, "%s: take it out of that script's required secrets and its guard first", err)
	}
	return nil, err
}
