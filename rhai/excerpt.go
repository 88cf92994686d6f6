package rhai

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// SourceLine returns a line of a source, counted from 1, without its end; "" if there is no such line.
func SourceLine(source string, number uint32) string {
	for ; number > 1; number-- {
		_, rest, more := strings.Cut(source, "\n")
		if !more {
			return ""
		}
		source = rest
	}
	if number < 1 {
		return ""
	}
	line, _, _ := strings.Cut(source, "\n")
	return strings.TrimSuffix(line, "\r")
}

const excerptWidth = 120 // characters of a line that an excerpt shows

// Excerpt shows the line of a position with a caret below the place, without a line break at the end.
// Of a long line it shows the part around the place. It is "" if the source has no such place.
func Excerpt(source string, pos Position) string {
	text := SourceLine(source, pos.Line)
	if text == "" && pos.Line > 1 && !strings.Contains(source, "\n") || !pos.IsValid() {
		return ""
	}
	line := []rune(strings.ToValidUTF8(text, string(utf8.RuneError)))
	at := min(max(int(pos.Col)-1, 0), len(line))
	from, lead := 0, ""
	if len(line) > excerptWidth && at > excerptWidth/2 {
		from, lead = at-excerptWidth/2, "…"
	}
	to, trail := len(line), ""
	if to > from+excerptWidth {
		to, trail = from+excerptWidth, "…"
	}
	var b strings.Builder
	number := strconv.Itoa(int(pos.Line))
	b.WriteString(strings.Repeat(" ", max(0, 4-len(number))) + number + " | " + lead)
	for _, r := range line[from:to] {
		b.WriteRune(printable(r))
	}
	b.WriteString(trail + "\n" + strings.Repeat(" ", max(4, len(number))) + " | " + strings.Repeat(" ", len([]rune(lead))))
	for _, r := range line[from:at] {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	b.WriteByte('^')
	return b.String()
}

// printable keeps control characters of a source from reaching a terminal.
func printable(r rune) rune {
	if r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0) {
		return utf8.RuneError
	}
	return r
}
