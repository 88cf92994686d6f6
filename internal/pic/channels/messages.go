package channels

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// Noun is what messages belong to, and how the server is asked about them.
type Noun struct {
	Noun     string // "queue"
	Command  string // "pic queues", for examples
	Example  string // the name of one
	Messages func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error)
	Redrive  func(ctx context.Context, c *client.Client, app, name string, which client.Chosen) (int64, error)
	Purge    func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error)
	// Pause, if it is not nil, is for pause and resume.
	Pause func(ctx context.Context, c *client.Client, app, name string, paused bool) error
}

// Commands returns peek, redrive, purge, pause and resume.
func (n Noun) Commands(env *cli.Env) []*cobra.Command {
	list := []*cobra.Command{n.peek(env), n.redrive(env), n.purge(env)}
	if n.Pause != nil {
		list = append(list, n.pause(env, true), n.pause(env, false))
	}
	return list
}

func (n Noun) example(verb, more string) string {
	return strings.TrimRight(fmt.Sprintf("  %s %s %s --app demo %s", n.Command, verb, n.Example, more), " ")
}

var messageColumns = []output.Column[client.Message]{
	{Name: "id", Value: func(m client.Message) string { return m.ID }},
	{Name: "state", Value: func(m client.Message) string { return string(m.State) }},
	{Name: "source", Value: func(m client.Message) string { return m.Source }, Shrink: true},
	{Name: "attempts", Value: func(m client.Message) string { return strconv.FormatInt(m.Attempts, 10) }},
	{Name: "crashes", Value: func(m client.Message) string { return strconv.FormatInt(m.Crashes, 10) }, TSVOnly: true},
	{Name: "depth", Value: func(m client.Message) string { return strconv.FormatInt(m.Depth, 10) }, TSVOnly: true},
	{Name: "due_at", Value: func(m client.Message) string { return output.Time(m.DueAt) }},
	{Name: "type", Value: func(m client.Message) string { return m.Type }, TSVOnly: true},
	{Name: "payload", Value: func(m client.Message) string { return string(m.Payload) }, Shrink: true},
	{Name: "last_error", Value: func(m client.Message) string { return m.LastError }, Below: true},
}

var states = []string{"ready", "delayed", "in-flight", "dead"}

