package rhai

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// appendShortest is strconv.AppendFloat with the fewest digits that mean f. Where f is in the middle of two such texts
// it appends the one further from 0, as Rust does, not the one whose last digit is even.
func appendShortest(b []byte, f float64, format byte) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, f, format, -1, 64)
	if len(b)-start < 16 || !mayBeMiddle(f) {
		return b
	}
	var short, exact [80]byte
	digits, _, _ := bytes.Cut(strconv.AppendFloat(short[:0], f, 'e', -1, 64), []byte{'e'})
	after, more := bytes.CutPrefix(strconv.AppendFloat(exact[:0], f, 'e', 50, 64), digits)
	after, _, _ = bytes.Cut(after, []byte{'e'})
	if !more || len(after) == 0 || after[0] != '5' || len(bytes.TrimRight(after[1:], "0")) > 0 {
		return b
	}
	end := len(b)
	if i := bytes.IndexByte(b[start:], 'e'); i >= 0 {
		end = start + i
	}
	for b[end-1] == '0' || b[end-1] == '.' {
		end--
	}
	b[end-1]++ // an even digit
	return b
}

// mayBeMiddle reports whether f could be in the middle of two decimal numbers of 16 or 17 digits: it has then at most
// 18 bits behind the point, and is no number that is exact without a point.
func mayBeMiddle(f float64) bool {
	u := math.Float64bits(f)
	exp := int(u>>52&0x7ff) - 1075
	return exp > 0 || exp < 0 && exp+bits.TrailingZeros64(u|1<<52) >= -18 && f != math.Trunc(f)
}
