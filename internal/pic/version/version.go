// Package version is "pic version".
package version

import (
	"context"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

// Info is what pic says of itself and of the server it is signed in to.
type Info struct {
	Version       string `json:"version"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	Server        string `json:"server,omitempty"`
	ServerVersion string `json:"server_version,omitempty"` // empty: it does not answer
}

var fields = []output.Column[Info]{
	{Name: "version", Value: func(i Info) string { return i.Version }},
	{Name: "go", Value: func(i Info) string { return i.Go }},
	{Name: "platform", Value: func(i Info) string { return i.Platform }},
	{Name: "server", Value: func(i Info) string { return i.Server }},
	{Name: "server_version", Value: func(i Info) string { return i.ServerVersion }},
}

// patience is how long the server may take to say its version.
const patience = 3 * time.Second

// Command returns "pic version".
func Command(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show this program's version, and the server's",
		Example: "  pic version\n  pic version --output json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			info := Info{Version: env.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			askServer(cmd.Context(), env, &info)
			return output.Show(w, info, fields)
		},
	}
}

// askServer adds what is known of the server; one needs none to ask for pic's
// own version.
func askServer(ctx context.Context, env *cli.Env, info *Info) {
	c, err := env.Credentials.Load()
	if err != nil {
		return
	}
	info.Server = c.URL
	c.Token = "" // the version is no secret
	conn, err := env.ConnectAs(c)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if v, err := conn.Version(ctx); err == nil {
		info.ServerVersion = v.Version
	}
}
