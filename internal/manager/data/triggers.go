package data

import (
	"context"
	"fmt"
	"net/http"
	"sync"

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
		Kind: store.ChannelKV, Noun: triggerNoun, ID: "KVTrigger", Path: oneTrigger, Tag: "kv", Clearing: &sync.Mutex{}, Store: c.Store, Now: c.Now,
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

func kvTriggers(m *store.Manifest) *map[string]store.ManifestKVTrigger { return &m.KVTriggers }

func (s *triggers) list(ctx context.Context, in *struct {
	api.AppPath
	api.PageQuery
},
) (*channels.Listing[KVTrigger], error) {
	return channels.List(ctx, &s.Config, in.PageQuery, kvTriggers, triggerOf)
}

func (s *triggers) show(ctx context.Context, in *channels.Path) (*channels.Answer[KVTrigger], error) {
	return channels.Show(ctx, &s.Config, in.Name, kvTriggers, triggerOf)
}

func (s *triggers) set(ctx context.Context, in *struct {
	channels.Path
	Body SetKVTrigger
},
) (*channels.Answer[KVTrigger], error) {
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
	note := fmt.Sprintf("KV trigger %s: %q to %s", in.Name, in.Body.Prefix, in.Body.Script)
	return channels.Set(ctx, &s.Config, in.Name, note, in.Body.Script, wanted, kvTriggers,
		func() (*channels.Answer[KVTrigger], error) { return s.show(ctx, &in.Path) })
}

func (s *triggers) delete(ctx context.Context, in *channels.Path) (*struct{}, error) {
	s.Clearing.Lock()
	defer s.Clearing.Unlock()
	if err := channels.Delete(ctx, &s.Config, in.Name, "remove the KV trigger "+in.Name, kvTriggers, channels.Unknown(ctx, triggerNoun, in.Name)); err != nil {
		return nil, err
	}
	return nil, channels.Clear(ctx, s.Config, in.Name)
}
