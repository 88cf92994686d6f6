package rhai_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/rhai"
)

// conformanceFile holds scripts with the answers of the reference engine.
// baselineFile lists the cases in which this engine is known to answer
// differently, one a line, with the reason after the id. BLESS=1 rewrites it.
const (
	conformanceFile = "testdata/conformance.jsonl"
	baselineFile    = "testdata/disagreements.txt"
)

var (
	onlyCase  = flag.String("case", "", "run the conformance cases whose id contains this, and show every disagreement")
	showTopic = flag.Bool("topics", false, "print the conformance rate of each topic")
)

type conformanceCase struct {
	ID, Topic, Script string
	Expect            answer
	NoOpt             *answer
}

// answer is what an engine says to a script.
type answer struct {
	OK       bool     `json:"ok"`
	Type     string   `json:"type,omitempty"`
	Repr     string   `json:"repr,omitempty"`
	ToString string   `json:"to_string,omitempty"`
	ToDebug  string   `json:"to_debug,omitempty"`
	Error    string   `json:"error,omitempty"`
	Kind     string   `json:"kind,omitempty"`
	Line     uint32   `json:"line,omitempty"`
	Pos      uint32   `json:"pos,omitempty"`
	Thrown   *thrown  `json:"thrown,omitempty"`
	Stdout   []string `json:"stdout"`
	Debug    []string `json:"debug"`
	DebugPos []string `json:"debug_pos"`
}

type thrown struct {
	Type string `json:"type"`
	Repr string `json:"repr"`
}

var closureName = regexp.MustCompile(`anon\$[0-9a-zA-Z_]+`)

// text is the answer in a form that is compared and shown.
func (a *answer) text() string {
	b, _ := json.MarshalIndent(a, "", "  ")
	return closureName.ReplaceAllString(string(b), "anon$$*")
}

// ask runs a script like the recording did: 50 million operations, 64 levels of calls.
func ask(script string) (a answer) {
	a.Stdout, a.Debug, a.DebugPos = []string{}, []string{}, []string{}
	defer func() {
		if r := recover(); r != nil {
			a.OK, a.Error = false, fmt.Sprintf("panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	eng := rhai.NewEngine(
		rhai.WithLimits(rhai.Limits{MaxOperations: 50_000_000, MaxCallLevels: 64, MaxMemory: 256 << 20}),
		rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) { a.Stdout = append(a.Stdout, text) }),
		rhai.WithDebug(func(_ context.Context, text, _ string, pos rhai.Position) {
			a.Debug = append(a.Debug, text)
			a.DebugPos = append(a.DebugPos, fmt.Sprintf("%d:%d", pos.Line, pos.Col))
		}),
	)
	v, err := eng.Compile("", script)
	var value rhai.Value
	if err == nil {
		value, err = v.Run(ctx, nil)
	}
	if err == nil {
		a.OK = true
		a.Type, a.Repr, a.ToString, a.ToDebug = value.TypeName(), value.Repr(), value.String(), value.DebugString()
		return a
	}
	var e *rhai.Error
	if !errors.As(err, &e) {
		a.Error = fmt.Sprintf("%T: %v", err, err)
		return a
	}
	a.Error, a.Kind, a.Line, a.Pos = e.Error(), string(e.Kind), e.Position.Line, e.Position.Col
	if n := len(e.Trace); n > 0 {
		a.Kind, a.Line, a.Pos = string(rhai.ErrInFunctionCall), e.Trace[n-1].Position.Line, e.Trace[n-1].Position.Col
	}
	if e.Kind == rhai.ErrRuntime {
		a.Thrown = &thrown{Type: e.Value.TypeName(), Repr: e.Value.Repr()}
	}
	return a
}

func readConformance(t testing.TB) []conformanceCase {
	t.Helper()
	f, err := os.Open(conformanceFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []conformanceCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c conformanceCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestConformance runs every recorded case. It fails when a case that is not
// listed disagrees, and when a listed one has come to agree.
func TestConformance(t *testing.T) {
	reasons := readBaseline(t)
	bless := os.Getenv("BLESS") != ""
	topics := map[string][2]int{}
	var disagree []string
	agreed, asked := 0, 0
	for _, c := range readConformance(t) {
		if !strings.Contains(c.ID, *onlyCase) {
			continue
		}
		asked++
		got := ask(c.Script)
		want := c.Expect.text()
		same := got.text() == want || c.NoOpt != nil && got.text() == c.NoOpt.text()
		n := topics[c.Topic]
		n[1]++
		if same {
			n[0]++
			agreed++
		} else {
			disagree = append(disagree, c.ID)
		}
		topics[c.Topic] = n
		_, listed := reasons[c.ID]
		switch {
		case bless:
		case !same && (!listed || *onlyCase != ""):
			t.Errorf("%s disagrees\n%s\n got %s\nwant %s", c.ID, c.Script, got.text(), want)
		case same && listed:
			t.Errorf("%s agrees now: take it out of %s (BLESS=1)", c.ID, baselineFile)
		}
	}
	t.Logf("%d of %d cases agree (%.1f%%)", agreed, asked, 100*float64(agreed)/float64(max(asked, 1)))
	if *showTopic {
		for _, topic := range sortedKeys(topics) {
			t.Logf("%4d of %4d %s", topics[topic][0], topics[topic][1], topic)
		}
	}
	if bless && *onlyCase == "" {
		writeBaseline(t, disagree, reasons)
	}
}

func readBaseline(t testing.TB) map[string]string {
	text, err := os.ReadFile(baselineFile)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		reasons[id] = strings.TrimSpace(reason)
	}
	return reasons
}

func writeBaseline(t testing.TB, ids []string, reasons map[string]string) {
	var b strings.Builder
	b.WriteString("# Conformance cases in which the engine answers differently from the reference, and why.\n")
	b.WriteString("# The test fails when another case joins them and when one of them agrees. BLESS=1 rewrites this file.\n")
	for _, id := range ids {
		b.WriteString(strings.TrimSpace(id+" "+reasons[id]) + "\n")
	}
	if err := os.WriteFile(baselineFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
