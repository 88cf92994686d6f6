package pic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// journeys runs every journey in testdata/script. They share a server, so each
// works in apps of its own: $APP is the journey's name.
//
// Beside testscript's own commands there are
//
//	exits CODE PROGRAM ARG…       run it; it must end with this exit code
//	json PATH REGEXP              what the last standard output, as JSON, holds at PATH (a.0.b)
//	capture NAME PATH             put that into $NAME
//	lines N                       the last standard output has that many lines
//	launch NAME REGEXP PROGRAM …  start it and wait for a line that matches; groups go to $NAME_1 …
//	await NAME REGEXP             wait for the next line that matches
//	interrupt NAME CODE           send it SIGINT; it must end with this exit code
//	eventually REGEXP PROGRAM …   run it again until it succeeds and a line of its standard output matches
func journeys(t *testing.T, s *server) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, kv := range s.environment(env.WorkDir) {
				k, v, _ := strings.Cut(kv, "=")
				env.Setenv(k, v)
			}
			name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
			env.Setenv("APP", strings.ReplaceAll(name, "_", "-"))
			env.Values[launchedKey{}] = map[string]*launched{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      cmdExits,
			"json":       cmdJSON,
			"capture":    cmdCapture,
			"lines":      cmdLines,
			"launch":     cmdLaunch,
			"await":      cmdAwait,
			"interrupt":  cmdInterrupt,
			"eventually": cmdEventually,
		},
	})
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdEventually waits for what the server does by itself, of which nothing tells.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP PROGRAM ARG…")
	}
	re, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && re.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("no line matches %s: %v", args[0], err)
		}
	}
}

// at returns what the last standard output, as JSON, holds at a path.
func at(ts *testscript.TestScript, path string) string {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	dec.UseNumber()
	var v any
	ts.Check(dec.Decode(&v))
	if path != "." {
		for _, key := range strings.Split(path, ".") {
			switch c := v.(type) {
			case map[string]any:
				var ok bool
				if v, ok = c[key]; !ok {
					return "(absent)"
				}
			case []any:
				if key == "len" {
					return strconv.Itoa(len(c))
				}
				i, err := strconv.Atoi(key)
				if err != nil || i >= len(c) {
					return "(absent)"
				}
				v = c[i]
			default:
				return "(absent)"
			}
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	ts.Check(err)
	return string(b)
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH REGEXP")
	}
	re, err := regexp.Compile(`^(?:` + args[1] + `)$`)
	ts.Check(err)
	if got := at(ts, args[0]); re.MatchString(got) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATH")
	}
	got := at(ts, args[1])
	if got == "(absent)" {
		ts.Fatalf("%s is absent", args[1])
	}
	ts.Setenv(args[0], got)
}

func cmdLines(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: lines N")
	}
	if n := strings.Count(ts.ReadFile("stdout"), "\n"); (strconv.Itoa(n) == args[0]) == neg {
		ts.Fatalf("%d lines", n)
	}
}

// launched is a program that runs beside its journey.
type launched struct {
	cmd   *exec.Cmd
	lines chan string // both streams; closed at their end
	seen  bytes.Buffer
	mu    sync.Mutex // of seen
	done  chan struct{}
	err   error // of Wait, once done is closed
}

type launchedKey struct{}

// patience bounds each wait for a line or an end. It is no measure of speed: a
// journey that needs it has failed.
const patience = time.Minute

func cmdLaunch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: launch NAME REGEXP PROGRAM ARG…")
	}
	programs, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	program, err := exec.LookPath(filepath.Join(programs, args[2]))
	ts.Check(err)
	l := &launched{cmd: exec.Command(program, args[3:]...), lines: make(chan string, 1000), done: make(chan struct{})}
	l.cmd.Dir = ts.MkAbs(".")
	for _, k := range []string{"PATH", "HOME", "PICLOUD_CONFIG_DIR", "PICLOUD_URL", "PICLOUD_TOKEN"} {
		if v := ts.Getenv(k); v != "" {
			l.cmd.Env = append(l.cmd.Env, k+"="+v)
		}
	}
	w := &lineWriter{l: l}
	l.cmd.Stdout, l.cmd.Stderr = w, w
	ts.Check(l.cmd.Start())
	go func() {
		l.err = l.cmd.Wait() // returns after both streams were copied
		close(l.lines)
		close(l.done)
	}()
	ts.Defer(func() {
		_ = l.cmd.Process.Kill() // an error means that it has ended
		<-l.done
	})
	ts.Value(launchedKey{}).(map[string]*launched)[args[0]] = l
	await(ts, args[0], args[1])
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME REGEXP")
	}
	await(ts, args[0], args[1])
}

func find(ts *testscript.TestScript, name string) *launched {
	l := ts.Value(launchedKey{}).(map[string]*launched)[name]
	if l == nil {
		ts.Fatalf("nothing was launched as %s", name)
	}
	return l
}

func await(ts *testscript.TestScript, name, pattern string) {
	l := find(ts, name)
	re, err := regexp.Compile(pattern)
	ts.Check(err)
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-l.lines:
			if !ok {
				ts.Fatalf("%s ended without a line that matches %s; it wrote:\n%s", name, pattern, l.text())
			}
			if m := re.FindStringSubmatch(line); m != nil {
				for i, g := range m[1:] {
					ts.Setenv(fmt.Sprintf("%s_%d", name, i+1), g)
				}
				return
			}
		case <-timeout:
			ts.Fatalf("%s wrote no line that matches %s; it wrote:\n%s", name, pattern, l.text())
		}
	}
}

func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: interrupt NAME CODE")
	}
	l := find(ts, args[0])
	ts.Check(l.cmd.Process.Signal(syscall.SIGINT))
	select {
	case <-l.done:
	case <-time.After(patience):
		ts.Fatalf("%s did not end; it wrote:\n%s", args[0], l.text())
	}
	if got := strconv.Itoa(l.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s ended with exit code %s, want %s (%v); it wrote:\n%s", args[0], got, args[1], l.err, l.text())
	}
}

func (l *launched) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen.String()
}

// lineWriter cuts what a program writes into lines.
type lineWriter struct {
	l    *launched
	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.l.mu.Lock()
	w.l.seen.Write(p)
	w.l.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		select {
		case w.l.lines <- string(w.rest[:i]):
		default: // a journey that lets a thousand lines pass does not look at them
		}
		w.rest = w.rest[i+1:]
	}
}
