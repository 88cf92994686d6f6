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
// ones before. A statement that is not complete goes on in the next line.
func repl(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 0 {
		return errUsage
	}
	s := session{eng: newEngine(out), scope: rhai.NewScope()}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	fmt.Fprint(out, "> ")
	for lines.Scan() {
		s.text += lines.Text() + "\n"
		if incomplete(s.text) && lines.Text() != "" {
			fmt.Fprint(out, "| ")
			continue
		}
		s.eval(ctx, out)
		if ctx.Err() != nil {
			return nil
		}
		fmt.Fprint(out, "> ")
	}
	fmt.Fprintln(out)
	return lines.Err()
}

// session is what a REPL remembers.
type session struct {
	eng       *rhai.Engine
	scope     *rhai.Scope
	functions map[string]string // source by signature
	order     []string
	text      string // read, not yet run
}

func (s *session) eval(ctx context.Context, out io.Writer) {
	text := s.text
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
		fmt.Fprintln(out, err)
		return
	}
	for _, f := range script.Functions {
		sig := signature(f)
		if s.functions == nil {
			s.functions = map[string]string{}
		}
		if _, ok := s.functions[sig]; !ok {
			s.order = append(s.order, sig)
		}
		s.functions[sig] = slice(text, f.Pos, f.Body.End)
	}
	v, err := prog.Run(ctx, s.scope)
	switch {
	case err != nil:
		fmt.Fprintln(out, err)
	case !v.IsUnit():
		fmt.Fprintln(out, v.DebugString())
	}
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
