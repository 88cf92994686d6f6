package complete

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
)

// few is how many things of a listing are offered: the first page of a server's.
var few = client.Page{Limit: 500}

// items offers what list returns, for the first argument. What stands after a
// tab is shown as an explanation.
func items(env *cli.Env, list func(ctx context.Context, conn *client.Client, cmd *cobra.Command) ([]string, error)) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, none
		}
		return offer(cmd, env, typed, list), none
	}
}

func offer(cmd *cobra.Command, env *cli.Env, typed string, list func(ctx context.Context, conn *client.Client, cmd *cobra.Command) ([]string, error)) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	conn, err := env.Connect()
	if err != nil {
		return nil
	}
	all, err := list(ctx, conn, cmd)
	if err != nil {
		return nil
	}
	var offers []string
	for _, v := range all {
		if strings.HasPrefix(v, typed) {
			offers = append(offers, v)
		}
	}
	return offers
}

// Users offers the names of users, for the first argument.
func Users(env *cli.Env) Func {
	return items(env, func(ctx context.Context, conn *client.Client, _ *cobra.Command) ([]string, error) {
		l, err := conn.ListUsers(ctx, few)
		return names(l.Items, func(u client.User) string { return u.Username + "\t" + string(u.Role) }), err
	})
}

// Members offers the members of the app that --app names, for the first argument.
func Members(env *cli.Env) Func {
	return items(env, func(ctx context.Context, conn *client.Client, cmd *cobra.Command) ([]string, error) {
		app, err := cmd.Flags().GetString("app")
		if err != nil || app == "" {
			return nil, err
		}
		l, err := conn.ListMembers(ctx, app, few)
		return names(l.Items, func(m client.Member) string { return m.Username + "\t" + string(m.Role) }), err
	})
}

// Keys offers one's own API keys, for the first argument.
func Keys(env *cli.Env) Func {
	return items(env, func(ctx context.Context, conn *client.Client, _ *cobra.Command) ([]string, error) {
		l, err := conn.ListAPIKeys(ctx, client.KeyQuery{Page: few})
		return names(l.Items, func(k client.APIKey) string { return k.ID + "\t" + k.Name }), err
	})
}

// Sessions offers one's own sessions, for the first argument.
func Sessions(env *cli.Env) Func {
	return items(env, func(ctx context.Context, conn *client.Client, _ *cobra.Command) ([]string, error) {
		l, err := conn.ListSessions(ctx, client.SessionQuery{Page: few})
		return names(l.Items, func(s client.UserSession) string { return s.ID + "\t" + s.UserAgent + " at " + s.Address }), err
	})
}

// ScriptAndVersion offers APP/SCRIPT for the first argument and its versions for
// the second.
func ScriptAndVersion(env *cli.Env) Func {
	scripts := Scripts(env, nil)
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return scripts(cmd, args, typed)
		}
		given, err := cmd.Flags().GetString("app")
		if err != nil {
			return nil, none
		}
		app, script, err := cli.ScriptName(args[0], given)
		if err != nil {
			return nil, none
		}
		return offer(cmd, env, typed, func(ctx context.Context, conn *client.Client, _ *cobra.Command) ([]string, error) {
			l, err := conn.ListVersions(ctx, app, script, few)
			return names(l.Items, func(v client.ScriptVersion) string {
				return strconv.FormatInt(v.Number, 10) + "\tof " + v.CreatedAt.UTC().Format("2006-01-02 15:04") + " by " + v.CreatedBy
			}), err
		}), none | cobra.ShellCompDirectiveKeepOrder
	}
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}
