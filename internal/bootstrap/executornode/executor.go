// Package executornode is the program picloud-executor. It is apart from the rest of
// bootstrap because it links no database.
package executornode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/executor"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/pic/terminal"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/version"
)

// Main runs picloud-executor and returns its exit code.
func Main() int { return process.Main("picloud-executor", Command) }

// Command returns the command of picloud-executor.
func Command(streams *terminal.Streams) *cobra.Command {
	return process.Command(&cobra.Command{
		Use:   "picloud-executor",
		Short: "Run scripts for the orchestrators of a cluster",
		Long: `picloud-executor runs the scripts of a PiCloud cluster. Its own node's orchestrator
reaches it at a socket; those of other nodes, if they are to, at --executor-listen, by
TLS with the cluster key. It has no database: what scripts read and write goes through
the orchestrator that started them.

On SIGTERM it takes no more runs, and ends when those under way have.

How to run a cluster: docs/cluster.md. All settings, with their environment variables:
docs/configuration.md.`,
		Example: "  picloud-executor --data /var/lib/picloud\n  picloud-executor --executor-listen 10.0.0.1:8082 --cluster-key-file /etc/picloud/cluster.key",
	}, streams, settings.Executor, func(ctx context.Context, c *settings.Config) error {
		return Serve(ctx, c, streams.Out, streams.Err)
	})
}

// Serve runs scripts until ctx ends, and then waits for those that run.
func Serve(ctx context.Context, c *settings.Config, stdout, stderr io.Writer) (err error) {
	floor := process.Ballast()
	defer runtime.KeepAlive(floor)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	if c.ExecutorSocket == "" {
		if c.DataDir, err = process.PrepareDataDir(c.DataDir); err != nil {
			return err
		}
	}
	listeners, address, err := listen(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			l.Close() // again, unless the start failed
		}
	}()
	var own []netip.AddrPort
	for _, l := range listeners {
		own = append(own, process.AddrPorts(l.Addr())...)
	}
	calls := outbound.New(outbound.Config{Own: own, UserAgent: "PiCloud/" + version.Number})
	defer calls.Close()
	server := remote.NewServer(executor.New(executor.Config{Concurrency: c.Concurrency, MemoryBudget: c.Memory, HTTP: calls}))
	server.OnClosed(func(at []netip.AddrPort) { calls.Own(at...) })
	server.Introduce(remote.About{Version: version.Number, Address: address, Boot: uuid.NewString()})

	failed := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
				failed <- fmt.Errorf("%s takes no more connections: %w", l.Addr(), err)
			}
		})
	}
	for _, l := range listeners {
		fmt.Fprintf(stdout, "The executor is at %s\n", l.Addr())
	}
	process.NotifySystemd("READY=1")
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	process.NotifySystemd("STOPPING=1")
	log.Info("stopping", "waiting_at_most", c.StopTimeout)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.StopTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		log.Warn("executions were still under way and are cut off")
	}
	serving.Wait()
	return err
}

// listen opens the socket and, if it is set, the address for other nodes, and
// returns where these reach that.
func listen(ctx context.Context, c *settings.Config) (list []net.Listener, address string, err error) {
	defer func() {
		if err != nil {
			for _, l := range list {
				l.Close()
			}
		}
	}()
	l, err := listenSocket(ctx, c.Socket())
	if err != nil {
		return nil, "", err
	}
	list = append(list, l)
	if c.ExecutorListen == "" {
		return list, "", nil
	}
	keys, err := c.ClusterKeys()
	if err != nil {
		return list, "", err
	}
	identity, err := cluster.NewIdentity(keys, store.NodeExecutor)
	if err != nil {
		return list, "", err
	}
	if l, err = process.ListenBy(ctx, cluster.ListenConfig(true), c.ExecutorListen, "executor-listen"); err != nil {
		return list, "", err
	}
	list = append(list, tls.NewListener(l, identity.Server(store.NodeOrchestrator)))
	address, err = settings.Advertised(c.ExecutorAddress, l.Addr(), "PICLOUD_EXECUTOR_ADDRESS")
	return list, address, err
}

// listenSocket opens the socket for the orchestrator of the same node. Who may
// connect is whoever has the same user.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	open := func() (net.Listener, error) {
		old := syscall.Umask(0o177)
		defer syscall.Umask(old)
		return (&net.ListenConfig{}).Listen(ctx, "unix", path)
	}
	l, err := open()
	if errors.Is(err, syscall.EADDRINUSE) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
			conn.Close()
			return nil, fmt.Errorf("another executor answers at %s: stop it, or choose another socket with --executor-socket", path)
		}
		// One that was killed has left it there.
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = open()
	}
	if err != nil {
		return nil, fmt.Errorf("the socket %s cannot be opened: %w; choose another in a directory of this user with --executor-socket", filepath.Clean(path), err)
	}
	return l, nil
}
