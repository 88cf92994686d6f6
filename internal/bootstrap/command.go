package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// Main runs picloud and returns its exit code.
func Main() int { return process.Main("picloud", Command) }

// Command returns the command tree of picloud.
func Command(streams *terminal.Streams) *cobra.Command {
	serve := serveCommand(streams)
	root := &cobra.Command{
		Use:   "picloud",
		Short: "A server that turns scripts into HTTP endpoints",
		Long: `picloud turns Rhai scripts into HTTP endpoints.

Without a command it serves. All settings, with their environment variables:
docs/configuration.md.`,
		Args:          cobra.NoArgs,
		RunE:          serve.RunE,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	// The default command takes serve's flags.
	root.Flags().AddFlagSet(serve.Flags())
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.AddCommand(serve, ownerCommand(streams), secretsCommand(streams), backupCommand(streams), restoreCommand(streams), process.VersionCommand(streams, settings.Picloud))
	return root
}

func serveCommand(streams *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Serve until a signal ends it (the default command)",
		Example: "  picloud serve\n  picloud serve --listen :8080 --data /var/lib/picloud",
		Args:    cobra.NoArgs,
	}
	flags := settings.AddFlags(cmd.Flags(), settings.Picloud)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		return Serve(cmd.Context(), c, streams.Out, streams.Err)
	}
	return cmd
}

func ownerCommand(streams *terminal.Streams) *cobra.Command {
	owner := &cobra.Command{Use: "owner", Short: "Manage the owner on this machine", Args: cobra.NoArgs, RunE: showHelp}
	reset := &cobra.Command{
		Use:   "reset-password",
		Short: "Give the owner a new password",
		Long: `Gives the owner a new password and ends all their sessions. The new password is
asked for on a terminal, and otherwise read from standard input. PiCloud may be
running.`,
		Example: "  picloud owner reset-password\n  picloud owner reset-password --data /var/lib/picloud < new-password",
		Args:    cobra.NoArgs,
	}
	username := reset.Flags().String("username", "", "which owner, if there are several")
	flags := settings.AddFlags(reset.Flags(), settings.Picloud, "data", "database")
	reset.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		password, err := newPassword(cmd.Context(), streams)
		if err != nil {
			return err
		}
		name, err := ResetOwnerPassword(cmd.Context(), c, *username, password)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(streams.Out, "The password of %s is changed, and all their sessions are ended.\n", name)
		return err
	}
	owner.AddCommand(reset)
	return owner
}

// showHelp is what a command does that only holds others. Because it does something,
// a word that is none of them is an error, and no success with a help text.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func newPassword(ctx context.Context, streams *terminal.Streams) (string, error) {
	if !streams.InIsTerminal() {
		return streams.ReadSecret(ctx)
	}
	first, err := streams.AskSecret(ctx, "New password: ")
	if err != nil {
		return "", err
	}
	again, err := streams.AskSecret(ctx, "Once more: ")
	if err == nil && first != again {
		err = errors.New("the two passwords differ; nothing was changed")
	}
	return first, err
}

func backupCommand(streams *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the database to a new file",
		Long: `Writes a consistent copy of the database to a new file, or to standard output
for "-". PiCloud may be running. The record of executions is not part of it.

The file holds sources and password hashes: keep it as private as the database. The
key to the secrets is not in it: keep a copy of that elsewhere (docs/secrets.md).`,
		Example: "  picloud backup picloud-$(date +%F).backup\n  picloud backup - | gzip > picloud.backup.gz",
		Args:    oneFile,
	}
	flags := settings.AddFlags(cmd.Flags(), settings.Picloud, "data", "database")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		if args[0] == "-" && streams.OutIsTerminal() {
			return errors.New("a backup is not text: send standard output to a file or a program")
		}
		return Backup(cmd.Context(), c, args[0], streams.Out)
	}
	return cmd
}

func restoreCommand(streams *terminal.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Fill an empty database from a backup",
		Long: `Fills an empty database from a backup, read from a file or from standard input
for "-". It overwrites nothing: restore into an empty data directory or a new
PostgreSQL database, then start PiCloud on it. A backup that is damaged, or newer
than this program, is refused and changes nothing.`,
		Example: "  picloud restore picloud-2026-01-31.backup --data /var/lib/picloud",
		Args:    oneFile,
	}
	flags := settings.AddFlags(cmd.Flags(), settings.Picloud, "data", "database")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		return Restore(cmd.Context(), c, args[0], streams.In)
	}
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return fmt.Errorf("it takes one FILE, or - for a pipe; got %d arguments", len(args))
	}
	return nil
}
