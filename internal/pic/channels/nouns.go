package channels

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// about returns a command about one of the noun by its name, and where --app will be.
func (n Noun) about(env *cli.Env, verb, short, long string) (cmd *cobra.Command, app *string) {
	cmd = &cobra.Command{Use: verb + " NAME", Short: short, Long: long, Example: n.example(verb, ""), Args: cli.Args("NAME")}
	app = new(string)
	AppFlag(env, cmd, app)
	return cmd, app
}

// Ls returns "ls", which lists an app's. none says how to make one.
func Ls[T any](env *cli.Env, n Noun, short, long, none string, columns []output.Column[T],
	list func(ctx context.Context, c *client.Client, app string, p client.Page) ([]T, string, error),
) *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "ls", Short: short, Long: long, Example: fmt.Sprintf("  %s ls --app demo", n.Command), Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, none,
				func(ctx context.Context, c *client.Client, p client.Page) ([]T, string, error) {
					return list(ctx, c, app, p)
				})
		},
	}
	AppFlag(env, cmd, &app)
	return cmd
}

// ShowOne returns "show", which shows one.
func ShowOne[T any](env *cli.Env, n Noun, short, long string, columns []output.Column[T],
	get func(ctx context.Context, c *client.Client, app, name string) (T, error),
) *cobra.Command {
	cmd, app := n.about(env, "show", short, long)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return cli.One(cmd.Context(), env, columns,
			func(ctx context.Context, c *client.Client) (T, error) { return get(ctx, c, *app, args[0]) })
	}
	return cmd
}

// Do returns a command that does something with one without asking; done is said
// then, of its name.
func (n Noun) Do(env *cli.Env, verb, short, long, done string, do func(ctx context.Context, c *client.Client, app, name string) error) *cobra.Command {
	cmd, app := n.about(env, verb, short, long)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return cli.Do(cmd.Context(), env, true, "", fmt.Sprintf(done, args[0]),
			func(ctx context.Context, c *client.Client) error { return do(ctx, c, *app, args[0]) })
	}
	return cmd
}

// Remove returns the command that removes one after asking; with says what goes with it.
func (n Noun) Remove(env *cli.Env, verb, long, with string, remove func(ctx context.Context, c *client.Client, app, name string) error) *cobra.Command {
	var yes bool
	cmd, app := n.about(env, verb, "Remove a "+n.Noun, long)
	cmd.Example = n.example(verb, "--yes")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return cli.Do(cmd.Context(), env, yes, fmt.Sprintf("Remove the %s %s with %s?", n.Noun, args[0], with), "Removed "+args[0]+".",
			func(ctx context.Context, c *client.Client) error { return remove(ctx, c, *app, args[0]) })
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// Free returns the name to set: the given one, or the script's, unless that would
// change another of the noun. of returns a name and what it is of, such as a pattern.
func Free[T any](n Noun, given, script, wanted string,
	list func(p client.Page) ([]T, string, error), of func(T) (name, is, shown string),
) (string, error) {
	if given != "" {
		return given, nil
	}
	all, err := cli.All(list)
	if err != nil {
		return "", err
	}
	for _, x := range all {
		if name, is, shown := of(x); name == script && is != wanted {
			return "", &exit.Error{
				Code: exit.Usage, Err: fmt.Errorf("there is a %s %s already, of %s", n.Noun, name, shown),
				Hint: fmt.Sprintf("Call another one otherwise with --name NAME; --name %s changes this one.", name),
			}
		}
	}
	return script, nil
}

// DeliveryColumns are the columns of how messages are delivered.
func DeliveryColumns[T any](of func(T) client.Delivery) []output.Column[T] {
	number := func(name string, field func(client.Delivery) int64) output.Column[T] {
		return Number(name, func(v T) int64 { return field(of(v)) })
	}
	span := func(name string, field func(client.Delivery) int64) output.Column[T] {
		return Span(name, func(v T) int64 { return field(of(v)) })
	}
	return []output.Column[T]{
		number("concurrency", func(d client.Delivery) int64 { return d.Concurrency }),
		number("batch_size", func(d client.Delivery) int64 { return d.BatchSize }),
		number("max_attempts", func(d client.Delivery) int64 { return d.MaxAttempts }),
		span("backoff", func(d client.Delivery) int64 { return d.BackoffMs }),
		span("backoff_max", func(d client.Delivery) int64 { return d.BackoffMaxMs }),
		span("visibility_timeout", func(d client.Delivery) int64 { return d.VisibilityTimeoutMs }),
	}
}
