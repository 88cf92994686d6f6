// Package output writes what commands answer in one of three forms: a table
// for a person, tab-separated values for a pipe, JSON for a program.
//
// TSV has a header line, one record a line, and fields in which backslash, tab,
// line feed and carriage return are written \\ \t \n \r. JSON carries the
// API's own objects with the API's own field names. In a table control
// characters are shown escaped, so that text from a script cannot drive the
// reader's terminal.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Format is a form of output.
type Format string

// The formats.
const (
	Table Format = "table"
	TSV   Format = "tsv"
	JSON  Format = "json"
)

// Formats lists the values of the --output flag.
var Formats = []Format{Table, TSV, JSON}

// ParseFormat reads the value of the --output flag.
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats {
		if s == string(f) {
			return f, nil
		}
	}
	return "", fmt.Errorf("--output %q is unknown: use table, tsv or json", s)
}

// Writer writes answers in one format. It is used by one goroutine.
type Writer struct {
	W      io.Writer
	Format Format
	Width  int  // columns a table may take
	Color  bool // tables may use colours
}

// Column is one column of a list or one field of a single object.
type Column[T any] struct {
	// Name is the TSV header, in snake case; tables show it in capitals.
	Name  string
	Value func(T) string
	// Color returns how a table colours the value; nil is plain.
	Color func(T) Color
	// Shrink lets a table cut the value to the width of the terminal.
	Shrink bool
	// MinWidth is the least width of the column in a table, for streams, whose
	// later values are not known when the first are written.
	MinWidth int
	// TSVOnly leaves the column out of tables.
	TSVOnly bool
	// TableOnly leaves the column out of all but tables, where it joins what would
	// make them too wide.
	TableOnly bool
	// Most is how many columns a table gives a value that stands Below; 0: as many
	// as it needs.
	Most int
	// Below has a table write the value, where there is one, whole on lines of
	// their own below the record's. A record of which nothing else is shown has no
	// other line.
	Below bool
}

// List writes records: a table, TSV, or a JSON array of the records.
func List[T any](w *Writer, records []T, columns []Column[T]) error {
	switch w.Format {
	case JSON:
		if records == nil {
			records = []T{}
		}
		return w.JSON(records)
	case TSV:
		return writeTSV(w, records, columns, true)
	default:
		return writeTable(w, records, columns)
	}
}

// Stream writes records as they come, under one header. JSON has a compact
// object a line.
type Stream[T any] struct {
	w       *Writer
	columns []Column[T]
	table   table[T]
	begun   bool
}

// NewStream returns a stream that has written nothing yet.
func NewStream[T any](w *Writer, columns []Column[T]) *Stream[T] {
	return &Stream[T]{w: w, columns: columns, table: *newTable(w, columns)}
}

// Write writes records; the first call writes the header, too.
func (s *Stream[T]) Write(records ...T) error {
	switch s.w.Format {
	case JSON:
		for _, r := range records {
			if err := s.w.jsonLine(r); err != nil {
				return err
			}
		}
		return nil
	case TSV:
		header := !s.begun
		s.begun = true
		return writeTSV(s.w, records, s.columns, header)
	default:
		return s.table.write(records)
	}
}

// Show writes one record: lines of "name: value", TSV with one line, or a
// JSON object.
func Show[T any](w *Writer, record T, columns []Column[T]) error {
	switch w.Format {
	case JSON:
		return w.JSON(record)
	case TSV:
		return writeTSV(w, []T{record}, columns, true)
	default:
		return writeFields(w, record, columns)
	}
}

// JSON writes v indented by two spaces.
func (w *Writer) JSON(v any) error {
	enc := json.NewEncoder(w.W)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (w *Writer) jsonLine(v any) error {
	enc := json.NewEncoder(w.W)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Time writes t as RFC 3339 in UTC with whole seconds; the zero time is empty.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// TimeMillis is Time with milliseconds.
func TimeMillis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

var tsvEscapes = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func writeTSV[T any](w *Writer, records []T, columns []Column[T], header bool) error {
	var b strings.Builder
	columns = slices.DeleteFunc(slices.Clone(columns), func(c Column[T]) bool { return c.TableOnly })
	if header {
		for i, c := range columns {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(c.Name)
		}
		b.WriteByte('\n')
	}
	for _, r := range records {
		for i, c := range columns {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(tsvEscapes.Replace(c.Value(r)))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w.W, b.String())
	return err
}
