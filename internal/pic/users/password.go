package users

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
)

// PasswordCommand returns "pic password".
func PasswordCommand(env *cli.Env) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Change your own password",
		Long: `Change your own password. On a terminal pic asks for the old and the new one; with
--password-stdin they are the two lines of standard input. Your other sessions end.`,
		Example: "  pic password\n  printf '%s\\n%s\\n' \"$OLD\" \"$NEW\" | pic password --password-stdin",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conn, err := env.Connect()
			if err != nil {
				return err
			}
			current, password, err := passwords(cmd.Context(), env, stdin)
			if err != nil {
				return err
			}
			if err := conn.ChangePassword(cmd.Context(), current, password); err != nil {
				return cli.Explain(err)
			}
			env.Notef("Changed. Your other sessions have ended.")
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the current and the new password from standard input, a line each")
	return cmd
}

func passwords(ctx context.Context, env *cli.Env, stdin bool) (current, password string, err error) {
	if stdin {
		both, err := env.ReadSecret(ctx)
		if err != nil {
			return "", "", err
		}
		current, password, two := strings.Cut(strings.ReplaceAll(both, "\r\n", "\n"), "\n")
		if !two || strings.Contains(password, "\n") {
			return "", "", exit.Usagef("standard input must hold two lines: the current password and the new one")
		}
		return current, password, nil
	}
	if env.InIsTerminal() {
		if current, err = env.AskSecret(ctx, "Current password: "); err != nil {
			return "", "", err
		}
	}
	password, err = newPassword(ctx, env, false)
	return current, password, err
}
