// Package dev is "pic dev": it runs scripts from files, without a server and
// without an account, and again whenever a file changes.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/dotenv"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/store"
)

// Script is a source to run.
type Script struct {
	Name    string
	Source  string
	Library bool // it is only imported
}

// Finding is something wrong in a source.
type Finding struct {
	Line, Column  int // from 1; 0 unknown
	Message, Hint string
	Fatal         bool // the source does not compile
}

// Runtime runs the scripts of one app as a server would. It is handed in,
// because the command line itself knows neither orchestrator nor executor.
type Runtime interface {
	http.Handler
	// Deploy replaces all scripts, and what starts them beside requests: the
	// triggers of a manifest.
	Deploy(scripts []Script, triggers store.Manifest) error
	// Check returns why a source does not compile or, if it does, what in it will fail.
	Check(name, source string) []Finding
	// Open lets scripts call networks that are not public, but nothing at own,
	// where the Runtime itself is reached.
	Open(networks []string, own net.Addr) error
	// Settings replaces the variables, which are the secrets, too.
	Settings(values map[string]string)
	// Close waits for what is running.
	Close(context.Context) error
}

// New makes a Runtime for an app. other answers what is not for the app.
type New func(app string, told Told, other http.Handler) (Runtime, error)

// Told is what is called when something has happened.
type Told struct {
	Executed func(store.Execution) // it has ended
	Died     func(store.Message)   // it is a dead letter now
	// Unconsumed: a queue got a message, and no script consumes it. Once for each.
	Unconsumed func(queue string)
}

type options struct {
	path   string
	listen string
	app    string

	networks []string
	envFile  string
}

// Command returns "pic dev".
func Command(env *cli.Env, runtime New) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "dev [FILE|DIR]",
		Short: "Run scripts on this machine, and again when they change",
		Long: `Run scripts on this machine as PiCloud would, without a server and without an
account. A request after a file was saved gets the new script. What scripts log,
and errors with their position, appear on standard error.

Scripts may call every host of the public internet; --open-network opens what is not
public, such as a server on this machine.

The file .env beside the scripts, or the one that --env-file names, holds variables:
env::get reads them, and secret::get, too. It is read again when it changes.

DIR, which is the current one unless another is given, is an app: its *.rhai files are
endpoints, those in DIR/lib are libraries. Of a FILE only that is an endpoint; what lies
beside it can be imported. DIR/triggers.toml says what starts scripts beside requests:
queues, subscriptions to topics, schedules and KV triggers work as on a server, in
memory.`,
		Example: `  pic dev
  pic dev hello.rhai
  pic dev examples/shop
  pic dev . --app shop --listen 127.0.0.1:0
  pic dev shop --open-network 127.0.0.1:9000`,
		Args: cli.Args("[FILE|DIR]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.path = "."
			if len(args) == 1 {
				o.path = args[0]
			}
			return run(cmd.Context(), env, runtime, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "answer at `HOST:PORT`; port 0 picks a free one")
	f.StringVarP(&o.app, "app", "a", "", "name the app `APP` (default: the directory's name; for a file \"dev\")")
	f.StringVar(&o.envFile, "env-file", "", "read variables and secrets from `FILE` (default: .env beside the scripts, if it is there)")
	f.StringArrayVar(&o.networks, "open-network", nil, "let scripts call `NETWORK` although it is not public; may be repeated")
	return cmd
}

func run(ctx context.Context, env *cli.Env, runtime New, o options) error {
	p, err := open(o.path)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	if o.app == "" {
		o.app = p.defaultApp()
	}
	if err := store.CheckSlug(o.app); err != nil {
		return exit.Usagef("--app: %w", err)
	}
	screen := newScreen(env, o.app)
	defer screen.close()

	var s *served
	rt, err := runtime(o.app, Told{screen.record, screen.died, screen.unconsumed}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.index(w, r) }))
	if err != nil {
		return err
	}
	s = &served{project: p, runtime: rt, screen: screen, app: o.app, envFile: o.envFile}

	w, err := watch(p)
	if err != nil {
		return err
	}
	defer w.close()
	if err := s.reload(); err != nil {
		return err
	}

	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return &exit.Error{Code: exit.Failed, Err: fmt.Errorf("%s is taken by another program", o.listen), Hint: "Choose another address with --listen; 127.0.0.1:0 picks a free port."}
		}
		return exit.Usagef("--listen: %w", err)
	}
	if err := rt.Open(o.networks, l.Addr()); err != nil {
		_ = l.Close()
		return exit.Usagef("--open-network: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	base := "http://" + l.Addr().String()
	s.announce(base)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()

	err = s.follow(ctx, w, ended)
	// Whoever presses Ctrl-C does not want to wait for a script that loops.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(stopping) != nil {
		_ = server.Close()
	}
	_ = rt.Close(stopping) // what still runs ends with the process
	return err
}

// served is what is being run.
type served struct {
	project *project
	runtime Runtime
	screen  *screen
	app     string
	base    string
	envFile string // as it was named; empty: .env, which need not be there

	mu      sync.Mutex
	last    map[string]Script // as deployed last, by name
	started store.Manifest    // the triggers deployed last
	told    map[string]bool   // complaints that stand
	values  map[string]string // variables and secrets
	failure string            // why the last reload failed
}

// ServeHTTP answers a request with the files as they are now: the watcher lets
// them rest before it tells of them, and whoever saves and calls at once shall
// not get what was there before.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.refresh()
	s.runtime.ServeHTTP(w, r)
}

