// Package pic is PiCloud's command line. Each noun has a package of its own
// below this one; this package joins them to one command.
package pic

//go:generate env BLESS=1 go test . -run TestManual -count=1

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/apps"
	"github.com/picloud/picloud/internal/pic/audit"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/data"
	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/invoke"
	"github.com/picloud/picloud/internal/pic/keys"
	"github.com/picloud/picloud/internal/pic/logs"
	"github.com/picloud/picloud/internal/pic/members"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/queues"
	"github.com/picloud/picloud/internal/pic/roles"
	"github.com/picloud/picloud/internal/pic/schedules"
	"github.com/picloud/picloud/internal/pic/scripts"
	"github.com/picloud/picloud/internal/pic/secrets"
	"github.com/picloud/picloud/internal/pic/session"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/pic/tests"
	"github.com/picloud/picloud/internal/pic/topics"
	"github.com/picloud/picloud/internal/pic/users"
	"github.com/picloud/picloud/internal/pic/vars"
	"github.com/picloud/picloud/internal/pic/version"
	build "github.com/picloud/picloud/internal/version"
)

// interrupted is the exit code after SIGINT, as shells have it.
const interrupted = 130

// Offline is what runs scripts on this machine.
type Offline struct {
	Dev   dev.New   // for pic dev
	Tests tests.New // for pic test
}

// Main runs pic with the process's arguments and streams and returns its exit
// code. An interrupt or SIGTERM cancels what is running.
func Main(offline Offline) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends what does not end by itself.
	context.AfterFunc(ctx, stop)
	return Run(ctx, cli.New(terminal.System(), build.Number), os.Args[1:], offline)
}

// Run runs pic with the given arguments and returns its exit code.
func Run(ctx context.Context, env *cli.Env, args []string, offline Offline) int {
	root := Command(env, offline)
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)

	// What cobra itself refuses, before a command runs, is wrong usage.
	started := false
	each(root, func(c *cobra.Command) {
		if run := c.RunE; run != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				started = true
				return run(cmd, args)
			}
		}
	})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if unknown := cli.UnknownCommand(root, args); unknown != nil {
			return unknown
		}
		return err
	})
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exit.OK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return interrupted
	}
	var e *exit.Error
	if !started && !errors.As(err, &e) {
		err = &exit.Error{Code: exit.Usage, Err: cli.Reword(err)}
	}
	if errors.As(err, &e) && e.Status == http.StatusUnauthorized && env.Getenv(credentials.EnvToken) != "" {
		e.Hint = credentials.EnvToken + " is set, and goes before what pic login keeps: set it to a token that works, or unset it."
	}
	if exit.Code(err) == exit.Usage && exit.Hint(err) == "" {
		errors.As(err, &e)
		e.Hint = "Run '" + cmd.CommandPath() + " --help' for how to use it."
	}
	env.Report(err)
	return exit.Code(err)
}

// Command returns the whole command tree. Its help texts are also the source
// of docs/cli.md.
func Command(env *cli.Env, offline Offline) *cobra.Command {
	root := &cobra.Command{
		Use:   "pic",
		Short: "Work with a PiCloud instance",
		Long: `pic works with a PiCloud instance: it deploys Rhai scripts, calls them and shows
what they logged.

Sign in once with "pic login URL". PICLOUD_URL and PICLOUD_TOKEN go before what
that wrote. A terminal is answered with tables, a pipe with tab-separated values
under a header line; --output says otherwise.

Exit codes: 0 ok, 1 error, 2 wrong usage, 3 not signed in, 4 not allowed,
5 not found, 22 the invoked endpoint answered something other than 2xx.`,
		Example: `  pic login http://localhost:8080
  pic apps create demo
  pic scripts deploy hello.rhai --app demo
  pic invoke demo/hello
  pic logs demo/hello`,
		Version:       env.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without a command there is help; a wrong command is wrong usage.
		Args: cobra.ArbitraryArgs,
	}
	group := cli.Group("pic", "")
	root.RunE = group.RunE
	root.PersistentFlags().StringVar(&env.Output, "output", "",
		"form of the answer: table, tsv or json (default: table on a terminal, else tsv)")
	_ = root.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, f := range output.Formats {
			names = append(names, string(f))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	root.AddCommand(
		session.LoginCommand(env),
		session.LogoutCommand(env),
		session.WhoamiCommand(env),
		session.Command(env),
		apps.Command(env),
		scripts.Command(env),
		invoke.Command(env),
		logs.Command(env),
		data.KVCommand(env),
		vars.Command(env),
		secrets.Command(env),
		queues.Command(env),
		topics.Command(env),
		schedules.Command(env),
		members.Command(env),
		users.Command(env),
		users.PasswordCommand(env),
		roles.Command(env),
		keys.Command(env),
		audit.Command(env),
		dev.Command(env, offline.Dev),
		tests.Command(env, offline.Tests),
		version.Command(env),
	)
	// Names of files are offered where a command takes one.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	each(root, func(c *cobra.Command) {
		if c.ValidArgsFunction == nil && (strings.Contains(c.Use, "FILE") || strings.Contains(c.Use, "DIR")) {
			c.ValidArgsFunction = complete.Files
		}
	})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			// cobra answers a shell it does not know with help and success.
			c.Args, c.RunE = cobra.ArbitraryArgs, group.RunE
		}
		if c.Name() == "help" {
			// cobra answers a command it does not know with the whole help and success.
			c.Run, c.RunE = nil, func(cmd *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return exit.Usagef("there is no command %q", strings.Join(args, " "))
				}
				about.InitDefaultHelpFlag()
				return about.Help()
			}
		}
	}
	return root
}

func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		each(sub, f)
	}
}
