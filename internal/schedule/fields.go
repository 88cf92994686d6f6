package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// fields is a cron expression: for each field the set of its values, as bits.
type fields struct {
	minutes, hours, days, months, weekdays uint64
	either                                 bool // a day matches by its number or its weekday
}

// field is what one of the five fields may hold.
type field struct {
	name     string
	min, max int
	words    []string // names of values, from min on
}

var (
	minuteField  = field{"minute", 0, 59, nil}
	hourField    = field{"hour", 0, 23, nil}
	dayField     = field{"day of the month", 1, 31, nil}
	monthField   = field{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}}
	weekdayField = field{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}}
)

// parseFields reads five fields. As in crontab(5), when both the day of the
// month and the day of the week are restricted, that is, neither begins with *,
// a day matches when either does.
func parseFields(text string) (fields, error) {
	parts := strings.Fields(text)
	has := fmt.Sprintf("%q has %d fields", text, len(parts))
	if len(parts) == 1 {
		has = fmt.Sprintf("%q has 1 field", text)
	}
	switch n := len(parts); {
	case n == 6 || n == 7:
		return fields{}, fmt.Errorf("%s: write five (minute, hour, day of the month, month, day of the week), without seconds and year", has)
	case n != 5:
		return fields{}, fmt.Errorf("%s: write five (minute, hour, day of the month, month, day of the week), such as \"0 3 * * *\", or @daily, or @every 10m", has)
	}
	var f fields
	for i, p := range []struct {
		field field
		set   *uint64
	}{{minuteField, &f.minutes}, {hourField, &f.hours}, {dayField, &f.days}, {monthField, &f.months}, {weekdayField, &f.weekdays}} {
		set, err := p.field.parse(parts[i])
		if err != nil {
			return fields{}, err
		}
		*p.set = set
	}
	f.weekdays = (f.weekdays | f.weekdays>>7) & (1<<7 - 1) // 7 is Sunday, as 0 is
	f.either = parts[2][0] != '*' && parts[4][0] != '*'
	return f, nil
}

// parse reads a list of *, values and ranges, each with or without a step.
func (f field) parse(text string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		first, last := f.min, f.max
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			var err error
			if first, err = f.value(from, text); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if last, err = f.value(to, text); err != nil {
					return 0, err
				}
				if last == 0 && f.max == 7 && first > 0 {
					last = 7 // fri-sun
				}
				if last < first {
					return 0, fmt.Errorf("%s %q: %s comes before %s; write two ranges", f.name, text, to, from)
				}
			case !stepped:
				last = first
			}
		} else if f.max == 7 {
			last = 6
		}
		step := 1
		if stepped {
			var err error
			step, err = number(stepText)
			if longest := f.max - f.min; err != nil || step < 1 || step > longest {
				return 0, fmt.Errorf("%s %q: %q is no step: write a number from 1 to %d", f.name, text, stepText, longest)
			}
		}
		for v := first; v <= last; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

func (f field) value(text, whole string) (int, error) {
	for i, word := range f.words {
		if strings.EqualFold(word, text) {
			return f.min + i, nil
		}
	}
	v, err := number(text)
	switch {
	case text == "":
		return 0, fmt.Errorf("%s %q: there is a value missing", f.name, whole)
	case err != nil && strings.ContainsAny(text, "LlWw#?"):
		return 0, fmt.Errorf("%s %q: L, W, # and ? are not known here; use *, values, ranges, lists and steps", f.name, whole)
	case err != nil:
		return 0, fmt.Errorf("%s %q: %q is not a value; use *, values, ranges, lists and steps", f.name, whole, text)
	case v < f.min || v > f.max:
		return 0, fmt.Errorf("%s %q: %d is not between %d and %d", f.name, whole, v, f.min, f.max)
	}
	return v, nil
}

// number is strconv.Atoi for at most three digits and nothing else.
func number(text string) (int, error) {
	if text == "" || len(text) > 3 || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

func (f fields) everyHour() bool { return f.hours == 1<<24-1 }

func (f fields) day(t time.Time) bool {
	day, weekday := f.days>>t.Day()&1 != 0, f.weekdays>>t.Weekday()&1 != 0
	if f.either {
		return day || weekday
	}
	return day && weekday
}

// searchYears is how far next looks: no day that exists is further away. The
// longest way is to a February 29 on a given weekday, across a year that is
// divisible by 100 and has none: 40 years.
const searchYears = 41

// next returns the first minute at or after t that matches, in a calendar
// without time zones, for which UTC stands.
func (f fields) next(t time.Time) (time.Time, bool) {
	if whole := t.Truncate(time.Minute); whole.Before(t) {
		t = whole.Add(time.Minute)
	}
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	// On its first day the time has to be at or after t's.
	if f.months>>t.Month()&1 != 0 && f.day(day) {
		hour, minute := t.Hour(), atLeast(f.minutes, t.Minute())
		if minute == 64 || f.hours>>hour&1 == 0 {
			hour, minute = atLeast(f.hours, hour+1), bits.TrailingZeros64(f.minutes)
		}
		if hour < 24 {
			return day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute), true
		}
	}
	for end := t.Year() + searchYears; ; {
		day = day.AddDate(0, 0, 1)
		for f.months>>day.Month()&1 == 0 {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		}
		if day.Year() > end {
			return time.Time{}, false
		}
		if f.day(day) {
			hour, minute := bits.TrailingZeros64(f.hours), bits.TrailingZeros64(f.minutes)
			return day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute), true
		}
	}
}

// atLeast returns the lowest value of the set from v on, or 64.
func atLeast(set uint64, v int) int { return bits.TrailingZeros64(set >> v << v) }
