// Package members is "pic members": who belongs to an app, and as what.
package members

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic members".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("members", "Manage who belongs to an app",
		addCommand(env), lsCommand(env), updateCommand(env), rmCommand(env))
}

var columns = []output.Column[client.Member]{
	{Name: "app", Value: func(m client.Member) string { return m.App }},
	{Name: "username", Value: func(m client.Member) string { return m.Username }},
	{Name: "role", Value: func(m client.Member) string { return string(m.Role) }},
	{Name: "created_at", Value: func(m client.Member) string { return output.Time(m.CreatedAt) }},
	{Name: "updated_at", Value: func(m client.Member) string { return output.Time(m.UpdatedAt) }},
}

const roles = `A viewer sees scripts and logs. An editor also deploys, and calls guarded
endpoints. An admin also manages members and settings, and may delete the app.`

// appFlag adds --app, which a command cannot do without.
func appFlag(env *cli.Env, cmd *cobra.Command, app *string) {
	cmd.Flags().StringVar(app, "app", "", "the `APP`")
	if err := cmd.MarkFlagRequired("app"); err != nil {
		panic(err) // the flag was defined above
	}
	if err := cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env)); err != nil {
		panic(err)
	}
}

func roleFlag(cmd *cobra.Command, role *string) {
	cmd.Flags().StringVar(role, "role", "", "`ROLE` in the app: viewer, editor or admin")
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic(err) // the flag was defined above
	}
	if err := cmd.RegisterFlagCompletionFunc("role", complete.Words("viewer", "editor", "admin")); err != nil {
		panic(err)
	}
}

func addCommand(env *cli.Env) *cobra.Command {
	var app, role string
	cmd := &cobra.Command{
		Use:     "add USER",
		Short:   "Add a user to an app",
		Long:    "Add a user to an app.\n\n" + roles,
		Example: "  pic members add zoe --app demo --role editor",
		Args:    cli.Args("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.Member, error) {
				return c.AddMember(ctx, app, args[0], role)
			})
		},
	}
	appFlag(env, cmd, &app)
	roleFlag(cmd, &role)
	return cmd
}

func lsCommand(env *cli.Env) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List an app's members",
		Long: `List an app's members. Owners and admins of the instance may do everything in
every app without being members.`,
		Example: "  pic members ls --app demo",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "No members yet. Add one with: pic members add USER --app "+app+" --role viewer",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.Member, string, error) {
					l, err := c.ListMembers(ctx, app, p)
					return l.Items, l.Next, err
				})
		},
	}
	appFlag(env, cmd, &app)
	return cmd
}

func updateCommand(env *cli.Env) *cobra.Command {
	var app, role string
	cmd := &cobra.Command{
		Use:               "update USER",
		Short:             "Give a member another role",
		Long:              "Give a member another role, from the next request on.\n\n" + roles,
		Example:           "  pic members update zoe --app demo --role viewer",
		Args:              cli.Args("USER"),
		ValidArgsFunction: complete.Members(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.Member, error) {
				return c.UpdateMember(ctx, app, args[0], role)
			})
		},
	}
	appFlag(env, cmd, &app)
	roleFlag(cmd, &role)
	return cmd
}

func rmCommand(env *cli.Env) *cobra.Command {
	var app string
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm USER",
		Short: "Take a member out of an app",
		Long: `Take a member out of an app, from the next request on.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example:           "  pic members rm zoe --app demo",
		Args:              cli.Args("USER"),
		ValidArgsFunction: complete.Members(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "Take "+args[0]+" out of "+app+"?", args[0]+" is no longer a member of "+app+".",
				func(ctx context.Context, c *client.Client) error { return c.RemoveMember(ctx, app, args[0]) })
		},
	}
	appFlag(env, cmd, &app)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
