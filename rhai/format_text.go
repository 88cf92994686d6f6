package rhai

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Above and below these magnitudes a float displays in scientific notation. They are the float32 neighbours of
// 1e13 and 1e-13, as the reference has them.
var (
	maxPlainFloat = float64(float32(1e13))
	minPlainFloat = float64(float32(1e-13))
)

// appendFloat appends the display form of f: what print and string interpolation write.
func appendFloat(b []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case abs == 0:
		return append(b, "0.0"...)
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case abs > maxPlainFloat || abs < minPlainFloat:
		return appendFloatExp(b, f)
	}
	b = appendShortest(b, f, 'f')
	if abs == math.Trunc(abs) {
		b = append(b, ".0"...)
	}
	return b
}

// appendFloatDebug appends the debug form of f, which floats inside containers have, too.
func appendFloatDebug(b []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case abs >= 1e16 || abs != 0 && abs < 1e-4:
		return appendFloatExp(b, f)
	}
	b = appendShortest(b, f, 'f')
	if abs == math.Trunc(abs) {
		b = append(b, ".0"...)
	}
	return b
}

// appendFloatExp appends f in scientific notation without the sign and padding that strconv gives the exponent.
func appendFloatExp(b []byte, f float64) []byte {
	if math.IsInf(f, 0) {
		if f < 0 {
			b = append(b, '-')
		}
		return append(b, "inf"...)
	}
	var buf [32]byte
	s := appendShortest(buf[:0], f, 'e')
	for i, c := range s {
		if c != 'e' {
			continue
		}
		b = append(b, s[:i+1]...)
		rest := s[i+1:]
		if rest[0] == '-' {
			b = append(b, '-')
		}
		rest = rest[1:]
		for len(rest) > 1 && rest[0] == '0' {
			rest = rest[1:]
		}
		return append(b, rest...)
	}
	return append(b, s...)
}

// appendQuoted appends s in double quotes with the escapes of Rust's `{:?}`.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	return append(appendEscaped(b, s), '"')
}

// appendEscaped appends s with the escapes of appendQuoted.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '\'' || !needsEscape(r) {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, r)
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

// appendQuotedChar appends r in single quotes with the escapes of Rust's `{:?}`.
func appendQuotedChar(b []byte, r rune) []byte {
	b = append(b, '\'')
	if r != '"' && needsEscape(r) {
		b = appendEscape(b, r)
	} else {
		b = utf8.AppendRune(b, r)
	}
	return append(b, '\'')
}

func needsEscape(r rune) bool {
	switch {
	case r < 0x20 || r == 0x7f || r == '"' || r == '\'' || r == '\\':
		return true
	case r < 0x7f:
		return false
	}
	// Combining marks are escaped so that they cannot attach to the quote.
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend)
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case 0:
		return append(b, `\0`...)
	case '\t':
		return append(b, `\t`...)
	case '\r':
		return append(b, `\r`...)
	case '\n':
		return append(b, `\n`...)
	case '"', '\'', '\\':
		return append(b, '\\', byte(r))
	}
	b = append(b, `\u{`...)
	b = strconv.AppendInt(b, int64(r), 16)
	return append(b, '}')
}
