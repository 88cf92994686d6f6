// Package executor runs scripts: it admits runs, compiles programs once, gives
// each run its limits and the functions of PiCloud (request, responses, the
// modules), and turns how a run ended into a result.
//
// It does not know that a database exists, or where requests come from. All it
// asks for goes through invoke.Host.
package executor

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/trial"
	"github.com/picloud/picloud/rhai"
)

// Config bounds an Executor. Zero values mean the defaults.
type Config struct {
	Concurrency   int              // runs at once; default 8 for each processor, at least 16
	MemoryBudget  int64            // sum of the memory limits of the runs at once, in bytes; default 2 GiB
	QueueLength   int              // runs that may wait for a place; default 256
	QueueWait     time.Duration    // how long they wait; default 1 s
	ProgramMemory int64            // of compiled programs kept, in bytes, estimated; default 32 MiB
	MaxSourceSize int              // bytes of a script's source; default 1 MiB
	Now           func() time.Time // what scripts see as the time; default time.Now
	Trial         *trial.Trial     // its scripts test it; nil: none do
	HTTP          Caller           // makes the calls of http; default an outbound.Client that knows no address of PiCloud's own
	SetSecret     string           // how people set a secret that is missing, with NAME and APP for the names
}

// DefaultMaxSourceSize is the longest source of a script, in bytes, unless the
// Config says otherwise.
const DefaultMaxSourceSize = 1 << 20

const maxModules = 64 // imports of one run

// Executor implements invoke.Executor. It is safe for concurrent use.
type Executor struct {
	engine    *rhai.Engine
	admission *admission
	programs  *programs
	patterns  *patterns
	watchdog  watchdog
	http      Caller
	setSecret string
	now       func() time.Time
	clock     func() time.Time // of scripts
}

// New returns an Executor.
func New(cfg Config) *Executor {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = max(16, 8*runtime.NumCPU())
	}
	if cfg.MemoryBudget <= 0 {
		cfg.MemoryBudget = 2 << 30
	}
	if cfg.QueueLength <= 0 {
		cfg.QueueLength = 256
	}
	if cfg.QueueWait <= 0 {
		cfg.QueueWait = time.Second
	}
	if cfg.ProgramMemory <= 0 {
		cfg.ProgramMemory = 32 << 20
	}
	if cfg.MaxSourceSize <= 0 {
		cfg.MaxSourceSize = DefaultMaxSourceSize
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.SetSecret == "" {
		cfg.SetSecret = "set it with `pic secrets set NAME --app APP`"
	}
	if cfg.HTTP == nil {
		cfg.HTTP = outbound.New(outbound.Config{})
	}
	e := &Executor{
		admission: newAdmission(cfg.Concurrency, cfg.MemoryBudget, cfg.QueueLength, cfg.QueueWait),
		patterns:  newPatterns(),
		http:      cfg.HTTP,
		setSecret: cfg.SetSecret,
		now:       time.Now,
		clock:     cfg.Now,
	}
	e.engine = e.newEngine(cfg.MaxSourceSize)
	if cfg.Trial != nil {
		t := &trialScripts{Trial: cfg.Trial}
		e.engine.Register(t.asserts()...)
		e.engine.Register(global(t.asserts())...)
		e.engine.RegisterModule(ofModule(t.module()))
	}
	e.programs = newPrograms(e.engine, cfg.ProgramMemory)
	return e
}

// Check compiles a source and returns the *rhai.Error if it does not compile.
// Nothing is kept. Name is the script's, for messages.
func (e *Executor) Check(name, source string) error {
	_, err := e.engine.Compile(name, source)
	return err
}

// Engine is the engine with everything registered, for documentation.
func (e *Executor) Engine() *rhai.Engine { return e.engine }

var errWallTime = errors.New("the wall-time limit is reached")

