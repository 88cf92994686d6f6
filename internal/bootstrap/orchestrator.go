package bootstrap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/invoke/pool"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/kv"
	"github.com/picloud/picloud/internal/orchestrator/record"
	"github.com/picloud/picloud/internal/orchestrator/schedules"
	"github.com/picloud/picloud/internal/peer"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	build "github.com/picloud/picloud/internal/version"
)

// OrchestratorMain runs picloud-orchestrator and returns its exit code.
func OrchestratorMain() int { return process.Main("picloud-orchestrator", OrchestratorCommand) }

// OrchestratorCommand returns the command of picloud-orchestrator.
func OrchestratorCommand(streams *terminal.Streams) *cobra.Command {
	return process.Command(&cobra.Command{
		Use:   "picloud-orchestrator",
		Short: "Answer requests and deliver events in a cluster",
		Long: `picloud-orchestrator is where requests reach a PiCloud cluster. It has scripts
answer those for apps, delivers messages and makes schedules fire, and forwards the
REST API and the dashboard to the active manager. Scripts run in its own node's
executor, or in another node's when that one does not take them.

How to run a cluster: docs/cluster.md. All settings, with their environment variables:
docs/configuration.md.`,
		Example: "  picloud-orchestrator --listen 10.0.0.1:8080 --cluster-key-file /etc/picloud/cluster.key",
	}, streams, settings.Orchestrator, func(ctx context.Context, c *settings.Config) error {
		return ServeOrchestrator(ctx, c, streams.Out, streams.Err)
	})
}

// ServeOrchestrator serves requests and delivers messages until ctx ends and
// everything is stopped in good order.
func ServeOrchestrator(ctx context.Context, c *settings.Config, stdout, stderr io.Writer) (err error) {
	floor := process.Ballast()
	defer runtime.KeepAlive(floor)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	l, err := process.Listen(ctx, c.Listen, "listen")
	if err != nil {
		return err
	}
	defer l.Close() // serveHTTP has closed it already, unless the start failed
	n, err := openClusterNode(ctx, c, store.NodeOrchestrator, log, func(ctx context.Context, url string) (*postgres.Store, error) {
		return migrated(ctx, url, log)
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	registry := cluster.Join(n.store, build.Number, log)
	defer registry.Close()
	registry.Keep(n.self(store.NodeOrchestrator, l.Addr().String()))
	registry.Refresh(ctx)

	own := remote.NewUnixClient(c.Socket())
	runs := pool.New(pool.Config{
		Own:    own,
		Others: func() []store.Node { return others(registry.Of(store.NodeExecutor), n.node) },
		Dial:   n.dialExecutor,
		Closed: func() []netip.AddrPort { return closed(l.Addr(), registry) },
	})
	registry.OnChange(runs.TellClosed)
	stopKeeping := n.keepExecutor(own, registry)
	n.executions.(*postgres.Executions).Tell()
	recorder := record.New(n.executions, record.Config{Retention: c.Retention})
	n.store.OnGather(func(ctx context.Context) { _ = recorder.Flush(ctx) }) // late is no error
	trust := peer.Trust(c.TrustedProxies)
	forward := cluster.NewForwarder(cluster.Forwarding{
		Registry: registry, Identity: n.identity, Client: trust.Of,
		Here: n.store.Here, Log: log,
	})
	data := kv.New(n.store)
	in := newIngress(c, n.wiring, newPeople(n.store), ingress{data: data, runs: runs, recorder: recorder, control: forward})
	firing := schedules.Start(n.store)
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), runsEnd)
		defer cancel()
		stopKeeping()
		firing.Close()
		in.StopDelivering(ctx)
		runs.Close()
		forward.Close()
		in.Close()
		data.Close()
		err = errors.Join(err, recorder.Close())
	}()
	if err := in.Deliver(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "PiCloud is at %s\n", process.BaseURL(l.Addr()))
	process.NotifySystemd("READY=1")
	defer context.AfterFunc(ctx, func() { process.NotifySystemd("STOPPING=1") })()
	wallTime := time.Duration(c.Limits.WallTimeMS) * time.Millisecond
	return serveHTTP(ctx, l, in, func() time.Duration { return c.StopTimeout }, wallTime, forward.EndStreams, log)
}

// closed are the addresses of the cluster, as far as they are known.
func closed(own net.Addr, registry *cluster.Registry) []netip.AddrPort {
	list := process.AddrPorts(own)
	for _, kind := range []store.NodeKind{store.NodeManager, store.NodeOrchestrator, store.NodeExecutor} {
		for _, n := range registry.Of(kind) {
			// One that is a name is nothing that an address could be compared with.
			if at, err := netip.ParseAddrPort(n.Address); err == nil && !at.Addr().IsUnspecified() {
				list = append(list, at)
			}
		}
	}
	return list
}

// others are the executors of other nodes.
func others(list []store.Node, own string) []store.Node {
	found := make([]store.Node, 0, len(list))
	for _, n := range list {
		if n.Name != own {
			found = append(found, n)
		}
	}
	return found
}

// dialExecutor connects to another node's executor.
func (n *clusterNode) dialExecutor(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&tls.Dialer{NetDialer: cluster.Dialer(), Config: n.identity.Client(store.NodeExecutor)}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, cluster.Explain(err)
	}
	return explained{conn}, nil
}

// explained is a connection whose end says what it means: a server that does not
// know the client's key says so only after the handshake.
type explained struct{ net.Conn }

func (c explained) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = cluster.Explain(err)
	}
	return n, err
}

// executorPause is how long to wait before an executor that was not there is looked
// for again.
const executorPause = 250 * time.Millisecond

// keepExecutor has this node's executor on the list of the cluster, under the name of
// the node, for as long as it can be reached: it has no database itself.
func (n *clusterNode) keepExecutor(own *remote.Client, registry *cluster.Registry) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for missing := false; ; {
			about, lost, err := own.Connect(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				if !missing {
					n.log.Warn("this node's executor cannot be reached; scripts run on other nodes, if there are any", "error", err)
				}
				missing = true
				if !pauseFor(ctx, executorPause) {
					return
				}
				continue
			}
			if missing {
				n.log.Info("this node's executor is there")
			}
			if missing = false; about.Version != build.Number {
				n.log.Warn("this node's executor runs another release: bring both to the same one", "its_release", about.Version, "own_release", build.Number)
			}
			if about.Address != "" {
				registry.Keep(store.Node{Name: n.node, Kind: store.NodeExecutor, Boot: about.Boot, Address: about.Address, Version: about.Version})
			}
			select {
			case <-lost:
				registry.Drop(store.NodeExecutor)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