func (n Noun) peek(env *cli.Env) *cobra.Command {
	var app, state string
	var limit int
	cmd := &cobra.Command{
		Use:   "peek NAME",
		Short: "Show the messages of a " + n.Noun,
		Long: `Show the messages of a ` + n.Noun + `, the oldest first, and leave them where they are.
Dead ones come with the error of their last attempt.`,
		Example: n.example("peek", "") + "\n" + n.example("peek", "--state dead --output json"),
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return exit.Usagef("--limit must be a number from 1 up")
			}
			if state != "" && !slices.Contains(states, state) {
				return exit.Usagef("--state %q is unknown: use %s", state, strings.Join(states, ", "))
			}
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			found := []client.Message{}
			q := client.MessageQuery{State: state}
			for {
				q.Limit = min(500, limit-len(found))
				page, err := n.Messages(cmd.Context(), conn, app, args[0], q)
				if err != nil {
					return cli.Explain(err)
				}
				found = append(found, page.Items...)
				q.After = page.Next
				if page.Next == "" || len(found) >= limit {
					break
				}
			}
			switch {
			case len(found) == 0:
				env.Notef("No messages.")
			case q.After != "":
				env.Notef("There are more messages: --limit shows them.")
			}
			return output.List(w, found, messageColumns)
		},
	}
	AppFlag(env, cmd, &app)
	cmd.Flags().StringVar(&state, "state", "", "only those that are ready, delayed, in-flight or dead")
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "show at most `N` messages")
	if err := cmd.RegisterFlagCompletionFunc("state", complete.Words(states...)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

// messages says how many there were, in words.
func messages(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (n Noun) redrive(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "redrive NAME [ID...]",
		Short: "Deliver dead letters of a " + n.Noun + " again",
		Long: `Deliver dead letters of a ` + n.Noun + ` again, with all their attempts before them: those with
the given IDs, or all.`,
		Example: n.example("redrive", "") + "\n" + n.example("redrive", "019a7c1e-8f2b-7c31-9f54-1d2e3f4a5b6c"),
		Args:    cli.Args("NAME", "[ID...]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			count, err := n.Redrive(cmd.Context(), conn, app, args[0], client.Chosen{Ids: args[1:], All: len(args) == 1})
			if err != nil {
				return cli.Explain(err)
			}
			env.Notef("%s will be delivered again.", messages(count, "dead letter"))
			return missing(count, args[1:])
		},
	}
	AppFlag(env, cmd, &app)
	return cmd
}

// missing is an error when fewer messages were there than had been named.
func missing(n int64, ids []string) error {
	if n >= int64(len(ids)) {
		return nil
	}
	return &exit.Error{Code: exit.NotFound, Err: fmt.Errorf("%d of the %d IDs are of no such message", int64(len(ids))-n, len(ids))}
}

func (n Noun) purge(env *cli.Env) *cobra.Command {
	var app string
	var dead, yes bool
	cmd := &cobra.Command{
		Use:   "purge NAME [ID...]",
		Short: "Delete messages of a " + n.Noun,
		Long: `Delete the messages of a ` + n.Noun + ` that wait, or with --dead its dead letters: those with the
given IDs, or all. What an execution works on stays. On a terminal pic asks first;
elsewhere --yes is needed.`,
		Example: n.example("purge", "--yes") + "\n" + n.example("purge", "--dead --yes"),
		Args:    cli.Args("NAME", "[ID...]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			what := "message"
			if dead {
				what = "dead letter"
			}
			if err := env.Confirm(cmd.Context(), yes, "Delete %ss of the %s %s?", what, n.Noun, args[0]); err != nil {
				return err
			}
			count, err := n.Purge(cmd.Context(), conn, app, args[0], client.Purge{Dead: dead, Ids: args[1:], All: len(args) == 1})
			if err != nil {
				return cli.Explain(err)
			}
			env.Notef("Deleted %s.", messages(count, what))
			return missing(count, args[1:])
		},
	}
	AppFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&dead, "dead", false, "delete dead letters")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (n Noun) pause(env *cli.Env, paused bool) *cobra.Command {
	var app string
	verb, short, long, done := "pause", "Deliver nothing of a "+n.Noun+" for now",
		"Deliver nothing of a "+n.Noun+" until it is resumed. Executions under way end; what comes meanwhile waits.", "Paused %s."
	if !paused {
		verb, short, long, done = "resume", "Deliver the messages of a "+n.Noun+" again",
			"Deliver the messages of a "+n.Noun+" again, those that waited meanwhile too.", "Resumed %s."
	}
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: short, Long: long, Example: n.example(verb, ""), Args: cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, true, "", fmt.Sprintf(done, args[0]),
				func(ctx context.Context, c *client.Client) error { return n.Pause(ctx, c, app, args[0], paused) })
		},
	}
	AppFlag(env, cmd, &app)
	return cmd
}

// maxPayload is the longest payload that is read, in bytes.
const maxPayload = 1 << 20

// Payload reads a message's payload: an argument, or standard input; text, or
// with asJSON what the JSON says.
func Payload(env *cli.Env, args []string, asJSON bool) (json.RawMessage, error) {
	var text []byte
	if len(args) > 0 {
		text = []byte(args[0])
	} else {
		var err error
		if text, err = io.ReadAll(io.LimitReader(env.Input("payload"), maxPayload+1)); err != nil {
			return nil, err
		}
	}
	if len(text) > maxPayload {
		return nil, exit.Usagef("the payload is larger than 1 MiB")
	}
	if !utf8.Valid(text) {
		return nil, exit.Usagef("the payload is not UTF-8 text: encode bytes, with base64 for example")
	}
	if !asJSON {
		return json.Marshal(string(text))
	}
	if !json.Valid(text) {
		return nil, exit.Usagef("the payload is not JSON; without --json it is taken as text")
	}
	return text, nil
}
