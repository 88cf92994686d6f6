// Package span has the flag that takes a span of time.
package span

import (
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/duration"
)

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
	d, err := duration.Parse(s)
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
