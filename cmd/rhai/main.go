// Command rhai runs and inspects scripts in the Rhai language.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/picloud/picloud/rhai"
)

const usage = `usage:
  rhai run FILE          run a script; its value is printed unless it is ()
  rhai repl              read and run lines, keeping variables and functions; on a
                         terminal with history and completion by the tab key
  rhai check FILE...     report errors, and warn of what will fail when it is reached
  rhai fmt FILE...       print files in the standard layout; with -w rewrite them,
                         with -l list those that have another (status 1 if any)
  rhai disasm FILE       print the bytecode below the lines it comes from
  rhai bench FILE N      compile once, run N times, print "min_ns median_ns"
  rhai batch             JSON lines {"id","script"} in, answers as JSON lines out

FILE may be - for the standard input. Exit status: 0 good, 1 the script failed,
2 wrong usage.
`

// wrongUsage says what is wrong with a command line, if the usage itself does not
// say it. Main prints both.
type wrongUsage string

func (w wrongUsage) Error() string { return string(w) }

const errUsage wrongUsage = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // who interrupts again is not asked to wait
	os.Exit(command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command runs one command line and returns the exit status.
func command(ctx context.Context, args []string, stdin io.Reader, stdout, errOut io.Writer) int {
	var err error = errUsage
	in, out := &input{ctx, stdin}, &output{w: stdout}
	if len(args) > 1 && (args[1] == "-h" || args[1] == "--help") {
		args = args[1:]
	}
	if len(args) > 0 {
		rest := args[1:]
		flag := unknownFlag(rest)
		switch args[0] {
		case "run", "check", "disasm", "bench", "batch", "repl":
			if flag != "" && !(args[0] == "bench" && rest[0] != flag) { // a number of runs is no flag
				fmt.Fprintf(errOut, "rhai %s: unknown flag %s\n%s", args[0], flag, usage)
				return 2
			}
		}
		switch args[0] {
		case "run":
			err = run(ctx, rest, in, out)
		case "repl":
			err = repl(ctx, rest, stdin, stdout)
		case "check":
			err = check(rest, in, out)
		case "fmt":
			err = format(rest, in, out)
		case "disasm":
			err = disasm(rest, in, out)
		case "bench":
			err = bench(ctx, rest, in, out)
		case "batch":
			err = batch(ctx, rest, in, out)
		case "help", "-h", "--help":
			_, err = io.WriteString(out, usage)
		default:
			err = wrongUsage(fmt.Sprintf("rhai: unknown command %q\n", args[0]))
		}
	}
	if err == nil {
		err = out.err
	}
	var wrong wrongUsage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprint(errOut, wrong, usage)
		return 2
	}
	fmt.Fprintln(errOut, err)
	return 1
}

// unknownFlag is the first of the arguments that is formed like a flag, or "".
func unknownFlag(args []string) string {
	for _, a := range args {
		if len(a) > 1 && a[0] == '-' {
			return a
		}
	}
	return ""
}

// readFile reads a file, or the standard input for "-", without the byte order mark that some editors write.
func readFile(name string, in io.Reader) (string, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(name)
	}
	return strings.TrimPrefix(string(text), "\ufeff"), err
}

// newEngine makes an engine that prints to out.
func newEngine(out io.Writer, opts ...rhai.Option) *rhai.Engine {
	return rhai.NewEngine(append([]rhai.Option{
		rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) { fmt.Fprintln(out, text) }),
		rhai.WithDebug(func(_ context.Context, text, source string, pos rhai.Position) {
			if source != "" {
				source += " "
			}
			fmt.Fprintf(out, "[%s%d:%d] %s\n", source, pos.Line, pos.Col, text)
		}),
		rhai.WithResolver(fileResolver{}),
	}, opts...)...)
}