// refresh reloads, and says why it cannot, once as long as that is so.
func (s *served) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	failure := ""
	if err := s.reload(); err != nil {
		failure = err.Error()
	}
	if failure != "" && failure != s.failure {
		s.screen.say("%s", failure)
	}
	s.failure = failure
}

// follow reloads whenever something changed, until ctx or the server ends.
func (s *served) follow(ctx context.Context, w *watcher, ended <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return err
		case err := <-w.failed:
			return fmt.Errorf("watching %s: %w", s.project.dir, err)
		case <-w.changed:
			s.refresh()
		}
	}
}

// reload reads the files and deploys them if any has changed. s.mu is held, or
// nothing is served yet.
func (s *served) reload() error {
	if err := s.readEnv(); err != nil {
		return err
	}
	scripts, leftOut, err := s.project.read()
	if err != nil {
		return err
	}
	triggers, err := s.project.triggers()
	if err != nil {
		goesOn := TriggersFile + " is left out"
		if !reflect.DeepEqual(s.started, store.Manifest{}) {
			goesOn = "what was in " + TriggersFile + " before goes on"
		}
		leftOut = append(leftOut, fmt.Errorf("%w\n%s", err, goesOn))
		triggers = s.started
	}
	s.complain(append(leftOut, orphans(scripts, &triggers)...))
	now := map[string]Script{}
	for _, x := range scripts {
		now[x.Name] = x
	}
	changed := !reflect.DeepEqual(s.started, triggers)
	if s.last != nil && same(s.last, now) && !changed {
		return nil
	}
	if err := s.runtime.Deploy(scripts, triggers); err != nil {
		return err
	}
	if s.started = triggers; changed && s.last != nil {
		s.screen.say("%s: reloaded", TriggersFile)
	}
	for _, x := range scripts {
		before, known := s.last[x.Name]
		if known && before == x || !s.project.reports(x) {
			continue
		}
		findings := s.runtime.Check(x.Name, x.Source)
		if s.last != nil && !slices.ContainsFunc(findings, func(f Finding) bool { return f.Fatal }) {
			s.screen.say("%s: reloaded", s.project.file(x))
		}
		for _, f := range findings {
			s.screen.finding(s.project.file(x), x.Source, f)
		}
	}
	for name, x := range s.last {
		if _, ok := now[name]; !ok && s.project.reports(x) {
			s.screen.say("%s: removed", s.project.file(x))
		}
	}
	s.last = now
	return nil
}

// readEnv reads the variables and secrets again.
func (s *served) readEnv() error {
	name := s.envFile
	if name == "" {
		name = filepath.Join(s.project.dir, ".env")
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && s.envFile == "" {
		err = nil
	}
	var values map[string]string
	if f != nil {
		values, err = dotenv.Read(f)
		f.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if maps.Equal(values, s.values) {
		return nil
	}
	if s.values != nil {
		s.screen.say("%s: reloaded", filepath.Base(name))
	}
	s.values = values
	s.runtime.Settings(values)
	return nil
}

// complain says what is wrong with files, once as long as it is.
func (s *served) complain(leftOut []error) {
	now := map[string]bool{}
	for _, err := range leftOut {
		if !s.told[err.Error()] {
			s.screen.say("%v", err)
		}
		now[err.Error()] = true
	}
	s.told = now
}

func same(a, b map[string]Script) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func (s *served) announce(base string) {
	s.base = base
	endpoints := 0
	var started []string
	for _, x := range s.project.sorted(s.last) {
		if !x.Library {
			endpoints++
			s.screen.say("%s answers at %s", s.project.file(x), s.address(x))
		}
	}
	if endpoints == 0 {
		s.screen.say("There is no *.rhai file in %s yet; add one and it answers.", s.project.dir)
	}
	s.started.EachTrigger(func(kind store.ChannelKind, name string, d store.Delivery) {
		started = append(started, triggerLine(kind, name, d))
	})
	slices.Sort(started)
	for _, line := range started {
		s.screen.say("%s", line)
	}
	s.screen.say("Ready at %s/%s; Ctrl-C ends it.", base, s.app)
}

func triggerLine(kind store.ChannelKind, name string, d store.Delivery) string {
	return fmt.Sprintf("the %s %s runs %s%s", store.TriggerNoun(kind), name, d.Script, extension)
}

func (s *served) address(x Script) string {
	if x.Name == "index" {
		return s.base + "/" + s.app + "/"
	}
	return s.base + "/" + s.app + "/" + x.Name
}

// index answers what is not for the app: at the root, a word about where it is.
func (s *served) index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, "This is pic dev. The scripts are at /%s/…\n", s.app)
}

// project is what to run.
type project struct {
	dir  string // absolute
	only string // the one endpoint's file name; empty: all
}

func open(path string) (*project, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file and no folder %s", path)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &project{dir: abs}, nil
	}
	if filepath.Ext(abs) != extension {
		return nil, fmt.Errorf("%s is no %s file", path, extension)
	}
	if strings.HasSuffix(abs, testSuffix+extension) {
		return nil, fmt.Errorf("%s holds tests: pic test runs them", path)
	}
	return &project{dir: filepath.Dir(abs), only: filepath.Base(abs)}, nil
}

// triggers reads the app's triggers; a single file has none.
func (p *project) triggers() (store.Manifest, error) {
	if p.only != "" {
		return store.Manifest{}, nil
	}
	return ReadTriggers(p.dir)
}

const (
	extension  = ".rhai"
	libraryDir = "lib"
)

func (p *project) defaultApp() string {
	if name := strings.ToLower(filepath.Base(p.dir)); p.only == "" && store.CheckSlug(name) == nil {
		return name
	}
	return "dev"
}
