// Package logs is "pic logs": what scripts logged and how their executions
// ended.
package logs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// statuses are how an execution can end.
var statuses = []string{"ok", "error", "timeout", "limit", "rejected", "cancelled"}

// Most executions that one command lists; page is how many it asks for at once.
const (
	maxLimit = 10000
	page     = 500
)

type options struct {
	app, script string
	execution   string
	limit       int
	status      string
	follow      bool
}

// Command returns "pic logs".
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "logs APP[/SCRIPT]",
		Short: "Show what scripts logged and how they ended",
		Long: `Show the latest executions of an app or of one script, the newest last, each with
the lines it logged. With --follow go on as executions end, until interrupted.
"pic logs --execution ID" shows a single one, of any app.

An execution ends as ok, error (an uncaught throw or a runtime error), timeout,
limit (operations, memory, depth, output), rejected (overload) or cancelled.

HTTP calls of scripts are shown between the lines, with host, status and time.

In TSV an execution is a line of kind "execution", one of kind "line" for each
line it logged and one of kind "call" for each call; logs_dropped says how many
lines were over the limit. JSON carries them in "logs" and "calls".`,
		Example: `  pic logs demo
  pic logs demo/hello --limit 5
  pic logs demo --status error --output json
  pic logs demo/hello --follow
  pic logs --execution 0190a000-0000-7000-8000-000000000001`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.execution != "" {
				if len(args) > 0 {
					return exit.Usagef("--execution goes without %q: an execution says whose it is", args[0])
				}
				return nil
			}
			return cli.Args("APP or APP/SCRIPT")(cmd, args)
		},
		ValidArgsFunction: complete.Scripts(env, nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.execution == "" {
				o.app, o.script, _ = strings.Cut(args[0], "/")
				if o.app == "" || strings.Contains(o.script, "/") {
					return exit.Usagef("%q is no APP or APP/SCRIPT", args[0])
				}
			}
			return run(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&o.limit, "limit", "n", 20, "show at most `N` executions that have ended")
	f.StringVar(&o.status, "status", "", "only executions that ended as `STATUS`")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on as executions end")
	f.StringVar(&o.execution, "execution", "", "show the execution with this `ID`, whatever its app")
	cmd.MarkFlagsMutuallyExclusive("follow", "execution")
	if err := cmd.RegisterFlagCompletionFunc("status", complete.Words(statuses...)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func run(ctx context.Context, env *cli.Env, o options) error {
	switch {
	case o.status != "" && !slices.Contains(statuses, o.status):
		return exit.Usagef("--status %q is unknown: use one of %s", o.status, strings.Join(statuses, ", "))
	case o.limit < 1 || o.limit > maxLimit:
		return exit.Usagef("--limit must be from 1 to %d", maxLimit)
	}
	w, err := env.Writer()
	if err != nil {
		return err
	}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	if o.execution != "" {
		e, err := conn.Execution(ctx, o.execution)
		if err != nil {
			return cli.Explain(err)
		}
		return show(w, []client.Execution{e})
	}
	latest, err := list(ctx, env, conn, o)
	if err != nil {
		return err
	}
	if o.follow {
		err := follow(ctx, env, conn, o, newPrinter(w), latest)
		if errors.Is(err, context.Canceled) {
			return nil // how following ends
		}
		return err
	}
	switch {
	case len(latest) > 0:
	case o.status != "":
		env.Notef("No executions that ended as %s.", o.status)
	default:
		env.Notef("No executions yet.")
	}
	return show(w, latest)
}

// list returns the newest executions that o selects, the newest last.
func list(ctx context.Context, env *cli.Env, conn *client.Client, o options) ([]client.Execution, error) {
	found := []client.Execution{}
	q := client.ExecutionQuery{Script: o.script, Status: client.ExecutionStatus(o.status), Logs: true}
	var dropped int64
	for len(found) < o.limit {
		q.Limit = min(page, o.limit-len(found))
		l, err := conn.ListExecutions(ctx, o.app, q)
		if err != nil {
			return nil, cli.Explain(err)
		}
		dropped = l.Dropped
		found = append(found, l.Items...)
		if l.Next == "" {
			break
		}
		q.Before = l.Next
	}
	if dropped > 0 {
		env.Notef("%d executions of %s since the server started could not be recorded and are not shown.", dropped, o.app)
	}
	slices.Reverse(found)
	return found, nil
}

func show(w *output.Writer, executions []client.Execution) error {
	if w.Format == output.JSON {
		return w.JSON(executions)
	}
	var rows []row
	for i := range executions {
		rows = append(rows, rowsOf(&executions[i])...)
	}
	return output.List(w, rows, columns(w))
}
