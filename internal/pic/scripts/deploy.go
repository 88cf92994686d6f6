package scripts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/terminal"
)

type deployOptions struct {
	file     string
	app      string
	name     string
	library  bool
	endpoint bool
	settings
}

func deployCommand(env *cli.Env) *cobra.Command {
	var o deployOptions
	cmd := &cobra.Command{
		Use:   "deploy FILE",
		Short: "Create a script, or give it a new version",
		Long: `Deploy a script: create it, or add a version to it that runs from the next request
on. Requests under way end on the version they began with. A script that does not
compile is refused, and what ran before goes on.

The script's name is the file's without .rhai, unless --name says another. FILE -
reads standard input.

Without --limit the new version has the app's limits. Guard, rate and required
secrets stay as they are until they are given again; none takes them away. pic
scripts update changes them without a new version.

` + settingsHelp,
		Example: `  pic scripts deploy hello.rhai --app demo
  pic scripts deploy lib/pricing.rhai --app shop --library
  pic scripts deploy slow.rhai --app demo --limit wall-time=500ms
  pic scripts deploy report.rhai --app demo --guard api-key --rate 100/1m
  pic scripts deploy pay.rhai --app shop --requires-secret STRIPE_KEY
  pic scripts deploy - --app demo --name hello < draft.rhai`,
		Args: cli.Args("FILE"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"rhai"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return deploy(cmd.Context(), env, o)
		},
	}
	appFlag(env, cmd, &o.app, "the `APP` to deploy to")
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the script's `NAME`")
	f.BoolVar(&o.library, "library", false, "make it a library: other scripts import it, and it has no endpoint")
	f.BoolVar(&o.endpoint, "endpoint", false, "make what was a library an endpoint")
	o.addFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("library", "endpoint")
	return cmd
}

// maxSource is the server's limit on a source, in bytes; pic reads one byte
// more, so that the server can say what it thinks of more.
const maxSource = 1 << 20

func deploy(ctx context.Context, env *cli.Env, o deployOptions) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	if o.app == "" {
		return exit.Usagef("no app is named: add --app APP")
	}
	if o.name == "" {
		if o.file == "-" {
			return exit.Usagef("a script from standard input needs --name NAME")
		}
		o.name = strings.TrimSuffix(filepath.Base(o.file), ".rhai")
	}
	u, err := o.read()
	if err != nil {
		return err
	}
	request := client.DeployScript{Limits: u.Limits, Guard: u.Guard, Rate: u.Rate, Secrets: u.Secrets}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	if request.Source, err = read(ctx, env, o.file); err != nil {
		return err
	}
	if o.library || o.endpoint {
		request.Endpoint = &o.endpoint
	}
	made, created, err := conn.DeployScript(ctx, o.app, o.name, request)
	if err != nil {
		return inFile(o.file, cli.Explain(err))
	}
	if created {
		env.Notef("Created %s/%s.", o.app, o.name)
	} else {
		env.Notef("Updated %s/%s to version %d.", o.app, o.name, made.Version.Number)
	}
	for _, warning := range made.Warnings {
		env.Notef("Careful: %s:%d:%d: %s.", named(o.file), warning.Line, warning.Column, strings.TrimRight(output.Printable(warning.Message), "?;"))
		if excerpt := cli.Excerpt(request.Source, warning.Line, warning.Column); excerpt != "" {
			env.Notef("%s", output.PrintableLines(excerpt))
		}
	}
	return output.Show(w, made, deployed(conn.BaseURL()))
}

// named is what a file is called in messages.
func named(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

func read(ctx context.Context, env *cli.Env, file string) (string, error) {
	in := env.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", exit.Usagef("%w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := terminal.Await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, maxSource+1)) })
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	if i := invalidAt(b); i >= 0 && len(b) <= maxSource {
		return "", fmt.Errorf("%s is no UTF-8 text: the byte at offset %d fits nowhere; save it as UTF-8", file, i)
	}
	return string(b), nil
}

// invalidAt returns where b stops being UTF-8, or -1. JSON, in which sources
// travel, would put another character there without a word.
func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return -1
}

// inFile puts the file before the position of a compile error.
func inFile(file string, err error) error {
	ce, ok := cli.AsCompileError(err)
	var e *exit.Error
	if !ok || !errors.As(err, &e) {
		return err
	}
	e.Err = fmt.Errorf("%s:%d:%d: %s (HTTP %d)", named(file), ce.Line, ce.Column, ce.Message, e.Status)
	return e
}

// deployed are the columns for what a change of a script made. base is the
// server's URL.
func deployed(base string) []output.Column[client.Deployed] {
	return []output.Column[client.Deployed]{
		{Name: "app", Value: func(d client.Deployed) string { return d.Script.App }},
		{Name: "name", Value: func(d client.Deployed) string { return d.Script.Name }},
		{Name: "kind", Value: func(d client.Deployed) string { return kind(d.Script) }},
		{Name: "version", Value: func(d client.Deployed) string { return number(d.Version.Number) }},
		{Name: "deployment", Value: func(d client.Deployed) string { return number(d.Deployment) }},
		{Name: "url", Value: func(d client.Deployed) string {
			if d.Script.Path == "" {
				return ""
			}
			return base + d.Script.Path
		}},
	}
}
