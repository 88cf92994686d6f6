// Package audit is "pic audit": who did what on the instance.
package audit

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/duration"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

var columns = []output.Column[client.AuditEntry]{
	{Name: "at", Value: func(e client.AuditEntry) string { return output.TimeMillis(e.At) }},
	{Name: "username", Value: func(e client.AuditEntry) string { return e.Username }, MinWidth: 8},
	{Name: "action", Value: func(e client.AuditEntry) string { return e.Action }, MinWidth: 14},
	{Name: "object", Value: func(e client.AuditEntry) string { return e.Object }, MinWidth: 16},
	{Name: "status", Value: func(e client.AuditEntry) string { return strconv.FormatInt(e.Status, 10) }},
	{Name: "address", Value: func(e client.AuditEntry) string { return e.Address }, MinWidth: 9},
	{Name: "detail", Value: func(e client.AuditEntry) string { return e.Detail }, Shrink: true},
	{Name: "api_key", Value: func(e client.AuditEntry) string { return e.APIKey }, TSVOnly: true},
	{Name: "app", Value: func(e client.AuditEntry) string { return e.App }, TSVOnly: true},
	{Name: "user_agent", Value: func(e client.AuditEntry) string { return e.UserAgent }, TSVOnly: true},
	{Name: "id", Value: func(e client.AuditEntry) string { return e.ID }, TSVOnly: true},
}

type options struct {
	query        client.AuditQuery
	since, until string
	limit        int
	all          bool
}

// Command returns "pic audit".
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what: every change and every refused attempt",
		Long: `Show the audit log, newest first: who did what, to what, from where, and with which
HTTP status it ended. Actions are the names of operations in the API's document,
such as deployScript.

To export it add --all: everything that the filters leave, oldest first, as it
comes; with --output json one object a line.`,
		Example: `  pic audit
  pic audit --app demo --refused --since 7d
  pic audit --user zoe --action deployScript
  pic audit --all --output json > audit.jsonl`,
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), env, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.query.User, "user", "", "only what this `USER` did")
	f.StringVar(&o.query.App, "app", "", "only what was about this `APP`")
	f.StringVar(&o.query.Action, "action", "", "only this `ACTION`")
	f.BoolVar(&o.query.Refused, "refused", false, "only what was refused, or failed")
	f.StringVar(&o.since, "since", "", "only since this `TIME`: 2026-05-04T03:02:01Z, or 12h, 7d ago")
	f.StringVar(&o.until, "until", "", "only before this `TIME`")
	f.IntVar(&o.limit, "limit", 50, "show at most `N` entries")
	f.BoolVar(&o.all, "all", false, "show all entries, oldest first")
	cmd.MarkFlagsMutuallyExclusive("limit", "all")
	if err := cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

// moment reads a time, or how long ago it was.
func moment(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	d, err := duration.Parse(s)
	if err != nil {
		return time.Time{}, exit.Usagef("--%s: %q is neither a time such as 2026-05-04T03:02:01Z nor a span such as 12h or 7d", flag, s)
	}
	return now.Add(-d), nil
}

func run(ctx context.Context, env *cli.Env, o options) error {
	if o.limit < 1 {
		return exit.Usagef("--limit must be at least 1")
	}
	var err error
	now := time.Now()
	if o.query.Since, err = moment("since", o.since, now); err != nil {
		return err
	}
	if o.query.Until, err = moment("until", o.until, now); err != nil {
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
	if o.all {
		return export(ctx, env, conn, w, o.query)
	}
	entries := []client.AuditEntry{}
	for {
		o.query.Limit = min(o.limit-len(entries), 500)
		l, err := conn.ListAudit(ctx, o.query)
		if err != nil {
			return cli.Explain(err)
		}
		entries = append(entries, l.Items...)
		if o.query.Before = l.Next; l.Next == "" || len(entries) >= o.limit {
			return output.List(w, entries, columns)
		}
	}
}

// export writes everything page by page.
func export(ctx context.Context, env *cli.Env, conn *client.Client, w *output.Writer, q client.AuditQuery) error {
	q.Limit, q.Oldest = 500, true
	out := output.NewStream(w, columns)
	written := 0
	for {
		// Beside a table that grows on the same terminal it would be in the way.
		if written > 0 && !env.OutIsTerminal() {
			env.Progress("%d written …", written)
		}
		l, err := conn.ListAudit(ctx, q)
		if err != nil {
			return cli.Explain(err)
		}
		if err := out.Write(l.Items...); err != nil {
			return err
		}
		written += len(l.Items)
		if q.After = l.Next; l.Next == "" {
			env.Done()
			return nil
		}
	}
}
