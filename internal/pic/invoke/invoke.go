// Package invoke is "pic invoke": it calls an endpoint as any HTTP client
// would.
package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/complete"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
)

type options struct {
	target  string
	method  string
	data    string
	hasData bool
	headers []string
	include bool
	timeout time.Duration
}

// Command returns "pic invoke".
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "invoke APP/SCRIPT",
		Short: "Call a script's endpoint",
		Long: `Call a script's endpoint, APP/SCRIPT[/PATH][?QUERY], and write the response's body to standard output.
Everything else goes to standard error: with -i the status line and the headers,
and what went wrong.

The exit code is 0 when the endpoint answered 2xx, and 22 when it answered
anything else; redirects are shown, not followed. Your token is sent only when the
endpoint asks for it and the server says that it is guarded; its script never sees it.`,
		Example: `  pic invoke demo/hello
  pic invoke 'demo/hello?name=Ada'
  pic invoke demo/orders -d '{"email": "ada@example.com", "items": [{"sku": "tea", "quantity": 2}]}'
  pic invoke demo/orders/42 -X DELETE -i
  cat photo.png | pic invoke demo/upload -d @- -H 'Content-Type: image/png'`,
		Args:              cli.Args("APP/SCRIPT"),
		ValidArgsFunction: complete.Scripts(env, func(s client.Script) bool { return s.Endpoint }),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			o.hasData = cmd.Flags().Changed("data")
			return run(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.method, "request", "X", "", "HTTP `METHOD` (default GET, with -d POST)")
	f.StringVarP(&o.data, "data", "d", "", "request `BODY`; @FILE reads a file, @- standard input")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "request header as `'NAME: VALUE'`; may be repeated")
	f.BoolVarP(&o.include, "include", "i", false, "show the status line and the headers on standard error")
	o.timeout = 2 * time.Minute
	f.Var(span.Var{To: &o.timeout, Zero: true}, "timeout", "give up after this `TIME`; 0 waits for ever")
	return cmd
}

func run(ctx context.Context, env *cli.Env, o options) error {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	base, err := env.BaseURL()
	if err != nil {
		return err
	}
	req, err := request(ctx, env, base, o)
	if err != nil {
		return err
	}
	if req.Body != nil {
		defer req.Body.Close()
	}
	client := &http.Client{
		Transport:     env.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err == nil && res.StatusCode == http.StatusUnauthorized && o.data != "@-" {
		if token := tokenFor(env, res); token != "" {
			res.Body.Close()
			// It was refused before anything ran, so it may be sent again.
			if req, err = request(ctx, env, base, o); err != nil {
				return err
			}
			if req.Body != nil {
				defer req.Body.Close()
			}
			req.Header.Set("Authorization", "Bearer "+token)
			res, err = client.Do(req)
		}
	}
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %s", o.timeout)
		}
		return cli.Unreachable(base, err)
	}
	defer res.Body.Close()
	if o.include {
		writeHead(env.Err, res)
	}
	out := &lastByte{w: env.Out}
	if _, err := io.Copy(out, res.Body); err != nil {
		return fmt.Errorf("the response ended too early: %w", err)
	}
	if env.OutIsTerminal() && out.n > 0 && out.last != '\n' {
		fmt.Fprintln(env.Err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &exit.Error{Code: exit.Answer, Err: fmt.Errorf("the endpoint answered %s", res.Status), Hint: hint(o.target, res)}
	}
	return nil
}

// tokenFor returns the token to show to an endpoint that refused us, if the
// refusal is the server's own: a script could ask for the token, too, but what it
// answers carries the ID of its execution, which it cannot take out.
func tokenFor(env *cli.Env, res *http.Response) string {
	if res.Request.Header.Get("Authorization") != "" || res.Header.Get("WWW-Authenticate") != `Bearer realm="picloud"` ||
		res.Header.Get("Picloud-Execution-Id") != "" {
		return ""
	}
	c, err := env.SignedIn()
	if err != nil {
		return ""
	}
	return c.Token
}

