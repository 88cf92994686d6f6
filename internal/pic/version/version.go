// Package version is "pic version".
package version

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

// Info is what pic says of itself.
type Info struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

var fields = []output.Column[Info]{
	{Name: "version", Value: func(i Info) string { return i.Version }},
	{Name: "go", Value: func(i Info) string { return i.Go }},
	{Name: "platform", Value: func(i Info) string { return i.Platform }},
}

// Command returns "pic version".
func Command(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show this program's version",
		Example: "  pic version\n  pic version --output json",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			w, err := env.Writer()
			if err != nil {
				return err
			}
			return output.Show(w, Info{Version: env.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}, fields)
		},
	}
}
