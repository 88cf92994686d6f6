package tests

import (
	"fmt"
	"io"
	"strings"

	"github.com/picloud/picloud/internal/pic/output"
	"github.com/picloud/picloud/internal/store"
)

// printer writes results for people.
type printer struct {
	w     io.Writer
	color bool
	app   *project
	err   error // the first one of writing
}

func (p *printer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

// painted is text in a colour, if there are colours.
func (p *printer) painted(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

const (
	red   = "31"
	green = "32"
)

func (p *printer) job(j *job, verbose bool) {
	r := &j.result
	name := j.file.path
	if j.test.Name != "" {
		name += " " + j.test.Name
	}
	if r.Passed {
		if verbose {
			p.line("%s %s (%.1f ms)", p.painted(green, "ok  "), output.Printable(name), float64(r.Duration.Microseconds())/1000)
			p.logs(r)
		}
		return
	}
	p.line("%s %s", p.painted(red, "FAIL"), output.Printable(name))
	at := j.file.path
	if r.Line > 0 {
		at += fmt.Sprintf(":%d", r.Line)
	}
	if r.Column > 0 {
		at += fmt.Sprintf(":%d", r.Column)
	}
	message := r.Error
	if r.Cause != nil {
		message = "an error in " + p.app.file(r.Cause.Script)
	}
	p.line("  %s: %s", at, indented(message, "    "))
	p.source("  ", j.file.script.Source, r.Line, r.Column)
	if r.Cause != nil {
		p.cause("  ", r.Cause)
	}
	if r.Compared {
		p.comparison(r.Expected, r.Actual)
	}
	for _, n := range r.Notes {
		p.line("  %s", output.Printable(n))
	}
	p.logs(r)
}

// cause shows an error of one of the app's scripts with the line where it happened.
func (p *printer) cause(indent string, c *Cause) {
	p.line("%s%s: %s", indent, c.at(p.app.file), indented(c.text(p.app.file), indent+"  "))
	if s := p.app.script(c.Script); s != nil {
		p.source(indent, s.Source, c.Line, c.Column)
	}
}

// source shows the line where it happened.
func (p *printer) source(indent, text string, line, column int) {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return
	}
	number := fmt.Sprint(line)
	shown := strings.TrimSuffix(strings.ReplaceAll(lines[line-1], "\t", " "), "\r")
	p.line("%s%s | %s", indent, number, output.Printable(shown))
	if column >= 1 {
		p.line("%s%s | %s^", indent, strings.Repeat(" ", len(number)), strings.Repeat(" ", column-1))
	}
}

// comparison shows what was expected beside what came: short values below each
// other, long ones by the lines in which they differ.
func (p *printer) comparison(expected, actual string) {
	if !strings.Contains(expected, "\n") && !strings.Contains(actual, "\n") {
		expected, actual, column := aligned(output.Printable(expected), output.Printable(actual))
		p.line("    expected: %s", p.painted(green, expected))
		p.line("      actual: %s", p.painted(red, actual))
		if column >= 0 {
			p.line("              %s^", strings.Repeat(" ", column))
		}
		return
	}
	p.line("    (- expected, + actual)")
	for _, l := range diff(strings.Split(expected, "\n"), strings.Split(actual, "\n")) {
		text := "    " + l.mark + " " + output.Printable(l.text)
		switch l.mark {
		case "-":
			text = p.painted(green, text)
		case "+":
			text = p.painted(red, text)
		}
		p.line("%s", text)
	}
}

// The length from which on the first difference of two texts is marked, that from
// which on only what is around it is shown, and how much that is on each side.
const (
	markedFrom = 40
	cutFrom    = 200
	around     = 60
)

// aligned are two texts as they are shown, and the column where the first
// difference is to be marked; -1: it is plain to see.
func aligned(a, b string) (string, string, int) {
	x, y := []rune(a), []rune(b)
	if min(len(x), len(y)) < markedFrom {
		return a, b, -1
	}
	n := 0
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	if max(len(x), len(y)) <= cutFrom {
		return a, b, n
	}
	from := max(0, n-around)
	part := func(r []rune) string {
		s := string(r[from:min(len(r), n+around)])
		if from > 0 {
			s = "…" + s
		}
		if len(r) > n+around {
			s += "…"
		}
		return s
	}
	column := n - from
	if from > 0 {
		column++
	}
	return part(x), part(y), column
}

// logs shows what the test logged, and the app's scripts, their errors included.
func (p *printer) logs(r *Result) {
	for _, l := range r.Logs {
		p.log("", l)
	}
	for _, e := range r.Executions {
		if len(e.Logs) == 0 && (e.Error == "" || r.Cause.is(&e)) {
			continue
		}
		what := e.Trigger
		if e.Method != "" {
			what = e.Method + " " + e.Path
		}
		p.line("  %s.rhai, %s: %s", e.Script, output.Printable(what), e.Status)
		for _, l := range e.Logs {
			p.log("  ", l)
		}
		if e.Error == "" || r.Cause.is(&e) {
			continue
		}
		cause := Explain(e.Error, e.Script)
		p.cause("    ", &cause)
	}
}

func (p *printer) log(indent string, l store.LogLine) {
	at := ""
	if l.Line > 0 {
		at = fmt.Sprintf("%d:%d ", l.Line, l.Column)
	}
	p.line("  %s%s%s %s", indent, at, l.Level, indented(l.Message, "    "))
}

func indented(text, by string) string {
	return strings.ReplaceAll(output.PrintableLines(text), "\n", "\n"+by)
}

// difference is a line that both have (" "), or that one lacks.
type difference struct{ mark, text string }

// maxDiff bounds the lines that are compared; what is longer is shown whole.
const maxDiff = 500

// diff returns both texts as one, by their longest common subsequence.
func diff(a, b []string) []difference {
	var out []difference
	if len(a) > maxDiff || len(b) > maxDiff {
		for _, l := range a {
			out = append(out, difference{"-", l})
		}
		for _, l := range b {
			out = append(out, difference{"+", l})
		}
		return out
	}
	// length[i][j] is that of a[i:] and b[j:].
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, difference{" ", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && length[i+1][j] >= length[i][j+1]:
			out = append(out, difference{"-", a[i]})
			i++
		default:
			out = append(out, difference{"+", b[j]})
			j++
		}
	}
	return out
}
