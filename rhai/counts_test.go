package rhai_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

const countsFile = "testdata/counts.txt"

// The counts and the end of every recorded case and benchmark, one a line, are the same on every machine and in every
// build. BLESS=1 records them anew, which a change of what is charged needs.
func TestRecordedCounts(t *testing.T) {
	limits := rhai.Limits{MaxOperations: 5_000_000, MaxMemory: 4 << 20}
	engine := newTwin(rhai.WithLimits(limits))
	var lines []string
	add := func(name, script string, limits rhai.Limits) {
		if readsClock.MatchString(script) {
			return
		}
		var stats rhai.Stats
		end := "value"
		prog, err := engine.eng.Compile("", script)
		if err == nil {
			_, err = prog.Run(t.Context(), nil, rhai.RunMetered(&limits, &stats))
		}
		if err != nil {
			end = string(err.(*rhai.Error).Kind)
		}
		lines = append(lines, fmt.Sprintf("%s %s %d %d", name, end, stats.Operations, stats.PeakMemory))
	}
	for _, c := range readConformance(t) {
		add(c.ID, c.Script, limits)
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
		add(filepath.Base(f), string(src), limits)
	}
	for _, s := range hostileScripts {
		add(strings.ReplaceAll(s.name, " ", "-"), s.script, limits)
	}
	got := strings.Join(lines, "\n") + "\n"
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(countsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(countsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(recorded)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[name] = rest
	}
	differ := 0
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, " ")
		if want[name] != rest {
			if differ++; differ <= 10 {
				t.Errorf("%s: %s, recorded %s", name, rest, want[name])
			}
		}
	}
	if differ > 0 || len(want) != len(lines) {
		t.Errorf("%d of %d differ; %d are recorded. After a change of what is charged: BLESS=1 go test ./rhai -run RecordedCounts", differ, len(lines), len(want))
	}
}
