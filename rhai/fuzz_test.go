package rhai_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// addSeeds gives a fuzz target the recorded cases, and what earlier fuzzing found interesting: all of it when
// looking for more, else a part.
func addSeeds(f *testing.F) {
	for _, c := range readConformance(f) {
		f.Add(c.Script)
	}
	corpus, err := os.ReadFile("testdata/corpus.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	n := 0
	for line := range strings.Lines(string(corpus)) {
		var script string
		if err := json.Unmarshal([]byte(line), &script); err != nil {
			f.Fatal(err)
		}
		if n++; fuzzing || n%5 == 0 {
			f.Add(script)
		}
	}
}

// FuzzRun runs whatever parses: no script may make the machine panic, exceed
// its memory limit, or answer differently the second time.
func FuzzRun(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, script string) {
		eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 20_000, MaxMemory: 1 << 20}))
		prog, err := eng.Compile("", script)
		if err != nil {
			return
		}
		run := func() (string, rhai.Stats) {
			var stats rhai.Stats
			v, err := prog.Run(context.Background(), nil, rhai.RunStats(&stats))
			if stats.PeakMemory > 1<<20 {
				t.Errorf("peak memory %d", stats.PeakMemory)
			}
			if err == nil {
				return v.Repr(), stats
			}
			var e *rhai.Error
			if !errors.As(err, &e) {
				t.Errorf("a %T: %v", err, err)
			} else if e.Kind == rhai.ErrSystem {
				t.Errorf("internal error: %v", err)
			}
			return err.Error(), stats
		}
		answer, stats := run()
		again, statsAgain := run()
		if closureName.ReplaceAllString(answer, "") != closureName.ReplaceAllString(again, "") || stats != statsAgain {
			if !readsClock.MatchString(script) {
				t.Errorf("first %s %+v, then %s %+v", answer, stats, again, statsAgain)
			}
		}
	})
}

// readsClock finds scripts whose answer may depend on the time.
var readsClock = regexp.MustCompile(`timestamp|sleep|elapsed`)
