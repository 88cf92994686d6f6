package bootstrap

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/cluster"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/remote"
	"github.com/picloud/picloud/internal/picloudtest"
	"github.com/picloud/picloud/internal/secret"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

// Whatever is wrong when a program of a cluster starts, it says what, and what to do.
func TestTheProgramsOfAClusterSayWhatIsWrong(t *testing.T) {
	programs, err := clusterPrograms()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "picloud-") // short, as sockets' paths have to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	socket, err := net.Listen("unix", filepath.Join(dir, "taken.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	database, key, secrets := "PICLOUD_DATABASE_URL=postgres://nobody@127.0.0.1:1/none", "PICLOUD_CLUSTER_KEY="+cluster.NewKey().Text(), "PICLOUD_SECRETS_KEY="+secret.NewKey().Text()
	for _, c := range []struct {
		name, program string
		env, args     []string
		want          string
	}{
		{"no database", "orchestrator", []string{key, secrets}, nil, "a cluster needs a PostgreSQL database: set PICLOUD_DATABASE_URL"},
		{"no database", "manager", []string{key, secrets}, nil, "a cluster needs a PostgreSQL database: set PICLOUD_DATABASE_URL"},
		{"SQLite", "orchestrator", []string{"PICLOUD_DATABASE_URL=sqlite:///var/lib/picloud.db", key, secrets}, nil, "PICLOUD_DATABASE_URL: PiCloud speaks PostgreSQL"},
		{"no answer from the database", "manager", []string{database, key, secrets}, nil, "the database 127.0.0.1:1/none"},
		{"no cluster key", "orchestrator", []string{database, secrets}, nil, "there is no cluster key: make one with `picloud-manager generate-key`"},
		{"no cluster key", "executor", nil, []string{"--executor-listen", "127.0.0.1:0"}, "there is no cluster key: make one with `picloud-manager generate-key`"},
		{"a cut key", "manager", []string{database, key[:60], secrets}, nil, "PICLOUD_CLUSTER_KEY: key 1: it is not whole"},
		{"a missing key file", "executor", nil, []string{"--executor-listen", "127.0.0.1:0", "--cluster-key-file", filepath.Join(dir, "none")}, "the cluster key: open "},
		{"no key to the secrets", "orchestrator", []string{database, key}, nil, "there is no key to the secrets: make one with `picloud secrets generate-key`"},
		{"a port in use", "orchestrator", []string{database, key, secrets}, []string{"--listen", taken.Addr().String()}, "is taken by another program (another PiCloud?): stop it, or choose another address with --listen"},
		{"a port in use", "manager", []string{database, key, secrets}, []string{"--manager-listen", taken.Addr().String()}, "choose another address with --manager-listen"},
		{"a port in use", "executor", []string{key}, []string{"--executor-listen", taken.Addr().String()}, "choose another address with --executor-listen"},
		{"no address for others", "manager", []string{database, key, secrets}, []string{"--manager-listen", ":0"}, "with PICLOUD_MANAGER_ADDRESS=HOST:PORT"},
		{"no address for others", "executor", []string{key}, []string{"--executor-listen", ":0"}, "with PICLOUD_EXECUTOR_ADDRESS=HOST:PORT"},
		{"no address", "executor", []string{key}, []string{"--executor-address", "here"}, `--executor-address: "here" is not HOST:PORT`},
		{"a socket in use", "executor", nil, []string{"--executor-socket", socket.Addr().String()}, "another executor answers at"},
		{"no place for the socket", "executor", nil, []string{"--executor-socket", filepath.Join(dir, "none", "x.sock")}, "cannot be opened"},
	} {
		t.Run(c.program+": "+c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			args := append([]string{"--data", filepath.Join(dir, c.program)}, c.args...)
			if c.program == "orchestrator" && c.args == nil {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			if c.program == "manager" && c.args == nil {
				args = append(args, "--manager-listen", "127.0.0.1:0")
			}
			cmd := exec.CommandContext(ctx, filepath.Join(programs, "picloud-"+c.program), args...)
			cmd.Env = c.env
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("it ended with %v and said %q, want %q", err, out, c.want)
			}
			for _, v := range c.env {
				if name, value, _ := strings.Cut(v, "="); strings.HasSuffix(name, "_KEY") && strings.Contains(string(out), value[5:]) {
					t.Errorf("it showed %s", name)
				}
			}
		})
	}
}

