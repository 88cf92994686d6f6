// Package topics is "pic topics": who is told of what is published.
package topics

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/topic"
)

var noun = channels.Noun{
	Noun: "subscription", Command: "pic topics", Example: "mail",
	Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
		return c.ListSubscriptionMessages(ctx, app, name, q)
	},
	Redrive: func(ctx context.Context, c *client.Client, app, name string, which client.Chosen) (int64, error) {
		return c.RedriveSubscription(ctx, app, name, which)
	},
	Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
		return c.PurgeSubscription(ctx, app, name, p)
	},
	Pause: func(ctx context.Context, c *client.Client, app, name string, paused bool) error {
		return c.PauseSubscription(ctx, app, name, paused)
	},
}

// Command returns "pic topics".
func Command(env *cli.Env) *cobra.Command {
	verbs := []*cobra.Command{
		subscribeCommand(env),
		noun.Remove(env, "unsubscribe", `Remove a subscription, and what is left of its messages. On a terminal pic asks
first; elsewhere --yes is needed.`, "its messages",
			func(ctx context.Context, c *client.Client, app, name string) error {
				return c.Unsubscribe(ctx, app, name)
			}),
		channels.Ls(env, noun, "List subscriptions with how much waits",
			"List an app's subscriptions with their patterns and scripts, and how many messages of\neach are ready, delayed, worked on and dead.",
			"No subscriptions. Make one with: pic topics subscribe PATTERN --app APP --script SCRIPT", listed, list),
		channels.ShowOne(env, noun, "Show a subscription with its settings", "Show a subscription: its pattern, script and settings, and how much waits.", shown,
			func(ctx context.Context, c *client.Client, app, name string) (client.Subscription, error) {
				return c.Subscription(ctx, app, name)
			}),
		publishCommand(env),
	}
	return cli.Group("topics", "Tell scripts of what is published, and publish", append(verbs, noun.Commands(env)...)...)
}

func list(ctx context.Context, c *client.Client, app string, p client.Page) ([]client.Subscription, string, error) {
	l, err := c.ListSubscriptions(ctx, app, p)
	return l.Items, l.Next, err
}

var listed = append([]output.Column[client.Subscription]{
	{Name: "name", Value: func(s client.Subscription) string { return s.Name }},
	{Name: "pattern", Value: func(s client.Subscription) string { return s.Pattern }},
	{Name: "script", Value: func(s client.Subscription) string { return s.Script }},
}, channels.StateColumns(func(s client.Subscription) client.ChannelState { return s.State })...)

var delivery = channels.DeliveryColumns(func(s client.Subscription) client.Delivery {
	return client.Delivery{
		Concurrency: s.Concurrency, BatchSize: s.BatchSize, MaxAttempts: s.MaxAttempts,
		BackoffMs: s.BackoffMs, BackoffMaxMs: s.BackoffMaxMs, VisibilityTimeoutMs: s.VisibilityTimeoutMs,
	}
})

var (
	shown    = append(listed[:len(listed):len(listed)], delivery...)
	settings = append(listed[1:3:3], delivery...)
)

func subscribeCommand(env *cli.Env) *cobra.Command {
	var app, name string
	var d channels.Delivery
	cmd := &cobra.Command{
		Use:   "subscribe PATTERN",
		Short: "Tell a script of what is published on matching topics",
		Long: `Tell a script of what is published on the topics that match PATTERN: in it * stands
for one token, and > at the end for one or more. Quote it, so that the shell leaves
it alone. Each subscription has its own messages, attempts and dead letters.

The subscription is called like its script unless --name says otherwise. One that
is there already gets the new settings; those that are not given are the defaults.
It gets another pattern only if --name names it: a script can have several
subscriptions.`,
		Example: `  pic topics subscribe 'orders.*' --app demo --script mail
  pic topics subscribe 'sensors.>' --app demo --script store --name storage --batch-size 50`,
		Args: cli.Args("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.Read(cmd); err != nil {
				return err
			}
			if err := topic.CheckPattern(args[0]); err != nil {
				return exit.Usagef("%w", err)
			}
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			named, err := channels.Free(noun, name, d.Script, args[0],
				func(p client.Page) ([]client.Subscription, string, error) { return list(cmd.Context(), conn, app, p) },
				func(s client.Subscription) (name, is, shown string) { return s.Name, s.Pattern, s.Pattern })
			if err != nil {
				return err
			}
			before := channels.Remember(conn.Subscription(cmd.Context(), app, named))
			sub, created, err := conn.Subscribe(cmd.Context(), app, named, client.Subscribe{
				Pattern: args[0], Script: d.Script, Concurrency: d.Concurrency, BatchSize: d.BatchSize, MaxAttempts: d.Attempts,
				BackoffMs: d.BackoffMS, BackoffMaxMs: d.BackoffMaxMS, VisibilityTimeoutMs: d.VisibilityTimeoutMS,
			})
			if err != nil {
				return cli.Explain(err)
			}
			did := "Changed"
			if created {
				did = "Subscribed"
			}
			env.Notef("%s %s: %s goes to %s.", did, sub.Name, sub.Pattern, sub.Script)
			before.Note(env, noun, app, sub.Name, settings, sub, sub.State.Paused)
			return channels.Made(w, sub)
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().StringVar(&name, "name", "", "call the subscription `NAME`, not like its script")
	d.Flags(cmd)
	return cmd
}

var published = []output.Column[client.Published]{
	{Name: "topic", Value: func(p client.Published) string { return p.Topic }},
	{Name: "subscriptions", Value: func(p client.Published) string {
		names := make([]string, len(p.Deliveries))
		for i, d := range p.Deliveries {
			names[i] = d.Subscription
		}
		return strings.Join(names, " ")
	}},
}

func publishCommand(env *cli.Env) *cobra.Command {
	var app string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "publish TOPIC [PAYLOAD]",
		Short: "Publish an event",
		Long: `Publish an event, and say which subscriptions get it. The payload is text, or with
--json what the JSON says: a number without a fraction is an integer for scripts,
null is (). Without PAYLOAD it is read from standard input, and a line end there
belongs to it.`,
		Example: `  pic topics publish orders.created '{"id":7}' --json --app demo
  pic topics publish site.rebuild "" --app demo`,
		Args: cli.Args("TOPIC", "[PAYLOAD]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			payload, err := channels.Payload(env, args[1:], asJSON)
			if err != nil {
				return err
			}
			return cli.One(cmd.Context(), env, published,
				func(ctx context.Context, c *client.Client) (client.Published, error) {
					p, err := c.PublishEvent(ctx, app, args[0], payload)
					if err == nil && len(p.Deliveries) == 0 {
						env.Notef("Nobody subscribes to %s: nothing was kept. pic topics ls --app %s shows who subscribes to what.", p.Topic, app)
					}
					return p, err
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the payload is JSON, not text")
	return cmd
}
