// Package session is pic login, logout and whoami.
package session

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/terminal"
)

type loginOptions struct {
	url           string
	username      string
	passwordStdin bool
	tokenStdin    bool
}

// LoginCommand returns "pic login".
func LoginCommand(env *cli.Env) *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use:   "login URL",
		Short: "Sign in to a server",
		Long: `Sign in to a server, with a user name and password or with a token. On a
terminal pic asks for what is missing, without showing the password.

The session's token is kept in credentials.json in your configuration directory,
readable by you alone; the password is not kept.`,
		Example: `  pic login http://localhost:8080
  pic login https://pi.example.com --username ada --password-stdin < password
  pic login https://pi.example.com --token-stdin < token`,
		Args: cli.Args("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.url = args[0]
			return login(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.username, "username", "u", "", "sign in as `USER`")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password from standard input")
	f.BoolVar(&o.tokenStdin, "token-stdin", false, "read a token from standard input, and use that")
	return cmd
}

func login(ctx context.Context, env *cli.Env, o loginOptions) error {
	base, err := credentials.CheckURL(o.url)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	switch {
	case o.tokenStdin && (o.passwordStdin || o.username != ""):
		return exit.Usagef("--token-stdin goes alone: a token says whose it is")
	case o.passwordStdin && o.username == "":
		return exit.Usagef("--password-stdin needs --username")
	}
	if credentials.Exposed(base) {
		env.Notef("Careful: %s is not encrypted. Everyone on the way can read what you send, your password too.", base)
	}
	c := credentials.Credentials{URL: base}
	var user client.User
	if o.tokenStdin {
		user, err = byToken(ctx, env, &c)
	} else {
		user, err = byPassword(ctx, env, &c, o)
	}
	if err != nil {
		return err
	}
	c.Username = user.Username
	if err := env.Credentials.Save(c); err != nil {
		return err
	}
	env.Notef("Signed in to %s as %s (%s).", base, user.Username, user.Role)
	return nil
}

func byToken(ctx context.Context, env *cli.Env, c *credentials.Credentials) (client.User, error) {
	token, err := env.ReadSecret(ctx)
	if err != nil {
		return client.User{}, err
	}
	c.Token = strings.TrimSpace(token)
	me, err := whoami(ctx, env, *c)
	return me.User, err
}

func byPassword(ctx context.Context, env *cli.Env, c *credentials.Credentials, o loginOptions) (client.User, error) {
	password, err := ask(ctx, env, &o)
	if err != nil {
		return client.User{}, err
	}
	conn, err := env.ConnectAs(*c)
	if err != nil {
		return client.User{}, err
	}
	in, err := conn.SignIn(ctx, o.username, password)
	if err != nil {
		return client.User{}, withoutOwner(ctx, conn, cli.Explain(err))
	}
	c.Token = in.Token
	return in.User, nil
}

// ask completes the user name in o and returns the password, from where the
// flags say or from the person at the terminal.
func ask(ctx context.Context, env *cli.Env, o *loginOptions) (string, error) {
	if o.passwordStdin {
		return env.ReadSecret(ctx)
	}
	if !env.InIsTerminal() {
		if o.username == "" {
			return "", exit.Usagef("%w: add --username NAME --password-stdin, or --token-stdin", terminal.ErrNoTerminal)
		}
		return "", exit.Usagef("%w: add --password-stdin", terminal.ErrNoTerminal)
	}
	for o.username == "" {
		var err error
		if o.username, err = env.Ask(ctx, "Username: "); err != nil {
			return "", err
		}
	}
	return env.AskSecret(ctx, "Password: ")
}

// withoutOwner adds to a refused sign-in what to do when nobody can sign in
// yet.
func withoutOwner(ctx context.Context, conn *client.Client, err error) error {
	var e *exit.Error
	if !errors.As(err, &e) || e.Code != exit.NotSignedIn {
		return err
	}
	e.Hint = "" // it says how to sign in, which was being done
	if setup, serr := conn.Setup(ctx); serr == nil && setup.Needed {
		e.Hint = "This server has no owner yet. Open the link that it printed when it started."
	}
	return err
}
