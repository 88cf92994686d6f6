// Package users is "pic users" and "pic password": who may sign in.
package users

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// Command returns "pic users".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("users", "Manage the people who may sign in",
		createCommand(env), lsCommand(env), showCommand(env), updateCommand(env), rmCommand(env))
}

var columns = []output.Column[client.User]{
	{Name: "username", Value: func(u client.User) string { return u.Username }},
	{Name: "role", Value: func(u client.User) string { return string(u.Role) }},
	{Name: "created_at", Value: func(u client.User) string { return output.Time(u.CreatedAt) }},
	{Name: "id", Value: func(u client.User) string { return u.ID }, TSVOnly: true},
}

const roles = `An owner may do everything. An admin may do everything but manage owners. A
member sees the apps that it was made a member of (pic members).`

func createCommand(env *cli.Env) *cobra.Command {
	var role string
	var stdin bool
	cmd := &cobra.Command{
		Use:   "create USER",
		Short: "Create a user",
		Long: `Create a user who signs in with a password. On a terminal pic asks for the
password.

` + roles,
		Example: `  pic users create zoe
  pic users create zoe --role admin --password-stdin < password`,
		Args: cli.Args("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := newPassword(cmd.Context(), env, stdin)
			if err != nil {
				return err
			}
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.User, error) {
				return c.CreateUser(ctx, args[0], role, password)
			})
		},
	}
	roleFlag(cmd, &role, "member")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func roleFlag(cmd *cobra.Command, role *string, value string) {
	cmd.Flags().StringVar(role, "role", value, "`ROLE` on the instance: owner, admin or member")
	if err := cmd.RegisterFlagCompletionFunc("role", complete.Words("owner", "admin", "member")); err != nil {
		panic(err) // the flag was defined above
	}
}

// newPassword reads a password from standard input, or asks for it twice.
func newPassword(ctx context.Context, env *cli.Env, stdin bool) (string, error) {
	if stdin {
		return env.ReadSecret(ctx)
	}
	if !env.InIsTerminal() {
		return "", exit.Usagef("%w: add --password-stdin", terminal.ErrNoTerminal)
	}
	password, err := env.AskSecret(ctx, "New password: ")
	if err != nil {
		return "", err
	}
	again, err := env.AskSecret(ctx, "Once more: ")
	if err != nil {
		return "", err
	}
	if again != password {
		return "", exit.Usagef("the two passwords differ: nothing was changed")
	}
	return password, nil
}

func lsCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List users",
		Example: "  pic users ls",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.User, string, error) {
					l, err := c.ListUsers(ctx, p)
					return l.Items, l.Next, err
				})
		},
	}
}

func showCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "show USER",
		Short:             "Show a user",
		Example:           "  pic users show zoe",
		Args:              cli.Args("USER"),
		ValidArgsFunction: complete.Users(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.User, error) {
				return c.User(ctx, args[0])
			})
		},
	}
}

func updateCommand(env *cli.Env) *cobra.Command {
	var role string
	var stdin bool
	cmd := &cobra.Command{
		Use:   "update USER",
		Short: "Give a user another role, or a new password",
		Long: `Give a user another role, or a new password that is read from standard input. A
new password ends the user's sessions. The last owner stays one. Your own password
you change with "pic password".

` + roles,
		Example: `  pic users update zoe --role admin
  pic users update zoe --password-stdin < password`,
		Args:              cli.Args("USER"),
		ValidArgsFunction: complete.Users(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			var change client.UpdateUser
			if role != "" {
				r := client.UpdateUserRole(role)
				change.Role = &r
			}
			if stdin {
				password, err := env.ReadSecret(cmd.Context())
				if err != nil {
					return err
				}
				change.Password = &password
			}
			if change == (client.UpdateUser{}) {
				return exit.Usagef("nothing to change: add --role or --password-stdin")
			}
			return cli.One(cmd.Context(), env, columns, func(ctx context.Context, c *client.Client) (client.User, error) {
				return c.UpdateUser(ctx, args[0], change)
			})
		},
	}
	roleFlag(cmd, &role, "")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read a new password from standard input")
	return cmd
}

func rmCommand(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm USER",
		Short: "Remove a user",
		Long: `Remove a user, with their sessions, API keys and memberships. What they made
stays. The last owner cannot be removed.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example:           "  pic users rm zoe",
		Args:              cli.Args("USER"),
		ValidArgsFunction: complete.Users(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "Remove the user "+args[0]+", with their API keys and memberships?", "Removed "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteUser(ctx, args[0]) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
