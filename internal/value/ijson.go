package value

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// CheckText reports what in a JSON text encoding/json would change without a word, by
// putting U+FFFD in its place: what is not UTF-8, and the escape of half a surrogate
// pair, which stands for no character (RFC 7493, section 2.1). Whether the text is JSON
// it leaves to others.
func CheckText(raw []byte) error {
	if !utf8.Valid(raw) {
		return errors.New("it is not UTF-8")
	}
	for i := bytes.IndexByte(raw, '\\'); i >= 0 && i < len(raw); {
		if raw[i] != '\\' {
			next := bytes.IndexByte(raw[i:], '\\')
			if next < 0 {
				break
			}
			i += next
		}
		r, ok := escaped(raw[i:])
		if !ok || !utf16.IsSurrogate(r) {
			i += 2 // what is escaped may be a backslash
			continue
		}
		low, ok := escaped(raw[min(i+6, len(raw)):])
		if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
			return errors.New(string(raw[i:i+6]) + " is half a surrogate pair, and no character without the other half")
		}
		i += 12
	}
	return nil
}

// escaped reads \uXXXX at the beginning of a text.
func escaped(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 32)
	return rune(n), err == nil
}
