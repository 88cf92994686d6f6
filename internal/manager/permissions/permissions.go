// Package permissions shows the table of who may do what.
package permissions

import (
	"context"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
)

// Permission is a row of the table by which the server decides.
type Permission struct {
	Permission string   `json:"permission" doc:"Its name, as operations and refusals give it" example:"scripts.change"`
	AllowsTo   string   `json:"allows_to" doc:"In words"`
	Instance   []string `json:"instance" nullable:"false" enum:"owner,admin,member" doc:"Roles on the instance that have it"`
	App        string   `json:"app,omitempty" enum:"viewer,editor,admin" doc:"The least role in an app that has it there, too"`
	Scope      string   `json:"scope,omitempty" enum:"any,read,deploy,invoke,admin" doc:"What an API key needs for it, beside its owner's right; absent: no key may"`
}

// Register adds the operation.
func Register(a *api.API) {
	type output struct{ Body api.List[Permission] }
	api.Register(a, api.Op{
		ID: "listPermissions", Method: http.MethodGet, Path: "/permissions", Tag: "instance", Action: auth.ViewSelf,
		Summary:     "List who may do what",
		Description: "The table by which this server decides, whole. Each operation of this document names its permission as x-picloud-permission.",
	}, func(context.Context, *struct{}) (*output, error) {
		rows := auth.Permissions()
		return &output{Body: api.Cut(rows, len(rows), nil, of)}, nil
	})
}

func of(p auth.Permission) Permission {
	shown := Permission{Permission: string(p.Action), AllowsTo: p.Does, Instance: []string{}, App: string(p.App), Scope: string(p.Scope)}
	for _, r := range p.Instance {
		shown.Instance = append(shown.Instance, string(r))
	}
	return shown
}
