package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/duration"
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

func readMilliseconds(text string) (int64, error) {
	d, err := duration.Parse(text)
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
