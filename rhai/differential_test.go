package rhai_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// twin is an engine and what its scripts have written.
type twin struct {
	modules map[string]string
	eng     *rhai.Engine
	out     strings.Builder
}

func newTwin(opts ...rhai.Option) *twin {
	w := &twin{}
	write := func(text string) {
		if w.out.Len() < 1<<16 {
			w.out.WriteString(text + "\n")
		}
	}
	w.eng = rhai.NewEngine(append(opts,
		rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) { write(text) }),
		rhai.WithDebug(func(_ context.Context, text, _ string, pos rhai.Position) { write(fmt.Sprint(pos, text)) }))...)
	return w
}

// outcome is everything that can be told of a run: its value or error with the trace, what it wrote, and what
// it was charged.
func (w *twin) outcome(script string, limits rhai.Limits) string {
	w.out.Reset()
	var stats rhai.Stats
	prog, err := w.eng.Compile("", script)
	var v rhai.Value
	if err == nil {
		v, err = prog.Run(context.Background(), nil, rhai.RunMetered(&limits, &stats))
	}
	end := v.Repr()
	if err != nil {
		end = err.Error()
	}
	return fmt.Sprintf("%s\n%s\n%d operations, at most %d bytes", end, w.out.String(), stats.Operations, stats.PeakMemory)
}

var generous = rhai.Limits{MaxOperations: 200_000, MaxMemory: 8 << 20, MaxExprDepth: 200, MaxFunctionExprDepth: 200}

// The optimiser changes neither what programs do nor what they are charged.
func TestOptimizerChangesNothing(t *testing.T) {
	optimised, general := newTwin(rhai.WithLimits(generous)), newTwin(rhai.WithLimits(generous), rhai.WithoutOptimizer())
	differ := 0
	check := func(name, script string, limits rhai.Limits) {
		if readsClock.MatchString(script) {
			return
		}
		a, b := optimised.outcome(script, limits), general.outcome(script, limits)
		if a != b {
			if differ++; differ <= 10 {
				t.Errorf("%s: %s\n optimised: %s\nwithout it: %s", name, script, a, b)
			}
		}
	}
	for _, c := range readConformance(t) {
		check(c.ID, c.Script, generous)
		check(c.ID+" with little", c.Script, rhai.Limits{MaxOperations: 60, MaxMemory: 2 << 10})
	}
	files, err := filepath.Glob("testdata/bench/*.rhai")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		check(f, string(src), rhai.Limits{MaxOperations: 3_000_000, MaxMemory: 64 << 20})
	}
	for seed := range uint64(*generated) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 13))}
		body, result := g.program()
		check(fmt.Sprint("seed ", seed), body+result+generatedFunctions, generous)
		check(fmt.Sprint("seed ", seed, " in a function"), "fn main() { "+body+result+" } main()"+generatedFunctions, generous)
	}
	if differ > 10 {
		t.Errorf("%d programs differ", differ)
	}
}

// FuzzDifferential runs whatever parses with and without the optimiser: same outcome, same charges.
func FuzzDifferential(f *testing.F) {
	addSeeds(f)
	for seed := range uint64(200) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 17))}
		body, result := g.program()
		f.Add(body + result + generatedFunctions)
	}
	limits := rhai.Limits{MaxOperations: 20_000, MaxMemory: 1 << 20}
	optimised, general := newTwin(rhai.WithLimits(limits)), newTwin(rhai.WithLimits(limits), rhai.WithoutOptimizer())
	f.Fuzz(func(t *testing.T, script string) {
		if readsClock.MatchString(script) {
			return
		}
		if a, b := optimised.outcome(script, limits), general.outcome(script, limits); a != b {
			t.Errorf("optimised: %s\nwithout it: %s", a, b)
		}
	})
}
