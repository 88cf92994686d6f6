package schedule

import (
	"fmt"
	"go/build"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMain takes Go's own time zones: they have rules where those of many
// systems have tables, and they are the same everywhere.
func TestMain(m *testing.M) {
	if zones := filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"); os.Getenv("ZONEINFO") == "" {
		os.Setenv("ZONEINFO", zones)
	}
	os.Exit(m.Run())
}

// TestDaysOfChange gives the times of expressions around changes of the clock,
// each as its zone's clock shows it and with its offset.
func TestDaysOfChange(t *testing.T) {
	for _, c := range []struct {
		what, zone, expression, from string
		want                         []string
	}{
		// Forward: what is left out comes as long after the change.
		{"left out", "Europe/Berlin", "30 2 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:30 +0200", "2026-03-30 02:30 +0200"}},
		{"left out, and there as well", "Europe/Berlin", "30 2,3 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:30 +0200", "2026-03-30 02:30 +0200"}},
		{"left out, twice", "Europe/Berlin", "0,30 2 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:00 +0200", "2026-03-29 03:30 +0200", "2026-03-30 02:00 +0200"}},
		{"left out, in their order", "Europe/Berlin", "30 2-3 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:30 +0200", "2026-03-30 02:30 +0200"}},
		{"left out, after what comes later", "Europe/Berlin", "45 2 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:45 +0200"}},
		{"every second hour", "Europe/Berlin", "0 */2 * * *", "2026-03-28 23:30", []string{"2026-03-29 00:00 +0100", "2026-03-29 03:00 +0200", "2026-03-29 04:00 +0200"}},
		{"before and after", "America/New_York", "0 1,3 * * *", "2026-03-07 12:00", []string{"2026-03-08 01:00 -0500", "2026-03-08 03:00 -0400"}},
		{"hourly forward", "America/New_York", "30 * * * *", "2026-03-08 00:45", []string{"2026-03-08 01:30 -0500", "2026-03-08 03:30 -0400"}},
		{"often, forward", "America/New_York", "*/30 * * * *", "2026-03-08 01:15", []string{"2026-03-08 01:30 -0500", "2026-03-08 03:00 -0400", "2026-03-08 03:30 -0400"}},
		{"half an hour forward", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", []string{"2026-10-04 02:45 +1100", "2026-10-05 02:15 +1100"}},
		{"after half an hour forward", "Australia/Lord_Howe", "0 3 * * *", "2026-10-03 12:00", []string{"2026-10-04 03:00 +1100", "2026-10-05 03:00 +1100"}},
		{"two hours forward", "Antarctica/Troll", "30 1,2 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:30 +0200", "2026-03-29 04:30 +0200", "2026-03-30 01:30 +0200"}},
		{"midnight left out: Havana", "America/Havana", "30 0 * * *", "2026-03-07 12:00", []string{"2026-03-08 01:30 -0400", "2026-03-09 00:30 -0400"}},
		{"midnight left out: Cairo", "Africa/Cairo", "15 0 * * fri", "2026-04-23 12:00", []string{"2026-04-24 01:15 +0300", "2026-05-01 00:15 +0300"}},
		{"midnight left out: Beirut", "Asia/Beirut", "@daily", "2026-03-28 12:00", []string{"2026-03-29 01:00 +0300", "2026-03-30 00:00 +0300"}},
		{"midnight left out: Santiago", "America/Santiago", "0 0 * * *", "2026-09-05 12:00", []string{"2026-09-06 01:00 -0300", "2026-09-07 00:00 -0300"}},
		{"a minute past midnight: St. John's", "America/St_Johns", "30 0 * * *", "2006-04-01 12:00", []string{"2006-04-02 01:30 -0230", "2006-04-03 00:30 -0230"}},
		{"a day left out: Samoa", "Pacific/Apia", "0 9 30 12 *", "2011-12-29 12:00", []string{"2011-12-31 09:00 +1400", "2012-12-30 09:00 +1400"}},

		// Back: what comes twice counts once, the first time.
		{"twice", "Europe/Berlin", "30 2 * * *", "2026-10-24 12:00", []string{"2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"}},
		{"from between the two", "Europe/Berlin", "30 2 * * *", "2026-10-25 00:45 UTC", []string{"2026-10-26 02:30 +0100"}},
		{"the hour itself", "Europe/Berlin", "0 2,3 * * *", "2026-10-24 12:00", []string{"2026-10-25 02:00 +0200", "2026-10-25 03:00 +0100", "2026-10-26 02:00 +0100"}},
		{"hourly back", "America/New_York", "30 * * * *", "2026-11-01 00:45", []string{"2026-11-01 01:30 -0400", "2026-11-01 01:30 -0500", "2026-11-01 02:30 -0500"}},
		{"often, back", "America/New_York", "*/30 * * * *", "2026-11-01 01:15", []string{"2026-11-01 01:30 -0400", "2026-11-01 01:00 -0500", "2026-11-01 01:30 -0500", "2026-11-01 02:00 -0500"}},
		{"all hours by number", "America/New_York", "0 0-23 * * *", "2026-11-01 00:15", []string{"2026-11-01 01:00 -0400", "2026-11-01 01:00 -0500", "2026-11-01 02:00 -0500"}},
		{"half an hour back", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", []string{"2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"}},
		{"after half an hour back", "Australia/Lord_Howe", "0 3 * * *", "2026-04-04 12:00", []string{"2026-04-05 03:00 +1030"}},
		{"two hours back", "Antarctica/Troll", "30 1,2 * * *", "2026-10-24 12:00", []string{"2026-10-25 01:30 +0200", "2026-10-25 02:30 +0200", "2026-10-26 01:30 +0000"}},
		{"midnight twice: Havana", "America/Havana", "30 0 * * *", "2026-10-31 12:00", []string{"2026-11-01 00:30 -0400", "2026-11-02 00:30 -0500"}},
		{"the evening before twice: Cairo", "Africa/Cairo", "30 23 * * *", "2026-10-29 12:00", []string{"2026-10-29 23:30 +0300", "2026-10-30 23:30 +0200"}},
		{"the evening before twice: Santiago", "America/Santiago", "0 0 * * *", "2026-04-03 12:00", []string{"2026-04-04 00:00 -0300", "2026-04-05 00:00 -0400"}},

		// Elsewhere.
		{"southern summer", "Australia/Sydney", "30 2 * * *", "2026-10-03 12:00", []string{"2026-10-04 03:30 +1100", "2026-10-05 02:30 +1100"}},
		{"winter is the exception: Dublin", "Europe/Dublin", "30 1 * * *", "2026-03-28 12:00", []string{"2026-03-29 02:30 +0100", "2026-03-30 01:30 +0100"}},
		{"Ramadan: Casablanca", "Africa/Casablanca", "30 2 * * *", "2026-02-14 12:00", []string{"2026-02-15 02:30 +0100", "2026-02-16 02:30 +0000"}},
		{"no daylight saving: Kathmandu", "Asia/Kathmandu", "0 3 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:00 +0545"}},
		{"no daylight saving: Chatham winter", "Pacific/Chatham", "45 2 * * *", "2026-09-26 12:00", []string{"2026-09-27 03:45 +1345", "2026-09-28 02:45 +1345"}},
		{"the end of a leap year", "Europe/Berlin", "30 2 1 * *", "2028-12-02 12:00", []string{"2029-01-01 02:30 +0100", "2029-02-01 02:30 +0100"}},
		{"the last day of a leap year", "America/New_York", "0 23 * * *", "2032-12-30 12:00", []string{"2032-12-30 23:00 -0500", "2032-12-31 23:00 -0500", "2033-01-01 23:00 -0500"}},
		{"the last day of a leap year, in summer", "Pacific/Auckland", "0 */8 * * *", "2040-12-31 00:30", []string{"2040-12-31 08:00 +1300", "2040-12-31 16:00 +1300", "2041-01-01 00:00 +1300"}},
		{"far away in time", "Europe/Berlin", "30 2 * * *", "2060-03-27 12:00", []string{"2060-03-28 03:30 +0200", "2060-03-29 02:30 +0200"}},
		{"an interval does not care", "Europe/Berlin", "@every 1h", "2026-10-25 01:30", []string{"2026-10-25 02:30 +0200", "2026-10-25 02:30 +0100", "2026-10-25 03:30 +0100"}},
	} {
		timing, err := Parse(c.expression, c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		zone := timing.zone
		if strings.HasSuffix(c.from, " UTC") {
			c.from, zone = strings.TrimSuffix(c.from, " UTC"), time.UTC
		}
		from, err := time.ParseInLocation("2006-01-02 15:04", c.from, zone)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range timing.Upcoming(from, from, len(c.want)) {
			if got := at.Format("2006-01-02 15:04 -0700"); got != c.want[i] {
				t.Errorf("%s: %s in %s: time %d is %s, want %s", c.what, c.expression, c.zone, i+1, got, c.want[i])
			}
		}
	}
}

