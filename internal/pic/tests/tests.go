// Package tests is "pic test": it runs the tests that lie beside an app's
// scripts, without a server and without an account.
package tests

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/dev"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/pic/span"
	"github.com/picloud/picloud/internal/store"
)

// Runner runs tests of one app, each with an app of its own. It is handed in,
// because the command line itself knows no executor. It is safe for concurrent use.
type Runner interface {
	// Tests returns the tests in a file, in its order; a *CompileError when it does
	// not compile.
	Tests(file dev.Script) ([]Test, error)
	Run(ctx context.Context, file dev.Script, test string, timeout time.Duration) Result
}

// New makes a Runner for the scripts of an app.
type New func(app string, scripts []dev.Script) (Runner, error)

// Test is a function test_… of a file.
type Test struct {
	Name string
	Line int // 0: unknown
}

// CompileError says why a file does not compile, and where (from 1; 0 unknown).
type CompileError struct {
	Line, Column int
	Message      string
}

func (e *CompileError) Error() string { return e.Message }

// Result says how a test ended.
type Result struct {
	Passed       bool
	Error        string
	Line, Column int // in the file of the test; 0: unknown, as the column of a test that took too long
	// Compared says that Expected and Actual are what was compared.
	Compared         bool
	Expected, Actual string
	Cause            *Cause          // where it began, when not in the file of the test
	Logs             []store.LogLine // of the test itself
	Notes            []string        // what may explain a failure
	Executions       []store.Execution
	Duration         time.Duration
}

type options struct {
	path    string
	app     string
	run     string
	timeout time.Duration
	verbose bool
	jobs    int
}

