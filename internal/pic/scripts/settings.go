package scripts

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/duration"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/limits"
	"github.com/picloud/picloud/internal/pic/output"
)

// settings are what deploy and update say of a script beside its source.
type settings struct {
	limits    []string
	guard     client.Guard
	kind      string
	scheme    string
	encoding  string
	tolerance string
	rate      string
	secrets   []string
}

const settingsHelp = `A limit of a script can only be lower than its app's ("pic apps update --help"
names them).

A guard decides who may call the endpoint. api-key and user let in callers who show a
token, as "Authorization: Bearer TOKEN": an API key with the scope invoke, or with
user that of any user's session too. basic asks for the name --guard-user and, as
password, the app's secret --guard-secret. hmac asks for a signature of the body with
that secret: as GitHub sends it (--signature github, the default), as Standard
Webhooks are signed, or in the header that --signature-header names.

With --requires-secret the script is refused as long as the app has no such secret
(pic secrets set), and the secret cannot be deleted while the script is deployed.
`

func (s *settings) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&s.limits, "limit", nil, "set a limit of this script's executions, `NAME=VALUE`; may be repeated")
	f.StringVar(&s.kind, "guard", "", "who may call it, `GUARD`: none, api-key, user, basic or hmac")
	f.StringVar(&s.guard.Secret, "guard-secret", "", "the app's secret `NAME` that callers must know, for basic and hmac")
	f.StringVar(&s.guard.Username, "guard-user", "", "the `NAME` that callers send, for basic")
	f.StringVar(&s.scheme, "signature", "", "how requests are signed, `SCHEME`: github, standard-webhooks or generic, for hmac")
	f.StringVar(&s.guard.Header, "signature-header", "", "the `HEADER` with the signature")
	f.StringVar(&s.guard.Prefix, "signature-prefix", "", "what stands before the signature, `TEXT` such as sha256=")
	f.StringVar(&s.encoding, "signature-encoding", "", "how the signature is written, `ENCODING`: hex or base64")
	f.StringVar(&s.guard.TimestampHeader, "timestamp-header", "", "the `HEADER` with the time, which is signed before the body and a dot")
	f.StringVar(&s.tolerance, "timestamp-tolerance", "", "how far that may be from now, `TIME` (default 5m)")
	f.StringVar(&s.rate, "rate", "", "how often one caller may call it, `N/TIME` such as 100/1m, or none")
	f.StringArrayVar(&s.secrets, "requires-secret", nil, "the app must have the secret `NAME`; may be repeated; none for no secret")
	err := errors.Join(
		cmd.RegisterFlagCompletionFunc("limit", complete.Assignments(limits.Names()...)),
		cmd.RegisterFlagCompletionFunc("guard", complete.Words("none", "api-key", "user", "basic", "hmac")),
		cmd.RegisterFlagCompletionFunc("signature", complete.Words("github", "standard-webhooks", "generic")),
		cmd.RegisterFlagCompletionFunc("signature-encoding", complete.Words("hex", "base64")),
	)
	if err != nil {
		panic(err) // the flags were defined above
	}
}

// read returns what the flags say; nil fields say nothing.
func (s *settings) read() (u client.UpdateScript, err error) {
	for _, l := range s.limits {
		if u.Limits == nil {
			u.Limits = &client.Limits{}
		}
		if err := limits.Set(u.Limits, l); err != nil {
			return u, exit.Usagef("--limit: %w", err)
		}
	}
	g := s.guard
	g.Kind, g.Scheme, g.Encoding = client.GuardKind(s.kind), client.GuardScheme(s.scheme), client.GuardEncoding(s.encoding)
	if s.tolerance != "" {
		d, err := duration.Parse(s.tolerance)
		if err != nil || d%time.Second != 0 {
			return u, exit.Usagef("--timestamp-tolerance: %q is no time in whole seconds, such as 5m", s.tolerance)
		}
		g.ToleranceSeconds = int64(d / time.Second)
	}
	if s.kind != "" {
		if err := s.complete(); err != nil {
			return u, err
		}
		u.Guard = &g
	} else if g != (client.Guard{}) {
		return u, exit.Usagef("the flags about a guard need --guard basic or --guard hmac")
	}
	if u.Rate, err = rateOf(s.rate); err != nil {
		return u, err
	}
	u.Secrets = requiredSecrets(s.secrets)
	return u, nil
}