// TestAFixedTimeComesOnceADay goes through years of many zones.
func TestAFixedTimeComesOnceADay(t *testing.T) {
	for _, zone := range zones {
		for _, expression := range []string{"0 0 * * *", "30 0 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "59 2 * * *", "0 3 * * *", "30 23 * * *"} {
			if zone == "America/Nuuk" && expression == "30 23 * * *" {
				continue // where 23:30 is left out, it comes on the next day
			}
			timing, err := Parse(expression, zone)
			if err != nil {
				t.Fatal(err)
			}
			from := time.Date(2026, 1, 1, 0, 0, 0, 0, timing.zone).Add(-time.Second)
			days := map[string]int{}
			at := from
			for range 3 * 366 {
				at = timing.Next(at, from)
				days[at.Format(time.DateOnly)]++
			}
			for day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2029; day = day.AddDate(0, 0, 1) {
				if n := days[day.Format(time.DateOnly)]; n != 1 {
					t.Errorf("%s in %s: %d times on %s", expression, zone, n, day.Format(time.DateOnly))
				}
			}
		}
	}
}

var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Chisinau", "Europe/Istanbul", "Europe/Kyiv",
	"America/New_York", "America/Chicago", "America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Santiago", "America/Sao_Paulo",
	"America/Asuncion", "America/Nuuk", "America/Miquelon", "America/Phoenix", "America/Caracas", "Atlantic/Azores",
	"Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Lagos", "Antarctica/Troll", "Antarctica/Casey",
	"Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Tokyo", "Asia/Almaty", "Asia/Pyongyang",
	"Australia/Lord_Howe", "Australia/Sydney", "Australia/Eucla", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Easter", "Pacific/Norfolk", "Pacific/Apia",
}

