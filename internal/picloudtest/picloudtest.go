// Package picloudtest starts picloud as a process of its own, for tests that
// kill it and benchmarks that measure it.
package picloudtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/picloud/picloud/client"
)

// The owner of every instance started here.
const (
	Username = "owner"
	Password = "correct horse battery"
)

// Build builds cmd/picloud into dir and returns the program's path. The working
// directory must be inside PiCloud's module.
func Build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "picloud")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/picloud/picloud/cmd/picloud")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make build` builds it
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building picloud: %w\n%s", err, out)
	}
	return bin, nil
}

// Options say how to start an instance.
type Options struct {
	Binary string // of Build
	Data   string // the data directory
	Args   []string
	Env    []string  // added to this process's
	Stderr io.Writer // nil: kept for errors only
}

// Server is a running picloud.
type Server struct {
	*Process
	URL string
	// ReadyAfter is the time from the start of the process to its announcement.
	ReadyAfter time.Duration
}

// Start starts picloud on a free port and waits until it says where it is.
// Cancelling ctx kills it.
func Start(ctx context.Context, o Options) (*Server, error) {
	cmd := exec.CommandContext(ctx, o.Binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", o.Data}, o.Args...)...)
	cmd.Env = append(append(os.Environ(), "PICLOUD_OWNER_USERNAME="+Username, "PICLOUD_OWNER_PASSWORD="+Password), o.Env...)
	began := time.Now()
	p, url, err := start(cmd, "PiCloud is at ", o.Stderr)
	if err != nil {
		return nil, err
	}
	return &Server{Process: p, URL: url, ReadyAfter: time.Since(began)}, nil
}

// SignIn returns a client that is signed in as the owner.
func (s *Server) SignIn(ctx context.Context) (*client.Client, error) {
	c, err := client.New(s.URL)
	if err != nil {
		return nil, err
	}
	in, err := c.SignIn(ctx, Username, Password)
	if err != nil {
		return nil, err
	}
	return client.New(s.URL, client.WithToken(in.Token))
}

// Deploy makes an endpoint of source, in an app that exists.
func Deploy(ctx context.Context, c *client.Client, app, script, source string) error {
	_, _, err := c.DeployScript(ctx, app, script, client.DeployScript{Source: source})
	return err
}

// Get returns the body of a URL that answers 200.
func Get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", url, resp.Status, body)
	}
	return string(body), err
}
