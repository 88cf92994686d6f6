package dev

import (
	"fmt"
	"strings"
	"sync"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/store"
)

// screen writes to standard error from one goroutine, so that a slow terminal
// never holds up an answer.
type screen struct {
	env   *cli.Env
	app   string
	lines chan string
	done  sync.WaitGroup

	mu      sync.Mutex
	dropped int // what did not fit since the last that did
	closed  bool
}

// backlog bounds what waits to be written.
const backlog = 1000

func newScreen(env *cli.Env, app string) *screen {
	s := &screen{env: env, app: app, lines: make(chan string, backlog)}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		for l := range s.lines {
			env.Notef("%s", l)
		}
	}()
	return s
}

// close writes what waits.
func (s *screen) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.lines)
	s.done.Wait()
}

func (s *screen) say(format string, args ...any) { s.put(fmt.Sprintf(format, args...)) }

func (s *screen) put(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.dropped > 0 {
		text = fmt.Sprintf("(%d more, too fast to show)\n%s", s.dropped, text)
	}
	select {
	case s.lines <- text:
		s.dropped = 0
	default:
		s.dropped++
	}
}

// record shows an execution and what it logged.
func (s *screen) record(e store.Execution) {
	var b strings.Builder
	if e.Method != "" {
		fmt.Fprintf(&b, "%s %s → %d", e.Method, output.Printable(e.Path), e.HTTPStatus)
	} else {
		fmt.Fprintf(&b, "%s → %s%s", e.Trigger, e.Script, extension)
	}
	// A script that answers 400 did not fail, but "400, ok" says what nobody means.
	if e.Status != store.StatusOK || e.HTTPStatus < 400 {
		fmt.Fprintf(&b, ", %s", e.Status)
	}
	fmt.Fprintf(&b, ", %.1f ms, %d operations", float64(e.Duration.Microseconds())/1000, e.Operations)
	for _, l := range e.Logs {
		at := e.Script + extension
		if l.Line > 0 {
			at = fmt.Sprintf("%s:%d:%d", at, l.Line, l.Column)
		}
		fmt.Fprintf(&b, "\n  %s %s %s", at, l.Level, output.Printable(l.Message))
	}
	for _, c := range e.Calls {
		fmt.Fprintf(&b, "\n  call %s %s → ", c.Method, output.Printable(c.Host))
		if c.Status > 0 {
			fmt.Fprintf(&b, "%d, ", c.Status)
		}
		if c.Error != "" {
			fmt.Fprintf(&b, "%s, ", output.Printable(c.Error))
		}
		fmt.Fprintf(&b, "%.1f ms", float64(c.Duration.Microseconds())/1000)
	}
	if e.LogsDropped > 0 {
		fmt.Fprintf(&b, "\n  %d lines over the limit were dropped", e.LogsDropped)
	}
	if e.Error != "" {
		fmt.Fprintf(&b, "\n  %s.rhai: %s", e.Script, strings.ReplaceAll(output.PrintableLines(e.Error), "\n", "\n    "))
	}
	s.put(b.String())
}

// died shows that a message has used up its attempts.
func (s *screen) died(m store.Message) {
	what := "asynchronous request to"
	if m.Kind != store.ChannelHTTP {
		what = store.TriggerNoun(m.Kind)
	}
	s.put(fmt.Sprintf("%s %s: a dead letter after %d attempts\n  %s",
		what, output.Printable(m.Name), m.Attempts, strings.ReplaceAll(output.PrintableLines(m.LastError), "\n", "\n  ")))
}

// unconsumed shows that messages of a queue wait for nobody.
func (s *screen) unconsumed(queue string) {
	s.say("the queue %s gets messages, and no script consumes it: they wait; [queues.%s] in %s names one", queue, queue, TriggersFile)
}

// finding shows what is wrong in a source.
func (s *screen) finding(file, source string, f Finding) {
	if !f.Fatal {
		f.Message = "careful: " + f.Message
	}
	if f.Line < 1 {
		s.say("%s: %s", file, f.Message)
		return
	}
	ce := cli.CompileError{Line: int64(f.Line), Column: int64(f.Column), Advice: f.Hint}
	if lines := strings.Split(source, "\n"); f.Line <= len(lines) {
		ce.SourceLine = strings.TrimSuffix(lines[f.Line-1], "\r")
	}
	s.put(fmt.Sprintf("%s:%d:%d: %s\n%s", file, f.Line, f.Column, output.PrintableLines(f.Message), output.PrintableLines(ce.Excerpt())))
}
