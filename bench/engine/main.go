// Command engine measures the Rhai engine on the scripts of rhai/testdata/bench.
//
// Each script is compiled once and run in passes; passes of all scripts are
// interleaved, so that a busy moment of the machine hits all alike. Printed
// are the shortest and the median time of a run, what a run allocates, and
// how often the run fits into the floor: a loop of plain Go arithmetic timed
// in the same passes. Compare the ratios, not the times, between machines.
//
//	go run ./bench/engine [-dir DIR] [-passes 3] [-runs 10] [SCRIPT...]
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picloud/picloud/rhai"
)

type script struct {
	name  string
	prog  *rhai.Program
	times []time.Duration
	bytes uint64
}

func main() {
	dir := flag.String("dir", "rhai/testdata/bench", "directory of the scripts")
	passes := flag.Int("passes", 3, "passes over all scripts")
	runs := flag.Int("runs", 10, "runs of a script in a pass")
	flag.Parse()
	if err := measure(*dir, *passes, *runs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func measure(dir string, passes, runs int, only []string) error {
	scripts, err := load(dir, only)
	if err != nil {
		return err
	}
	var floor []time.Duration
	for range passes {
		floor = append(floor, floorRun())
		for _, s := range scripts {
			if err := s.run(runs); err != nil {
				return err
			}
		}
	}
	report(scripts, slices.Min(floor))
	return nil
}

func load(dir string, only []string) ([]*script, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.rhai"))
	if err != nil {
		return nil, err
	}
	var scripts []*script
	eng := rhai.NewEngine()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".rhai")
		if len(only) > 0 && !slices.ContainsFunc(only, func(o string) bool { return strings.Contains(name, o) }) {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		prog, err := eng.Compile(file, string(src))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		scripts = append(scripts, &script{name: name, prog: prog})
	}
	if len(scripts) == 0 {
		return nil, fmt.Errorf("no scripts in %s", dir)
	}
	return scripts, nil
}

func (s *script) run(n int) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		start := time.Now()
		if _, err := s.prog.Run(context.Background(), nil); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.times = append(s.times, time.Since(start))
	}
	runtime.ReadMemStats(&after)
	s.bytes = (after.TotalAlloc - before.TotalAlloc) / uint64(n)
	return nil
}

// floorRun times ten million dependent steps of Go arithmetic.
func floorRun() time.Duration {
	start := time.Now()
	x := uint64(start.Nanosecond())
	for range 10_000_000 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	runtime.KeepAlive(x) // or the loop would go
	return time.Since(start)
}

func report(scripts []*script, floor time.Duration) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "script\tmin ms\tmedian ms\tKB a run\tmin / floor\t")
	product := 1.0
	for _, s := range scripts {
		slices.Sort(s.times)
		least, median := s.times[0], s.times[len(s.times)/2]
		ratio := float64(least) / float64(floor)
		product *= math.Pow(ratio, 1/float64(len(scripts)))
		fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%.1f\t%.4f\t\n", s.name, ms(least), ms(median), float64(s.bytes)/1024, ratio)
	}
	fmt.Fprintf(w, "geometric mean\t\t\t\t%.4f\t\n", product)
	w.Flush()
	fmt.Printf("floor: %.2f ms for 10 million steps; %s/%s, GOMAXPROCS %d\n", ms(floor), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
