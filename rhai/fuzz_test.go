package rhai_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// FuzzRun runs whatever parses: no script may make the machine panic, exceed
// its memory limit, or answer differently the second time.
func FuzzRun(f *testing.F) {
	for _, c := range readConformance(f) {
		f.Add(c.Script)
	}
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
