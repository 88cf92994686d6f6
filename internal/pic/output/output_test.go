package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type record struct {
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	ID      string    `json:"id"`
}

var columns = []Column[record]{
	{Name: "name", Value: func(r record) string { return r.Name }},
	{Name: "status", Value: func(r record) string { return r.Status }, Color: func(r record) Color {
		if r.Status == "ok" {
			return Green
		}
		return Red
	}},
	{Name: "started_at", Value: func(r record) string { return TimeMillis(r.At) }},
	{Name: "message", Value: func(r record) string { return r.Message }, Shrink: true},
	{Name: "id", Value: func(r record) string { return r.ID }, TSVOnly: true},
}

func records() []record {
	at := time.Date(2026, 3, 1, 12, 0, 5, 123456000, time.FixedZone("", 3600))
	return []record{
		{"hello", "ok", "", at, "1"},
		{"日本", "error", "a\tb\nc \\ d \x1b[31mred\x1b[0m \u202eevil", at, "2"},
		{"naïve", "ok", strings.Repeat("long ", 20), time.Time{}, "3"},
	}
}

func TestGolden(t *testing.T) {
	one := records()[1]
	for name, run := range map[string]func(w *Writer) error{
		"list.table": func(w *Writer) error { w.Format = Table; return List(w, records(), columns) },
		"list.color": func(w *Writer) error { w.Format = Table; w.Color = true; return List(w, records(), columns) },
		"list.tsv":   func(w *Writer) error { w.Format = TSV; return List(w, records(), columns) },
		"list.json":  func(w *Writer) error { w.Format = JSON; return List(w, records(), columns) },
		"none.table": func(w *Writer) error { w.Format = Table; return List(w, nil, columns) },
		"none.tsv":   func(w *Writer) error { w.Format = TSV; return List(w, nil, columns) },
		"none.json":  func(w *Writer) error { w.Format = JSON; return List(w, nil, columns) },
		"show.table": func(w *Writer) error { w.Format = Table; return Show(w, one, columns) },
		"show.tsv":   func(w *Writer) error { w.Format = TSV; return Show(w, one, columns) },
		"show.json":  func(w *Writer) error { w.Format = JSON; return Show(w, one, columns) },
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := run(&Writer{W: &b, Width: 80}); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if os.Getenv("BLESS") != "" {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("differs from %s (BLESS=1 go test ./internal/pic/output rewrites it):\n%s", golden, d)
			}
		})
	}
}

func TestTableFitsItsWidth(t *testing.T) {
	for _, width := range []int{70, 80, 120, 400} {
		var b strings.Builder
		if err := List(&Writer{W: &b, Width: width, Format: Table}, records(), columns); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: line of %d columns: %q", width, n, line)
			}
		}
	}
}

func TestStream(t *testing.T) {
	for format, want := range map[Format]string{
		Table: "NAME   STATUS  STARTED AT                MESSAGE\n" +
			"hello  ok      2026-03-01T11:00:05.123Z\n" +
			"naïve  ok                                long long long long long long long lon…\n",
		TSV: "name\tstatus\tstarted_at\tmessage\tid\n" +
			"hello\tok\t2026-03-01T11:00:05.123Z\t\t1\n" +
			"naïve\tok\t\t" + strings.Repeat("long ", 20) + "\t3\n",
		JSON: `{"name":"hello","status":"ok","message":"","at":"2026-03-01T12:00:05.123456+01:00","id":"1"}` + "\n" +
			`{"name":"naïve","status":"ok","message":"` + strings.Repeat("long ", 20) + `","at":"0001-01-01T00:00:00Z","id":"3"}` + "\n",
	} {
		var b strings.Builder
		s := NewStream(&Writer{W: &b, Width: 80, Format: format}, columns)
		if err := s.Write(records()[0]); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(records()[2]); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("%s:\n%s", format, d)
		}
	}
}

func TestTSVKeepsOneRecordALine(t *testing.T) {
	var b strings.Builder
	if err := List(&Writer{W: &b, Format: TSV}, records(), columns); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 1+len(records()) {
		t.Fatalf("%d lines for %d records", len(lines), len(records()))
	}
	for _, l := range lines {
		if n := strings.Count(l, "\t"); n != len(columns)-1 {
			t.Errorf("%d tabs in %q, want %d", n, l, len(columns)-1)
		}
	}
}

func TestPrintableHidesWhatActsOnATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                "plain",
		"\x1b]0;title\x07":     `\u{1b}]0;title\u{7}`,
		"a\u202eb":             `a\u{202e}b`,
		"\u009b31m":            `\u{9b}31m`,
		"👩\u200d💻":             "👩\u200d💻",
		"two\nlines\r":         `two\nlines\r`,
		"\u2028":               `\u{2028}`,
		"e\u0301 combining ok": "e\u0301 combining ok",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := PrintableLines("a\tb\n\x1bc"); got != "a\tb\n\\u{1b}c" {
		t.Errorf("PrintableLines = %q", got)
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range Formats {
		if got, err := ParseFormat(string(f)); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %q, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("yaml"); err == nil || err.Error() != `--output "yaml" is unknown: use table, tsv or json` {
		t.Errorf("ParseFormat(yaml): %v", err)
	}
}
