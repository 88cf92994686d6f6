package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// repl reads statements and runs each with the variables and functions of the
// ones before. A statement that is not complete goes on in the next line. On a terminal lines are edited, with
// a history that outlives the session and completion of names by the tab key.
func repl(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 0 {
		return errUsage
	}
	s := newSession(out)
	if c := openConsole(in, out, s); c != nil {
		defer c.close()
		return s.loop(ctx, c)
	}
	o := &output{w: out}
	s = newSession(o)
	lines := bufio.NewScanner(&input{ctx, in})
	lines.Buffer(nil, 16<<20)
	if err := s.loop(ctx, &pipe{lines, o}); err != nil {
		return err
	}
	return o.err
}

// lineReader asks for lines. It returns io.EOF after the last, and errInterrupted when the line was given up.
type lineReader interface {
	readLine(prompt string) (string, error)
	// during runs f, which may print and can be interrupted. It reports whether the session goes on.
	during(ctx context.Context, f func(context.Context)) bool
}

var errInterrupted = errors.New("interrupted")

// pipe reads lines that nobody edits.
type pipe struct {
	lines *bufio.Scanner
	out   io.Writer
}

func (p *pipe) readLine(prompt string) (string, error) {
	fmt.Fprint(p.out, prompt)
	if p.lines.Scan() {
		return p.lines.Text(), nil
	}
	fmt.Fprintln(p.out)
	if err := p.lines.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

func (p *pipe) during(ctx context.Context, f func(context.Context)) bool {
	f(ctx)
	return ctx.Err() == nil
}

func newSession(out io.Writer) *session {
	return &session{eng: newEngine(out), scope: rhai.NewScope(), out: out, functions: map[string]string{}}
}

// loop reads and runs until the input ends.
func (s *session) loop(ctx context.Context, r lineReader) error {
	for {
		prompt := "> "
		if s.text != "" {
			prompt = "| "
		}
		line, err := r.readLine(prompt)
		switch {
		case errors.Is(err, errInterrupted):
			s.text = ""
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		s.text += line + "\n"
		if line != "" && incomplete(s.text) {
			continue
		}
		if !r.during(ctx, s.eval) {
			if ctx.Err() != nil {
				return errStopped
			}
			return nil
		}
	}
}

// session is what a REPL remembers.
type session struct {
	eng       *rhai.Engine
	scope     *rhai.Scope
	functions map[string]string // source by signature
	order     []string
	text      string // read, not yet run
	out       io.Writer
}

func (s *session) eval(ctx context.Context) {
	out, text := s.out, s.text
	s.text = ""
	script, err := syntax.Parse(text, syntax.Options{})
	if err != nil {
		fmt.Fprintln(out, err)
		return
	}
	own := map[string]bool{}
	for _, f := range script.Functions {
		own[signature(f)] = true
	}
	var src strings.Builder
	src.WriteString(text)
	for _, sig := range s.order {
		if !own[sig] {
			src.WriteString("\n;" + s.functions[sig])
		}
	}
	prog, err := s.eng.Compile("", src.String())
	if err != nil {
		s.report(err, src.String())
		return
	}
	for _, f := range script.Functions {
		sig := signature(f)
		if _, ok := s.functions[sig]; !ok {
			s.order = append(s.order, sig)
		}
		s.functions[sig] = slice(text, f.Pos, f.Body.End)
	}
	v, err := prog.Run(ctx, s.scope)
	switch {
	case err != nil:
		s.report(err, src.String())
	case !v.IsUnit():
		fmt.Fprintln(out, v.DebugString())
	}
}

// report prints an error and what may help.
func (s *session) report(err error, source string) {
	fmt.Fprintln(s.out, err)
	var re *rhai.Error
	if errors.As(err, &re) {
		hint := re.Hint(source)
		if hint == "" {
			hint = s.hint(re)
		}
		if hint != "" {
			fmt.Fprintln(s.out, "hint: "+hint)
		}
	}
}

// hint is about the variables of the session, which the source does not define.
func (s *session) hint(e *rhai.Error) string {
	_, name, _ := strings.Cut(e.Message(), ": ")
	name, _, _ = strings.Cut(name, " (")
	if _, ok := s.scope.Get(name); !ok {
		return ""
	}
	switch e.Kind {
	case rhai.ErrFunctionNotFound:
		return name + " is a variable: a closure in a variable is called with " + name + ".call(…)"
	case rhai.ErrVariableNotFound:
		return "functions do not see the variables outside of them: pass " + name + " as an argument"
	}
	return ""
}

func signature(f *syntax.FnDef) string {
	return fmt.Sprintf("%s.%s/%d", f.ThisType, f.Name, len(f.Params))
}

// slice is the text from one character to another, both included.
func slice(text string, from, to syntax.Pos) string {
	return text[offset(text, from) : offset(text, to)+1]
}

// offset is the byte at which a position is.
func offset(text string, p syntax.Pos) int {
	at := 0
	for line := uint32(1); line < p.Line; line++ {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	for col := uint32(1); col < p.Col; col++ {
		_, w := utf8.DecodeRuneInString(text[at:])
		at += w
	}
	return at
}

// incomplete reports whether more lines could make the text right.
func incomplete(text string) bool {
	_, err := syntax.Parse(text, syntax.Options{})
	var e *syntax.Error
	if !errors.As(err, &e) {
		return false
	}
	end, _ := syntax.Parse(strings.Repeat("\n", strings.Count(text, "\n")), syntax.Options{})
	return e.Kind == syntax.UnexpectedEOF || e.Kind == syntax.MissingToken && end != nil && e.Pos == end.End
}
