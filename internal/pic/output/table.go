package output

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Color is an SGR parameter; empty is plain.
type Color string

// The colours in use.
const (
	Plain  Color = ""
	Green  Color = "32"
	Red    Color = "31"
	Yellow Color = "33"
	Dim    Color = "2"
)

// Paint returns s in the given colour if w shows colours.
func (w *Writer) Paint(s string, c Color) string {
	if !w.Color || c == Plain || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// gap is the space between two columns; minShrunk is the least width a
// shrinking column keeps on a narrow terminal.
const (
	gap       = 2
	minShrunk = 20
)

// writeTable writes nothing for no records: a header alone tells a person
// nothing, and commands say in words that there are none.
func writeTable[T any](w *Writer, records []T, columns []Column[T]) error {
	if len(records) == 0 {
		return nil
	}
	return newTable(w, columns).write(records)
}

// table writes rows under one header. Its columns are as wide as the widest
// value so far.
type table[T any] struct {
	w       *Writer
	columns []Column[T]
	below   []Column[T]
	widths  []int // nil before the header was written
}

func newTable[T any](w *Writer, columns []Column[T]) *table[T] {
	t := &table[T]{w: w}
	for _, c := range columns {
		switch {
		case c.TSVOnly:
		case c.Below:
			t.below = append(t.below, c)
		default:
			t.columns = append(t.columns, c)
		}
	}
	return t
}

func (t *table[T]) write(records []T) error {
	var b strings.Builder
	head := make([]string, len(t.columns))
	first := t.widths == nil
	if first {
		t.widths = make([]int, len(t.columns))
		for i, c := range t.columns {
			head[i] = strings.ToUpper(strings.ReplaceAll(c.Name, "_", " "))
			t.widths[i] = max(displayWidth(head[i]), c.MinWidth)
		}
	}
	rows := make([][]string, len(records))
	for r, rec := range records {
		rows[r] = make([]string, len(t.columns))
		for i, c := range t.columns {
			rows[r][i] = Printable(c.Value(rec))
			t.widths[i] = max(t.widths[i], displayWidth(rows[r][i]))
		}
	}
	shrink(t.widths, t.columns, t.w.Width)
	if first {
		t.line(&b, head, func(int) Color { return Dim })
	}
	for r, rec := range records {
		if slices.ContainsFunc(rows[r], func(cell string) bool { return cell != "" }) {
			t.line(&b, rows[r], func(i int) Color { return t.columns[i].color(rec) })
		}
		for _, c := range t.below {
			v := c.Value(rec)
			if v == "" {
				continue
			}
			lines := []string{v}
			if c.Most > 0 {
				lines[0] = truncate(Printable(v), c.Most)
			} else {
				lines = strings.Split(PrintableLines(v), "\n")
			}
			for i, l := range lines {
				b.WriteString(strings.Repeat(indent, 1+min(i, 1)) + t.w.Paint(l, c.color(rec)) + "\n")
			}
		}
	}
	_, err := io.WriteString(t.w.W, b.String())
	return err
}

// indent stands before a value below a record's line.
const indent = "  "

func (c *Column[T]) color(record T) Color {
	if c.Color == nil {
		return Plain
	}
	return c.Color(record)
}

func (t *table[T]) line(b *strings.Builder, cells []string, color func(i int) Color) {
	last := len(cells) - 1
	for last > 0 && cells[last] == "" {
		last--
	}
	for i := 0; i <= last; i++ {
		cell := truncate(cells[i], t.widths[i])
		b.WriteString(t.w.Paint(cell, color(i)))
		if i < last {
			b.WriteString(strings.Repeat(" ", t.widths[i]-displayWidth(cell)+gap))
		}
	}
	b.WriteByte('\n')
}

// writeFields leaves out what is empty.
func writeFields[T any](w *Writer, record T, columns []Column[T]) error {
	longest := 0
	values := make([]string, len(columns))
	for i, c := range columns {
		if values[i] = c.Value(record); values[i] != "" {
			longest = max(longest, len(c.Name))
		}
	}
	var b strings.Builder
	for i, c := range columns {
		if values[i] == "" {
			continue
		}
		name := strings.ReplaceAll(c.Name, "_", " ") + ":"
		fmt.Fprintf(&b, "%-*s %s\n", longest+1, name, w.Paint(Printable(values[i]), c.color(record)))
	}
	_, err := io.WriteString(w.W, b.String())
	return err
}

// shrink takes from the shrinking columns what the table is too wide.
func shrink[T any](widths []int, columns []Column[T], limit int) {
	total := -gap
	for _, n := range widths {
		total += n + gap
	}
	for i := len(columns) - 1; i >= 0 && total > limit; i-- {
		if !columns[i].Shrink {
			continue
		}
		to := max(widths[i]-(total-limit), min(minShrunk, widths[i]))
		total -= widths[i] - to
		widths[i] = to
	}
}

// Printable returns s on one line and without characters that act on a
// terminal: control and format characters are written as escapes.
func Printable(s string) string {
	if strings.IndexFunc(s, acts) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case acts(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// PrintableLines is Printable for text of several lines: line feeds and tabs
// stay.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		parts := strings.Split(l, "\t")
		for j, p := range parts {
			parts[j] = Printable(p)
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

// acts reports whether r could act on a terminal: control characters, and
// format characters (direction overrides among them) except the joiners that
// emoji and several scripts need.
func acts(r rune) bool {
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// truncate cuts s to n columns, the last of them an ellipsis.
func truncate(s string, n int) string {
	if displayWidth(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		if used+runeWidth(r) > n-1 {
			return s[:i] + "…"
		}
		used += runeWidth(r)
	}
	return s
}
