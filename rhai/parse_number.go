package rhai

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// What a number's text can have wrong, in the reference's words.
var (
	errIntEmpty    = errors.New("cannot parse integer from empty string")
	errIntDigit    = errors.New("invalid digit found in string")
	errIntTooLarge = errors.New("number too large to fit in target type")
	errIntTooSmall = errors.New("number too small to fit in target type")
	errFloatEmpty  = errors.New("cannot parse float from empty string")
	errFloat       = errors.New("invalid float literal")
)

// parseInt reads an optionally signed integer in a radix of 2 to 36. It takes no prefixes and no separators.
func parseInt(s string, radix int) (int64, error) {
	if s == "" {
		return 0, errIntEmpty
	}
	negative := s[0] == '-'
	digits := s
	if s[0] == '-' || s[0] == '+' {
		digits = s[1:]
	}
	if digits == "" {
		return 0, errIntDigit
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var n uint64
	overflow := false
	for i := 0; i < len(digits); i++ {
		d := digitValue(digits[i])
		if d >= radix {
			return 0, errIntDigit
		}
		if overflow || n > (limit-uint64(d))/uint64(radix) {
			overflow = true
			continue
		}
		n = n*uint64(radix) + uint64(d)
	}
	switch {
	case overflow && negative:
		return 0, errIntTooSmall
	case overflow:
		return 0, errIntTooLarge
	case negative:
		return int64(-n), nil
	}
	return int64(n), nil
}

func digitValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return 99
}

// parseFloat reads a decimal float; inf, infinity and nan in any case count, hexadecimal forms and separators do not.
func parseFloat(s string) (float64, error) {
	if s == "" {
		return 0, errFloatEmpty
	}
	body := strings.TrimLeft(s[:1], "+-") + s[1:]
	switch strings.ToLower(body) {
	case "inf", "infinity":
		if s[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	case "nan":
		return math.NaN(), nil
	}
	if !isDecimalFloat(body) {
		return 0, errFloat
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinite or zero
		return 0, errFloat
	}
	return f, nil
}

func isDecimalFloat(s string) bool {
	digits := func() int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n
	}
	n := digits()
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		n += digits()
	}
	if n == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return s == ""
}
