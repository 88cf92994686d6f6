// Package variables manages the apps' variables: settings that are no secrets and
// stand in the deployment.
package variables

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Variable is a variable of an app.
type Variable struct {
	Name  string `json:"name" example:"REGION"`
	Value string `json:"value" example:"eu"`
}

// SetVariable is the new value of a variable.
type SetVariable struct {
	Value string `json:"value" doc:"At most 16 KiB of UTF-8 without U+0000"`
}

// ImportVariables is the new values of several variables.
type ImportVariables struct {
	Values map[string]string `json:"values" doc:"By name. Other variables stay"`
}

// ImportedVariables says what an import did.
type ImportedVariables struct {
	Created    int   `json:"created" doc:"How many are new"`
	Updated    int   `json:"updated" doc:"How many have another value now"`
	Deployment int64 `json:"deployment" doc:"The app's active deployment"`
}

// Config is what the operations need.
type Config struct {
	Store store.Deployments
	Now   func() time.Time
}

const (
	maxBody       = 6*store.MaxVariableValue + 1024 // JSON may need six bytes for one
	maxImportBody = 6*store.MaxVariablesLength + 16<<10
)

// Path is the input of operations on a variable.
type Path struct {
	api.AppPath
	Variable string `path:"variable" doc:"The variable's name: letters, digits and underscores" example:"REGION"`
}

// Register adds the operations.
func Register(a *api.API, c Config) {
	s := &service{c}
	const all, one = "/apps/{app}/variables", "/apps/{app}/variables/{variable}"
	conflict := []int{http.StatusConflict}
	api.Register(a, api.Op{
		ID: "listVariables", Method: http.MethodGet, Path: all, Tag: "variables", Action: auth.ViewApp,
		Summary: "List an app's variables by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "importVariables", Method: http.MethodPost, Path: all, Tag: "variables", Action: auth.ChangeVariables,
		Summary: "Set several variables in one deployment", Errors: conflict, MaxBody: maxImportBody,
	}, s.importAll)
	api.Register(a, api.Op{
		ID: "getVariable", Method: http.MethodGet, Path: one, Tag: "variables", Action: auth.ViewApp,
		Summary: "Show a variable",
	}, s.show)
	api.Register(a, api.Op{
		ID: "setVariable", Method: http.MethodPut, Path: one, Tag: "variables", Action: auth.ChangeVariables,
		Summary: "Set a variable", Description: "This makes a deployment, unless the variable has that value already.",
		Errors: conflict, MaxBody: maxBody,
	}, s.set)
	api.Register(a, api.Op{
		ID: "deleteVariable", Method: http.MethodDelete, Path: one, Tag: "variables", Action: auth.ChangeVariables,
		Summary: "Delete a variable", Description: "This makes a deployment.", Status: http.StatusNoContent, Errors: conflict,
	}, s.delete)
}

type service struct{ Config }

func unknown(ctx context.Context, name string) *api.Problem {
	return api.Refuse(http.StatusNotFound, "%s has no variable %.200q", api.App(ctx).Slug, name)
}

// read returns the app's variables.
func (s *service) read(ctx context.Context) (map[string]string, error) {
	app := api.App(ctx)
	d, err := s.Store.Deployment(ctx, app.ID, app.ActiveDeployment)
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.NoApp(app.Slug)
	}
	return d.Manifest.Variables, err
}

type listOutput struct{ Body api.List[Variable] }

func (s *service) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*listOutput, error) {
	all, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(all))
	from, found := slices.BinarySearch(names, in.After)
	if found {
		from++
	}
	return &listOutput{Body: api.Cut(names[from:], in.Limit, func(name string) string { return name },
		func(name string) Variable { return Variable{Name: name, Value: all[name]} })}, nil
}

type variableOutput struct{ Body Variable }

func (s *service) show(ctx context.Context, in *Path) (*variableOutput, error) {
	all, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	value, ok := all[in.Variable]
	if !ok {
		return nil, unknown(ctx, in.Variable)
	}
	return &variableOutput{Body: Variable{Name: in.Variable, Value: value}}, nil
}

func (s *service) set(ctx context.Context, in *struct {
	Path
	Body SetVariable
},
) (*variableOutput, error) {
	if err := store.CheckSettingName(in.Variable); err != nil {
		return nil, api.Invalid("path.variable", err.Error(), nil)
	}
	if err := store.CheckVariable(in.Body.Value); err != nil {
		return nil, api.Invalid("body.value", err.Error(), nil)
	}
	if _, err := s.put(ctx, map[string]string{in.Variable: in.Body.Value}); err != nil {
		return nil, err
	}
	return &variableOutput{Body: Variable{Name: in.Variable, Value: in.Body.Value}}, nil
}

// errUnchanged ends a change that would change nothing.
var errUnchanged = errors.New("nothing changes")

// put sets variables in a deployment of their own.
func (s *service) put(ctx context.Context, values map[string]string) (ImportedVariables, error) {
	app := api.App(ctx)
	var done ImportedVariables
	note := "variables " + strings.Join(slices.Sorted(maps.Keys(values)), ", ")
	if len(note) > 200 {
		note = fmt.Sprintf("%d variables", len(values))
	}
	d, err := s.Store.ChangeManifest(ctx, app.ID, note, api.Identity(ctx).User.ID, s.Now(), func(m *store.Manifest) error {
		done = ImportedVariables{}
		all := maps.Clone(m.Variables)
		if all == nil {
			all = map[string]string{}
		}
		for name, value := range values {
			old, ok := all[name]
			switch {
			case !ok:
				done.Created++
			case old != value:
				done.Updated++
			}
			all[name] = value
		}
		if done == (ImportedVariables{}) {
			return errUnchanged
		}
		if err := store.CheckVariables(all); err != nil {
			return api.Refuse(http.StatusConflict, "%s", err)
		}
		m.Variables = all
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return ImportedVariables{Deployment: app.ActiveDeployment}, nil
	case errors.Is(err, store.ErrNotFound):
		return done, api.NoApp(app.Slug)
	case err != nil:
		return done, err
	}
	done.Deployment = d.Number
	return done, nil
}

type importOutput struct{ Body ImportedVariables }

func (s *service) importAll(ctx context.Context, in *struct {
	api.AppPath
	Body ImportVariables
},
) (*importOutput, error) {
	names := slices.Sorted(maps.Keys(in.Body.Values))
	if len(names) == 0 {
		return nil, api.Invalid("body.values", "is empty: there is nothing to import", nil)
	}
	for _, name := range names {
		if err := store.CheckSettingName(name); err != nil {
			return nil, api.Invalid("body.values", err.Error(), nil)
		}
		if err := store.CheckVariable(in.Body.Values[name]); err != nil {
			return nil, api.Invalid("body.values."+name, err.Error(), nil)
		}
	}
	api.Note(ctx, "%s", strings.Join(names, ", "))
	done, err := s.put(ctx, in.Body.Values)
	return &importOutput{Body: done}, err
}

func (s *service) delete(ctx context.Context, in *Path) (*struct{}, error) {
	app := api.App(ctx)
	_, err := s.Store.ChangeManifest(ctx, app.ID, "without the variable "+in.Variable, api.Identity(ctx).User.ID, s.Now(), func(m *store.Manifest) error {
		if _, ok := m.Variables[in.Variable]; !ok {
			return unknown(ctx, in.Variable)
		}
		m.Variables = maps.Clone(m.Variables)
		delete(m.Variables, in.Variable)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.NoApp(app.Slug)
	}
	return nil, err
}