// TestNextAgainstAllMinutes compares with the slow way: look at each minute of
// some days, and at what the zone's clock shows then.
func TestNextAgainstAllMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		// Near a change of the zone's clock, if it has one.
		from := time.Unix(rapid.Int64Range(1_100_000_000, 2_500_000_000).Draw(t, "around")/60*60, 0).In(location)
		if _, end := from.ZoneBounds(); !end.IsZero() && end.Year() < 2100 {
			from = end.Truncate(time.Minute).Add(-time.Duration(rapid.IntRange(0, 40*60).Draw(t, "before")) * time.Minute)
		}
		expression := drawExpression(t)
		timing, err := Parse(expression, zone)
		if err != nil {
			return // it never comes
		}
		after := from.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)-1).Draw(t, "part")))
		want := everyMinute(timing.cron, location, from.Add(-50*time.Hour), from.Add(60*time.Hour))
		at := after
		for _, instant := range want {
			if !instant.After(after) || instant.After(from.Add(30*time.Hour)) {
				continue
			}
			if at = timing.Next(at, after); !at.Equal(instant) {
				t.Fatalf("%q in %s after %s: %s, want %s", expression, zone, after, at, instant.In(location))
			}
		}
		if next := timing.Next(at, after); !next.After(from.Add(30*time.Hour)) && next.Before(from.Add(29*time.Hour)) {
			t.Fatalf("%q in %s: %s is one too many", expression, zone, next)
		}
	})
}

func drawExpression(t *rapid.T) string {
	draw := func(f field) string {
		top := min(f.max, 59)
		value := rapid.IntRange(f.min, top)
		switch rapid.IntRange(0, 4).Draw(t, f.name) {
		case 0, 1:
			return "*"
		case 2:
			return fmt.Sprintf("*/%d", rapid.IntRange(1, f.max-f.min).Draw(t, "step"))
		case 3:
			a, b := value.Draw(t, "first"), value.Draw(t, "last")
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		}
		var list []string
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			list = append(list, fmt.Sprint(value.Draw(t, "value")))
		}
		return strings.Join(list, ",")
	}
	return strings.Join([]string{draw(minuteField), draw(hourField), draw(dayField), "*", draw(weekdayField)}, " ")
}

// everyMinute returns the instants of an expression by looking at all minutes.
func everyMinute(f fields, zone *time.Location, from, until time.Time) []time.Time {
	matches := func(w time.Time) bool {
		return f.minutes>>w.Minute()&1 != 0 && f.hours>>w.Hour()&1 != 0 && f.months>>w.Month()&1 != 0 && f.day(w)
	}
	instants := map[int64]bool{}
	shown := map[int64]bool{}
	show := func(t time.Time) time.Time { // as if the zone were UTC
		_, offset := t.In(zone).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	fixed := bits.OnesCount64(f.hours) < 24
	before := show(from.Add(-time.Minute))
	for t := from; t.Before(until); t = t.Add(time.Minute) {
		w := show(t)
		if fixed {
			for gap := before.Add(time.Minute); gap.Before(w); gap = gap.Add(time.Minute) {
				if matches(gap) {
					instants[t.Add(gap.Sub(before)-time.Minute).Unix()] = true
				}
			}
		}
		if matches(w) && !(fixed && shown[w.Unix()]) {
			instants[t.Unix()] = true
		}
		shown[w.Unix()] = true
		before = w
	}
	var sorted []time.Time
	for t := from; t.Before(until); t = t.Add(time.Minute) {
		if instants[t.Unix()] {
			sorted = append(sorted, t)
		}
	}
	return sorted
}

func BenchmarkNext(b *testing.B) {
	timing, err := Parse("30 2 * * mon-fri", "Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		at = timing.Next(at, at)
		if at.Year() > 2036 {
			at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
}