// A node without an executor has its scripts run on another one, and a change counts
// at once on the node that was asked, whichever manager is active.
func TestNodesStandInForOneAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	c := newCluster(t, 2)
	a, b := c.Nodes[0], c.Nodes[1]
	through(t, a).app("demo", map[string]string{"hello": `"hello"`})
	if err := b.Executor.Stop(); err != nil {
		t.Fatal(err)
	}
	// It knows of the other's executor with the next look at the list at the latest.
	inTheEnd(t, func() error {
		res, err := http.Get(b.URL + "/demo/hello")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			return &client.Error{Problem: client.Problem{Status: int64(res.StatusCode)}}
		}
		if err != nil || string(text) != "hello" {
			t.Errorf("through a node without an executor: %q, %v", text, err)
		}
		return nil
	})
	if err := a.Executor.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := picloudtest.Get(t.Context(), b.URL+"/demo/hello"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("without any executor: %v", err)
	}
	if err := a.StartExecutor(context.Background()); err != nil {
		t.Fatal(err)
	}
	if text, err := picloudtest.Get(t.Context(), a.URL+"/demo/hello"); err != nil || text != "hello" {
		t.Errorf("through the node of an executor that is back: %q, %v", text, err)
	}
	if err := a.Manager.Stop(); err != nil {
		t.Fatal(err)
	}
	s := through(t, b)
	for _, want := range []string{"one", "two", "three"} {
		inTheEnd(t, func() error { return picloudtest.Deploy(t.Context(), s.Client, "demo", "hello", `"`+want+`"`) })
		if text, err := picloudtest.Get(t.Context(), b.URL+"/demo/hello"); err != nil || text != want {
			t.Errorf("after a change: %q, %v, want %q", text, err, want)
		}
	}
	entries, err := s.ListAudit(t.Context(), client.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries.Items {
		if e.Address != "127.0.0.1" {
			t.Errorf("the audit log has the address %q", e.Address)
		}
	}
	if err := c.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// An orchestrator that starts first waits until a manager has made the schema.
func TestAnOrchestratorWaitsForTheSchema(t *testing.T) {
	database := pgtest.Database(t)
	r, w := io.Pipe()
	defer w.Close()
	done := make(chan error, 1)
	go func() {
		s, err := migrated(t.Context(), database, slog.New(slog.NewTextHandler(w, nil)))
		if err == nil {
			err = s.Close()
		}
		done <- err
	}()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, "waiting until a picloud-manager") {
		t.Fatalf("it says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	manager, err := postgres.Open(t.Context(), database, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	if err := <-done; err != nil {
		t.Errorf("once there is a schema: %v", err)
	}
}

// An orchestrator and an executor with different keys say that it is the key.
func TestAnExecutorWithAnotherKey(t *testing.T) {
	identity := func(kind store.NodeKind) *cluster.Identity {
		id, err := cluster.NewIdentity(cluster.Keys{cluster.NewKey()}, kind)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := remote.NewServer(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(tls.NewListener(l, identity(store.NodeExecutor).Server(store.NodeOrchestrator)))
	}()
	n := &clusterNode{identity: identity(store.NodeOrchestrator)}
	c := remote.NewClient(func(ctx context.Context) (net.Conn, error) { return n.dialExecutor(ctx, l.Addr().String()) })
	defer c.Close()
	_, err = c.Run(t.Context(), &invoke.Start{}, nil)
	if !errors.Is(err, invoke.ErrUnreachable) || !strings.Contains(err.Error(), "the other side has another cluster key") {
		t.Errorf("got %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
}

// The link for the first owner says what to put where only its reader knows.
func TestTheLinkForTheFirstOwner(t *testing.T) {
	for _, public := range []string{"", "https://cloud.example.com"} {
		r, w := io.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		key := filepath.Join(t.TempDir(), "cluster.key")
		if err := os.WriteFile(key, []byte(cluster.NewKey().Text()), 0o600); err != nil {
			t.Fatal(err)
		}
		c := &settings.Config{
			Database: pgtest.Database(t), DataDir: t.TempDir(), ManagerListen: "127.0.0.1:0", PublicURL: public,
			StopTimeout: time.Minute, ClusterKeyFile: key, SecretsKey: secret.NewKey().Text(),
		}
		go func() {
			defer w.Close()
			ended <- ServeManager(ctx, c, w, io.Discard)
		}()
		lines := bufio.NewScanner(r)
		for lines.Scan() && !strings.Contains(lines.Text(), "/_/setup#") {
		}
		want := public
		if public == "" {
			want = "http://ORCHESTRATOR"
		}
		if !strings.HasPrefix(lines.Text(), "  "+want+"/_/setup#") {
			t.Errorf("with the public URL %q the link is %q", public, lines.Text())
		}
		if public == "" && (!lines.Scan() || !strings.Contains(lines.Text(), "PICLOUD_PUBLIC_URL")) {
			t.Errorf("behind the link it says %q", lines.Text())
		}
		stop()
		for lines.Scan() {
			t.Errorf("it says, too: %q", lines.Text())
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
