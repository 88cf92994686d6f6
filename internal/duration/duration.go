// Package duration reads durations as people write them: 90m, 1h30m, 30d, 2w.
package duration

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var days = []struct {
	unit string
	size time.Duration
}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}}

// Parse reads a positive duration: what time.ParseDuration takes, after whole numbers of
// weeks (w) and days (d), or these alone: 2w, 1d12h. A day is 24 hours.
func Parse(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is no duration: write 500ms, 90s, 1h30m, 7d or 2w", text)
	sum, rest := time.Duration(0), text
	for _, d := range days {
		digits, after, found := strings.Cut(rest, d.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n > uint64(math.MaxInt64-sum)/uint64(d.size) {
			return 0, wrong
		}
		sum, rest = sum+time.Duration(n)*d.size, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || rest[0] == '+' || d > math.MaxInt64-sum {
			return 0, wrong
		}
		sum += d
	}
	if sum <= 0 {
		return 0, wrong
	}
	return sum, nil
}
