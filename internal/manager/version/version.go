// Package version answers which PiCloud this is.
package version

import (
	"context"
	"net/http"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
)

// ServerVersion is what runs.
type ServerVersion struct {
	Version string `json:"version" doc:"Of PiCloud"`
	Commit  string `json:"commit,omitempty" doc:"That it was built from, when known"`
	Go      string `json:"go,omitempty" doc:"The Go release it was built with"`
	API     string `json:"api" doc:"Of the REST API" example:"v1"`
}

// Register adds the operation.
func Register(a *api.API, v ServerVersion) {
	v.API = "v1"
	type output struct{ Body ServerVersion }
	api.Register(a, api.Op{
		ID: "getVersion", Method: http.MethodGet, Path: "/version", Tag: "instance", Action: auth.Anyone,
		Summary: "The server's version",
	}, func(context.Context, *struct{}) (*output, error) {
		return &output{Body: v}, nil
	})
}
