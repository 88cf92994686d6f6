// Package apps manages apps: namespaces with a slug.
package apps

import (
	"time"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// App is a namespace with a slug.
type App struct {
	ID               string    `json:"id"`
	Slug             string    `json:"slug" example:"demo" doc:"The app's name in URLs: a-z, 0-9 and inside \"-\", at most 63 characters"`
	ActiveDeployment int64     `json:"active_deployment" doc:"The number of the deployment that answers requests"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// Of shows a stored app.
func Of(a store.App) App {
	return App{ID: a.ID, Slug: a.Slug, ActiveDeployment: a.ActiveDeployment, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
}

// CORS says which other origins may read an app's responses.
type CORS struct {
	Origins []string `json:"origins,omitempty" nullable:"false" maxItems:"50" doc:"Origins such as https://example.com; none: any origin, without credentials"`
}

// CORSOf shows stored CORS settings, nil for the default.
func CORSOf(c store.CORS) *CORS {
	if len(c.Origins) == 0 {
		return nil
	}
	return &CORS{Origins: c.Origins}
}

// AppDetail is an app with its settings.
type AppDetail struct {
	App
	Scripts int         `json:"scripts" doc:"How many scripts it holds"`
	Limits  *api.Limits `json:"limits,omitempty" doc:"Bounds each execution; a missing one is the instance's"`
	CORS    *CORS       `json:"cors,omitempty"`
}

func detail(a store.App, m store.Manifest) AppDetail {
	return AppDetail{App: Of(a), Scripts: len(m.Scripts), Limits: api.LimitsOf(m.Limits), CORS: CORSOf(m.CORS)}
}

// CreateApp is a new app.
type CreateApp struct {
	Slug string `json:"slug" maxLength:"200" example:"demo" doc:"a-z, 0-9 and inside \"-\", at most 63 characters"`
}

// UpdateApp changes an app. What is absent stays.
type UpdateApp struct {
	Slug   *string     `json:"slug,omitempty" maxLength:"200" doc:"The new name; URLs with the old one stop working"`
	Limits *api.Limits `json:"limits,omitempty" doc:"Replaces the app's limits; 0 or absent: the instance's. An app can only lower those"`
	CORS   *CORS       `json:"cors,omitempty" doc:"Replaces the settings"`
}
