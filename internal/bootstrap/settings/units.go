package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseSize reads a positive number of bytes: "64MiB", "1.5GiB", "4096".
func parseSize(text string) (int64, error) {
	number, unit := text, 1.0
	for _, u := range []struct {
		name string
		size float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}} {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = rest, u.size
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n*unit >= 1) || n*unit >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size such as 64MiB, 256KiB or 4096 (bytes)", text)
	}
	return int64(n * unit), nil
}

func readSize(text string) (int64, error) { return parseSize(text) }

// parseDuration reads a positive time; it knows days, of 24 hours.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a duration such as 500ms, 10s, 1h30m or 7d", text)
	rest := text
	var sum time.Duration
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, wrong
		}
		sum, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, wrong
		}
		sum += d
	}
	if sum <= 0 {
		return 0, wrong
	}
	return sum, nil
}

func readMilliseconds(text string) (int64, error) {
	d, err := parseDuration(text)
	if err == nil && d < time.Millisecond {
		return 0, fmt.Errorf("%q is less than a millisecond", text)
	}
	return d.Milliseconds(), err
}

func readCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a whole number above 0", text)
	}
	return n, nil
}
