package offline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/executor"
	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/invoke/local"
	"github.com/picloud/picloud/internal/orchestrator"
	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/pic/tests"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/trial"
	"github.com/picloud/picloud/rhai"
)

// Limits of a test itself; the app's scripts run under those of an instance.
const (
	testOperations = 1_000_000_000
	testMemory     = 256 << 20
)

// setSecret is how a test gives its app a secret.
const setSecret = "set it with test::set_secret(\"NAME\", …)"

// Tests makes the Runner of pic test. It is safe for concurrent use.
func Tests(app string, scripts []dev.Script) (tests.Runner, error) {
	if err := store.CheckSlug(app); err != nil {
		return nil, err
	}
	return &trials{slug: app, scripts: scripts, checker: executor.New(executor.Config{Trial: trial.New()})}, nil
}

type trials struct {
	slug    string
	scripts []dev.Script
	checker *executor.Executor
}

// Tests implements tests.Runner.
func (r *trials) Tests(file dev.Script) ([]tests.Test, error) {
	program, err := r.checker.Engine().Compile(file.Name, file.Source)
	var re *rhai.Error
	if errors.As(err, &re) {
		return nil, &tests.CompileError{Line: int(re.Position.Line), Column: int(re.Position.Col), Message: re.Message()}
	}
	if err != nil {
		return nil, err
	}
	var found []tests.Test
	for _, f := range program.Functions() {
		if !strings.HasPrefix(f.Name, "test_") || f.This != "" {
			continue
		}
		t := tests.Test{Name: f.Name, Line: lineOf(file.Source, f.Name)}
		if len(f.Params) > 0 {
			return nil, &tests.CompileError{Line: t.Line, Column: 1, Message: fmt.Sprintf("%s takes parameters: a test has none", f.Name)}
		}
		found = append(found, t)
	}
	slices.SortStableFunc(found, func(a, b tests.Test) int { return a.Line - b.Line })
	return found, nil
}

// lineOf is the line on which a function is defined; 0: not found.
func lineOf(source, name string) int {
	at := regexp.MustCompile(`(?m)^[^/\n]*\bfn\s+` + regexp.QuoteMeta(name) + `\s*\(`).FindStringIndex(source)
	if at == nil {
		return 0
	}
	return 1 + strings.Count(source[:at[1]], "\n")
}

// Run implements tests.Runner.
func (r *trials) Run(ctx context.Context, file dev.Script, name string, timeout time.Duration) tests.Result {
	t := trial.New()
	app := &trialApp{slug: r.slug, trial: t, apps: &apps{slug: r.slug, made: trial.Start}, data: memory.New()}
	app.apps.deploy(r.scripts, store.Manifest{})
	// The app's scripts run as on a server: without the module test.
	app.executor = local.New(executor.New(executor.Config{HTTP: t, Now: t.Now, SetSecret: setSecret}))
	app.orchestrator = orchestrator.New(orchestrator.Config{
		Store: app.apps, Executor: app, Recorder: record(t.Record), Data: app.data, Control: http.NotFoundHandler(), Limits: Limits,
	})
	defer app.orchestrator.Close()
	t.App = app

	// The file's body is what happens before each test.
	source := file.Source + "\n" + name + "();\n"
	sum := sha256.Sum256([]byte(source))
	hash := hex.EncodeToString(sum[:])
	start := app.start(file.Name, hash)
	start.Trigger = "test"
	start.Limits = Limits
	start.Limits.Operations, start.Limits.MemoryBytes, start.Limits.WallTimeMS = testOperations, testMemory, timeout.Milliseconds()
	began := time.Now()
	res, err := executor.New(executor.Config{HTTP: t, Now: t.Now, Trial: t, SetSecret: setSecret}).Run(ctx, start, app.host(func(ctx context.Context, h string) (string, error) {
		if h == hash {
			return source, nil
		}
		return app.apps.Source(ctx, h)
	}))
	out := tests.Result{Duration: time.Since(began), Executions: t.Executions(), Notes: t.Notes()}
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Logs = res.Logs
	if res.Status == store.StatusOK {
		out.Passed = true
		return out
	}
	located(&out, res.Error, file, t.Thrown())
	if out.Line == 0 {
		out.Line = lineOf(file.Source, name)
	}
	if f := t.Failure(); f != nil && strings.HasPrefix(out.Error, f.Message) {
		out.Error = f.Message
		out.Compared, out.Expected, out.Actual = f.Compared, f.Expected, f.Actual
		if out.Cause == nil {
			out.Line, out.Column = f.Line, f.Column
		}
	}
	return out
}

