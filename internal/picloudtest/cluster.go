package picloudtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/secret"
)

// BuildCluster builds the programs of a cluster into dir, beside those that are
// there. The working directory must be inside PiCloud's module.
func BuildCluster(ctx context.Context, dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, program := range []string{"manager", "orchestrator", "executor"} {
		args = append(args, "github.com/picloud/picloud/cmd/picloud-"+program)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make build` builds them
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs of a cluster: %w\n%s", err, out)
	}
	return nil
}

// ClusterOptions say how to start a cluster.
type ClusterOptions struct {
	Programs string // directory of BuildCluster
	Dir      string // for what the nodes keep; short, because sockets lie in it
	Database string // PostgreSQL's URL
	Nodes    int
	Env      []string // added to this process's
	Stderr   io.Writer
}

// Cluster is a running cluster, of which each node has all three programs.
type Cluster struct {
	Nodes []*ClusterNode
	o     ClusterOptions
}

// ClusterNode is one machine, as it were.
type ClusterNode struct {
	URL                             string   // of the orchestrator
	Manager, Orchestrator, Executor *Process // nil: not started
	dir                             string
	o                               *ClusterOptions
}

// StartCluster starts a cluster on free ports and waits until all of it serves.
// Cancelling ctx kills it.
func StartCluster(ctx context.Context, o ClusterOptions) (*Cluster, error) {
	c := &Cluster{o: o}
	keys := map[string]string{"cluster.key": cluster.NewKey().Text(), "secrets.key": secret.NewKey().Text()}
	for name, key := range keys {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(key+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	for i := range o.Nodes {
		n := &ClusterNode{dir: filepath.Join(o.Dir, fmt.Sprint(i)), o: &c.o}
		if err := os.MkdirAll(n.dir, 0o700); err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, n)
		for _, start := range []func(context.Context) error{n.StartManager, n.StartExecutor, n.StartOrchestrator} {
			if err := start(ctx); err != nil {
				return nil, errors.Join(err, c.Kill())
			}
		}
	}
	return c, nil
}

// StartManager starts the node's manager, which is active unless another is.
func (n *ClusterNode) StartManager(ctx context.Context) (err error) {
	n.Manager, _, err = n.start(ctx, "picloud-manager", "The manager is ready", "--manager-listen", "127.0.0.1:0")
	return err
}

// StartExecutor starts the node's executor.
func (n *ClusterNode) StartExecutor(ctx context.Context) (err error) {
	n.Executor, _, err = n.start(ctx, "picloud-executor", "The executor is at ", "--executor-listen", "127.0.0.1:0")
	return err
}

// StartOrchestrator starts the node's orchestrator: at the address that it had
// before, if it was started before.
func (n *ClusterNode) StartOrchestrator(ctx context.Context) (err error) {
	listen := "127.0.0.1:0"
	if n.URL != "" {
		listen = n.URL[len("http://"):]
	}
	n.Orchestrator, n.URL, err = n.start(ctx, "picloud-orchestrator", "PiCloud is at ", "--listen", listen)
	return err
}

func (n *ClusterNode) start(ctx context.Context, program, announcement string, args ...string) (*Process, string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(n.o.Programs, program), append(args, "--data", n.dir)...)
	cmd.Env = append(append(os.Environ(),
		"PICLOUD_OWNER_USERNAME="+Username, "PICLOUD_OWNER_PASSWORD="+Password, "PICLOUD_DATABASE_URL="+n.o.Database,
		"PICLOUD_CLUSTER_KEY_FILE="+filepath.Join(n.o.Dir, "cluster.key"), "PICLOUD_SECRETS_KEY_FILE="+filepath.Join(n.o.Dir, "secrets.key"),
	), n.o.Env...)
	return start(cmd, announcement, n.o.Stderr)
}

func (c *Cluster) each(f func(*Process) error) (err error) {
	for _, n := range c.Nodes {
		for _, p := range []*Process{n.Orchestrator, n.Executor, n.Manager} {
			if p != nil {
				err = errors.Join(err, f(p))
			}
		}
	}
	return err
}

// Stop asks all programs to stop and waits for that.
func (c *Cluster) Stop() error { return c.each((*Process).Stop) }

// Kill ends all programs as kill -9 does.
func (c *Cluster) Kill() error { return c.each((*Process).Kill) }
