package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picloud/picloud/rhai"
)

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	prog, src, err := compile(newEngine(out), args[0], in)
	if err != nil {
		return err
	}
	v, err := prog.Run(ctx, nil)
	if err != nil {
		return explain(args[0], src, err)
	}
	if !v.IsUnit() {
		fmt.Fprintln(out, v)
	}
	return nil
}

// compile reads and compiles a file. It returns the source, too.
func compile(eng *rhai.Engine, name string, in io.Reader) (*rhai.Program, string, error) {
	src, err := readScript(name, in)
	if err != nil {
		return nil, "", err
	}
	prog, err := eng.Compile(name, src)
	if err != nil {
		return nil, "", explain(name, src, err)
	}
	return prog, src, nil
}

// readScript reads a file; a first line with #! is for the system that starts it.
func readScript(name string, in io.Reader) (string, error) {
	src, err := readFile(name, in)
	_, _, code := cutShellLine(src)
	return code, err
}

// cutShellLine separates a first line with #!, without its line break, from what follows. Code is
// what follows with all lines keeping their numbers.
func cutShellLine(src string) (line, body, code string) {
	if strings.HasPrefix(src, "#!") {
		line, body, _ = strings.Cut(src, "\n")
		return line, body, "\n" + body
	}
	return "", src, src
}

// check reports what does not compile as errors, and what will fail when it is reached as warnings.
func check(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	eng := newEngine(io.Discard, rhai.WithVariables())
	var errs []error
	for _, name := range args {
		src, err := readScript(name, in)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		prog, err := eng.Compile(name, src)
		if err != nil {
			errs = append(errs, explain(name, src, err))
			continue
		}
		warnings := append(eng.Warnings(src), missing(prog)...)
		for _, w := range warnings {
			fmt.Fprintf(out, "%s: warning: %s (%s)%s\n", name, w.Message, w.Position, excerpt(src, w.Position, w.Hint))
		}
	}
	return errors.Join(errs...)
}

// missing warns of the files that a program imports and that are not there.
func missing(prog *rhai.Program) []rhai.Warning {
	var list []rhai.Warning
	for _, i := range prog.Imports() {
		file := moduleFile(i.Path, prog.Name())
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			list = append(list, rhai.Warning{Position: i.Position, Message: "Module not found: " + i.Path, Hint: "there is no file " + file})
		}
	}
	return list
}

func disasm(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	prog, src, err := compile(newEngine(out), args[0], in)
	if err != nil {
		return err
	}
	return prog.DisassembleSource(out, src)
}

// mostRuns bounds what bench keeps.
const mostRuns = 100_000_000

// bench prints the shortest and the median time of n runs in nanoseconds.
// What the script prints is thrown away.
func bench(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	n, err := strconv.Atoi(args[1])
	if err != nil || n < 1 || n > mostRuns {
		return wrongUsage(fmt.Sprintf("rhai bench: %q is not a number of runs from 1 to %d\n", args[1], mostRuns))
	}
	prog, _, err := compile(newEngine(io.Discard), args[0], in)
	if err != nil {
		return err
	}
	var times []int64 // grown as runs end: few scripts are run as often as they may be
	for range n {
		start := time.Now()
		if _, err := prog.Run(ctx, nil); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		times = append(times, time.Since(start).Nanoseconds())
	}
	slices.Sort(times)
	fmt.Fprintln(out, times[0], times[n/2])
	return nil
}

// fileResolver imports files: "x" is x.rhai next to the importing file.
type fileResolver struct{}

func (fileResolver) Resolve(_ context.Context, eng *rhai.Engine, path, from string) (rhai.Importable, error) {
	name := moduleFile(path, from)
	src, err := readScript(name, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, rhai.ErrNoModule
	}
	if err != nil {
		return nil, err
	}
	return eng.Compile(name, src)
}

// moduleFile is the file of a module for who imports it.
func moduleFile(path, from string) string {
	name := path + ".rhai"
	if !filepath.IsAbs(name) && from != "" && from != "-" {
		name = filepath.Join(filepath.Dir(from), name)
	}
	return name
}
