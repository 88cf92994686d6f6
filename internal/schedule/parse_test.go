package schedule

import (
	"strings"
	"testing"
	"time"
)

func TestWhatIsNotATiming(t *testing.T) {
	for _, c := range []struct{ expression, zone, want string }{
		{"", "", "is empty"},
		{"   ", "", "is empty"},
		{"* * * *", "", "has 4 fields: write five"},
		{"hello", "", `"hello" has 1 field: write five`},
		{"0 0 3 * * *", "", "has 6 fields: write five (minute, hour, day of the month, month, day of the week), without seconds and year"},
		{"0 0 3 * * * 2027", "", "has 7 fields"},
		{"60 * * * *", "", "minute \"60\": 60 is not between 0 and 59"},
		{"* 24 * * *", "", "hour \"24\": 24 is not between 0 and 23"},
		{"* * 0 * *", "", "day of the month \"0\": 0 is not between 1 and 31"},
		{"* * 32 * *", "", "is not between 1 and 31"},
		{"* * * 13 *", "", "month \"13\": 13 is not between 1 and 12"},
		{"* * * * 8", "", "day of the week \"8\": 8 is not between 0 and 7"},
		{"* * * foo *", "", "month \"foo\": \"foo\" is not a value"},
		{"-1 * * * *", "", "minute \"-1\": there is a value missing"},
		{"1- * * * *", "", "there is a value missing"},
		{"1,,2 * * * *", "", "there is a value missing"},
		{", * * * *", "", "there is a value missing"},
		{"1.5 * * * *", "", "is not a value"},
		{"+1 * * * *", "", "is not a value"},
		{"1-2-3 * * * *", "", "is not a value"},
		{"*5 * * * *", "", "is not a value"},
		{"00000000000000000001 * * * *", "", "is not a value"},
		{"*/0 * * * *", "", "\"0\" is no step: write a number from 1 to 59"},
		{"*/ * * * *", "", "is no step"},
		{"*/60 * * * *", "", "is no step"},
		{"* */24 * * *", "", "a number from 1 to 23"},
		{"*/5/5 * * * *", "", "is no step"},
		{"* 22-4 * * *", "", "hour \"22-4\": 4 comes before 22; write two ranges"},
		{"* * * * fri-mon", "", "mon comes before fri"},
		{"0 0 L * *", "", "L, W, # and ? are not known"},
		{"0 0 15W * *", "", "L, W, # and ? are not known"},
		{"0 0 ? * 1", "", "L, W, # and ? are not known"},
		{"0 0 * * 5#3", "", "L, W, # and ? are not known"},
		{"0 0 30 2 *", "", "never comes: there is no such day"},
		{"0 0 31 2,4,6,9,11 *", "", "never comes"},
		{"@reboot", "", "\"@reboot\" is not known: there are @hourly"},
		{"@every", "", "needs a duration"},
		{"@every ", "", "needs a duration"},
		{"@every 5", "", "\"5\" is no duration"},
		{"@every 1 hour", "", "is no duration"},
		{"@every -5m", "", "is no duration"},
		{"@every 367d", "", "must be between 1s and 8784h"},
		{"@every 0s", "", "is no duration"},
		{"@every 500ms", "", "must be between"},
		{"@every 1500ms", "", "whole seconds"},
		{"@every 9000h", "", "must be between"},
		{"@every5m", "", "is not known"},
		{"CRON_TZ=Europe/Berlin 0 3 * * *", "", "give it as the schedule's time zone"},
		{"TZ=UTC 0 3 * * *", "", "give it as the schedule's time zone"},
		{"0 3 * * *", "Europe/Nowhere", "there is no time zone \"Europe/Nowhere\""},
		{"0 3 * * *", "Local", "there is no time zone"},
		{"0 3 * * *", "../etc/passwd", "there is no time zone"},
		{"0 3 * * *", "/etc/localtime", "there is no time zone"},
		{"0 3 * * *", "right/Europe/Berlin", "there is no time zone"},
		{"0 3 * * *", strings.Repeat("x", 300), "there is no time zone"},
		{strings.Repeat("1,", 200) + "1 * * * *", "", "at most 200 are allowed"},
	} {
		_, err := Parse(c.expression, c.zone)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q, %q): %v, want %q", c.expression, c.zone, err, c.want)
		}
	}
}

