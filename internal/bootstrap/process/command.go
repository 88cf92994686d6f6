package process

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/version"
)

// Command makes root, which has Use, Short and Long, the command of a program that
// serves: it takes the program's settings, and knows its version.
func Command(root *cobra.Command, streams *terminal.Streams, program settings.Program, serve func(ctx context.Context, c *settings.Config) error) *cobra.Command {
	flags := settings.AddFlags(root.Flags(), program)
	root.Args, root.SilenceUsage, root.SilenceErrors = cobra.NoArgs, true, true
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings.Read(flags, settings.Getenv)
		if err != nil {
			return err
		}
		return serve(cmd.Context(), c)
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.AddCommand(VersionCommand(streams, program))
	return root
}

// VersionCommand shows a program's version.
func VersionCommand(streams *terminal.Streams, program settings.Program) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show this program's version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(streams.Out, program.String()+" "+version.String())
			return err
		},
	}
}
