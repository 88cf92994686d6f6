// Command languages times the Rhai engine beside other languages that a Go program can embed, and Lua 5.4.
//
// Each script of rhai/testdata/bench has its like in js (goja), lua (gopher-lua, and lua5.4 as a process of its own)
// and star (starlark-go). A script is compiled once; then all languages run it in turns, so that a busy moment of
// the machine hits all alike. Printed is the least time of the processor that a run took. Before that, all have to give the same answer.
//
//	go run . [-passes 5] [-for 50ms] [SCRIPT...]
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	passes := flag.Int("passes", 5, "passes over the languages for each script")
	span := flag.Duration("for", 50*time.Millisecond, "about how long a pass runs a script")
	flag.Parse()
	if err := measure(*passes, *span, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "languages:", err)
		os.Exit(1)
	}
}

const scriptsDir = "../../rhai/testdata/bench"

// names are the scripts that contain one of only in their name, or all.
func names(only []string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(scriptsDir, "*.rhai"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("there are no scripts in %s: run it in its own directory (%v)", scriptsDir, err)
	}
	var all []string
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".rhai")
		wanted := len(only) == 0
		for _, o := range only {
			wanted = wanted || strings.Contains(name, o)
		}
		if wanted {
			all = append(all, name)
		}
	}
	return all, nil
}

func measure(passes int, span time.Duration, only []string) error {
	scripts, err := names(only)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "script\t")
	for _, l := range languages {
		fmt.Fprint(out, l.name, "\t")
	}
	fmt.Fprintln(out)
	logs := make([]float64, len(languages)) // of the ratios to Rhai
	counts := make([]int, len(languages))
	for _, name := range scripts {
		times, err := compare(name, passes, span)
		if err != nil {
			return err
		}
		fmt.Fprint(out, name, "\t")
		for i, t := range times {
			if t == 0 {
				fmt.Fprint(out, "\t")
				continue
			}
			logs[i] += math.Log(float64(t) / float64(times[0]))
			counts[i]++
			fmt.Fprintf(out, "%.4g\t", float64(t)/1e6)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "times Rhai's, geometric mean\t")
	for i := range languages {
		fmt.Fprintf(out, "%.2f\t", math.Exp(logs[i]/float64(max(counts[i], 1))))
	}
	fmt.Fprintln(out, "\nms; empty: the language has nothing like it")
	return out.Flush()
}

// compare times one script: the shortest run of each language, 0 where it has none.
func compare(name string, passes int, span time.Duration) ([]time.Duration, error) {
	runners, err := load(name)
	if err != nil {
		return nil, err
	}
	best := make([]time.Duration, len(runners))
	often := make([]int, len(runners))
	for i, r := range runners {
		if r == nil {
			continue
		}
		defer r.close()
		once, err := r.run(1)
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", name, languages[i].name, err)
		}
		often[i] = int(min(max(span/max(once, time.Microsecond/4), 1), 200_000))
	}
	for range passes {
		for i, r := range runners {
			if r == nil {
				continue
			}
			t, err := r.run(often[i])
			if err != nil {
				return nil, fmt.Errorf("%s in %s: %w", name, languages[i].name, err)
			}
			t /= time.Duration(often[i])
			if best[i] == 0 || t < best[i] {
				best[i] = max(t, 1)
			}
		}
	}
	return best, nil
}
