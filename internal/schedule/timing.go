// Package schedule says when schedules are due: the times of a cron expression
// or an interval, also on days with a change of daylight saving; the delay that
// spreads them; and what is done about times that were missed. It reads no
// clock and keeps nothing.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // for systems without time zones of their own

	"github.com/picloud/picloud/internal/duration"
)

// The bounds of a timing and its delays.
const (
	MinEvery  = time.Second
	MaxEvery  = 366 * 24 * time.Hour
	MaxJitter = 24 * time.Hour
	maxText   = 200 // bytes of an expression
)

// Timing is the times of a schedule: a cron expression in a time zone, or an
// interval. It is immutable; its methods are safe for concurrent use.
type Timing struct {
	zone  *time.Location
	cron  fields
	every time.Duration // not 0: an interval
}

// named are the expressions with a name, as crontab(5) has them.
var named = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// Parse reads an expression: the five fields of crontab(5), a name such as
// @daily, or "@every" and a duration (90s, 1h30m, 7d). timezone is a name of
// the IANA database; empty means UTC. The error is in words for the person who
// wrote it. An expression that has no time at all is refused.
func Parse(expression, timezone string) (Timing, error) {
	zone, err := location(timezone)
	if err != nil {
		return Timing{}, err
	}
	text := strings.TrimSpace(expression)
	switch {
	case text == "":
		return Timing{}, errors.New("the schedule is empty: write five fields such as \"0 3 * * *\", or @daily, or @every 10m")
	case len(text) > maxText:
		return Timing{}, fmt.Errorf("the schedule is %d bytes long: at most %d are allowed", len(text), maxText)
	case strings.HasPrefix(text, "CRON_TZ=") || strings.HasPrefix(text, "TZ="):
		return Timing{}, errors.New("the time zone does not belong into the schedule: give it as the schedule's time zone")
	}
	if rest, found := strings.CutPrefix(text, "@every"); found && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
		every, err := interval(strings.TrimSpace(rest))
		return Timing{zone: zone, every: every}, err
	}
	if strings.HasPrefix(text, "@") {
		cron, found := named[strings.ToLower(text)]
		if !found {
			return Timing{}, fmt.Errorf("%q is not known: there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every DURATION", text)
		}
		text = cron
	}
	cron, err := parseFields(text)
	if err != nil {
		return Timing{}, err
	}
	// The calendar repeats after 400 years; whatever comes, comes in a leap
	// cycle or within a few of them.
	if _, found := cron.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !found {
		return Timing{}, fmt.Errorf("%q never comes: there is no such day", expression)
	}
	return Timing{zone: zone, cron: cron}, nil
}

func interval(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New("@every needs a duration, such as @every 10m")
	}
	every, err := duration.Parse(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("@every %s: %w", text, err)
	case every < MinEvery || every > MaxEvery:
		return 0, fmt.Errorf("@every %s: the interval must be between 1s and %dh", text, int(MaxEvery.Hours()))
	case every%time.Second != 0:
		return 0, fmt.Errorf("@every %s: the interval must be whole seconds", text)
	}
	return every, nil
}

// location finds a time zone. time.LoadLocation would take "Local" and, where
// the system has them, zones that count leap seconds.
func location(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if name != "Local" && !strings.HasPrefix(name, "right/") && !strings.HasPrefix(name, "posix/") && len(name) <= 64 {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("there is no time zone %q: use a name of the IANA database, such as Europe/Berlin or UTC", name)
}

// Frequent reports whether the timing goes by what has elapsed and not by what
// the clock on the wall shows: an interval of an hour at most, or a cron
// expression whose hour is *.
func (t Timing) Frequent() bool {
	if t.every > 0 {
		return t.every <= time.Hour
	}
	return t.cron.everyHour()
}

// Next returns the first time after the given one, in the timing's time zone.
// Intervals count from the anchor; cron expressions do not need it.
func (t Timing) Next(after, anchor time.Time) time.Time {
	if t.every > 0 {
		anchor = anchor.Round(0) // the wall clock's, without the monotonic reading
		passed := after.Round(0).Sub(anchor)
		n := passed / t.every
		if passed%t.every >= 0 {
			n++ // before the anchor, division has rounded up already
		}
		return anchor.Add(n * t.every).In(t.zone)
	}
	return t.cron.in(t.zone, after)
}

// last returns the last time in (after, until], and how many there are before
// it, at most maxMissed. The zero time: there is none.
func (t Timing) last(after, until, anchor time.Time) (last time.Time, before int) {
	first := t.Next(after, anchor)
	if first.IsZero() || first.After(until) {
		return time.Time{}, 0
	}
	last = first
	for before < maxMissed {
		next := t.Next(last, anchor)
		if next.IsZero() || next.After(until) {
			return last, before
		}
		last = next
		before++
	}
	// There are very many: look for the last one from the end.
	for _, back := range []time.Duration{0, time.Hour, 24 * time.Hour, 32 * 24 * time.Hour, 367 * 24 * time.Hour} {
		from := until.Add(-back - time.Second)
		if from.Before(last) {
			break
		}
		if next := t.Next(from, anchor); !next.IsZero() && !next.After(until) {
			last = next
			break
		}
	}
	for {
		next := t.Next(last, anchor)
		if next.IsZero() || next.After(until) {
			return last, before
		}
		last = next
	}
}

// Shortest returns the shortest time between two of the next times after the
// given one; it looks at a thousand of them.
func (t Timing) Shortest(after time.Time) time.Duration {
	if t.every > 0 {
		return t.every
	}
	shortest := time.Duration(1<<63 - 1)
	at := t.Next(after, after)
	for range 1000 {
		next := t.Next(at, after)
		if next.IsZero() {
			break
		}
		shortest = min(shortest, next.Sub(at))
		if shortest <= time.Minute {
			break
		}
		at = next
	}
	return shortest
}
