package channels

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// Answer is one of a noun as it is shown, and whether it was created.
type Answer[T any] struct {
	Status int
	Body   T
}

// Listing is a page of a noun.
type Listing[T any] struct{ Body api.List[T] }

// Active returns the manifest of the app's active deployment.
func Active(ctx context.Context, d store.Deployments) (*store.Manifest, error) {
	_, active, err := d.ActiveDeployment(ctx, api.App(ctx).Slug)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NoApp(api.App(ctx).Slug)
	}
	return &active.Manifest, err
}

// State returns the state of one channel of c's kind.
func (c *Config) State(ctx context.Context, name string) (store.ChannelState, error) {
	return c.Store.Channel(ctx, store.Channel{AppID: api.App(ctx).ID, Kind: c.Kind, Name: name}, c.Now())
}

// ByName answers a page of what has names, in their order.
func ByName[T any](names []string, in api.PageQuery, show func(name string) T) *Listing[T] {
	slices.Sort(names)
	from, found := slices.BinarySearch(names, in.After)
	if found {
		from++
	}
	return &Listing[T]{api.Cut(names[from:], in.Limit, func(name string) string { return name }, show)}
}

// List answers a page of those that the manifest has. all returns where it keeps
// them.
func List[M, T any](ctx context.Context, c *Config, in api.PageQuery, all func(*store.Manifest) *map[string]M,
	show func(name string, m M, state store.ChannelState) T,
) (*Listing[T], error) {
	m, err := Active(ctx, c.Store)
	if err != nil {
		return nil, err
	}
	states, err := c.States(ctx)
	if err != nil {
		return nil, err
	}
	list := *all(m)
	return ByName(slices.Collect(maps.Keys(list)), in, func(name string) T { return show(name, list[name], states[name]) }), nil
}

// Show answers one of those that the manifest has.
func Show[M, T any](ctx context.Context, c *Config, name string, all func(*store.Manifest) *map[string]M,
	show func(name string, m M, state store.ChannelState) T,
) (*Answer[T], error) {
	m, err := Active(ctx, c.Store)
	if err != nil {
		return nil, err
	}
	found, ok := (*all(m))[name]
	if !ok {
		return nil, Unknown(ctx, c.Noun, name)
	}
	state, err := c.State(ctx, name)
	return &Answer[T]{http.StatusOK, show(name, found, state)}, err
}

// Set writes the deployment in which wanted has the name, and shows it then.
func Set[M, T any](ctx context.Context, c *Config, name, note, script string, wanted M, all func(*store.Manifest) *map[string]M,
	show func() (*Answer[T], error),
) (*Answer[T], error) {
	if c.Clearing != nil {
		c.Clearing.Lock()
		defer c.Clearing.Unlock()
		if err := clearBefore(ctx, c, name, script, all); err != nil {
			return nil, err
		}
	}
	created := false
	err := Change(ctx, *c, note, script, func(m *store.Manifest) error {
		list := all(m)
		_, there := (*list)[name]
		created = !there
		if *list == nil {
			*list = map[string]M{}
		}
		(*list)[name] = wanted
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := show()
	if err == nil && created {
		out.Status = http.StatusCreated
	}
	return out, err
}

// clearBefore removes what is left of a former one of the name that is about to be
// created: of one that went while its messages could not be reached.
func clearBefore[M any](ctx context.Context, c *Config, name, script string, all func(*store.Manifest) *map[string]M) error {
	m, err := Active(ctx, c.Store)
	if err != nil {
		return err
	}
	_, there := (*all(m))[name]
	if _, known := m.Scripts[script]; there || !known { // it is not created, or refused
		return nil
	}
	return Clear(ctx, *c, name)
}

// Delete writes the deployment without the name; missing is the problem when it has
// none.
func Delete[M any](ctx context.Context, c *Config, name, note string, all func(*store.Manifest) *map[string]M, missing error) error {
	return Change(ctx, *c, note, "", func(m *store.Manifest) error {
		list := *all(m)
		if _, ok := list[name]; !ok {
			return missing
		}
		delete(list, name)
		return nil
	})
}