// Command returns "pic test".
func Command(env *cli.Env, runner New) *cobra.Command {
	o := options{path: "."}
	cmd := &cobra.Command{
		Use:   "test [FILE|DIR]",
		Short: "Run the tests of an app on this machine",
		Long: `Run the functions test_… in *_test.rhai files, of DIR, DIR/tests and DIR/lib, or of
one FILE. Each test gets an app of its own, with the scripts of DIR, no data, a
clock that stands still at 2026-01-01T00:00:00Z, and no other servers but the
stubs that it sets up. Tests run at the same time.

What failed is shown with its place, what was expected and what came, and what
the app's scripts logged. pic ends with exit code 1 if a test fails, or if there
is none to run.`,
		Example: `  pic test
  pic test shop --run 'order|price'
  pic test shop/orders_test.rhai --verbose
  pic test --output json`,
		Args: cli.Args("[FILE|DIR]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.path = args[0]
			}
			return run(cmd.Context(), env, runner, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.run, "run", "", "run only tests whose `FILE/NAME` contains this text or fits it: * stands for any text, A|B for either; or a regular expression")
	o.timeout = 30 * time.Second
	f.Var(span.Var{To: &o.timeout}, "timeout", "let one test take `TIME` at most")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show the tests that passed, too")
	f.IntVarP(&o.jobs, "jobs", "j", runtime.GOMAXPROCS(0), "run so many tests at the same time")
	f.StringVarP(&o.app, "app", "a", "", "name the app `APP` (default: the directory's name)")
	return cmd
}

// job is a test, or a file that has none to run.
type job struct {
	file   *file
	test   Test
	result Result
}

func (j *job) name() string { return j.file.short() + "/" + j.test.Name }

// names are what people may call the test: by the file's name with its ending or
// without it, by its path, and as results print it.
func (j *job) names() []string {
	return []string{j.name(), j.file.short() + ".rhai/" + j.test.Name, j.file.path + "/" + j.test.Name, j.file.path + " " + j.test.Name}
}

func run(ctx context.Context, env *cli.Env, make New, o options) error {
	chosen, err := choice(o.run)
	switch {
	case err != nil:
		return err
	case o.timeout < time.Millisecond:
		return exit.Usagef("--timeout must be a time such as 500ms or 30s")
	case o.jobs < 1:
		return exit.Usagef("--jobs must be a number from 1 up")
	}
	w, err := env.Writer()
	if err != nil {
		return err
	}
	app, files, err := find(o.path)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	if o.app == "" {
		o.app = app.slug()
	}
	if err := store.CheckSlug(o.app); err != nil {
		return exit.Usagef("--app: %w", err)
	}
	for _, err := range app.leftOut {
		env.Notef("%v", err)
	}
	runner, err := make(o.app, app.scripts)
	if err != nil {
		return err
	}
	var jobs []*job
	var there []string // the tests that there are
	for _, f := range files {
		found, err := runner.Tests(f.script)
		var ce *CompileError
		if errors.As(err, &ce) {
			jobs = append(jobs, &job{file: f, result: Result{Error: "does not compile: " + ce.Message, Line: ce.Line, Column: ce.Column}})
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range found {
			j := &job{file: f, test: t}
			there = append(there, j.name())
			if chosen(j) {
				jobs = append(jobs, j)
			}
		}
	}
	began := time.Now()
	work(ctx, runner, jobs, o)
	if err := ctx.Err(); err != nil {
		return err
	}
	err = report(env, w, app, jobs, o, time.Since(began))
	if len(jobs) == 0 && len(there) > 0 && errors.As(err, new(*exit.Error)) {
		return nothingChosen(o.run, there)
	}
	return err
}

// work runs the jobs, several at a time.
func work(ctx context.Context, runner Runner, jobs []*job, o options) {
	next := make(chan *job)
	var wg sync.WaitGroup
	for range min(o.jobs, len(jobs)) {
		wg.Go(func() {
			for j := range next {
				j.result = runner.Run(ctx, j.file.script, j.test.Name, o.timeout)
			}
		})
	}
	for _, j := range jobs {
		if j.test.Name == "" {
			continue // the file does not compile
		}
		select {
		case next <- j:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
}

// outcome is what --output json writes.
type outcome struct {
	Passed     int       `json:"passed"`
	Failed     int       `json:"failed"`
	DurationUS int64     `json:"duration_us"`
	Tests      []verdict `json:"tests"`
}

// verdict is one test in it.
type verdict struct {
	File       string   `json:"file"`
	Name       string   `json:"name,omitempty"` // absent: the file does not compile
	Line       int      `json:"line,omitempty"`
	Status     string   `json:"status"` // passed or failed
	DurationUS int64    `json:"duration_us"`
	Error      *problem `json:"error,omitempty"`
	Logs       []string `json:"logs,omitempty"`
}

type problem struct {
	Message  string  `json:"message"`
	Line     int     `json:"line,omitempty"`
	Column   int     `json:"column,omitempty"`
	Expected *string `json:"expected,omitempty"`
	Actual   *string `json:"actual,omitempty"`
	Cause    *where  `json:"cause,omitempty"`
}

// where is the place of an error that began in another file.
type where struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func verdictOf(j *job, app *project) verdict {
	v := verdict{File: j.file.path, Name: j.test.Name, Line: j.test.Line, Status: "passed", DurationUS: j.result.Duration.Microseconds()}
	for _, l := range j.result.Logs {
		v.Logs = append(v.Logs, l.Message)
	}
	if r := &j.result; !r.Passed {
		v.Status = "failed"
		v.Error = &problem{Message: r.Error, Line: r.Line, Column: r.Column}
		if r.Compared {
			v.Error.Expected, v.Error.Actual = &r.Expected, &r.Actual
		}
		if c := r.Cause; c != nil {
			v.Error.Cause = &where{app.file(c.Script), c.Line, c.Column}
		}
	}
	return v
}

var columns = []output.Column[verdict]{
	{Name: "status", Value: func(v verdict) string { return v.Status }},
	{Name: "file", Value: func(v verdict) string { return v.File }},
	{Name: "name", Value: func(v verdict) string { return v.Name }},
	{Name: "duration_ms", Value: func(v verdict) string { return fmt.Sprintf("%.3f", float64(v.DurationUS)/1000) }},
	{Name: "position", Value: func(v verdict) string {
		if v.Error == nil || v.Error.Line == 0 {
			return ""
		}
		return fmt.Sprintf("%d:%d", v.Error.Line, v.Error.Column)
	}},
	{Name: "message", Value: func(v verdict) string {
		if v.Error == nil {
			return ""
		}
		return v.Error.Message
	}},
}

// report writes how the tests ended: as text, unless --output asks for a form.
func report(env *cli.Env, w *output.Writer, app *project, jobs []*job, o options, took time.Duration) error {
	sum := outcome{DurationUS: took.Microseconds(), Tests: []verdict{}}
	for _, j := range jobs {
		if j.result.Passed {
			sum.Passed++
		} else {
			sum.Failed++
		}
		sum.Tests = append(sum.Tests, verdictOf(j, app))
	}
	var err error
	switch {
	case env.Output == string(output.JSON):
		err = w.JSON(sum)
	case env.Output == string(output.TSV):
		err = output.List(w, sum.Tests, columns)
	default:
		p := printer{w: env.Out, color: env.Color(), app: app}
		for _, j := range jobs {
			p.job(j, o.verbose)
		}
		if len(jobs) > 0 {
			p.line("%d passed, %d failed", sum.Passed, sum.Failed)
		}
		err = p.err
	}
	switch {
	case err != nil:
	case len(jobs) == 0:
		err = &exit.Error{Code: exit.Failed, Err: errors.New("there is no test"), Hint: "Write a function test_… in a *_test.rhai file."}
	case sum.Failed > 0:
		err = &exit.Error{Code: exit.Failed, Err: fmt.Errorf("%d of %d tests failed", sum.Failed, len(jobs))}
	}
	return err
}
