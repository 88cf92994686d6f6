// Package vars is "pic vars": settings of an app that are no secrets.
package vars

import (
	"context"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/dotenv"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic vars".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("vars", "Manage an app's variables: settings that are no secrets",
		setCommand(env), lsCommand(env), getCommand(env), rmCommand(env), importCommand(env))
}

var columns = []output.Column[client.Variable]{
	{Name: "name", Value: func(v client.Variable) string { return v.Name }},
	{Name: "value", Value: func(v client.Variable) string { return v.Value }, Shrink: true},
}

func appFlag(env *cli.Env, cmd *cobra.Command, app *string) {
	cmd.Flags().StringVarP(app, "app", "a", "", "the `APP` whose variables they are")
	if err := errors.Join(cmd.MarkFlagRequired("app"), cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env))); err != nil {
		panic(err) // the flag was defined one line above
	}
}

func setCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "Set a variable",
		Long: `Set a variable of an app to a text. That makes a deployment: requests from then on
see it, and going back to an older deployment brings back what it was then.

Everybody who may see the app can read variables: what must stay secret is set with
pic secrets.`,
		Example: "  pic vars set REGION eu --app shop",
		Args:    cli.Args("NAME", "VALUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !utf8.ValidString(args[1]) {
				return exit.Usagef("the value is not UTF-8 text: encode bytes, with base64 for example")
			}
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.Variable, error) {
				return c.SetVariable(ctx, app, args[0], args[1])
			})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List variables",
		Long:    "List the variables of an app with their values.",
		Example: "  pic vars ls --app shop",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "No variables.",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.Variable, string, error) {
					l, err := c.ListVariables(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func getCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "get NAME",
		Short:   "Show the value of a variable",
		Long:    "Write the value of a variable to standard output.",
		Example: "  pic vars get REGION --app shop",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			v, err := conn.Variable(cmd.Context(), app, args[0])
			if err != nil {
				return cli.Explain(err)
			}
			if w.Format == output.JSON {
				return w.JSON(v)
			}
			text := v.Value
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

func rmCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "rm NAME",
		Short:   "Delete a variable",
		Long:    "Delete a variable of an app. That makes a deployment; older ones keep it.",
		Example: "  pic vars rm REGION --app shop",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, true, "", "Deleted "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteVariable(ctx, app, args[0]) })
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

var importedColumns = []output.Column[client.ImportedVariables]{
	{Name: "created", Value: func(i client.ImportedVariables) string { return strconv.FormatInt(i.Created, 10) }},
	{Name: "updated", Value: func(i client.ImportedVariables) string { return strconv.FormatInt(i.Updated, 10) }},
	{Name: "deployment", Value: func(i client.ImportedVariables) string { return strconv.FormatInt(i.Deployment, 10) }},
}

func importCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Set the variables in a .env file",
		Long: `Set all variables in a .env file in one deployment, or none if one of them is
refused. FILE - reads standard input. Other variables of the app stay.

` + dotenv.Help,
		Example: "  pic vars import .env --app shop",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := dotenv.Open(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			return cli.One(cmd.Context(), env, importedColumns, func(ctx context.Context, c *client.Client) (client.ImportedVariables, error) {
				return c.ImportVariables(ctx, app, values)
			})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}
