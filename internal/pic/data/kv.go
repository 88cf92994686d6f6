// Package data is "pic kv": what an app's scripts keep.
package data

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
)

// KVCommand returns "pic kv".
func KVCommand(env *cli.Env) *cobra.Command {
	return cli.Group("kv", "Read and change what an app's scripts keep under keys",
		getCommand(env), setCommand(env), lsCommand(env), rmCommand(env), triggersCommand(env))
}

var columns = []output.Column[client.KVEntry]{
	{Name: "key", Value: func(e client.KVEntry) string { return e.Key }},
	{Name: "type", Value: func(e client.KVEntry) string { return e.Type }},
	{Name: "size", Value: func(e client.KVEntry) string { return strconv.FormatInt(e.Size, 10) }},
	{Name: "expires_at", Value: func(e client.KVEntry) string {
		if e.ExpiresAt.IsZero() {
			return ""
		}
		return output.Time(e.ExpiresAt)
	}},
	{Name: "version", Value: func(e client.KVEntry) string { return strconv.FormatInt(e.Version, 10) }, TSVOnly: true},
	{Name: "value", Value: func(e client.KVEntry) string { return string(e.Value) }, Shrink: true},
}

// written are the columns after setting a key: who set it knows the value.
var written = columns[:len(columns)-1]

func appFlag(env *cli.Env, cmd *cobra.Command, app *string) {
	cmd.Flags().StringVarP(app, "app", "a", "", "the `APP` whose keys they are")
	if err := errors.Join(cmd.MarkFlagRequired("app"), cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env))); err != nil {
		panic(err) // the flag was defined one line above
	}
}

// checkKey refuses an empty key, which the server takes for none.
func checkKey(key string) error {
	if key == "" {
		return exit.Usagef("the key is empty: a key has 1 byte at least")
	}
	return nil
}

func getCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "get KEY",
		Short: "Show the value of a key",
		Long: `Write the value of a key to standard output: text as it is, anything else as JSON.
With --output json show the whole entry: type, size, version, expiry and value.`,
		Example: "  pic kv get stock --app demo\n  pic kv get order/7 --app demo --output json",
		Args:    cli.Args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
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
			e, err := conn.KV(cmd.Context(), app, args[0])
			if err != nil {
				return cli.Explain(err)
			}
			if w.Format == output.JSON {
				return w.JSON(e)
			}
			text := string(e.Value)
			// A float that is no number is its name in JSON.
			if e.Type == "string" || e.Type == "f64" && text[0] == '"' {
				if err := json.Unmarshal(e.Value, &text); err != nil {
					return err
				}
			}
			if w.Format == output.Table {
				text = output.PrintableLines(text)
			}
			_, err = io.WriteString(env.Out, text+"\n")
			return err
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func setCommand(env *cli.Env) *cobra.Command {
	var app string
	var asJSON bool
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "set KEY [VALUE]",
		Short: "Set a key to a value",
		Long: `Set a key to a value: text, or with --json what the JSON says. A number without a
fraction is an integer for scripts, null is (). Without VALUE it is read from
standard input, and a line end there belongs to it. Shows the entry, without the value
unless --output is json.`,
		Example: `  pic kv set greeting "Hello!" --app demo
  pic kv set stock 12 --json --app demo
  pic kv set --json --app demo -- balance -5
  pic kv set session/7 '{"user":"ada"}' --json --ttl 1h --app demo
  pic kv set page --app demo < page.html`,
		Args: cli.Args("KEY", "[VALUE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
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
			var text []byte
			if len(args) == 2 {
				text = []byte(args[1])
			} else if text, err = io.ReadAll(io.LimitReader(env.Input("value"), maxValue+1)); err != nil {
				return err
			}
			if len(text) > maxValue {
				return exit.Usagef("the value is larger than 1 MiB")
			}
			if !utf8.Valid(text) {
				return exit.Usagef("the value is not UTF-8 text: encode bytes, with base64 for example")
			}
			if !asJSON {
				if text, err = json.Marshal(string(text)); err != nil {
					return err
				}
			} else if !json.Valid(text) {
				return exit.Usagef("the value is not JSON; without --json it is taken as text")
			}
			e, err := conn.SetKV(cmd.Context(), app, args[0], text, ttl)
			if err != nil {
				return cli.Explain(err)
			}
			return output.Show(w, e, written)
		},
	}
	appFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the value is JSON, not text")
	cmd.Flags().Var(span.Var{To: &ttl}, "ttl", "the key goes by itself after this `TIME`, such as 90s, 12h or 30d")
	return cmd
}

// maxValue is the longest value that is read, in bytes.
const maxValue = 1 << 20

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	var limit int
	cmd := &cobra.Command{
		Use:     "ls [PREFIX]",
		Short:   "List keys with their values",
		Long:    "List the keys of an app that begin with PREFIX, or all, in their order.",
		Example: "  pic kv ls --app demo\n  pic kv ls order/ --app demo --limit 10",
		Args:    cli.Args("[PREFIX]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return exit.Usagef("--limit must be a number from 1 up")
			}
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			q := client.KVQuery{}
			if len(args) == 1 {
				q.Prefix = args[0]
			}
			entries, more, err := list(cmd.Context(), conn, app, q, limit)
			if err != nil {
				return err
			}
			switch {
			case len(entries) == 0:
				env.Notef("No keys.")
			case more:
				env.Notef("There are more keys: --limit shows them.")
			}
			return output.List(w, entries, columns)
		},
	}
	appFlag(env, cmd, &app)
	cmd.Flags().IntVarP(&limit, "limit", "n", 1000, "list at most `N` keys")
	return cmd
}

func list(ctx context.Context, conn *client.Client, app string, q client.KVQuery, limit int) (entries []client.KVEntry, more bool, err error) {
	entries = []client.KVEntry{}
	for {
		q.Limit = min(500, limit-len(entries))
		page, err := conn.ListKV(ctx, app, q)
		if err != nil {
			return nil, false, cli.Explain(err)
		}
		entries = append(entries, page.Items...)
		if page.Next == "" || len(entries) >= limit {
			return entries, page.Next != "", nil
		}
		q.After = page.Next
	}
}

func rmCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm KEY...",
		Short: "Delete keys",
		Long: `Delete keys, one after the other. It ends at the first that is not there.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example: "  pic kv rm order/7 --app demo",
		Args:    cli.Args("KEY..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, key := range args {
				if err := checkKey(key); err != nil {
					return err
				}
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes, "Delete %s of %s?", strings.Join(args, ", "), app); err != nil {
				return err
			}
			for _, key := range args {
				if err := conn.DeleteKV(cmd.Context(), app, key); err != nil {
					return cli.Explain(err)
				}
				env.Notef("Deleted %s.", key)
			}
			return nil
		},
	}
	appFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
