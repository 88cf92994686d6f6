// Package channels is what the commands for queues, subscriptions, schedules and
// KV triggers share: how messages are delivered, and what is done with those that
// wait or are dead.
package channels

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
)

// AppFlag adds the flag --app, which has to be given.
func AppFlag(env *cli.Env, cmd *cobra.Command, app *string) {
	cmd.Flags().StringVarP(app, "app", "a", "", "the `APP` it is about")
	if err := errors.Join(cmd.MarkFlagRequired("app"), cmd.RegisterFlagCompletionFunc("app", complete.AppFlag(env))); err != nil {
		panic(err) // the flag was defined one line above
	}
}

// Delivery is the flags that say how messages are delivered. What is not given
// is the server's default.
type Delivery struct {
	Script                           string
	Concurrency, BatchSize, Attempts int64
	backoff, backoffMax, visibility  time.Duration
	// What the flags say, in milliseconds; 0: not given. Read sets them.
	BackoffMS, BackoffMaxMS, VisibilityTimeoutMS int64
}

// Flags adds the flags to a command.
func (d *Delivery) Flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&d.Script, "script", "s", "", "the `SCRIPT` that runs")
	f.Int64Var(&d.Concurrency, "concurrency", 0, "run at most `N` executions at once (default 4)")
	f.Int64Var(&d.BatchSize, "batch-size", 0, "give one execution up to `N` messages (default 1)")
	f.Int64Var(&d.Attempts, "max-attempts", 0, "after `N` failed attempts a message is a dead letter (default 5)")
	f.Var(span.Var{To: &d.backoff}, "backoff", "wait this `TIME` before the second attempt, twice as long before each further one (default 1s)")
	f.Var(span.Var{To: &d.backoffMax}, "backoff-max", "never wait longer than this `TIME` (default 10m)")
	f.Var(span.Var{To: &d.visibility}, "visibility-timeout", "after this `TIME` without a sign of life from its node a message goes to another (default 30s)")
	if err := cmd.MarkFlagRequired("script"); err != nil {
		panic(err) // the flag was defined above
	}
}

// Read checks what the flags say.
func (d *Delivery) Read(cmd *cobra.Command) error {
	for flag, n := range map[string]int64{"concurrency": d.Concurrency, "batch-size": d.BatchSize, "max-attempts": d.Attempts} {
		if cmd.Flags().Changed(flag) && n < 1 {
			return exit.Usagef("--%s must be a number from 1 up", flag)
		}
	}
	d.BackoffMS, d.BackoffMaxMS, d.VisibilityTimeoutMS = d.backoff.Milliseconds(), d.backoffMax.Milliseconds(), d.visibility.Milliseconds()
	return nil
}

// StateColumns are the columns of how much waits, for whatever has a state.
func StateColumns[T any](state func(T) client.ChannelState) []output.Column[T] {
	count := func(name string, of func(client.ChannelState) int64) output.Column[T] {
		return output.Column[T]{Name: name, Value: func(v T) string { return strconv.FormatInt(of(state(v)), 10) }}
	}
	return []output.Column[T]{
		count("ready", func(s client.ChannelState) int64 { return s.Ready }),
		count("delayed", func(s client.ChannelState) int64 { return s.Delayed }),
		count("in_flight", func(s client.ChannelState) int64 { return s.InFlight }),
		count("dead", func(s client.ChannelState) int64 { return s.Dead }),
		{Name: "paused", Value: func(v T) string { return strconv.FormatBool(state(v).Paused) }},
	}
}

// Number shows a setting.
func Number[T any](name string, of func(T) int64) output.Column[T] {
	return output.Column[T]{Name: name, Value: func(v T) string { return strconv.FormatInt(of(v), 10) }}
}

// Span shows a setting that is a span of time, given in milliseconds.
func Span[T any](name string, of func(T) int64) output.Column[T] {
	return output.Column[T]{Name: name, Value: func(v T) string { return (time.Duration(of(v)) * time.Millisecond).String() }}
}
