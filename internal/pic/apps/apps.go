// Package apps is "pic apps": the namespaces that scripts live in.
package apps

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/limits"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic apps".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("apps", "Manage apps: the namespaces that scripts live in",
		createCommand(env), lsCommand(env), showCommand(env), renameCommand(env), updateCommand(env), deleteCommand(env))
}

var listed = []output.Column[client.App]{
	{Name: "slug", Value: func(a client.App) string { return a.Slug }},
	{Name: "active_deployment", Value: func(a client.App) string { return strconv.FormatInt(a.ActiveDeployment, 10) }},
	{Name: "created_at", Value: func(a client.App) string { return output.Time(a.CreatedAt) }},
	{Name: "updated_at", Value: func(a client.App) string { return output.Time(a.UpdatedAt) }},
	{Name: "id", Value: func(a client.App) string { return a.ID }, TSVOnly: true},
}

var shown = []output.Column[client.AppDetail]{
	{Name: "slug", Value: func(a client.AppDetail) string { return a.Slug }},
	{Name: "scripts", Value: func(a client.AppDetail) string { return strconv.FormatInt(a.Scripts, 10) }},
	{Name: "active_deployment", Value: func(a client.AppDetail) string { return strconv.FormatInt(a.ActiveDeployment, 10) }},
	{Name: "created_at", Value: func(a client.AppDetail) string { return output.Time(a.CreatedAt) }},
	{Name: "updated_at", Value: func(a client.AppDetail) string { return output.Time(a.UpdatedAt) }},
	{Name: "limits", Value: func(a client.AppDetail) string { return limits.Text(a.Limits) }},
	{Name: "origins", Value: func(a client.AppDetail) string { return strings.Join(a.Cors.Origins, " ") }},
	{Name: "id", Value: func(a client.AppDetail) string { return a.ID }},
}

func createCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "create APP",
		Short: "Create an app",
		Long: `Create an app. Its name is part of its scripts' addresses: a-z, 0-9 and inside
"-", at most 63 characters.`,
		Example: "  pic apps create demo",
		Args:    cli.Args("APP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return one(cmd.Context(), env, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
				return c.CreateApp(ctx, args[0])
			})
		},
	}
}

func showCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "show APP",
		Short:             "Show an app",
		Example:           "  pic apps show demo",
		Args:              cli.Args("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return one(cmd.Context(), env, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
				return c.App(ctx, args[0])
			})
		},
	}
}

func renameCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "rename APP NEW-NAME",
		Short: "Give an app another name",
		Long: `Give an app another name. Addresses with the old one stop working at once; its
scripts, versions and logs stay.`,
		Example:           "  pic apps rename demo shop",
		Args:              cli.Args("APP", "NEW-NAME"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return one(cmd.Context(), env, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
				return c.UpdateApp(ctx, args[0], client.UpdateApp{Slug: &args[1]})
			})
		},
	}
}

// one sends a request that answers one app and shows that.
func one(ctx context.Context, env *cli.Env, send func(context.Context, *client.Client) (client.AppDetail, error)) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	app, err := send(ctx, conn)
	if err != nil {
		return cli.Explain(err)
	}
	return output.Show(w, app, shown)
}

func lsCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the apps you may see",
		Example: "  pic apps ls\n  pic apps ls --output json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			apps, err := cli.All(func(p client.Page) ([]client.App, string, error) {
				l, err := conn.ListApps(cmd.Context(), p)
				return l.Items, l.Next, err
			})
			if err != nil {
				return err
			}
			if len(apps) == 0 {
				env.Notef("No apps yet. Create one with: pic apps create NAME")
			}
			return output.List(w, apps, listed)
		},
	}
}

func deleteCommand(env *cli.Env) *cobra.Command {
	var yes, force bool
	cmd := &cobra.Command{
		Use:   "delete APP",
		Short: "Delete an app",
		Long: `Delete an app. It is refused while the app holds scripts, unless --force is given:
then they go with it, with all their versions and logs.

On a terminal pic asks first; elsewhere --yes or --force is needed.`,
		Example:           "  pic apps delete demo\n  pic apps delete demo --force",
		Args:              cli.Args("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), yes || force, "Delete the app %s?", args[0]); err != nil {
				return err
			}
			err = cli.Explain(conn.DeleteApp(cmd.Context(), args[0], force))
			var e *exit.Error
			if errors.As(err, &e) && e.Status == http.StatusConflict && !force {
				e.Hint = "To delete its scripts with it, add --force."
			}
			if err != nil {
				return err
			}
			env.Notef("Deleted %s.", args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "delete its scripts with it; implies --yes")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
