// Package complete offers the names of apps and scripts on the server to the
// shell. When the server cannot be asked it offers nothing, without a word.
package complete

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
)

// patience is how long somebody who pressed Tab is kept waiting.
const patience = 2 * time.Second

// Func is what cobra asks.
type Func = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

const none = cobra.ShellCompDirectiveNoFileComp

// Apps offers apps, for the first argument.
func Apps(env *cli.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, none
		}
		return apps(cmd.Context(), env, typed, ""), none
	}
}

// AppFlag offers apps, for a flag.
func AppFlag(env *cli.Env) Func {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return apps(cmd.Context(), env, typed, ""), none
	}
}

// Scripts offers APP/SCRIPT for the first argument, in two steps. keep says
// which scripts; nil is all.
func Scripts(env *cli.Env, keep func(client.Script) bool) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, none
		}
		app, _, slash := strings.Cut(typed, "/")
		if !slash {
			return apps(cmd.Context(), env, typed, "/"), none | cobra.ShellCompDirectiveNoSpace
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), patience)
		defer cancel()
		conn, err := env.Connect()
		if err != nil {
			return nil, none
		}
		scripts, err := cli.All(func(p client.Page) ([]client.Script, string, error) {
			l, err := conn.ListScripts(ctx, app, p)
			return l.Items, l.Next, err
		})
		if err != nil {
			return nil, none
		}
		var names []string
		for _, s := range scripts {
			name := app + "/" + s.Name
			if strings.HasPrefix(name, typed) && (keep == nil || keep(s)) {
				names = append(names, name)
			}
		}
		return names, none
	}
}

func apps(ctx context.Context, env *cli.Env, typed, suffix string) []string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := env.Connect()
	if err != nil {
		return nil
	}
	all, err := cli.All(func(p client.Page) ([]client.App, string, error) {
		l, err := conn.ListApps(ctx, p)
		return l.Items, l.Next, err
	})
	if err != nil {
		return nil
	}
	var names []string
	for _, a := range all {
		if strings.HasPrefix(a.Slug, typed) {
			names = append(names, a.Slug+suffix)
		}
	}
	return names
}

// Files offers the names of files, which the shell knows.
func Files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// Words offers fixed words.
func Words(words ...string) Func {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return words, none }
}

// Assignments offers NAME= for each name.
func Assignments(names ...string) Func {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var offers []string
		for _, n := range names {
			offers = append(offers, n+"=")
		}
		return offers, none | cobra.ShellCompDirectiveNoSpace
	}
}
