package apps

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/limits"
	"github.com/picloud/picloud/internal/pic/output"
)

type updateOptions struct {
	app     string
	limits  []string
	origins []string
	anyone  bool
}

func updateCommand(env *cli.Env) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update APP",
		Short: "Change an app's limits, or which other origins may read its answers",
		Long: `Change an app's settings, from the next request on. What no flag names stays.

A limit of an app can only be lower than the instance's; NAME=default takes it
away. The names are operations, wall-time, memory, call-depth, request, response,
log-lines and log-bytes; sizes are written 16MiB, times 500ms or 2s.`,
		Example: `  pic apps update demo --limit memory=16MiB --limit wall-time=2s
  pic apps update demo --limit memory=default
  pic apps update demo --origin https://example.com
  pic apps update demo --any-origin`,
		Args:              cli.Args("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.app = args[0]
			return update(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.limits, "limit", nil, "set a limit of an execution, `NAME=VALUE`; may be repeated")
	f.StringArrayVar(&o.origins, "origin", nil, "let pages of `ORIGIN` alone read answers; may be repeated, and replaces those before")
	f.BoolVar(&o.anyone, "any-origin", false, "let pages of any origin read answers, without credentials")
	cmd.MarkFlagsMutuallyExclusive("origin", "any-origin")
	if err := cmd.RegisterFlagCompletionFunc("limit", complete.Assignments(limits.Names()...)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func update(ctx context.Context, env *cli.Env, o updateOptions) error {
	if len(o.limits) == 0 && len(o.origins) == 0 && !o.anyone {
		return exit.Usagef("nothing to change: add --limit, --origin or --any-origin")
	}
	// Wrong values are told before anything is sent.
	if err := setAll(&client.Limits{}, o.limits); err != nil {
		return err
	}
	w, err := env.Writer()
	if err != nil {
		return err
	}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	var change client.UpdateApp
	if len(o.limits) > 0 {
		app, err := conn.App(ctx, o.app)
		if err != nil {
			return cli.Explain(err)
		}
		if err := setAll(&app.Limits, o.limits); err != nil {
			return err
		}
		change.Limits = &app.Limits
	}
	if len(o.origins) > 0 || o.anyone {
		change.Cors = &client.CORS{Origins: o.origins}
	}
	app, err := conn.UpdateApp(ctx, o.app, change)
	if err != nil {
		return cli.Explain(err)
	}
	return output.Show(w, app, shown)
}

func setAll(l *client.Limits, assignments []string) error {
	for _, a := range assignments {
		if err := limits.Set(l, a); err != nil {
			return exit.Usagef("--limit: %w", err)
		}
	}
	return nil
}
