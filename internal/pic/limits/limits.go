// Package limits reads and writes the limits of an execution as people give
// them: memory=16MiB, wall-time=2s. The names and units are those of picloud
// serve's --limit-… flags.
package limits

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/duration"
)

// kind is how a limit is written.
type kind int

const (
	count kind = iota
	size
	period // kept in milliseconds
)

var all = []struct {
	name  string
	kind  kind
	field func(*client.Limits) *int64
}{
	{"operations", count, func(l *client.Limits) *int64 { return &l.Operations }},
	{"wall-time", period, func(l *client.Limits) *int64 { return &l.WallTimeMs }},
	{"memory", size, func(l *client.Limits) *int64 { return &l.MemoryBytes }},
	{"call-depth", count, func(l *client.Limits) *int64 { return &l.CallDepth }},
	{"request", size, func(l *client.Limits) *int64 { return &l.RequestBytes }},
	{"response", size, func(l *client.Limits) *int64 { return &l.ResponseBytes }},
	{"log-lines", count, func(l *client.Limits) *int64 { return &l.LogLines }},
	{"log-bytes", size, func(l *client.Limits) *int64 { return &l.LogBytes }},
}

// Names are the limits there are.
func Names() []string {
	var names []string
	for _, l := range all {
		names = append(names, l.name)
	}
	return names
}

// Set puts NAME=VALUE into l. The value "default" takes the limit away, so that
// the level above counts again.
func Set(l *client.Limits, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%q is no NAME=VALUE, such as memory=16MiB", text)
	}
	for _, x := range all {
		if x.name != name {
			continue
		}
		n, err := parse(x.kind, value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*x.field(l) = n
		return nil
	}
	return fmt.Errorf("there is no limit %q: there are %s", name, strings.Join(Names(), ", "))
}

// Text writes the limits that are set, "" for none.
func Text(l client.Limits) string {
	var set []string
	for _, x := range all {
		if n := *x.field(&l); n != 0 {
			set = append(set, x.name+"="+format(x.kind, n))
		}
	}
	return strings.Join(set, " ")
}

var units = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

func parse(k kind, text string) (int64, error) {
	if text == "default" {
		return 0, nil
	}
	switch k {
	case period:
		d, err := duration.Parse(text)
		if err != nil || d < time.Millisecond {
			return 0, fmt.Errorf("%q is no duration such as 500ms or 10s, or default", text)
		}
		return d.Milliseconds(), nil
	case size:
		number, unit := text, int64(1)
		for _, u := range units {
			if rest, ok := strings.CutSuffix(text, u.name); ok {
				number, unit = rest, u.size
			}
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/unit {
			return 0, fmt.Errorf("%q is no size such as 16MiB, 256KiB or 4096 (bytes), or default", text)
		}
		return n * unit, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no number from 1 up, or default", text)
	}
	return n, nil
}

func format(k kind, n int64) string {
	switch k {
	case period:
		return (time.Duration(n) * time.Millisecond).String()
	case size:
		for _, u := range units {
			if n%u.size == 0 {
				return strconv.FormatInt(n/u.size, 10) + u.name
			}
		}
	}
	return strconv.FormatInt(n, 10)
}