func request(ctx context.Context, env *cli.Env, base string, o options) (*http.Request, error) {
	target := strings.TrimPrefix(o.target, "/")
	path, _, _ := strings.Cut(target, "?")
	app, _, slash := strings.Cut(path, "/")
	if app == "" {
		return nil, exit.Usagef("%q is no APP/SCRIPT", o.target)
	}
	if strings.Contains(target, "://") && strings.HasSuffix(app, ":") {
		return nil, exit.Usagef("%q is an address: give APP/SCRIPT, without http:// and the host", o.target)
	}
	if !slash {
		// The app's root, which its script "index" answers.
		target = strings.Replace(target, app, app+"/", 1)
	}
	target = escapeQuery(target)
	method := strings.ToUpper(o.method)
	if method == "" {
		method = http.MethodGet
		if o.hasData {
			method = http.MethodPost
		}
	}
	body, size, contentType, err := content(env, o)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, base+"/"+target, body)
	if err != nil {
		return nil, exit.Usagef("%q is no APP/SCRIPT, or -X %q no method: %w", o.target, o.method, err)
	}
	req.ContentLength = size
	req.Header.Set("User-Agent", env.UserAgent())
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	seen := map[string]bool{}
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return nil, exit.Usagef("-H %q is no header: write 'NAME: VALUE'", h)
		}
		key := http.CanonicalHeaderKey(name)
		switch {
		case key == "Host":
			req.Host = value
		case seen[key]:
			req.Header.Add(key, value)
		default:
			req.Header.Set(key, value)
		}
		seen[key] = true
	}
	return req, nil
}

// escapeQuery writes what cannot stand in a query as browsers do; the path is
// escaped by net/url.
func escapeQuery(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	var b strings.Builder
	b.WriteString(path + "?")
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// content returns the request's body, its size (-1 unknown) and the content
// type to send unless a header says otherwise.
func content(env *cli.Env, o options) (io.Reader, int64, string, error) {
	switch {
	case !o.hasData:
		return nil, 0, "", nil
	case o.data == "@-":
		return env.In, -1, "application/octet-stream", nil
	case strings.HasPrefix(o.data, "@"):
		f, err := os.Open(o.data[1:])
		if err != nil {
			return nil, 0, "", exit.Usagef("-d: %w", err)
		}
		size := int64(-1)
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		contentType := "application/octet-stream"
		if strings.HasSuffix(o.data, ".json") {
			contentType = "application/json"
		}
		if size == 0 {
			f.Close()
			return http.NoBody, 0, contentType, nil
		}
		return f, size, contentType, nil
	}
	contentType := "text/plain; charset=utf-8"
	if json.Valid([]byte(o.data)) {
		contentType = "application/json"
	}
	return strings.NewReader(o.data), int64(len(o.data)), contentType, nil
}

func writeHead(w io.Writer, res *http.Response) {
	fmt.Fprintf(w, "%s %s\n", res.Proto, output.Printable(res.Status))
	var b strings.Builder
	_ = res.Header.Write(&b) // sorted by name; a strings.Builder takes everything
	fmt.Fprintln(w, output.PrintableLines(strings.ReplaceAll(b.String(), "\r\n", "\n")))
}

func hint(target string, res *http.Response) string {
	if loc := res.Header.Get("Location"); loc != "" && res.StatusCode < 400 {
		return "It redirects to " + loc
	}
	if res.StatusCode < 500 {
		return ""
	}
	if id := res.Header.Get("Picloud-Execution-Id"); id != "" {
		return "What it logged: pic logs --execution " + output.Printable(id)
	}
	path, _, _ := strings.Cut(strings.Trim(target, "/"), "?")
	parts := strings.SplitN(path, "/", 3)
	if len(parts) > 2 {
		parts = parts[:2]
	}
	return "What it logged: pic logs " + strings.Join(parts, "/") + " --limit 1"
}

// lastByte remembers what a stream ended with.
type lastByte struct {
	w    io.Writer
	n    int64
	last byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if n > 0 {
		l.n += int64(n)
		l.last = p[n-1]
	}
	return n, err
}
