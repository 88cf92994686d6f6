// Package scripts is "pic scripts": deploying scripts and choosing versions.
package scripts

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/invoke"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic scripts".
func Command(env *cli.Env) *cobra.Command {
	call := invoke.Command(env)
	call.Short += " (the same as pic invoke)"
	call.Example = strings.ReplaceAll(call.Example, "pic invoke", "pic scripts invoke")
	return cli.Group("scripts", "Deploy scripts, list them and choose their versions",
		deployCommand(env), updateCommand(env), lsCommand(env), showCommand(env), activateCommand(env), deleteCommand(env), call)
}

// kind is what a script is called in tables.
func kind(s client.Script) string {
	if s.Endpoint {
		return "endpoint"
	}
	return "library"
}

// number writes a version or a count.
func number(n int64) string { return strconv.FormatInt(n, 10) }

var listed = []output.Column[client.Script]{
	{Name: "app", Value: func(s client.Script) string { return s.App }},
	{Name: "name", Value: func(s client.Script) string { return s.Name }},
	{Name: "kind", Value: kind},
	{Name: "active_version", Value: func(s client.Script) string { return number(s.ActiveVersion) }},
	{Name: "latest_version", Value: func(s client.Script) string { return number(s.LatestVersion) }},
	{Name: "updated_at", Value: func(s client.Script) string { return output.Time(s.UpdatedAt) }},
	{Name: "id", Value: func(s client.Script) string { return s.ID }, TSVOnly: true},
	{Name: "guard", Value: guardKind},
	{Name: "guard_scheme", Value: guardScheme},
	{Name: "guard_secret", Value: guardSecret},
	{Name: "rate", Value: rateText},
}

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List scripts, of one app or of all",
		Long: `List scripts with their versions, and for those that have one their guard (its kind,
scheme and secret's name) and their rate.`,
		Example: "  pic scripts ls\n  pic scripts ls --app demo",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, listed, "No scripts yet. Deploy one with: pic scripts deploy FILE --app APP",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.Script, string, error) {
					if app == "" {
						l, err := c.ListAllScripts(ctx, p)
						return l.Items, l.Next, err
					}
					l, err := c.ListScripts(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	appFlag(env, cmd, &app, "only the scripts of `APP`")
	return cmd
}

func activateCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "activate APP/SCRIPT VERSION",
		Short: "Make another version of a script run",
		Long: `Make another version of a script run, from the next request on. "pic scripts show
APP/SCRIPT --versions" lists them.`,
		Example:           "  pic scripts activate demo/hello 3",
		Args:              cli.Args("APP/SCRIPT", "VERSION"),
		ValidArgsFunction: complete.ScriptAndVersion(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			app, script, err := cli.ScriptName(args[0], app)
			if err != nil {
				return err
			}
			version, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || version < 1 {
				return exit.Usagef("%q is no version: write a number from 1 up", args[1])
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			made, err := conn.ActivateVersion(cmd.Context(), app, script, version)
			if err != nil {
				return cli.Explain(err)
			}
			env.Notef("%s/%s now runs version %d.", app, script, made.Version.Number)
			return output.Show(w, made, deployed(conn.BaseURL()))
		},
	}
	appFlag(env, cmd, &app, "the script's `APP`, when it is given without one")
	return cmd
}

func deleteCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete APP/SCRIPT",
		Short: "Delete a script",
		Long: `Delete a script: its endpoint answers 404 from the next request on, and its name is
free again. On a terminal pic asks first; elsewhere --yes is needed.`,
		Example:           "  pic scripts delete demo/hello\n  pic scripts delete demo/hello --yes",
		Args:              cli.Args("APP/SCRIPT"),
		ValidArgsFunction: complete.Scripts(env, nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, script, err := cli.ScriptName(args[0], app)
			if err != nil {
				return err
			}
			name := app + "/" + script
			return cli.Do(cmd.Context(), env, yes, "Delete the script "+name+"?", "Deleted "+name+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteScript(ctx, app, script) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	appFlag(env, cmd, &app, "the script's `APP`, when it is given without one")
	return cmd
}

func appFlag(env *cli.Env, cmd *cobra.Command, app *string, usage string) {
	cmd.Flags().StringVarP(app, "app", "a", "", usage)
	if err := cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env)); err != nil {
		panic(fmt.Sprintf("the flag was defined one line above: %v", err))
	}
}
