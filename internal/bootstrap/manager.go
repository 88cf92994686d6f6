package bootstrap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/executor"
	"github.com/picloud/picloud/internal/kv"
	"github.com/picloud/picloud/internal/orchestrator/record"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	build "github.com/picloud/picloud/internal/version"
)

// ManagerMain runs picloud-manager and returns its exit code.
func ManagerMain() int { return process.Main("picloud-manager", ManagerCommand) }

// ManagerCommand returns the command of picloud-manager.
func ManagerCommand(streams *terminal.Streams) *cobra.Command {
	root := process.Command(&cobra.Command{
		Use:   "picloud-manager",
		Short: "Serve the control plane of a cluster",
		Long: `picloud-manager is the control plane of a PiCloud cluster: the REST API and the
dashboard, which the orchestrators forward to it. It migrates the database, and
creates the owner on the first start.

Start it on two nodes or more: one is active, and another takes over when that one
ends or loses the database.

How to run a cluster: docs/cluster.md. All settings, with their environment variables:
docs/configuration.md.`,
		Example: "  picloud-manager --manager-listen 10.0.0.1:8081 --cluster-key-file /etc/picloud/cluster.key",
	}, streams, settings.Manager, func(ctx context.Context, c *settings.Config) error {
		return ServeManager(ctx, c, streams.Out, streams.Err)
	})
	root.AddCommand(&cobra.Command{
		Use:   "generate-key",
		Short: "Print a new cluster key",
		Long: `Prints a new cluster key, by which the programs of a cluster know one another. Every
node gets the same, in a file for PICLOUD_CLUSTER_KEY_FILE or as a systemd credential.

Whoever has it can join the cluster: keep it as private as the database's password.`,
		Example: "  (umask 077; picloud-manager generate-key > /etc/picloud/cluster.key)",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(streams.Out, cluster.NewKey().Text())
			return err
		},
	})
	return root
}

// ServeManager serves the control plane of a cluster whenever no other manager
// does, until ctx ends.
func ServeManager(ctx context.Context, c *settings.Config, stdout, stderr io.Writer) (err error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	// Tried at once, because on standby nobody listens there.
	if l, err := process.Listen(ctx, c.ManagerListen, "manager-listen"); err != nil {
		return err
	} else if _, err := settings.Advertised(c.ManagerAddress, l.Addr(), "PICLOUD_MANAGER_ADDRESS"); errors.Join(err, l.Close()) != nil {
		return err
	}
	n, err := openClusterNode(ctx, c, store.NodeManager, log, func(ctx context.Context, url string) (*postgres.Store, error) {
		return postgres.Open(ctx, url, log)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	registry := cluster.Join(n.store, build.Number, log)
	defer registry.Close()
	fmt.Fprintln(stdout, "The manager is ready")
	process.NotifySystemd("READY=1")
	defer context.AfterFunc(ctx, func() { process.NotifySystemd("STOPPING=1") })()
	for {
		lost, release, err := lead(ctx, n.store, log)
		if ctx.Err() != nil {
			if err == nil {
				release()
			}
			return nil
		}
		if err != nil {
			log.Error("it cannot be found out whether another manager is active; trying again", "error", err)
			if !pauseFor(ctx, leadPause) {
				return nil
			}
			continue
		}
		err = active(ctx, c, n, registry, lost, stdout)
		release()
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // its turn came when it was to stop
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		log.Error("the connection by which this manager is the active one is lost: it steps down")
	}
}

// unknownOrchestrator begins the link for the first owner where nobody has said at which
// address people reach the cluster.
const unknownOrchestrator = "http://ORCHESTRATOR"

// leadPause is how long a manager waits when the database did not answer.
const leadPause = time.Second

// standbyAfter is how long a manager waits for its turn before it says so.
const standbyAfter = time.Second

// lead waits until no other manager is active.
func lead(ctx context.Context, s *postgres.Store, log *slog.Logger) (<-chan struct{}, func(), error) {
	waiting := time.AfterFunc(standbyAfter, func() { log.Info("on standby: another manager is active") })
	defer waiting.Stop()
	return s.Lead(ctx)
}

// pauseFor waits; false when ctx ended.
func pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// active serves the control plane until ctx ends, in good order, or lost is closed,
// at once.
func active(ctx context.Context, c *settings.Config, n *clusterNode, registry *cluster.Registry, lost <-chan struct{}, stdout io.Writer) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := c.StopTimeout
	// An orchestrator reads an answer as slowly as its client does.
	l, err := process.ListenBy(ctx, cluster.ListenConfig(false), c.ManagerListen, "manager-listen")
	if err != nil {
		return err
	}
	address, err := settings.Advertised(c.ManagerAddress, l.Addr(), "PICLOUD_MANAGER_ADDRESS")
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer l.Close() // serveHTTP has closed it already, unless the start failed
	people := newPeople(n.store)
	data := kv.New(n.store)
	defer data.Close()
	executions := record.New(n.executions, record.Config{})
	defer func() { err = errors.Join(err, executions.Close()) }()
	plane := newControl(c, n.wiring, people, control{
		data: data, executions: gathered{executions, n.store.Gather}, feed: n.store.Executions(), engine: executor.New(executor.Config{}).Engine(),
	})
	link, err := firstOwner(ctx, c, people.setup, unknownOrchestrator, n.log)
	if err != nil {
		return err
	}
	registry.Keep(n.self(store.NodeManager, address))
	defer registry.Drop(store.NodeManager)
	fmt.Fprintf(stdout, "The manager is active at %s\n", address)
	if link != "" {
		fmt.Fprintf(stdout, "Nobody can sign in yet. Choose the owner's name and password within %.0f minutes at\n  %s\n", auth.SetupLifetime.Minutes(), link)
		if strings.HasPrefix(link, unknownOrchestrator) {
			fmt.Fprintln(stdout, "with the HOST:PORT of any orchestrator in the place of ORCHESTRATOR. With PICLOUD_PUBLIC_URL set, the link is whole.")
		}
	}
	serving, step := context.WithCancel(ctx)
	defer step()
	go func() {
		select {
		case <-lost:
			step()
		case <-serving.Done():
		}
	}()
	return serveHTTP(serving, tls.NewListener(l, n.identity.Server(store.NodeOrchestrator)), cluster.Forwarded(plane), func() time.Duration {
		select {
		case <-lost:
			return 0
		default:
			return patience
		}
	}, 0, plane.EndStreams, n.log)
}

// gathered is executions, of which reads see what the orchestrators have recorded
// before.
type gathered struct {
	store.Executions
	gather func(ctx context.Context)
}

// ListExecutions is store.Executions's.
func (g gathered) ListExecutions(ctx context.Context, f store.ExecutionFilter) ([]store.Execution, error) {
	g.gather(ctx)
	return g.Executions.ListExecutions(ctx, f)
}

// Execution is store.Executions's.
func (g gathered) Execution(ctx context.Context, id string) (store.Execution, error) {
	g.gather(ctx)
	return g.Executions.Execution(ctx, id)
}

// DeleteAppExecutions is store.Executions's.
func (g gathered) DeleteAppExecutions(ctx context.Context, appID string) error {
	g.gather(ctx)
	return g.Executions.DeleteAppExecutions(ctx, appID)
}