// located says where a test failed: its place in the test's file, and the place in
// another file if it began there, in a library or in a script that the test ran.
func located(out *tests.Result, text string, file dev.Script, thrown *trial.Thrown) {
	x := tests.Explain(text, file.Name)
	lines := strings.Count(file.Source, "\n") + 1
	if n := len(x.Calls); n > 0 && x.Calls[n-1].Script == file.Name && x.Calls[n-1].Line > lines {
		x.Calls = x.Calls[:n-1] // the call of the test, behind the file's last line
	}
	if x.Script == file.Name && x.Line > lines {
		x.Line, x.Column = 0, 0
	}
	places := []tests.Place{x.Place}
	for _, c := range x.Calls {
		places = append(places, c.Place)
	}
	if i := slices.IndexFunc(places, func(p tests.Place) bool { return p.Script == file.Name }); i >= 0 {
		out.Line, out.Column = places[i].Line, places[i].Column
	}
	switch {
	case thrown != nil && x.Message == thrown.Text:
		cause := tests.Explain(thrown.Error, thrown.Script)
		out.Cause = &cause
		out.Error = thrown.Script + ".rhai: " + cause.Message
		return
	case x.Script != file.Name:
		out.Cause = &x
		out.Error = x.Message
		return
	}
	out.Error = x.Message
	for _, c := range x.Calls {
		out.Error += "\nin " + c.What
		if c.Line > 0 {
			out.Error += fmt.Sprintf(" (line %d, position %d)", c.Line, c.Column)
		}
	}
}

// trialApp is the app of one test.
type trialApp struct {
	slug         string
	trial        *trial.Trial
	apps         *apps
	data         *memory.Data
	executor     *local.Executor
	orchestrator *orchestrator.Orchestrator
}

func (a *trialApp) host(source func(context.Context, string) (string, error)) *trial.Host {
	return &trial.Host{Trial: a.trial, Data: a.data, AppID: appID, From: source}
}

// Run implements invoke.Executor for the orchestrator: what a run asks of its
// host the test answers.
func (a *trialApp) Run(ctx context.Context, start *invoke.Start, _ invoke.Host) (*invoke.Result, error) {
	return a.executor.Run(ctx, start, a.host(a.apps.Source))
}

// start is a run of a script of the app.
func (a *trialApp) start(script, hash string) *invoke.Start {
	d := a.apps.current()
	s := &invoke.Start{
		RunID: store.NewID(), AppID: appID, App: a.slug, ScriptID: script, Script: script, Version: d.Number, Deployment: d.Number,
		Program: hash, Scripts: map[string]string{}, Limits: Limits,
	}
	for name, x := range d.Manifest.Scripts {
		s.Scripts[name] = x.SourceHash
	}
	return s
}

// Serve implements trial.App.
func (a *trialApp) Serve(_ context.Context, r *http.Request) trial.Answer {
	w := &answer{header: http.Header{}}
	before := len(a.trial.Executions())
	a.orchestrator.ServeHTTP(w, r)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.status == http.StatusNotFound && len(a.trial.Executions()) == before {
		a.trial.Note(a.unanswered(r))
	}
	return trial.Answer{Status: w.status, Header: w.header, Body: w.body.Bytes()}
}

// unanswered says which endpoints there are when none answers a request.
func (a *trialApp) unanswered(r *http.Request) string {
	var paths []string
	for name, s := range a.apps.current().Manifest.Scripts {
		switch {
		case s.Endpoint && name == "index":
			paths = append(paths, "/")
		case s.Endpoint:
			paths = append(paths, "/"+name)
		}
	}
	there := "the app has none"
	if slices.Sort(paths); len(paths) > 0 {
		there = "there are " + strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s %s → 404: no endpoint answers there; %s", r.Method, r.URL.Path, there)
}

// Scripts implements trial.App.
func (a *trialApp) Scripts() []string {
	return slices.Sorted(maps.Keys(a.apps.current().Manifest.Scripts))
}

// Deliver implements trial.App.
func (a *trialApp) Deliver(ctx context.Context, script string, batch bool, events []invoke.Event) (*invoke.Result, error) {
	x, ok := a.apps.current().Manifest.Scripts[script]
	if !ok {
		return nil, fmt.Errorf("the app has no script %q", script)
	}
	s := a.start(script, x.SourceHash)
	s.Trigger = events[0].Kind
	if batch {
		s.Batch = events
	} else {
		s.Event = &events[0]
	}
	res, err := a.Run(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	a.trial.Record(store.Execution{
		ID: s.RunID, AppID: appID, Script: script, Trigger: s.Trigger, Status: res.Status, Error: res.Error, StartedAt: res.StartedAt, Duration: res.Duration,
		Operations: res.Operations, PeakMemory: res.PeakMemory, Logs: res.Logs, LogsDropped: res.LogsDropped, Calls: res.Calls, CallsDropped: res.CallsDropped,
	})
	return res, nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
