// Package apps manages apps: namespaces with a slug.
package apps

import (
	"context"
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

// Outbound says what an app's HTTP calls may reach on the public internet.
type Outbound struct {
	Hosts []string `json:"hosts,omitempty" nullable:"false" maxItems:"200" example:"[\"api.example.com\"]" doc:"The only hosts: names, *.name for all below one, addresses, each perhaps with a port. None: every public host"`
}

func outboundOf(m store.Manifest) *Outbound {
	if len(m.Hosts) == 0 {
		return nil
	}
	return &Outbound{Hosts: m.Hosts}
}

// Networks says what an app's HTTP calls may reach beside the public internet.
type Networks struct {
	Open []string `json:"open,omitempty" nullable:"false" maxItems:"50" example:"[\"192.168.1.10:8123\"]" doc:"Addresses and ranges (192.168.1.0/24, fd00::/8), each perhaps with a port"`
}

func networksOf(a store.App) *Networks {
	if len(a.Networks) == 0 {
		return nil
	}
	return &Networks{Open: a.Networks}
}

// AppDetail is an app with its settings.
type AppDetail struct {
	App
	Scripts  int         `json:"scripts" doc:"How many scripts it holds"`
	Limits   *api.Limits `json:"limits,omitempty" doc:"Bounds each execution; a missing one is the instance's"`
	CORS     *CORS       `json:"cors,omitempty"`
	Outbound *Outbound   `json:"outbound,omitempty"`
	Networks *Networks   `json:"networks,omitempty"`

	Permissions []string `json:"permissions" nullable:"false" doc:"Names of what one may do with this app"`
}

func detail(ctx context.Context, a store.App, m store.Manifest) AppDetail {
	return AppDetail{
		App: Of(a), Scripts: len(m.Scripts), Limits: api.LimitsOf(m.Limits), CORS: CORSOf(m.CORS), Outbound: outboundOf(m), Networks: networksOf(a),
		Permissions: api.Permissions(ctx, a.ID),
	}
}

// CreateApp is a new app.
type CreateApp struct {
	Slug string `json:"slug" maxLength:"200" example:"demo" doc:"a-z, 0-9 and inside \"-\", at most 63 characters"`
}

// UpdateApp changes an app. What is absent stays.
type UpdateApp struct {
	Slug     *string     `json:"slug,omitempty" maxLength:"200" doc:"The new name; URLs with the old one stop working"`
	Limits   *api.Limits `json:"limits,omitempty" doc:"Replaces the app's limits; 0 or absent: the instance's. An app can only lower those"`
	CORS     *CORS       `json:"cors,omitempty" doc:"Replaces the settings"`
	Outbound *Outbound   `json:"outbound,omitempty" doc:"Replaces the hosts; without any: every public host"`
	Networks *Networks   `json:"networks,omitempty" doc:"Replaces what is open. Only an admin of the instance may"`
}
