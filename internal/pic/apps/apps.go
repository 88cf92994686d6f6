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
		createCommand(env), lsCommand(env), showCommand(env), renameCommand(env), updateCommand(env), deleteCommand(env), usageCommand(env))
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
	{Name: "hosts", Value: func(a client.AppDetail) string { return strings.Join(a.Outbound.Hosts, " ") }},
	{Name: "networks", Value: func(a client.AppDetail) string { return strings.Join(a.Networks.Open, " ") }},
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
			return cli.One(cmd.Context(), env, shown, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
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
			return cli.One(cmd.Context(), env, shown, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
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
			return cli.One(cmd.Context(), env, shown, func(ctx context.Context, c *client.Client) (client.AppDetail, error) {
				return c.UpdateApp(ctx, args[0], client.UpdateApp{Slug: &args[1]})
			})
		},
	}
}

func lsCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the apps you may see",
		Example: "  pic apps ls\n  pic apps ls --output json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, listed, "No apps yet. Owners and admins create one with: pic apps create NAME",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.App, string, error) {
					l, err := c.ListApps(ctx, p)
					return l.Items, l.Next, err
				})
		},
	}
}

func deleteCommand(env *cli.Env) *cobra.Command {
	var yes, force bool
	cmd := &cobra.Command{
		Use:   "delete APP",
		Short: "Delete an app",
		Long: `Delete an app with all that it keeps: keys, messages, variables, secrets and members.
It is refused while the app holds scripts, unless --force is given: then they go with
it, with all their versions and logs.

An app that keeps much is stopped first and then emptied bit by bit, so that no other
waits. If that is cut short, the app is still there without scripts: delete it again.

On a terminal pic asks first; elsewhere --yes or --force is needed.`,
		Example:           "  pic apps delete demo\n  pic apps delete demo --force",
		Args:              cli.Args("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := cli.Do(cmd.Context(), env, yes || force, "Delete the app "+args[0]+" with all that it keeps?", "Deleted "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteApp(ctx, args[0], force) })
			var e *exit.Error
			if errors.As(err, &e) && e.Status == http.StatusConflict && !force {
				e.Hint = "To delete its scripts with it, add --force."
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "delete its scripts with it; implies --yes")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
