// Package keys is "pic api-keys": tokens for programs.
package keys

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/duration"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
)

// Command returns "pic api-keys".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("api-keys", "Manage API keys: tokens by which programs act for you",
		mintCommand(env), lsCommand(env), rmCommand(env))
}

func scopesOf(k client.APIKey) string {
	words := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ",")
}

var columns = []output.Column[client.APIKey]{
	{Name: "id", Value: func(k client.APIKey) string { return k.ID }},
	{Name: "name", Value: func(k client.APIKey) string { return k.Name }},
	{Name: "owner", Value: func(k client.APIKey) string { return k.Owner }},
	{Name: "scopes", Value: scopesOf},
	{Name: "app", Value: func(k client.APIKey) string { return k.App }},
	{Name: "created_at", Value: func(k client.APIKey) string { return output.Time(k.CreatedAt) }},
	{Name: "expires_at", Value: func(k client.APIKey) string { return output.Time(k.ExpiresAt) }},
	{Name: "last_used_at", Value: func(k client.APIKey) string { return output.Time(k.LastUsedAt) }},
}

var minted = []output.Column[client.MintedKey]{
	{Name: "id", Value: func(k client.MintedKey) string { return k.ID }},
	{Name: "name", Value: func(k client.MintedKey) string { return k.Name }},
	{Name: "expires_at", Value: func(k client.MintedKey) string { return output.Time(k.ExpiresAt) }},
	{Name: "raw_token", Value: func(k client.MintedKey) string { return k.RawToken }},
}

func mintCommand(env *cli.Env) *cobra.Command {
	var k client.MintKey
	var scopes []string
	var expires string
	cmd := &cobra.Command{
		Use:   "mint",
		Short: "Mint an API key, and show its token this once",
		Long: `Mint an API key and show its token. It is shown this once: the server keeps only a
hash. Give it to a program as PICLOUD_TOKEN, or as "Authorization: Bearer TOKEN".

Scopes: read sees apps, scripts and logs; deploy also changes scripts; invoke calls
endpoints that ask for an API key; admin includes them all and what else you may do,
except with owners, passwords, sessions and keys. A key never may more than you, at
any time.`,
		Example: `  pic api-keys mint --name ci --scope deploy --app demo --expires 30d
  TOKEN=$(pic api-keys mint --name ci --output json | jq -r .raw_token)`,
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, s := range scopes {
				k.Scopes = append(k.Scopes, client.MintKeyScopes(s))
			}
			if expires != "" {
				d, err := duration.Parse(expires)
				if err != nil {
					return exit.Usagef("--expires: %w", err)
				}
				k.ExpiresAt = time.Now().Add(d).UTC().Truncate(time.Second)
			}
			err := cli.One(cmd.Context(), env, minted, func(ctx context.Context, c *client.Client) (client.MintedKey, error) {
				return c.MintAPIKey(ctx, k)
			})
			if err == nil {
				env.Notef("Keep the token: it is not shown again.")
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&k.Name, "name", "", "what it is for, `NAME`; no two of your keys have the same")
	f.StringArrayVar(&scopes, "scope", nil, "`SCOPE`: read, deploy, invoke or admin; may be repeated (default: read)")
	f.StringVar(&k.App, "app", "", "let it work with this `APP` alone")
	f.StringVar(&expires, "expires", "", "let it expire after this `TIME`: 12h, 30d, 52w (default: never)")
	if err := cmd.MarkFlagRequired("name"); err != nil {
		panic(err) // the flag was defined above
	}
	for flag, offer := range map[string]complete.Func{"scope": complete.Words("read", "deploy", "invoke", "admin"), "app": complete.AppFlag(env)} {
		if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
			panic(err) // the flags were defined above
		}
	}
	return cmd
}

func lsCommand(env *cli.Env) *cobra.Command {
	var q client.KeyQuery
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List API keys",
		Long: `List your API keys; never their tokens. Owners and admins of the instance may list
those of others.`,
		Example: "  pic api-keys ls\n  pic api-keys ls --user zoe\n  pic api-keys ls --all",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), env, columns, "No API keys yet. Mint one with: pic api-keys mint --name NAME",
				func(ctx context.Context, c *client.Client, p client.Page) ([]client.APIKey, string, error) {
					q.Page = p
					l, err := c.ListAPIKeys(ctx, q)
					return l.Items, l.Next, err
				})
		},
	}
	cmd.Flags().StringVar(&q.User, "user", "", "those of this `USER`")
	cmd.Flags().BoolVar(&q.All, "all", false, "those of all users")
	cmd.MarkFlagsMutuallyExclusive("user", "all")
	return cmd
}

func rmCommand(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm ID",
		Short: "End an API key",
		Long: `End an API key: its token is worth nothing from then on. The ID is the part of the
token between the underscores; pic api-keys ls shows it.

On a terminal pic asks first; elsewhere --yes is needed.`,
		Example:           "  pic api-keys rm 0123456789abcdef",
		Args:              cli.Args("ID"),
		ValidArgsFunction: complete.Keys(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Do(cmd.Context(), env, yes, "End the API key "+args[0]+"? Programs that use it stop working.", "Ended "+args[0]+".",
				func(ctx context.Context, c *client.Client) error { return c.DeleteAPIKey(ctx, args[0]) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
