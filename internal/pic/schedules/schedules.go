// Package schedules is "pic schedules": scripts that run by the clock.
package schedules

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/channels"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
)

var noun = channels.Noun{
	Noun: "schedule", Command: "pic schedules", Example: "nightly",
	Messages: func(ctx context.Context, c *client.Client, app, name string, q client.MessageQuery) (client.ListMessage, error) {
		return c.ListScheduleMessages(ctx, app, name, q)
	},
	Redrive: func(ctx context.Context, c *client.Client, app, name string, which client.Chosen) (int64, error) {
		return c.RedriveSchedule(ctx, app, name, which)
	},
	Purge: func(ctx context.Context, c *client.Client, app, name string, p client.Purge) (int64, error) {
		return c.PurgeSchedule(ctx, app, name, p)
	},
}

// Command returns "pic schedules".
func Command(env *cli.Env) *cobra.Command {
	verbs := []*cobra.Command{
		addCommand(env),
		channels.Ls(env, noun, "List schedules with their next time",
			"List an app's schedules with their scripts, the next and the last time of each, and\nhow many of its runs are ready, delayed, under way and given up.",
			"No schedules. Make one with: pic schedules add '0 3 * * *' --app APP --script SCRIPT", listed, list),
		channels.ShowOne(env, noun, "Show a schedule with its next five times",
			"Show a schedule: its script and settings, the next five times by its own clock, and\nits runs that wait, go on or were given up.", shown,
			func(ctx context.Context, c *client.Client, app, name string) (client.Schedule, error) {
				return c.Schedule(ctx, app, name)
			}),
		noun.Do(env, "run", "Run a schedule's script now", `Run a schedule's script now, also while the schedule is paused. The answer does not
wait for the run: pic logs shows it. Unless runs may overlap, it comes after the one
under way. Its next times stay as they are.`, "Started %s.", func(ctx context.Context, c *client.Client, app, name string) error {
			_, err := c.RunSchedule(ctx, app, name)
			return err
		}),
		noun.Do(env, "pause", "Leave out a schedule's times for now",
			"Leave out a schedule's times until it is resumed. A run under way, or one that waits,\nends as it would. pic schedules run works all the same.", "Paused %s.", pause(true)),
		noun.Do(env, "resume", "Let a schedule's times come again",
			"Let a schedule's times come again. What came meanwhile is not made up for.", "Resumed %s.", pause(false)),
		noun.Remove(env, "rm", `Remove a schedule with the runs that wait and those that were given up. A run under
way ends. On a terminal pic asks first; elsewhere --yes is needed.`, "its runs",
			func(ctx context.Context, c *client.Client, app, name string) error {
				return c.DeleteSchedule(ctx, app, name)
			}),
	}
	return cli.Group("schedules", "Run scripts by the clock", append(verbs, noun.Commands(env)...)...)
}

func list(ctx context.Context, c *client.Client, app string, p client.Page) ([]client.Schedule, string, error) {
	l, err := c.ListSchedules(ctx, app, p)
	return l.Items, l.Next, err
}

func pause(paused bool) func(ctx context.Context, c *client.Client, app, name string) error {
	return func(ctx context.Context, c *client.Client, app, name string) error {
		_, err := c.PauseSchedule(ctx, app, name, paused)
		return err
	}
}

// local shows a time as the schedule's own clock does.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func next(name string, i int) output.Column[client.Schedule] {
	return output.Column[client.Schedule]{Name: name, Value: func(s client.Schedule) string {
		if i >= len(s.Next) {
			return ""
		}
		return local(s.Next[i])
	}}
}

var (
	timing = []output.Column[client.Schedule]{
		{Name: "name", Value: func(s client.Schedule) string { return s.Name }},
		{Name: "cron", Value: func(s client.Schedule) string { return s.Cron }},
		{Name: "timezone", Value: func(s client.Schedule) string { return s.Timezone }},
		{Name: "script", Value: func(s client.Schedule) string { return s.Script }},
	}
	last  = output.Column[client.Schedule]{Name: "last", Value: func(s client.Schedule) string { return output.Time(s.LastAt) }}
	state = channels.StateColumns(func(s client.Schedule) client.ChannelState { return s.State })

	listed = join(timing, []output.Column[client.Schedule]{next("next", 0), last}, state)
	shown  = join(timing, []output.Column[client.Schedule]{
		next("next_1", 0), next("next_2", 1), next("next_3", 2), next("next_4", 3), next("next_5", 4), last,
		{Name: "skipped", Value: func(s client.Schedule) string { return output.Time(s.SkippedAt) }},
	}, state, policy)

	policy = []output.Column[client.Schedule]{
		{Name: "overlap", Value: func(s client.Schedule) string { return s.Overlap }},
		{Name: "catch_up", Value: func(s client.Schedule) string { return s.CatchUp }},
		channels.Span("jitter", func(s client.Schedule) int64 { return s.JitterMs }),
		channels.Number("concurrency", func(s client.Schedule) int64 { return s.Concurrency }),
		channels.Number("max_attempts", func(s client.Schedule) int64 { return s.MaxAttempts }),
		channels.Span("backoff", func(s client.Schedule) int64 { return s.BackoffMs }),
		channels.Span("backoff_max", func(s client.Schedule) int64 { return s.BackoffMaxMs }),
		channels.Span("visibility_timeout", func(s client.Schedule) int64 { return s.VisibilityTimeoutMs }),
	}
	settings = join(timing[1:], policy)
)

