package picloudtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Process is a running program.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has
	err   error         // how it ended

	mu  sync.Mutex
	out strings.Builder
}

// start starts cmd and waits for a line with announcement; it returns what follows
// there. Without an io.Writer for standard error, that is kept for errors only.
func start(cmd *exec.Cmd, announcement string, stderr io.Writer) (p *Process, announced string, err error) {
	p = &Process{cmd: cmd, ended: make(chan struct{})}
	var kept bytes.Buffer
	if cmd.Stderr = stderr; stderr == nil {
		cmd.Stderr = &kept
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			p.mu.Lock()
			p.out.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if _, rest, ok := strings.Cut(lines.Text(), announcement); ok {
				select {
				case found <- rest:
				default:
				}
			}
		}
		p.err = cmd.Wait()
		close(p.ended)
	}()
	select {
	case announced = <-found:
		return p, announced, nil
	case <-p.ended:
		return nil, "", fmt.Errorf("%s ended before it served: %w\n%s", filepath.Base(cmd.Path), p.err, kept.String())
	}
}

// PID is the process's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is what it printed to standard output so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Stop asks it to stop and waits for that.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM) }

// Kill ends it as kill -9 does, and waits until it is gone.
func (p *Process) Kill() error {
	err := p.end(syscall.SIGKILL)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

func (p *Process) end(signal os.Signal) error {
	if err := p.Signal(signal); err != nil {
		return err
	}
	return p.Wait()
}

// Signal sends it a signal. It is no error if it has ended.
func (p *Process) Signal(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Wait waits until it has ended and returns how, as exec.Cmd.Wait does.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}
