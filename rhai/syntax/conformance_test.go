package syntax

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"testing"
)

type conformanceCase struct {
	ID, Script string
	Expect     struct{ Error, Kind string }
}

func conformance(t testing.TB) []conformanceCase {
	t.Helper()
	f, err := os.Open("../testdata/conformance.jsonl")
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
	if len(cases) < 1000 {
		t.Fatalf("only %d cases", len(cases))
	}
	return cases
}

// A parse error may also come from a parser that the script itself starts.
var parsesAtRunTime = regexp.MustCompile(`\b(eval|parse_json|Fn)\(`)

// The parser alone decides which recorded cases fail with a parse error, with
// which text and where.
func TestConformance(t *testing.T) {
	for _, c := range conformance(t) {
		_, err := Parse(c.Script, Options{})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%s: error is a %T", c.ID, err)
		}
		got, want := "", ""
		if e != nil {
			got = "Syntax error: " + e.Error()
		}
		if c.Expect.Kind == "ErrorParsing" {
			want = c.Expect.Error
		}
		if got == "" && parsesAtRunTime.MatchString(c.Script) {
			continue
		}
		if got != want {
			t.Errorf("%s: %q\n got %s\nwant %s", c.ID, c.Script, got, want)
		}
	}
}
