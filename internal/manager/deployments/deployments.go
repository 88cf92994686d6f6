// Package deployments shows an app's deployments: immutable snapshots.
package deployments

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/apps"
	"github.com/picloud/picloud/internal/store"
)

// Deployment is an immutable snapshot of one app.
type Deployment struct {
	Number    int64     `json:"number" doc:"1, 2, 3 … within the app"`
	Parent    int64     `json:"parent,omitempty" doc:"The deployment it was made from; absent for the first"`
	Active    bool      `json:"active" doc:"It answers requests"`
	Note      string    `json:"note,omitempty" doc:"What changed"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty" doc:"Username"`
}

// DeployedScript is a script of a deployment.
type DeployedScript struct {
	Name       string      `json:"name"`
	Version    int64       `json:"version"`
	SourceHash string      `json:"source_hash"`
	Endpoint   bool        `json:"endpoint"`
	Limits     *api.Limits `json:"limits,omitempty"`
	Guard      *api.Guard  `json:"guard,omitempty"`
	Rate       *api.Rate   `json:"rate,omitempty"`
	Secrets    []string    `json:"secrets,omitempty" nullable:"false" doc:"Those that it requires"`
}

// DeployedTrigger is what starts a script of a deployment, beside requests.
type DeployedTrigger struct {
	Kind   string `json:"kind" enum:"queue,topic,schedule,kv"`
	Name   string `json:"name" doc:"Of the queue, subscription, schedule or KV trigger"`
	Script string `json:"script"`
	On     string `json:"on,omitempty" doc:"The subscription's pattern, the schedule's times, the KV trigger's prefix" example:"orders.*"`
}

// triggersOf are a manifest's, by kind and name.
func triggersOf(m *store.Manifest) []DeployedTrigger {
	list := []DeployedTrigger{}
	add := func(kind store.ChannelKind, name, script, on string) {
		list = append(list, DeployedTrigger{Kind: string(kind), Name: name, Script: script, On: on})
	}
	for name, t := range m.Queues {
		add(store.ChannelQueue, name, t.Script, "")
	}
	for name, t := range m.Subscriptions {
		add(store.ChannelTopic, name, t.Script, t.Pattern)
	}
	for name, t := range m.Schedules {
		add(store.ChannelSchedule, name, t.Script, t.Cron)
	}
	for name, t := range m.KVTriggers {
		add(store.ChannelKV, name, t.Script, t.Prefix)
	}
	slices.SortFunc(list, func(a, b DeployedTrigger) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// DeploymentDetail is a deployment with what it consists of.
type DeploymentDetail struct {
	Deployment
	Scripts []DeployedScript `json:"scripts" nullable:"false"`
	Limits  *api.Limits      `json:"limits,omitempty"`
	CORS    *apps.CORS       `json:"cors,omitempty"`

	Triggers  []DeployedTrigger `json:"triggers" nullable:"false" doc:"By kind and name"`
	Variables map[string]string `json:"variables,omitempty" doc:"By name"`
}

// Store is what the operations need.
type Store interface {
	store.Users
	store.Deployments
}

// Register adds the operations.
func Register(a *api.API, st Store) {
	type listOutput struct{ Body api.List[Deployment] }
	api.Register(a, api.Op{
		ID: "listDeployments", Method: http.MethodGet, Path: "/apps/{app}/deployments", Tag: "deployments", Action: auth.ViewApp,
		Summary: "List an app's deployments, newest first",
	}, func(ctx context.Context, in *struct {
		api.AppPath
		api.PageQuery
	},
	) (*listOutput, error) {
		if err := api.NumberKey("query.after", in.After); err != nil {
			return nil, err
		}
		app := api.App(ctx)
		rows, err := st.ListDeployments(ctx, app.ID, in.Page())
		if err != nil {
			return nil, err
		}
		name, err := api.Usernames(ctx, st, rows, madeBy)
		if err != nil {
			return nil, err
		}
		return &listOutput{Body: api.Cut(rows, in.Limit, func(d store.Deployment) string { return strconv.FormatInt(d.Number, 10) },
			func(d store.Deployment) Deployment { return of(d, app, name) })}, nil
	})

	type detailOutput struct{ Body DeploymentDetail }
	api.Register(a, api.Op{
		ID: "getDeployment", Method: http.MethodGet, Path: "/apps/{app}/deployments/{number}", Tag: "deployments", Action: auth.ViewApp,
		Summary: "Show a deployment with what it consists of", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *struct {
		api.AppPath
		Number int64 `path:"number" minimum:"1"`
	},
	) (*detailOutput, error) {
		app := api.App(ctx)
		d, err := st.Deployment(ctx, app.ID, in.Number)
		if errors.Is(err, store.ErrNotFound) {
			return nil, api.Refuse(http.StatusNotFound, "%s has no deployment %d", app.Slug, in.Number)
		}
		if err != nil {
			return nil, err
		}
		name, err := api.Usernames(ctx, st, []store.Deployment{d}, madeBy)
		if err != nil {
			return nil, err
		}
		detail := DeploymentDetail{
			Deployment: of(d, app, name), Scripts: []DeployedScript{},
			Limits: api.LimitsOf(d.Manifest.Limits), CORS: apps.CORSOf(d.Manifest.CORS), Variables: d.Manifest.Variables,
			Triggers: triggersOf(&d.Manifest),
		}
		for name, s := range d.Manifest.Scripts {
			detail.Scripts = append(detail.Scripts, DeployedScript{
				Name: name, Version: s.Version, SourceHash: s.SourceHash, Endpoint: s.Endpoint, Limits: api.LimitsOf(s.Limits),
				Guard: api.GuardOf(s.Guard), Rate: api.RateOf(s.Rate), Secrets: s.Secrets,
			})
		}
		sort.Slice(detail.Scripts, func(i, j int) bool { return detail.Scripts[i].Name < detail.Scripts[j].Name })
		return &detailOutput{Body: detail}, nil
	})
}

func of(d store.Deployment, app store.App, name func(string) string) Deployment {
	return Deployment{
		Number: d.Number, Parent: d.Parent, Active: d.Number == app.ActiveDeployment, Note: d.Note,
		CreatedAt: d.CreatedAt, CreatedBy: name(d.CreatedBy),
	}
}

func madeBy(d store.Deployment) string { return d.CreatedBy }