// TestTimes follows expressions from Saturday, 2026-01-31 12:34:56 UTC.
func TestTimes(t *testing.T) {
	from := time.Date(2026, 1, 31, 12, 34, 56, 0, time.UTC)
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{"* * * * *", []string{"2026-01-31 12:35", "2026-01-31 12:36"}},
		{"  */20   *\t* * * ", []string{"2026-01-31 12:40", "2026-01-31 13:00", "2026-01-31 13:20"}},
		{"5/25 * * * *", []string{"2026-01-31 12:55", "2026-01-31 13:05", "2026-01-31 13:30"}},
		{"10-30/10 * * * *", []string{"2026-01-31 13:10", "2026-01-31 13:20", "2026-01-31 13:30", "2026-01-31 14:10"}},
		{"0 3 * * *", []string{"2026-02-01 03:00", "2026-02-02 03:00"}},
		{"34 12 * * *", []string{"2026-02-01 12:34"}},
		{"35 12 * * *", []string{"2026-01-31 12:35", "2026-02-01 12:35"}},
		{"0 9-17/4,22 * * *", []string{"2026-01-31 13:00", "2026-01-31 17:00", "2026-01-31 22:00", "2026-02-01 09:00"}},
		{"0 0 31 * *", []string{"2026-03-31 00:00", "2026-05-31 00:00"}},
		{"0 0 29 2 *", []string{"2028-02-29 00:00", "2032-02-29 00:00"}},
		{"0 0 * * 7", []string{"2026-02-01 00:00", "2026-02-08 00:00"}},
		{"0 0 * * 0", []string{"2026-02-01 00:00", "2026-02-08 00:00"}},
		{"0 0 * * Mon-FRI", []string{"2026-02-02 00:00", "2026-02-03 00:00"}},
		{"0 0 * * sat-sun", []string{"2026-02-01 00:00", "2026-02-07 00:00", "2026-02-08 00:00", "2026-02-14 00:00"}},
		{"0 0 * * 5-7", []string{"2026-02-01 00:00", "2026-02-06 00:00", "2026-02-07 00:00"}},
		{"0 0 * * */3", []string{"2026-02-01 00:00", "2026-02-04 00:00", "2026-02-07 00:00", "2026-02-08 00:00"}},
		{"0 0 * jun,DEC *", []string{"2026-06-01 00:00", "2026-06-02 00:00"}},
		// Both days restricted: either. One begins with *: both.
		{"0 0 13 * fri", []string{"2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00", "2026-02-27 00:00", "2026-03-06 00:00", "2026-03-13 00:00"}},
		{"0 0 */7 * fri", []string{"2026-05-01 00:00", "2026-05-08 00:00", "2026-05-15 00:00"}},
		{"@hourly", []string{"2026-01-31 13:00"}},
		{"@Daily", []string{"2026-02-01 00:00"}},
		{"@midnight", []string{"2026-02-01 00:00"}},
		{"@weekly", []string{"2026-02-01 00:00", "2026-02-08 00:00"}},
		{"@monthly", []string{"2026-02-01 00:00", "2026-03-01 00:00"}},
		{"@yearly", []string{"2027-01-01 00:00"}},
		{"@annually", []string{"2027-01-01 00:00"}},
		{"@every 2d", []string{"2026-02-02 12:34:56", "2026-02-04 12:34:56"}},
		{"@every 1h30m", []string{"2026-01-31 14:04:56", "2026-01-31 15:34:56"}},
	} {
		timing, err := Parse(c.expression, "")
		if err != nil {
			t.Errorf("%q: %v", c.expression, err)
			continue
		}
		for i, at := range timing.Upcoming(from, from, len(c.want)) {
			if got := strings.TrimSuffix(at.Format(time.DateTime), ":00"); got != c.want[i] {
				t.Errorf("%q: time %d is %s, want %s", c.expression, i+1, got, c.want[i])
			}
		}
	}
}

func TestAcrossAYearWithoutLeapDay(t *testing.T) {
	timing, err := Parse("0 0 29 2 *", "")
	if err != nil {
		t.Fatal(err)
	}
	got := timing.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC), time.Time{})
	if want := time.Date(2104, 2, 29, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s: 2100 has no February 29", got, want)
	}
}

func TestIntervalsCountFromTheirAnchor(t *testing.T) {
	timing, err := Parse("@every 7m", "")
	if err != nil {
		t.Fatal(err)
	}
	anchor := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ after, want time.Duration }{
		{0, 7 * time.Minute},
		{7*time.Minute - 1, 7 * time.Minute},
		{7 * time.Minute, 14 * time.Minute},
		{100 * time.Hour, 100*time.Hour + 6*time.Minute},
		{-time.Minute, 0}, // the clock was set back
		{-7 * time.Minute, 0},
		{-8 * time.Minute, -7 * time.Minute},
	} {
		if got := timing.Next(anchor.Add(c.after), anchor).Sub(anchor); got != c.want {
			t.Errorf("after %s: %s, want %s", c.after, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"* * * * *", "*/5 1-3,7 1,15 jan-mar mon", "@every 1h", "@daily", "0 0 29 2 *", "5/7 * * * sat-sun"} {
		f.Add(s, "Europe/Berlin", int64(1_770_000_000))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, unix int64) {
		timing, err := Parse(expression, zone)
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<33), 0)
		next := timing.Next(after, time.Unix(0, 0))
		if next.IsZero() || !next.After(after) {
			t.Fatalf("%q in %q: %s after %s", expression, zone, next, after)
		}
	})
}
