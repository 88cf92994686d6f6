package rhai

import (
	"strings"
	"unicode/utf8"
)

// lossyUTF8 reads bytes as text; every maximal piece that is not UTF-8 becomes one U+FFFD, as the Unicode standard
// recommends (a truncated character is one piece, a wrong byte another).
func lossyUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b) + 8)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size <= 1 {
			s.WriteRune(utf8.RuneError)
			b = b[invalidPrefix(b):]
			continue
		}
		s.Write(b[:size])
		b = b[size:]
	}
	return s.String()
}

// invalidPrefix is the length of the maximal well-begun but incomplete character at the start of b, at least one.
func invalidPrefix(b []byte) int {
	lo, hi, need := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xbf
	}
	return n
}