func join(groups ...[]output.Column[client.Schedule]) (all []output.Column[client.Schedule]) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func addCommand(env *cli.Env) *cobra.Command {
	var app, name, timezone, overlap, catchUp string
	var jitter time.Duration
	var d channels.Delivery
	cmd := &cobra.Command{
		Use:   "add CRON",
		Short: "Run a script at certain times",
		Long: `Run a script at certain times, and show the next five of them. CRON is five fields
(minute, hour, day of the month, month, day of the week), or @hourly, @daily,
@weekly, @monthly, @yearly, or @every and a duration. Quote it, so that the shell
leaves it alone.

The schedule is called like its script unless --name says otherwise. One that is
there already gets the new settings; those that are not given are the defaults. It
gets other times only if --name names it: a script can have several schedules.`,
		Example: `  pic schedules add '0 3 * * *' --app demo --script report --timezone Europe/Berlin
  pic schedules add '@every 10m' --app demo --script poll --jitter 30s --overlap queue
  pic schedules add '0 9 * * mon-fri' --app demo --script report --name morning --catch-up none`,
		Args: cli.Args("CRON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.Read(cmd); err != nil {
				return err
			}
			wanted := client.SetSchedule{
				Cron: args[0], Timezone: timezone, Overlap: overlap, CatchUp: catchUp, Script: d.Script, Concurrency: d.Concurrency,
				BatchSize: d.BatchSize, MaxAttempts: d.Attempts, BackoffMs: d.BackoffMS, BackoffMaxMs: d.BackoffMaxMS, VisibilityTimeoutMs: d.VisibilityTimeoutMS,
			}
			wanted.JitterMs = jitter.Milliseconds()
			w, err := env.Writer()
			if err != nil {
				return err
			}
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			named, err := channels.Free(noun, name, d.Script, wanted.Cron,
				func(p client.Page) ([]client.Schedule, string, error) { return list(cmd.Context(), conn, app, p) },
				func(s client.Schedule) (name, is, shown string) { return s.Name, s.Cron, s.Cron })
			if err != nil {
				return err
			}
			before := channels.Remember(conn.Schedule(cmd.Context(), app, named))
			x, created, err := conn.SetSchedule(cmd.Context(), app, named, wanted)
			if err != nil {
				return cli.Explain(err)
			}
			if created {
				env.Notef("Added %s.", x.Name)
			} else {
				env.Notef("Changed %s.", x.Name)
			}
			before.Note(env, noun, app, x.Name, settings, x, x.State.Paused)
			return output.Show(w, x, shown)
		},
	}
	channels.AppFlag(env, cmd, &app)
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "call the schedule `NAME`, not like its script")
	f.StringVar(&timezone, "timezone", "", "by the clock of this `ZONE`, such as Europe/Berlin (default UTC)")
	f.StringVar(&overlap, "overlap", "", "`WHAT` to do when a time comes and the last run is not done: skip, queue or allow (default skip)")
	f.StringVar(&catchUp, "catch-up", "", "`WHAT` to do about times that were missed: one run for all of them, or none (default one)")
	f.Var(span.Var{To: &jitter, Zero: true}, "jitter", "delay each time by up to this `TIME` (default 0s)")
	d.Flags(cmd)
	// It can only be 1: the events of a schedule come one at a time.
	if err := f.MarkHidden("batch-size"); err != nil {
		panic(err) // the flag was defined above
	}
	f.Lookup("concurrency").Usage = "run at most `N` executions at once (default 4 with --overlap allow; without it there is only 1)"
	for flag, words := range map[string][]string{"overlap": {"skip", "queue", "allow"}, "catch-up": {"one", "none"}} {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete.Words(words...)); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}
