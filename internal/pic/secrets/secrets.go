// Package secrets is "pic secrets": passwords, tokens and keys for scripts.
package secrets

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/dotenv"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic secrets".
func Command(env *cli.Env) *cobra.Command {
	return cli.Explained(cli.Group("secrets", "Manage an app's secrets: passwords, tokens and keys",
		setCommand(env), lsCommand(env), rmCommand(env), importCommand(env)),
		"values of secrets cannot be shown, only scripts get them; the names: pic secrets ls --app APP",
		"get", "show", "read", "view", "cat", "reveal", "export")
}

var columns = []output.Column[client.Secret]{
	{Name: "name", Value: func(s client.Secret) string { return s.Name }},
	{Name: "required_by", Value: func(s client.Secret) string { return strings.Join(s.RequiredBy, ",") }},
	{Name: "created_at", Value: func(s client.Secret) string { return output.Time(s.CreatedAt) }, TSVOnly: true},
	{Name: "updated_at", Value: func(s client.Secret) string { return output.Time(s.UpdatedAt) }},
	{Name: "updated_by", Value: func(s client.Secret) string { return s.UpdatedBy }},
}

func appFlag(env *cli.Env, cmd *cobra.Command, app *string) {
	cmd.Flags().StringVarP(app, "app", "a", "", "the `APP` whose secrets they are")
	if err := errors.Join(cmd.MarkFlagRequired("app"), cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env))); err != nil {
		panic(err) // the flag was defined one line above
	}
}

func setCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Set a secret to what standard input holds",
		Long: `Set a secret of an app. Its value is what standard input holds, without one line end
behind it, up to 64 KiB of text; on a terminal pic asks for it and does not show it.
It is never an argument: other users of the machine could read it, and the shell
would remember it.

Executions that begin from now on see the new value.`,
		Example: `  pic secrets set STRIPE_KEY --app shop
  pic secrets set DEPLOY_KEY --app shop < id_ed25519
  openssl rand -hex 32 | pic secrets set WEBHOOK_KEY --app shop`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exit.Usagef("a secret is not an argument, which others can read: pipe it into %s %s", cmd.CommandPath(), args[0])
			}
			return cli.Args("NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.Secret, error) {
				value, err := read(ctx, env, args[0])
				if err != nil {
					return client.Secret{}, err
				}
				s, created, err := c.SetSecret(ctx, app, args[0], value)
				switch {
				case err != nil:
				case created:
					env.Notef("Created the secret %s.", args[0])
				default:
					env.Notef("Changed the secret %s.", args[0])
				}
				return s, err
			})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func read(ctx context.Context, env *cli.Env, name string) (string, error) {
	if env.InIsTerminal() {
		return env.AskSecret(ctx, "Value of "+name+": ")
	}
	return env.ReadSecret(ctx)
}

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List secrets, without their values",
		Long:    "List the secrets of an app and the scripts that require them. Nobody can read their values.",
		Example: "  pic secrets ls --app shop",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "No secrets.",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.Secret, string, error) {
					l, err := c.ListSecrets(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func rmCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "Delete a secret",
		Long: `Delete a secret, for good. One that a deployed script requires stays: deploy the
script without --requires-secret NAME first.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example: "  pic secrets rm STRIPE_KEY --app shop --yes",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "Delete the secret "+args[0]+" of "+app+" for good?", "Deleted "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteSecret(ctx, app, args[0]) })
		},
	}
	appFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

var importedColumns = []output.Column[client.ImportedSecrets]{
	{Name: "created", Value: func(i client.ImportedSecrets) string { return strconv.FormatInt(i.Created, 10) }},
	{Name: "updated", Value: func(i client.ImportedSecrets) string { return strconv.FormatInt(i.Updated, 10) }},
}

func importCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Set the secrets in a .env file",
		Long: `Set all secrets in a .env file, or none if one of them is refused. FILE - reads
standard input. Other secrets of the app stay.

` + dotenv.Help,
		Example: "  pic secrets import .env.secrets --app shop",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := dotenv.Open(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			return cli.One(cmd.Context(), env, importedColumns, func(ctx context.Context, c *client.Client) (client.ImportedSecrets, error) {
				return c.ImportSecrets(ctx, app, values)
			})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}
