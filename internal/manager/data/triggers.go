package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/manager/channels"
	"github.com/picloud/picloud/internal/store"
)

// KVTrigger tells a script which keys under a prefix change.
type KVTrigger struct {
	Name   string `json:"name"`
	Prefix string `json:"prefix" example:"order/"`
	channels.Delivery
	State channels.ChannelState `json:"state"`
}

// SetKVTrigger is what a KV trigger is to be.
type SetKVTrigger struct {
	Prefix string `json:"prefix" maxLength:"512" example:"order/" doc:"Keys that begin with this; empty: every key"`
	channels.Delivery
}

const (
	triggerNoun = "KV trigger"
	allTriggers = "/apps/{app}/kv-triggers"
	oneTrigger  = allTriggers + "/{name}"
)

// registerTriggers adds the operations on KV triggers.
func registerTriggers(a *api.API, c Config) {
	s := &triggers{channels.Config{
		Kind: store.ChannelKV, Noun: triggerNoun, ID: "KVTrigger", Path: oneTrigger, Tag: "kv", Store: c.Store, Now: c.Now,
		Has: func(m *store.Manifest, name string) bool { _, ok := m.KVTriggers[name]; return ok },
	}}
	api.Register(a, api.Op{
		ID: "listKVTriggers", Method: http.MethodGet, Path: allTriggers, Tag: "kv", Action: auth.ViewScripts,
		Summary: "List an app's KV triggers by name",
	}, s.list)
	api.Register(a, api.Op{
		ID: "getKVTrigger", Method: http.MethodGet, Path: oneTrigger, Tag: "kv", Action: auth.ViewScripts,
		Summary: "Show a KV trigger",
	}, s.show)
	api.Register(a, api.Op{
		ID: "setKVTrigger", Method: http.MethodPut, Path: oneTrigger, Tag: "kv", Action: auth.ChangeScripts, AlsoStatus: http.StatusCreated,
		Summary:     "Tell a script which keys change",
		Description: "Creates the trigger (201), or replaces its settings (200): what waits is delivered by the new ones.",
	}, s.set)
	api.Register(a, api.Op{
		ID: "deleteKVTrigger", Method: http.MethodDelete, Path: oneTrigger, Tag: "kv", Action: auth.ChangeScripts, Status: http.StatusNoContent,
		Summary: "Remove a KV trigger", Description: "What is left of its messages is deleted.",
	}, s.delete)
	channels.Register(a, s.Config)
}

type triggers struct{ channels.Config }

func triggerOf(name string, m store.ManifestKVTrigger, state store.ChannelState) KVTrigger {
	return KVTrigger{Name: name, Prefix: m.Prefix, Delivery: channels.DeliveryOf(m.Delivery), State: channels.StateOf(state)}
}

// active returns the app's active deployment.
func active(ctx context.Context, d store.Deployments) (*store.Manifest, error) {
	_, deployment, err := d.ActiveDeployment(ctx, api.App(ctx).Slug)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NoApp(api.App(ctx).Slug)
	}
	return &deployment.Manifest, err
}

type triggersOutput struct{ Body api.List[KVTrigger] }

func (s *triggers) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*triggersOutput, error) {
	m, err := active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	states, err := s.States(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(m.KVTriggers))
	from, found := slices.BinarySearch(names, in.After)
	if found {
		from++
	}
	return &triggersOutput{api.Cut(names[from:], in.Limit, func(name string) string { return name }, func(name string) KVTrigger {
		return triggerOf(name, m.KVTriggers[name], states[name])
	})}, nil
}

type triggerOutput struct {
	Status int
	Body   KVTrigger
}

func (s *triggers) show(ctx context.Context, in *channels.Path) (*triggerOutput, error) {
	m, err := active(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	found, ok := m.KVTriggers[in.Name]
	if !ok {
		return nil, channels.Unknown(ctx, triggerNoun, in.Name)
	}
	state, err := s.Store.Channel(ctx, store.Channel{AppID: api.App(ctx).ID, Kind: s.Kind, Name: in.Name}, s.Now())
	return &triggerOutput{http.StatusOK, triggerOf(in.Name, found, state)}, err
}

func (s *triggers) set(ctx context.Context, in *struct {
	channels.Path
	Body SetKVTrigger
},
) (*triggerOutput, error) {
	if err := store.CheckTriggerName(triggerNoun, in.Name); err != nil {
		return nil, api.Invalid("path.name", err.Error(), in.Name)
	}
	if p := in.Body.Prefix; p != "" {
		if err := store.CheckKVKey(p); err != nil {
			return nil, api.Invalid("body.prefix", err.Error(), p)
		}
	}
	wanted := store.ManifestKVTrigger{Prefix: in.Body.Prefix, Delivery: in.Body.Delivery.Store()}
	if err := channels.CheckDelivery(wanted.Delivery); err != nil {
		return nil, err
	}
	created := false
	err := channels.Change(ctx, s.Config, fmt.Sprintf("KV trigger %s: %q to %s", in.Name, in.Body.Prefix, in.Body.Script), in.Body.Script, func(m *store.Manifest) error {
		_, there := m.KVTriggers[in.Name]
		created = !there
		if m.KVTriggers == nil {
			m.KVTriggers = map[string]store.ManifestKVTrigger{}
		}
		m.KVTriggers[in.Name] = wanted
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := s.show(ctx, &in.Path)
	if err == nil && created {
		out.Status = http.StatusCreated
	}
	return out, err
}

func (s *triggers) delete(ctx context.Context, in *channels.Path) (*struct{}, error) {
	err := channels.Change(ctx, s.Config, "remove the KV trigger "+in.Name, "", func(m *store.Manifest) error {
		if _, ok := m.KVTriggers[in.Name]; !ok {
			return channels.Unknown(ctx, triggerNoun, in.Name)
		}
		delete(m.KVTriggers, in.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, channels.Clear(ctx, s.Config, in.Name)
}
