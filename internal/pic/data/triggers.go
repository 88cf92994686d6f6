package data

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

var triggers = channels.Noun{
	Noun: "KV trigger", Command: "pic kv triggers", Example: "index",
	Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
		return c.ListKVTriggerMessages(ctx, app, name, q)
	},
	Redrive: func(ctx context.Context, c *client.Client, app, name string, which client.Chosen) (int64, error) {
		return c.RedriveKVTrigger(ctx, app, name, which)
	},
	Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
		return c.PurgeKVTrigger(ctx, app, name, p)
	},
	Pause: func(ctx context.Context, c *client.Client, app, name string, paused bool) error {
		return c.PauseKVTrigger(ctx, app, name, paused)
	},
}

// triggersCommand returns "pic kv triggers".
func triggersCommand(env *cli.Env) *cobra.Command {
	verbs := []*cobra.Command{
		triggersAddCommand(env),
		triggers.Remove(env, "rm", `Remove a KV trigger, and what is left of its messages. On a terminal pic asks first;
elsewhere --yes is needed.`, "its messages",
			func(ctx context.Context, c *client.Client, app, name string) error {
				return c.DeleteKVTrigger(ctx, app, name)
			}),
		channels.Ls(env, triggers, "List KV triggers with how much waits",
			"List an app's KV triggers with their prefixes and scripts, and how many messages of each\nare ready, delayed, worked on and dead.",
			"No KV triggers. Make one with: pic kv triggers add PREFIX --app APP --script SCRIPT", listedTriggers, listTriggers),
		channels.ShowOne(env, triggers, "Show a KV trigger with its settings", "Show a KV trigger: its prefix, script and settings, and how much waits.", shownTrigger,
			func(ctx context.Context, c *client.Client, app, name string) (client.KVTrigger, error) {
				return c.KVTrigger(ctx, app, name)
			}),
	}
	return cli.Group("triggers", "Tell scripts which keys change", append(verbs, triggers.Commands(env)...)...)
}

func listTriggers(ctx context.Context, c *client.Client, app string, p client.Page) ([]client.KVTrigger, string, error) {
	l, err := c.ListKVTriggers(ctx, app, p)
	return l.Items, l.Next, err
}

var listedTriggers = append([]output.Column[client.KVTrigger]{
	{Name: "name", Value: func(t client.KVTrigger) string { return t.Name }},
	{Name: "prefix", Value: func(t client.KVTrigger) string { return t.Prefix }},
	{Name: "script", Value: func(t client.KVTrigger) string { return t.Script }},
}, channels.StateColumns(func(t client.KVTrigger) client.ChannelState { return t.State })...)

var triggerDelivery = channels.DeliveryColumns(func(t client.KVTrigger) client.Delivery {
	return client.Delivery{
		Concurrency: t.Concurrency, BatchSize: t.BatchSize, MaxAttempts: t.MaxAttempts,
		BackoffMs: t.BackoffMs, BackoffMaxMs: t.BackoffMaxMs, VisibilityTimeoutMs: t.VisibilityTimeoutMs,
	}
})

var (
	shownTrigger    = append(listedTriggers[:len(listedTriggers):len(listedTriggers)], triggerDelivery...)
	triggerSettings = append(listedTriggers[1:3:3], triggerDelivery...)
)

func triggersAddCommand(env *cli.Env) *cobra.Command {
	var app, name string
	var d channels.Delivery
	cmd := &cobra.Command{
		Use:   "add PREFIX",
		Short: "Tell a script which keys change",
		Long: `Tell a script which keys that begin with PREFIX change ("" is every key). It gets one
message for each key and commit: event.payload is a map with key, change ("set" or
"delete") and value. A key that goes by itself tells nobody.

The trigger is called like its script unless --name says otherwise. One that is
there already gets the new settings; those that are not given are the defaults. It
gets another prefix only if --name names it: a script can have several triggers.`,
		Example: `  pic kv triggers add order/ --app demo --script index
  pic kv triggers add user/ --app demo --script greet --name welcome --max-attempts 10`,
		Args: cli.Args("PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.Read(cmd); err != nil {
				return err
			}
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			named, err := channels.Free(triggers, name, d.Script, args[0],
				func(p client.Page) ([]client.KVTrigger, string, error) {
					return listTriggers(cmd.Context(), conn, app, p)
				},
				func(t client.KVTrigger) (name, is, shown string) { return t.Name, t.Prefix, strconv.Quote(t.Prefix) })
			if err != nil {
				return err
			}
			before := channels.Remember(conn.KVTrigger(cmd.Context(), app, named))
			t, created, err := conn.SetKVTrigger(cmd.Context(), app, named, client.SetKVTrigger{
				Prefix: args[0], Script: d.Script, Concurrency: d.Concurrency, BatchSize: d.BatchSize, MaxAttempts: d.Attempts,
				BackoffMs: d.BackoffMS, BackoffMaxMs: d.BackoffMaxMS, VisibilityTimeoutMs: d.VisibilityTimeoutMS,
			})
			if err != nil {
				return cli.Explain(err)
			}
			did := "Changed"
			if created {
				did = "Added"
			}
			env.Notef("%s %s: keys under %q go to %s.", did, t.Name, t.Prefix, t.Script)
			before.Note(env, triggers, app, t.Name, triggerSettings, t, t.State.Paused)
			return channels.Made(w, t)
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().StringVar(&name, "name", "", "call the trigger `NAME`, not like its script")
	d.Flags(cmd)
	return cmd
}