// Run implements invoke.Executor. It returns no error: whatever happens here
// is a result.
func (e *Executor) Run(ctx context.Context, start *invoke.Start, host invoke.Host) (*invoke.Result, error) {
	began := e.now()
	r := &run{executor: e, start: start, host: host}
	r.logs.limit(start.Limits.LogLines, start.Limits.LogBytes)
	res := &r.result
	res.StartedAt = began.UTC()
	waited, err := e.admission.enter(ctx, start.AppID, start.Limits.MemoryBytes)
	if err != nil {
		r.refused(err)
		res.Duration = e.now().Sub(began)
		return res, nil
	}
	defer e.admission.leave(start.AppID, start.Limits.MemoryBytes)

	running := began
	if waited {
		running = e.now() // waiting does not count towards the wall time
	}
	r.execute(ctx, running)
	res.Logs, res.LogsDropped = r.logs.lines, r.logs.dropped
	if r.outbound != nil {
		res.Calls, res.CallsDropped = r.outbound.calls, r.outbound.dropped
	}
	res.Duration = e.now().Sub(began)
	return res, nil
}

// execute runs the program under the run's limits and fills the result.
func (r *run) execute(ctx context.Context, began time.Time) {
	l := &r.start.Limits
	end := r.start.Deadline
	if l.WallTimeMS > 0 {
		if t := began.Add(time.Duration(l.WallTimeMS) * time.Millisecond); end.IsZero() || t.Before(end) {
			end = t
		}
	}
	r.ctx.begin(ctx, r, began, end, &r.executor.watchdog)
	defer r.ctx.end()
	program, err := r.executor.programs.get(&r.ctx, r.host, r.start.Program, r.start.Script)
	if err != nil {
		r.failed(err)
		return
	}
	r.limits = rhai.Limits{
		MaxOperations: l.Operations,
		MaxMemory:     l.MemoryBytes,
		MaxCallLevels: int(l.CallDepth),
		MaxModules:    maxModules,
	}
	scope := scopes.Get().(*rhai.Scope)
	r.fill(scope)
	value, err := program.Run(&r.ctx, scope, rhai.RunMetered(&r.limits, &r.stats), rhai.RunInputs())
	scope.Rewind(0)
	scopes.Put(scope)
	r.result.Operations, r.result.PeakMemory = r.stats.Operations, r.stats.PeakMemory
	if err == nil {
		var answer *invoke.Response
		if r.start.Request != nil {
			err, answer = r.respond(value), &r.response
		}
		if err == nil {
			r.acknowledge(answer)
			err = r.commit()
		}
		if err == nil {
			r.result.Status, r.result.Response = store.StatusOK, answer
			return
		}
	}
	r.failed(r.checkStale(err))
	r.acknowledgeAnswer()
}

// scopes are empty ones, to be used again.
var scopes = sync.Pool{New: func() any { return rhai.NewScope() }}

// fill puts into the scope what the script finds defined.
func (r *run) fill(s *rhai.Scope) {
	if q := r.start.Request; q != nil {
		r.request = request{run: r, req: q}
		s.PushConst("request", rhai.Host(requestType.HostType(), &r.request))
	}
	if r.start.IsEvent() {
		r.fillEvents(s)
	}
}

// run is one execution.
type run struct {
	executor  *Executor
	start     *invoke.Start
	host      invoke.Host
	ctx       runContext
	logs      logs
	request   request
	unit      unit              // what the run wants changed
	calls     int64             // of host functions
	outbound  *outboundRecord   // nil: the run called nobody
	exceeded  *limitError       // a limit that a host function enforced
	refusal   *commitError      // of the last commit that was not made
	broken    *commitError      // of one whose outcome is unknown: the run ends with it
	variables map[string]string // of the app, once asked for
	limits    rhai.Limits
	stats     rhai.Stats
	result    invoke.Result
	response  invoke.Response // the result's
}

// hook is where every call of a host function passes: its arguments come in,
// its result goes out. Errors that are none of the engine's a script catches as
// texts, like those that the functions throw.
func hook(c *rhai.Call, next func(*rhai.Call) (rhai.Value, error)) (rhai.Value, error) {
	if r := runOf(c.Context()); r != nil {
		r.calls++
	}
	v, err := next(c)
	if err != nil {
		if _, ok := err.(*rhai.Error); !ok && !isContextError(err) {
			err = throw(err.Error())
		}
	}
	return v, err
}
