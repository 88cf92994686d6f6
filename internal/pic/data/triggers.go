package data

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// triggersCommand returns "pic kv triggers".
func triggersCommand(env *cli.Env) *cobra.Command {
	noun := channels.Noun{
		Noun: "KV trigger", Command: "pic kv triggers", Example: "index",
		Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
			return c.ListKVTriggerMessages(ctx, app, name, q)
		},
		Redrive: func(ctx context.Context, c *client.Client, app, name string, ids []string) (int64, error) {
			return c.RedriveKVTrigger(ctx, app, name, ids)
		},
		Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
			return c.PurgeKVTrigger(ctx, app, name, p)
		},
		Pause: func(ctx context.Context, c *client.Client, app, name string, paused bool) error {
			return c.PauseKVTrigger(ctx, app, name, paused)
		},
	}
	verbs := []*cobra.Command{triggersAddCommand(env), triggersRmCommand(env), triggersLsCommand(env), triggersShowCommand(env)}
	return cli.Group("triggers", "Tell scripts which keys change", append(verbs, noun.Commands(env)...)...)
}

var listedTriggers = append([]output.Column[client.KVTrigger]{
	{Name: "name", Value: func(t client.KVTrigger) string { return t.Name }},
	{Name: "prefix", Value: func(t client.KVTrigger) string { return t.Prefix }},
	{Name: "script", Value: func(t client.KVTrigger) string { return t.Script }},
}, channels.StateColumns(func(t client.KVTrigger) client.ChannelState { return t.State })...)

var shownTrigger = append(listedTriggers[:len(listedTriggers):len(listedTriggers)],
	channels.Number("concurrency", func(t client.KVTrigger) int64 { return t.Concurrency }),
	channels.Number("batch_size", func(t client.KVTrigger) int64 { return t.BatchSize }),
	channels.Number("max_attempts", func(t client.KVTrigger) int64 { return t.MaxAttempts }),
	channels.Span("backoff", func(t client.KVTrigger) int64 { return t.BackoffMs }),
	channels.Span("backoff_max", func(t client.KVTrigger) int64 { return t.BackoffMaxMs }),
	channels.Span("visibility_timeout", func(t client.KVTrigger) int64 { return t.VisibilityTimeoutMs }),
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
there already gets the new settings; those that are not given are the defaults.`,
		Example: `  pic kv triggers add order/ --app demo --script index
  pic kv triggers add user/ --app demo --script greet --name welcome --max-attempts 10`,
		Args: cli.Args("PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.Read(cmd); err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			named := name
			if named == "" {
				named = d.Script
				if err := freeTrigger(cmd.Context(), conn, app, named, args[0]); err != nil {
					return err
				}
			}
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
			return nil
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().StringVar(&name, "name", "", "call the trigger `NAME`, not like its script")
	d.Flags(cmd)
	return cmd
}

// freeTrigger refuses to change a trigger that was not named to another prefix: a
// script can have several.
func freeTrigger(ctx context.Context, conn *client.Client, app, name, prefix string) error {
	all, err := cli.All(func(p client.Page) ([]client.KVTrigger, string, error) {
		l, err := conn.ListKVTriggers(ctx, app, p)
		return l.Items, l.Next, err
	})
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Name == name && t.Prefix != prefix {
			return &exit.Error{
				Code: exit.Usage, Err: fmt.Errorf("there is a KV trigger %s already, of %q", name, t.Prefix),
				Hint: fmt.Sprintf("Call another one otherwise with --name NAME; --name %s changes this one.", name),
			}
		}
	}
	return nil
}

func triggersRmCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "Remove a KV trigger",
		Long: `Remove a KV trigger, and what is left of its messages. On a terminal pic asks first;
elsewhere --yes is needed.`,
		Example: "  pic kv triggers rm index --app demo --yes",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "Remove the KV trigger "+args[0]+" with its messages?", "Removed "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteKVTrigger(ctx, app, args[0]) })
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func triggersLsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List KV triggers with how much waits",
		Long:    "List an app's KV triggers with their prefixes and scripts, and how many messages of each\nare ready, delayed, worked on and dead.",
		Example: "  pic kv triggers ls --app demo",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, listedTriggers, "No KV triggers. Make one with: pic kv triggers add PREFIX --app APP --script SCRIPT",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.KVTrigger, string, error) {
					l, err := c.ListKVTriggers(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
	return cmd
}

func triggersShowCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a KV trigger with its settings",
		Long:    "Show a KV trigger: its prefix, script and settings, and how much waits.",
		Example: "  pic kv triggers show index --app demo",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, shownTrigger,
				func(ctx context.Context, c *client.Client) (client.KVTrigger, error) {
					return c.KVTrigger(ctx, app, args[0])
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
	return cmd
}
