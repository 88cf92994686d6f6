package channels

import (
	"context"
	"fmt"
	"net/http"

	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// CheckDelivery refuses settings that are out of bounds.
func CheckDelivery(d store.Delivery) error {
	if d.Script == "" {
		return api.Invalid("body.script", "must name the script that runs", nil)
	}
	if field, problem := d.Check(); field != "" {
		return api.Invalid("body."+field, problem, nil)
	}
	return nil
}

// Change writes the app's next deployment with a change of what starts its
// scripts. change may run more than once. The script must be one of the app's,
// whether it is an endpoint or not.
func Change(ctx context.Context, c Config, note, script string, change func(*store.Manifest) error) error {
	app := api.App(ctx)
	api.Note(ctx, "%s", note)
	_, err := c.Store.ChangeManifest(ctx, app.ID, note, api.Identity(ctx).User.ID, c.Now(), func(m *store.Manifest) error {
		if _, ok := m.Scripts[script]; script != "" && !ok {
			return api.Invalid("body.script", fmt.Sprintf("there is no script %.100q in %s: deploy it first", script, app.Slug), script)
		}
		return change(m)
	})
	return err
}

// States returns the states of an app's channels of c's kind by name; a name that
// is not in it never had a message.
func (c *Config) States(ctx context.Context) (map[string]store.ChannelState, error) {
	list, err := c.Store.Channels(ctx, api.App(ctx).ID, c.Kind, c.Now())
	if err != nil {
		return nil, err
	}
	states := make(map[string]store.ChannelState, len(list))
	for _, s := range list {
		states[s.Name] = s
	}
	return states, nil
}

// Taken is the problem of a name that something else has already.
func Taken(noun, name string) *api.Problem {
	p := api.Refuse(http.StatusConflict, "there is a %s %q already: choose another name", noun, name)
	p.Errors = []api.Fault{{Location: "path.name", Message: "already exists", Value: name}}
	return p
}

// Clear removes a channel that no deployment delivers: what is left of it reaches
// no later one of its name. What an execution works on is acknowledged, or goes
// when that fails.
func Clear(ctx context.Context, c Config, name string) error {
	return c.Store.Remove(ctx, store.Channel{AppID: api.App(ctx).ID, Kind: c.Kind, Name: name})
}