// complete refuses a guard without what it asks callers for: guards are set whole.
func (s *settings) complete() error {
	var missing []string
	if s.guard.Username == "" && s.kind == "basic" {
		missing = append(missing, "--guard-user NAME")
	}
	if s.guard.Secret == "" && (s.kind == "basic" || s.kind == "hmac") {
		missing = append(missing, "--guard-secret NAME, one of the app's secrets")
	}
	if len(missing) == 0 {
		return nil
	}
	return exit.Usagef("--guard %s needs %s", s.kind, strings.Join(missing, " and "))
}

// requiredSecrets is what --requires-secret says; nil when it says nothing.
func requiredSecrets(names []string) *[]string {
	if len(names) == 0 {
		return nil
	}
	required := []string{}
	for _, name := range names {
		if name != "none" {
			required = append(required, name)
		}
	}
	return &required
}

// rateOf reads N/TIME or none; nil when nothing is said.
func rateOf(s string) (*client.Rate, error) {
	switch s {
	case "":
		return nil, nil
	case "none":
		return &client.Rate{Requests: 0, Seconds: 1}, nil
	}
	wrong := exit.Usagef("--rate: %q is no rate: write 100/1m, or none", s)
	count, per, ok := strings.Cut(s, "/")
	n, err := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil || n < 1 {
		return nil, wrong
	}
	d, err := duration.Parse(per)
	if err != nil || d%time.Second != 0 {
		return nil, wrong
	}
	return &client.Rate{Requests: n, Seconds: int64(d / time.Second)}, nil
}

func updateCommand(env *cli.Env) *cobra.Command {
	var app string
	var s settings
	cmd := &cobra.Command{
		Use:   "update APP/SCRIPT",
		Short: "Change a script's guard, rate, limits or required secrets",
		Long: `Change settings of a script and leave its version as it is. What is not given stays;
none takes a guard, a rate or the required secrets away.

` + settingsHelp,
		Example: `  pic scripts update demo/report --guard api-key --rate 100/1m
  pic scripts update demo/admin --guard basic --guard-user ada --guard-secret ADMIN_PASSWORD
  pic scripts update demo/hook --guard hmac --guard-secret WEBHOOK_KEY
  pic scripts update demo/pay --guard hmac --guard-secret PAY_KEY --signature-header X-Pay-Signature --timestamp-header X-Pay-Time
  pic scripts update demo/report --guard none`,
		Args:              cli.Args("APP/SCRIPT"),
		ValidArgsFunction: complete.Scripts(env, nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, script, err := cli.ScriptName(args[0], app)
			if err != nil {
				return err
			}
			u, err := s.read()
			if err != nil {
				return err
			}
			if u == (client.UpdateScript{}) {
				return exit.Usagef("nothing is to be changed: add --guard, --rate, --limit or --requires-secret")
			}
			return cli.One(cmd.Context(), env, updatedColumns, func(ctx context.Context, c *client.Client) (client.Script, error) {
				return c.UpdateScript(ctx, app, script, u)
			})
		},
	}
	appFlag(env, cmd, &app, "the script's `APP`, when it is given without one")
	s.addFlags(cmd)
	return cmd
}

var updatedColumns = []output.Column[client.Script]{
	{Name: "app", Value: func(s client.Script) string { return s.App }},
	{Name: "name", Value: func(s client.Script) string { return s.Name }},
	{Name: "guard", Value: guardKind},
	{Name: "rate", Value: rateText},
	{Name: "secrets", Value: func(s client.Script) string { return strings.Join(s.Secrets, ",") }},
	{Name: "guard_scheme", Value: guardScheme},
	{Name: "guard_secret", Value: guardSecret},
}

func guardKind(s client.Script) string   { return string(s.Guard.Kind) } // empty: anybody
func guardScheme(s client.Script) string { return string(s.Guard.Scheme) }
func guardSecret(s client.Script) string { return s.Guard.Secret }

// rateText is a script's rate as --rate takes it; empty: none.
func rateText(s client.Script) string {
	if s.Rate.Requests == 0 {
		return ""
	}
	return number(s.Rate.Requests) + "/" + (time.Duration(s.Rate.Seconds) * time.Second).String()
}
