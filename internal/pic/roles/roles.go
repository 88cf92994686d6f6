// Package roles is "pic roles": who may do what on the server.
package roles

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

var columns = []output.Column[client.Permission]{
	{Name: "permission", Value: func(p client.Permission) string { return p.Permission }},
	{Name: "instance", Value: func(p client.Permission) string {
		roles := make([]string, len(p.Instance))
		for i, r := range p.Instance {
			roles[i] = string(r)
		}
		return strings.Join(roles, ",")
	}},
	{Name: "app", Value: func(p client.Permission) string { return string(p.App) }},
	{Name: "scope", Value: func(p client.Permission) string { return string(p.Scope) }},
	{Name: "allows_to", Value: func(p client.Permission) string { return p.AllowsTo }, Shrink: true},
}

// Command returns "pic roles".
func Command(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "roles",
		Short: "Show who may do what",
		Long: `Show the table by which the server decides who may do what: for each permission
the roles on the instance that have it, the least role in an app that has it there,
and the scope that an API key needs. A refusal names the permission that was missing.`,
		Example: "  pic roles\n  pic roles | grep scripts",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "",
				func(ctx context.Context, c *client.Client, _ client.Page) ([]client.Permission, string, error) {
					l, err := c.ListPermissions(ctx)
					return l.Items, l.Next, err
				})
		},
	}
}
