package session

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// LogoutCommand returns "pic logout".
func LogoutCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "Sign out",
		Long: `End the session on the server and remove the credentials file. The file goes even
when the server cannot be reached; the session then ends when it expires. An API key goes on:
"pic api-keys rm" ends it.`,
		Example: "  pic logout",
		Args:    cli.Args(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return logout(cmd.Context(), env) },
	}
}

func logout(ctx context.Context, env *cli.Env) error {
	c, err := env.Credentials.File()
	if errors.Is(err, fs.ErrNotExist) {
		env.Notef("You were not signed in.")
		return nil
	}
	if err != nil {
		// A damaged file is what one wants to be rid of, too.
		return errors.Join(err, env.Credentials.Remove())
	}
	// pic_ID_SECRET is an API key: it may serve others, and no key may end itself.
	if key, ok := strings.CutPrefix(c.Token, "pic_"); ok {
		id, _, _ := strings.Cut(key, "_")
		if err := env.Credentials.Remove(); err != nil {
			return err
		}
		env.Notef("Signed out of %s here. The API key goes on; its owner ends it with: pic api-keys rm %s", c.URL, id)
		return nil
	}
	ended := end(ctx, env, c)
	if err := env.Credentials.Remove(); err != nil {
		return err
	}
	switch {
	case exit.Code(ended) == exit.NotSignedIn: // the session had ended before
	case ended != nil:
		env.Notef("Signed out here. The session on %s may live on until it expires: %v", c.URL, ended)
		return nil
	}
	env.Notef("Signed out of %s.", c.URL)
	return nil
}

func end(ctx context.Context, env *cli.Env, c credentials.Credentials) error {
	if c.Token == "" {
		return nil
	}
	conn, err := env.ConnectAs(c)
	if err != nil {
		return err
	}
	return cli.Explain(conn.SignOut(ctx))
}

// WhoamiCommand returns "pic whoami".
func WhoamiCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "whoami",
		Short:   "Show who is signed in, and where",
		Example: "  pic whoami\n  pic whoami --output json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			c, err := env.SignedIn()
			if err != nil {
				return err
			}
			me, err := whoami(cmd.Context(), env, c)
			if err != nil {
				return err
			}
			return output.Show(w, me, []output.Column[client.Whoami]{
				{Name: "username", Value: func(m client.Whoami) string { return m.User.Username }},
				{Name: "role", Value: func(m client.Whoami) string { return string(m.User.Role) }},
				{Name: "server", Value: func(client.Whoami) string { return c.URL }},
				{Name: "session_expires_at", Value: func(m client.Whoami) string { return output.Time(m.Session.ExpiresAt) }},
				{Name: "api_key", Value: func(m client.Whoami) string { return m.APIKey.Name }},
			})
		},
	}
}

func whoami(ctx context.Context, env *cli.Env, c credentials.Credentials) (client.Whoami, error) {
	conn, err := env.ConnectAs(c)
	if err != nil {
		return client.Whoami{}, err
	}
	me, err := conn.Whoami(ctx)
	return me, cli.Explain(err)
}
