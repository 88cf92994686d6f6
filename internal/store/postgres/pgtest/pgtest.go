// Package pgtest gives tests empty PostgreSQL databases.
//
// The first call starts a private cluster on a unix socket, from the binaries
// on PATH or where Debian installs them; Main stops it. With
// PICLOUD_TEST_POSTGRES_URL set, databases are made on that server instead; its
// user needs the right to create them.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/testdir"
)

// EnvURL names the environment variable with the URL of a server to use.
const EnvURL = "PICLOUD_TEST_POSTGRES_URL"

// Main runs the tests, stops the cluster if one was started, and exits. It is
// for TestMain.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop stops the cluster if one was started, and removes what Copy copied; for a TestMain with more to do.
func Stop() {
	switch {
	case cluster != nil:
		cluster.Stop()
	case original.name != "":
		if err := execute(`DROP DATABASE ` + original.name); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

var (
	once       sync.Once
	cluster    *Cluster
	serverURL  string
	startErr   error
	databaseNo atomic.Int64
)

// Database returns the URL of a new, empty database that is dropped when the
// test ends. With -short the test is skipped.
func Database(t testing.TB) string {
	t.Helper()
	name, address := create(t, "")
	t.Cleanup(func() { admin(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
	return address
}

// Copy returns the URL of a new database that is a copy of one which fill has
// filled: that happens once in a process, whoever comes first. It must be the same
// for all, and leave no connection open.
func Copy(t testing.TB, fill func(url string) error) string {
	t.Helper()
	original.Lock()
	defer original.Unlock()
	if original.name == "" {
		// Not the test's own, which ends before others do.
		name, address := create(t, "")
		if err := fill(address); err != nil {
			admin(t, `DROP DATABASE `+name+` WITH (FORCE)`)
			t.Fatalf("filling a database to copy: %v", err)
		}
		original.name = name
	}
	name, address := create(t, ` TEMPLATE `+original.name)
	t.Cleanup(func() { admin(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
	return address
}

// original is the database that Copy copies.
var original struct {
	sync.Mutex
	name string
}

// create makes a database, on a server that it starts if need be.
func create(t testing.TB, of string) (name, address string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL: left out with -short")
	}
	once.Do(func() {
		if serverURL = os.Getenv(EnvURL); serverURL == "" {
			if cluster, startErr = Start(); startErr == nil {
				serverURL = cluster.URL
			}
		}
	})
	if startErr != nil {
		t.Fatalf("these tests need PostgreSQL (Debian: apt-get install postgresql), or %s with the URL of a server: %v", EnvURL, startErr)
	}
	if of == "" {
		of = ` TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`
	}
	name = fmt.Sprintf("picloud_test_%d_%d", os.Getpid(), databaseNo.Add(1))
	admin(t, `CREATE DATABASE `+name+of)
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("%s is not a URL", EnvURL)
	}
	u.Path = "/" + name
	return name, u.String()
}

// admin runs a statement in the server's own database.
func admin(t testing.TB, statement string) {
	t.Helper()
	if err := execute(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return fmt.Errorf("connecting to the test server: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Cluster is a running private PostgreSQL server.
type Cluster struct {
	URL string // of its superuser, on a unix socket

	bin, dir string
	as       *syscall.Credential
	server   *exec.Cmd
	ended    chan struct{}
}

// Start makes a cluster in a temporary directory and starts it, with the given
// settings ("fsync=off") on top. As root it runs as the user postgres, because
// PostgreSQL refuses root.
func Start(settings ...string) (_ *Cluster, err error) {
	c := &Cluster{}
	if c.bin, err = findBinaries(); err != nil {
		return nil, err
	}
	// Not below the test's own directory: a socket's path is at most 107 bytes.
	if c.dir, err = os.MkdirTemp(testdir.Parent(), "picloud-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	if os.Getuid() == 0 {
		if c.as, err = postgresUser(); err != nil {
			return nil, err
		}
		if err := os.Chown(c.dir, int(c.as.Uid), int(c.as.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := c.command("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	c.URL = (&url.URL{
		Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {c.dir}}.Encode(),
	}).String()
	if err := c.Restart(settings...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Restart starts the server, after killing one that runs.
func (c *Cluster) Restart(settings ...string) error {
	c.Kill()
	args := []string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=100", "-c", "shared_buffers=32MB", "-c", "max_wal_size=256MB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	c.server = c.command("postgres", args...)
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.server.Stdout, c.server.Stderr = log, log
	c.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		// dieWithParent is about the thread that starts the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.server.Start()
		started <- err
		if err == nil {
			_ = c.server.Wait()
		}
		close(c.ended)
	}()
	if err := <-started; err != nil {
		c.server = nil
		return err
	}
	return c.waitReady()
}

// waitReady asks until the server answers: it has no other way of telling.
func (c *Cluster) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.ended:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("the server does not start: %w\n%s", err, log)
	}
}

// Kill ends the server at once, as a crash would.
func (c *Cluster) Kill() {
	if c.server == nil {
		return
	}
	_ = c.server.Process.Signal(syscall.SIGQUIT)
	<-c.ended
	c.server = nil
}

// Stop ends the server and removes what it kept.
func (c *Cluster) Stop() {
	c.Kill()
	_ = os.RemoveAll(c.dir)
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	if name == "postgres" {
		dieWithParent(cmd.SysProcAttr)
	}
	return cmd
}

// findBinaries returns the directory of the newest PostgreSQL.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("no initdb on PATH or in /usr/lib/postgresql/*/bin")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

func postgresUser() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root cannot run PostgreSQL and there is no user for it: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
