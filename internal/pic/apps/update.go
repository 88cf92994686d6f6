package apps

import (
	"context"
	"fmt"
	"slices"

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

	hosts       []string
	anyHost     bool
	addHosts    []string
	networks    []string
	addNetworks []string
	noNetworks  bool
}

func updateCommand(env *cli.Env) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update APP",
		Short: "Change an app's limits, who may read its answers, and whom its scripts may call",
		Long: `Change an app's settings, from the next request on. What no flag names stays.

A limit of an app can only be lower than the instance's; NAME=default takes it
away. The names are operations, wall-time, memory, call-depth, request, response,
log-lines and log-bytes; sizes are written 16MiB, times 500ms or 2s.

Scripts may call every host of the public internet, or those of --allow-host
alone: a name, *.NAME for all below it, or an address, perhaps with a port. An
admin of the instance can open addresses and ranges that are not public with
--open-network; PiCloud's own address stays closed. Both replace the list that
was there; --add-host and --add-open-network add to it.`,
		Example: `  pic apps update demo --limit memory=16MiB --limit wall-time=2s
  pic apps update demo --limit memory=default
  pic apps update demo --origin https://example.com
  pic apps update demo --any-origin
  pic apps update demo --allow-host api.example.com --allow-host '*.example.org:8443'
  pic apps update demo --open-network 192.168.1.10:8123
  pic apps update demo --add-open-network fd00::/8`,
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
	f.StringArrayVar(&o.hosts, "allow-host", nil, "let scripts call `HOST` alone; may be repeated, and replaces those before")
	f.StringArrayVar(&o.addHosts, "add-host", nil, "let scripts call `HOST`, too; may be repeated")
	f.BoolVar(&o.anyHost, "any-host", false, "let scripts call every public host")
	f.StringArrayVar(&o.networks, "open-network", nil, "let scripts call `NETWORK` although it is not public; may be repeated, and replaces those before")
	f.StringArrayVar(&o.addNetworks, "add-open-network", nil, "let scripts call `NETWORK`, too; may be repeated")
	f.BoolVar(&o.noNetworks, "no-networks", false, "let scripts call nothing that is not public")
	cmd.MarkFlagsMutuallyExclusive("origin", "any-origin")
	cmd.MarkFlagsMutuallyExclusive("allow-host", "add-host", "any-host")
	cmd.MarkFlagsMutuallyExclusive("open-network", "add-open-network", "no-networks")
	if err := cmd.RegisterFlagCompletionFunc("limit", complete.Assignments(limits.Names()...)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func update(ctx context.Context, env *cli.Env, o updateOptions) error {
	adds := len(o.addHosts)+len(o.addNetworks) > 0
	if len(o.limits) == 0 && len(o.origins) == 0 && !o.anyone && len(o.hosts) == 0 && !o.anyHost && len(o.networks) == 0 && !o.noNetworks && !adds {
		return exit.Usagef("nothing to change: add --limit, --origin, --any-origin, --allow-host, --add-host, --any-host, --open-network, --add-open-network or --no-networks")
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
	var is client.AppDetail
	if len(o.limits) > 0 || adds {
		if is, err = conn.App(ctx, o.app); err != nil {
			return cli.Explain(err)
		}
	}
	if len(o.limits) > 0 {
		if err := setAll(&is.Limits, o.limits); err != nil {
			return err
		}
		change.Limits = &is.Limits
	}
	if len(o.origins) > 0 || o.anyone {
		change.Cors = &client.CORS{Origins: o.origins}
	}
	if len(o.hosts) > 0 || o.anyHost {
		change.Outbound = &client.Outbound{Hosts: o.hosts}
	}
	if len(o.networks) > 0 || o.noNetworks {
		change.Networks = &client.Networks{Open: o.networks}
	}
	if len(o.addHosts) > 0 {
		if len(is.Outbound.Hosts) == 0 {
			return &exit.Error{
				Code: exit.Usage, Err: fmt.Errorf("scripts of %s may call every public host already", o.app),
				Hint: "--allow-host lets them call the given hosts alone; --add-open-network opens what is not public",
			}
		}
		change.Outbound = &client.Outbound{Hosts: with(is.Outbound.Hosts, o.addHosts)}
	}
	if len(o.addNetworks) > 0 {
		change.Networks = &client.Networks{Open: with(is.Networks.Open, o.addNetworks)}
	}
	app, err := conn.UpdateApp(ctx, o.app, change)
	if err != nil {
		return cli.Explain(err)
	}
	return output.Show(w, app, shown)
}

// with returns a list with what more holds beyond it.
func with(list, more []string) []string {
	for _, x := range more {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

func setAll(l *client.Limits, assignments []string) error {
	for _, a := range assignments {
		if err := limits.Set(l, a); err != nil {
			return exit.Usagef("--limit: %w", err)
		}
	}
	return nil
}
