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
	"time"

	"github.com/picloud/picloud/rhai"
)

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	prog, err := compile(newEngine(out), args[0], in)
	if err != nil {
		return err
	}
	v, err := prog.Run(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if !v.IsUnit() {
		fmt.Fprintln(out, v)
	}
	return nil
}

// compile reads and compiles a file.
func compile(eng *rhai.Engine, name string, in io.Reader) (*rhai.Program, error) {
	src, err := readFile(name, in)
	if err != nil {
		return nil, err
	}
	prog, err := eng.Compile(name, src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return prog, nil
}

func check(args []string, in io.Reader) error {
	if len(args) == 0 {
		return errUsage
	}
	eng := newEngine(io.Discard)
	var errs []error
	for _, name := range args {
		if _, err := compile(eng, name, in); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func disasm(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	prog, err := compile(newEngine(out), args[0], in)
	if err != nil {
		return err
	}
	return prog.Disassemble(out)
}

// bench prints the shortest and the median time of n runs in nanoseconds.
// What the script prints is thrown away.
func bench(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	n, err := strconv.Atoi(args[1])
	if err != nil || n < 1 {
		return fmt.Errorf("rhai bench: %q is not a number of runs", args[1])
	}
	prog, err := compile(newEngine(io.Discard), args[0], in)
	if err != nil {
		return err
	}
	times := make([]int64, n)
	for i := range times {
		start := time.Now()
		if _, err := prog.Run(ctx, nil); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		times[i] = time.Since(start).Nanoseconds()
	}
	slices.Sort(times)
	fmt.Fprintln(out, times[0], times[n/2])
	return nil
}

// fileResolver imports files: "x" is x.rhai next to the importing file.
type fileResolver struct{}

func (fileResolver) Resolve(_ context.Context, eng *rhai.Engine, path, from string) (rhai.Importable, error) {
	name := path + ".rhai"
	if !filepath.IsAbs(name) && from != "" && from != "-" {
		name = filepath.Join(filepath.Dir(from), name)
	}
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, rhai.ErrNoModule
	}
	if err != nil {
		return nil, err
	}
	return eng.Compile(name, string(src))
}
