package session

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic sessions".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("sessions", "See where you are signed in, and end sessions", lsCommand(env), rmCommand(env))
}

var columns = []output.Column[client.UserSession]{
	{Name: "id", Value: func(s client.UserSession) string { return s.ID }},
	{Name: "username", Value: func(s client.UserSession) string { return s.Username }, Shrink: true},
	{Name: "client", Value: func(s client.UserSession) string { return string(s.Client) }, TSVOnly: true},
	{Name: "current", Value: func(s client.UserSession) string {
		if s.Current {
			return "yes"
		}
		return "no"
	}, TSVOnly: true},
	{Name: "created_at", Value: func(s client.UserSession) string { return output.Time(s.CreatedAt) }, TSVOnly: true},
	{Name: "last_used_at", Value: func(s client.UserSession) string { return output.Time(s.LastUsedAt) }},
	{Name: "expires_at", Value: func(s client.UserSession) string { return output.Time(s.ExpiresAt) }, TSVOnly: true},
	{Name: "address", Value: func(s client.UserSession) string { return s.Address }, TSVOnly: true},
	{Name: "user_agent", Value: func(s client.UserSession) string { return s.UserAgent }, TSVOnly: true},
	{Name: "about", Value: about, TableOnly: true, Below: true, Most: 76},
}

// about says the rest of a session on one line.
func about(s client.UserSession) string {
	text := fmt.Sprintf("%s from %s since %s", s.Client, s.Address, output.Time(s.CreatedAt))
	if s.Current {
		text += ", this one"
	}
	if s.UserAgent != "" {
		text += ": " + s.UserAgent
	}
	return text
}

func lsCommand(env *cli.Env) *cobra.Command {
	var q client.SessionQuery
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List sessions",
		Long: `List your sessions, the oldest first: the browsers and command lines that are signed
in as you, from where they signed in, and when they were last used (to the hour).
Owners and admins of the instance may list those of others.`,
		Example: "  pic sessions ls\n  pic sessions ls --user zoe\n  pic sessions ls --all",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "No sessions.",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.UserSession, string, error) {
					q.Page = p
					l, err := c.ListSessions(ctx, q)
					return l.Items, l.Next, err
				})
		},
	}
	cmd.Flags().StringVar(&q.User, "user", "", "those of this `USER`")
	cmd.Flags().BoolVar(&q.All, "all", false, "those of all users")
	cmd.MarkFlagsMutuallyExclusive("user", "all")
	return cmd
}

func rmCommand(env *cli.Env) *cobra.Command {
	var yes, all bool
	var user string
	cmd := &cobra.Command{
		Use:   "rm ID",
		Short: "End a session, or all of them",
		Long: `End a session: its token is worth nothing from then on. With --all end all of your
sessions except the one you use, or all of a user's with --user. API keys stay.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example: `  pic sessions rm 0190a000-0000-7000-8000-000000000001
  pic sessions rm --all
  pic sessions rm --all --user zoe`,
		ValidArgsFunction: complete.Sessions(env),
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return exit.Usagef("--all goes without %q", args[0])
			case all:
				return nil
			case user != "":
				return exit.Usagef("--user goes with --all")
			}
			return cli.Args("ID, or --all")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !all:
				return cli.Do(cmd.Context(), env, yes, "End the session "+args[0]+"?", "Ended "+args[0]+".",
					func(ctx context.Context, c *client.Client) error { return c.EndSession(ctx, args[0]) })
			case user != "":
				return cli.Do(cmd.Context(), env, yes, "End all sessions of "+user+"?", "Ended all sessions of "+user+".",
					func(ctx context.Context, c *client.Client) error { return c.EndSessions(ctx, user) })
			}
			return cli.Do(cmd.Context(), env, yes, "End all your sessions except this one?", "Ended all your sessions except this one.",
				func(ctx context.Context, c *client.Client) error { return c.EndSessions(ctx, "") })
		},
	}
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "end all but the one you use")
	f.StringVar(&user, "user", "", "with --all: those of this `USER`")
	f.BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
