// Package topics is "pic topics": who is told of what is published.
package topics

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/topic"
)

// Command returns "pic topics".
func Command(env *cli.Env) *cobra.Command {
	noun := channels.Noun{
		Noun: "subscription", Command: "pic topics", Example: "mail",
		Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
			return c.ListSubscriptionMessages(ctx, app, name, q)
		},
		Redrive: func(ctx context.Context, c *client.Client, app, name string, ids []string) (int64, error) {
			return c.RedriveSubscription(ctx, app, name, ids)
		},
		Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
			return c.PurgeSubscription(ctx, app, name, p)
		},
		Pause: func(ctx context.Context, c *client.Client, app, name string, paused bool) error {
			return c.PauseSubscription(ctx, app, name, paused)
		},
	}
	verbs := []*cobra.Command{subscribeCommand(env), unsubscribeCommand(env), lsCommand(env), showCommand(env), publishCommand(env)}
	return cli.Group("topics", "Tell scripts of what is published, and publish", append(verbs, noun.Commands(env)...)...)
}

var listed = append([]output.Column[client.Subscription]{
	{Name: "name", Value: func(s client.Subscription) string { return s.Name }},
	{Name: "pattern", Value: func(s client.Subscription) string { return s.Pattern }},
	{Name: "script", Value: func(s client.Subscription) string { return s.Script }},
}, channels.StateColumns(func(s client.Subscription) client.ChannelState { return s.State })...)

var shown = append(listed[:len(listed):len(listed)],
	channels.Number("concurrency", func(s client.Subscription) int64 { return s.Concurrency }),
	channels.Number("batch_size", func(s client.Subscription) int64 { return s.BatchSize }),
	channels.Number("max_attempts", func(s client.Subscription) int64 { return s.MaxAttempts }),
	channels.Span("backoff", func(s client.Subscription) int64 { return s.BackoffMs }),
	channels.Span("backoff_max", func(s client.Subscription) int64 { return s.BackoffMaxMs }),
	channels.Span("visibility_timeout", func(s client.Subscription) int64 { return s.VisibilityTimeoutMs }),
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
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			named := name
			if named == "" {
				named = d.Script
				if err := free(cmd.Context(), conn, app, named, args[0]); err != nil {
					return err
				}
			}
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
			return nil
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().StringVar(&name, "name", "", "call the subscription `NAME`, not like its script")
	d.Flags(cmd)
	return cmd
}

// free refuses to change a subscription that was not named to another pattern: a
// script can have several.
func free(ctx context.Context, conn *client.Client, app, name, pattern string) error {
	all, err := cli.All(func(p client.Page) ([]client.Subscription, string, error) {
		l, err := conn.ListSubscriptions(ctx, app, p)
		return l.Items, l.Next, err
	})
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name && s.Pattern != pattern {
			return &exit.Error{
				Code: exit.Usage, Err: fmt.Errorf("there is a subscription %s already, of %s", name, s.Pattern),
				Hint: fmt.Sprintf("Call another one otherwise with --name NAME; --name %s changes this one.", name),
			}
		}
	}
	return nil
}

func unsubscribeCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "unsubscribe NAME",
		Short: "Remove a subscription",
		Long: `Remove a subscription, and what is left of its messages. On a terminal pic asks
first; elsewhere --yes is needed.`,
		Example: "  pic topics unsubscribe mail --app demo --yes",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "Remove the subscription "+args[0]+" with its messages?", "Removed "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.Unsubscribe(ctx, app, args[0]) })
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List subscriptions with how much waits",
		Long:    "List an app's subscriptions with their patterns and scripts, and how many messages of\neach are ready, delayed, worked on and dead.",
		Example: "  pic topics ls --app demo",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, listed, "No subscriptions. Make one with: pic topics subscribe PATTERN --app APP --script SCRIPT",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.Subscription, string, error) {
					l, err := c.ListSubscriptions(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
	return cmd
}

func showCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a subscription with its settings",
		Long:    "Show a subscription: its pattern, script and settings, and how much waits.",
		Example: "  pic topics show mail --app demo",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, shown,
				func(ctx context.Context, c *client.Client) (client.Subscription, error) {
					return c.Subscription(ctx, app, args[0])
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
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
null is (). Without PAYLOAD it is read from standard input.`,
		Example: `  pic topics publish orders.created '{"id":7}' --json --app demo
  pic topics publish site.rebuild "" --app demo`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			payload, err := channels.Payload(env, args[1:], asJSON)
			if err != nil {
				return err
			}
			return cli.One(cmd.Context(), env, published,
				func(ctx context.Context, c *client.Client) (client.Published, error) {
					return c.PublishEvent(ctx, app, args[0], payload)
				})
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the payload is JSON, not text")
	return cmd
}
