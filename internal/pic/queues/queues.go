// Package queues is "pic queues": work for later, and who does it.
package queues

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
)

var noun = channels.Noun{
	Noun: "queue", Command: "pic queues", Example: "emails",
	Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
		return c.ListQueueMessages(ctx, app, name, q)
	},
	Redrive: func(ctx context.Context, c *client.Client, app, name string, which client.Chosen) (int64, error) {
		return c.RedriveQueue(ctx, app, name, which)
	},
	Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
		return c.PurgeQueue(ctx, app, name, p)
	},
	Pause: func(ctx context.Context, c *client.Client, app, name string, paused bool) error {
		return c.PauseQueue(ctx, app, name, paused)
	},
}

// Command returns "pic queues".
func Command(env *cli.Env) *cobra.Command {
	verbs := []*cobra.Command{
		consumeCommand(env),
		noun.Do(env, "release", "Take a queue's consumer away", "Take a queue's consumer away. Its messages stay, and wait for the next.", "Nobody consumes %s now.",
			func(ctx context.Context, c *client.Client, app, name string) error {
				return c.ReleaseQueue(ctx, app, name)
			}),
		channels.Ls(env, noun, "List queues with how much waits",
			"List an app's queues with who consumes them, and how many messages of each are ready,\ndelayed, worked on and dead.",
			"No queues. Have one consumed with: pic queues consume NAME --app APP --script SCRIPT", listed,
			func(ctx context.Context, c *client.Client, app string, p client.Page) ([]client.Queue, string, error) {
				l, err := c.ListQueues(ctx, app, p)
				return l.Items, l.Next, err
			}),
		channels.ShowOne(env, noun, "Show a queue with its settings", "Show a queue: who consumes it, with what settings, and how much waits.", shown,
			func(ctx context.Context, c *client.Client, app, name string) (client.Queue, error) {
				return c.Queue(ctx, app, name)
			}),
		sendCommand(env),
	}
	return cli.Explained(cli.Group("queues", "Have scripts consume queues, and send to them", append(verbs, noun.Commands(env)...)...),
		"a queue needs no creating, the first message makes it: pic queues send; a script handles its messages after: pic queues consume",
		"create", "add", "new", "make")
}

var listed = append([]output.Column[client.Queue]{
	{Name: "name", Value: func(q client.Queue) string { return q.Name }},
	{Name: "script", Value: func(q client.Queue) string { return q.Consumer.Script }},
}, channels.StateColumns(func(q client.Queue) client.ChannelState { return q.State })...)

var (
	delivery = consumed(channels.DeliveryColumns(func(q client.Queue) client.Delivery { return q.Consumer }))
	shown    = append(listed[:len(listed):len(listed)], delivery...)
	settings = append(listed[1:2:2], delivery...)
)

// consumed leaves the settings of a queue without a consumer empty: it has none.
func consumed(columns []output.Column[client.Queue]) []output.Column[client.Queue] {
	for i := range columns {
		value := columns[i].Value
		columns[i].Value = func(q client.Queue) string {
			if q.Consumer.Script == "" {
				return ""
			}
			return value(q)
		}
	}
	return columns
}

func consumeCommand(env *cli.Env) *cobra.Command {
	var app string
	var d channels.Delivery
	cmd := &cobra.Command{
		Use:   "consume NAME",
		Short: "Have a script consume a queue",
		Long: `Have a script consume a queue. It finds each message as event; with a batch size
above 1 it finds several as the array events. What it changes, sends and publishes is
committed together with the acknowledgement, or not at all.

A queue has one consumer. One that is there already gets the new settings; those that
are not given are the defaults.`,
		Example: `  pic queues consume emails --app demo --script mailer
  pic queues consume readings --app demo --script store --batch-size 50 --concurrency 2`,
		Args: cli.Args("NAME"),
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
			before := channels.Remember(conn.Queue(cmd.Context(), app, args[0]))
			q, created, err := conn.ConsumeQueue(cmd.Context(), app, args[0], client.Delivery{
				Script: d.Script, Concurrency: d.Concurrency, BatchSize: d.BatchSize, MaxAttempts: d.Attempts,
				BackoffMs: d.BackoffMS, BackoffMaxMs: d.BackoffMaxMS, VisibilityTimeoutMs: d.VisibilityTimeoutMS,
			})
			if err != nil {
				return cli.Explain(err)
			}
			if created {
				env.Notef("%s consumes %s.", q.Consumer.Script, q.Name)
			} else {
				env.Notef("Changed: %s consumes %s.", q.Consumer.Script, q.Name)
			}
			if created {
				before = channels.Before[client.Queue]{}
			}
			before.Note(env, noun, app, q.Name, settings, q, q.State.Paused)
			return channels.Made(w, q)
		},
	}
	channels.AppFlag(env, cmd, &app)
	d.Flags(cmd)
	return cmd
}

func sendCommand(env *cli.Env) *cobra.Command {
	var app, key string
	var delay time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "send NAME [PAYLOAD]",
		Short: "Send a message to a queue",
		Long: `Send a message to a queue, which needs no creating. The payload is text, or with --json
what the JSON says: a number without a fraction is an integer for scripts, null is ().
Without PAYLOAD it is read from standard input, and a line end there belongs to it.
Prints the message's ID when it is durable.`,
		Example: `  pic queues send emails '{"to":"ada@example.com"}' --json --app demo
  pic queues send reminders "pay" --delay 24h --idempotency-key invoice-7 --app demo`,
		Args: cli.Args("NAME", "[PAYLOAD]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("idempotency-key") && key == "" {
				return exit.Usagef("--idempotency-key is empty: leave it out, or give it a value")
			}
			payload, err := channels.Payload(env, args[1:], asJSON)
			if err != nil {
				return err
			}
			m := client.SendMessage{Payload: payload, IdempotencyKey: key, Delay: delay.Seconds()}
			return cli.One(cmd.Context(), env, sent, func(ctx context.Context, c *client.Client) (client.SentMessage, error) {
				sent, err := c.SendMessage(ctx, app, args[0], m)
				if err == nil && !sent.Sent {
					env.Notef("Nothing was sent: %s got a message with this idempotency key already.", args[0])
				}
				return sent, err
			})
		},
	}
	channels.AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the payload is JSON, not text")
	cmd.Flags().Var(span.Var{To: &delay}, "delay", "deliver it after this `TIME`")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "send nothing if the queue got a message with this `KEY` within 24 hours")
	return cmd
}

var sent = []output.Column[client.SentMessage]{
	{Name: "id", Value: func(m client.SentMessage) string { return m.ID }},
	{Name: "sent", Value: func(m client.SentMessage) string { return strconv.FormatBool(m.Sent) }},
}
