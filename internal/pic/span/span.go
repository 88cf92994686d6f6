// Package span reads spans of time as people write them: 90m, 12h, 30d, 2w.
package span

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var units = map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// Parse reads a positive span: what time.ParseDuration takes, or a whole number
// of days (d) or weeks (w). A day is 24 hours.
func Parse(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is no span of time: write 500ms, 90m, 12h, 30d or 2w", s)
	if s == "" {
		return 0, wrong
	}
	if unit, ok := units[s[len(s)-1:]]; ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(s, s[len(s)-1:]), 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/int64(unit) {
			return 0, wrong
		}
		return time.Duration(n) * unit, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, wrong
	}
	return d, nil
}

// Var is a flag that takes a span.
type Var struct {
	To   *time.Duration
	Zero bool // 0 is allowed
}

// String shows the span; none is not shown.
func (v Var) String() string {
	if v.To == nil || *v.To == 0 {
		return ""
	}
	return v.To.String()
}

// Set reads the flag's value.
func (v Var) Set(s string) error {
	if d, err := time.ParseDuration(s); v.Zero && err == nil && d == 0 {
		*v.To = 0
		return nil
	}
	d, err := Parse(s)
	if err == nil && d < time.Millisecond {
		err = fmt.Errorf("%s is less than a millisecond", s)
	}
	if err == nil {
		*v.To = d
	}
	return err
}

// Type is what help calls a value.
func (Var) Type() string { return "duration" }
