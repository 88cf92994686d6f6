// Package picloudtest starts picloud as a process of its own, for tests that
// kill it and benchmarks that measure it.
package picloudtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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
	URL string
	// ReadyAfter is the time from the start of the process to its announcement.
	ReadyAfter time.Duration

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has
	err   error         // how it ended

	mu  sync.Mutex
	out strings.Builder
}

// Start starts picloud on a free port and waits until it says where it is.
// Cancelling ctx kills it.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, o.Binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", o.Data}, o.Args...)...)
	s.cmd.Env = append(append(os.Environ(), "PICLOUD_OWNER_USERNAME="+Username, "PICLOUD_OWNER_PASSWORD="+Password), o.Env...)
	var kept bytes.Buffer
	s.cmd.Stderr = o.Stderr
	if o.Stderr == nil {
		s.cmd.Stderr = &kept
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	announced := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			s.mu.Lock()
			s.out.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if _, url, ok := strings.Cut(lines.Text(), "PiCloud is at "); ok {
				select {
				case announced <- url:
				default:
				}
			}
		}
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	select {
	case s.URL = <-announced:
		s.ReadyAfter = time.Since(began)
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("picloud ended before it served: %w\n%s", s.err, kept.String())
	}
}

// PID is the process's.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Output is what it printed to standard output so far.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// Stop asks it to stop and waits for that.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends it as kill -9 does, and waits until it is gone.
func (s *Server) Kill() error {
	err := s.end(syscall.SIGKILL)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

func (s *Server) end(signal os.Signal) error {
	if err := s.Signal(signal); err != nil {
		return err
	}
	return s.Wait()
}

// Signal sends it a signal. It is no error if it has ended.
func (s *Server) Signal(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Wait waits until it has ended and returns how, as exec.Cmd.Wait does.
func (s *Server) Wait() error {
	<-s.ended
	return s.err
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
