package apps

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/output"
)

// used is a row of an app's usage.
type used struct {
	what                             string
	count, maxCount, bytes, maxBytes int64
	sized                            bool // it has bytes
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// most shows a bound.
func most(n int64) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

var usedColumns = []output.Column[used]{
	{Name: "what", Value: func(u used) string { return u.what }},
	{Name: "count", Value: func(u used) string { return number(u.count) }},
	{Name: "max_count", Value: func(u used) string { return most(u.maxCount) }},
	{Name: "bytes", Value: func(u used) string {
		if !u.sized {
			return ""
		}
		return number(u.bytes)
	}},
	{Name: "max_bytes", Value: func(u used) string { return most(u.maxBytes) }},
}

func usageCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "usage APP",
		Short: "Show how much an app has, and how much it may have",
		Long: `Show how much an app has: keys, messages that wait or are worked on, asynchronous
requests among those, dead letters (failed asynchronous requests, too), answers to
asynchronous requests, idempotency keys of the last 24 hours, and channels (queues,
subscriptions and so on) that have been used: those that hold something and those whose
consumer waits for work; the latter make room for others. Beside each is how much of it
the app may have, as the operator of the instance has set it.
dead_letters_dropped counts dead letters that went because there were too many.`,
		Example:           "  pic apps usage demo",
		Args:              cli.Args("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			u, err := conn.AppUsage(cmd.Context(), args[0])
			if err != nil {
				return cli.Explain(err)
			}
			if w.Format == output.JSON {
				return w.JSON(u)
			}
			return output.List(w, rows(u), usedColumns)
		},
	}
}

func rows(u client.AppUsage) []used {
	return []used{
		{"kv", u.Kv.Count, u.Kv.MaxCount, u.Kv.Bytes, u.Kv.MaxBytes, true},
		{"messages", u.Messages.Count, u.Messages.MaxCount, u.Messages.Bytes, u.Messages.MaxBytes, true},
		{"requests", u.Requests.Count, u.Requests.MaxCount, u.Requests.Bytes, u.Requests.MaxBytes, true},
		{"dead_letters", u.DeadLetters.Count, u.DeadLetters.MaxCount, u.DeadLetters.Bytes, u.DeadLetters.MaxBytes, true},
		{what: "dead_letters_dropped", count: u.DeadLetters.Dropped},
		{"answers", u.Answers.Count, u.Answers.MaxCount, u.Answers.Bytes, u.Answers.MaxBytes, true},
		{what: "idempotency_keys", count: u.IdempotencyKeys.Count, maxCount: u.IdempotencyKeys.MaxCount},
		{what: "channels", count: u.Channels.Count, maxCount: u.Channels.MaxCount},
	}
}
