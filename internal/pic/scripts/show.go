package scripts

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

type showOptions struct {
	app, script string
	version     int64
	versions    bool
}

func showCommand(env *cli.Env) *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show APP/SCRIPT",
		Short: "Show a script's source, or list its versions",
		Long: `Write a script's source to standard output: that of the version that runs, or of
the one --version names. With --versions list the versions, newest first. The guard
and the rate of the script that runs are told on standard error, if it has them.`,
		Example: `  pic scripts show demo/hello
  pic scripts show demo/hello --version 1 > old.rhai
  pic scripts show demo/hello --versions`,
		Args:              cli.Args("APP/SCRIPT"),
		ValidArgsFunction: complete.Scripts(env, nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.app, o.script, err = cli.ScriptName(args[0], o.app); err != nil {
				return err
			}
			if cmd.Flags().Changed("version") && o.version < 1 {
				return exit.Usagef("--version must be a number from 1 up")
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			if o.versions {
				return showVersions(cmd.Context(), env, conn, o)
			}
			return showSource(cmd.Context(), env, conn, o)
		},
	}
	appFlag(env, cmd, &o.app, "the script's `APP`, when it is given without one")
	f := cmd.Flags()
	f.Int64Var(&o.version, "version", 0, "show version `NUMBER`")
	f.BoolVar(&o.versions, "versions", false, "list the versions instead")
	cmd.MarkFlagsMutuallyExclusive("version", "versions")
	return cmd
}

func showSource(ctx context.Context, env *cli.Env, conn *client.Client, o showOptions) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	if o.version == 0 {
		s, err := conn.Script(ctx, o.app, o.script)
		if err != nil {
			return cli.Explain(err)
		}
		o.version = s.ActiveVersion
		if guardKind(s) != "" {
			env.Notef("Guard: %s", strings.Join(strings.Fields(guardKind(s)+" "+guardScheme(s)+" "+guardSecret(s)), " "))
		}
		if rate := rateText(s); rate != "" {
			env.Notef("Rate: %s", rate)
		}
	}
	v, err := conn.ScriptVersion(ctx, o.app, o.script, o.version)
	if err != nil {
		return cli.Explain(err)
	}
	switch {
	case w.Format == output.JSON:
		return w.JSON(v)
	case env.OutIsTerminal():
		_, err = io.WriteString(env.Out, output.PrintableLines(v.Source))
	default:
		_, err = io.WriteString(env.Out, v.Source)
	}
	return err
}

func showVersions(ctx context.Context, env *cli.Env, conn *client.Client, o showOptions) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	s, err := conn.Script(ctx, o.app, o.script)
	if err != nil {
		return cli.Explain(err)
	}
	versions, err := cli.All(func(p client.Page) ([]client.ScriptVersion, string, error) {
		l, err := conn.ListVersions(ctx, o.app, o.script, p)
		return l.Items, l.Next, err
	})
	if err != nil {
		return err
	}
	active := func(v client.ScriptVersion) string {
		if v.Number == s.ActiveVersion {
			return "yes"
		}
		return "no"
	}
	return output.List(w, versions, []output.Column[client.ScriptVersion]{
		{Name: "number", Value: func(v client.ScriptVersion) string { return number(v.Number) }},
		{Name: "active", Value: active},
		{Name: "created_at", Value: func(v client.ScriptVersion) string { return output.Time(v.CreatedAt) }},
		{Name: "created_by", Value: func(v client.ScriptVersion) string { return v.CreatedBy }},
		{Name: "source_hash", Value: func(v client.ScriptVersion) string { return v.SourceHash }, Shrink: true},
	})
}
