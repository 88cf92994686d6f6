package executor

import (
	"fmt"
	"strings"
	"time"

	"github.com/picloud/picloud/rhai"
)

// timeRange keeps times within years that every format can write.
const (
	minTime = -62135596800000 // 0001-01-01
	maxTime = 253402300799999 // 9999-12-31
)

func millis(c *rhai.Call, i int) (time.Time, error) {
	n := number(c, i)
	if n < minTime || n > maxTime {
		return time.Time{}, throw(fmt.Sprintf("%d is no time in milliseconds since 1970 that has a year from 1 to 9999", n))
	}
	return time.UnixMilli(n).UTC(), nil
}

const rfc3339Milli = "2006-01-02T15:04:05.000Z07:00"

func (e *Executor) timeModule() *rhai.Module {
	ms := param("ms", rhai.TInt)
	return rhai.NewModule("time").
		Describe("Points of time, as milliseconds since 1970 in UTC: integers that can be compared, added to and kept.").
		Register(
			&rhai.Native{
				Name: "now", Returns: "int", Effects: rhai.Volatile, Doc: "The time now.", Example: `time::now() > 1700000000000 // true`,
				Fn: func(*rhai.Call) (rhai.Value, error) { return rhai.Int(e.clock().UnixMilli()), nil },
			},
			&rhai.Native{
				Name: "iso", Params: params(ms), Returns: "string", Doc: "Writes a time by RFC 3339, with milliseconds.", Example: `time::iso(1700000000123) // "2023-11-14T22:13:20.123Z"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					t, err := millis(c, 0)
					if err != nil {
						return rhai.Value{}, err
					}
					return c.String(t.Format(rfc3339Milli))
				},
			},
			&rhai.Native{
				Name: "parse", Params: params(textParam("text")), Returns: "int",
				Doc:     "Reads a time of RFC 3339 (`2023-11-14T22:13:20Z`, with fractions and offsets), a date (`2023-11-14`, midnight) or that of an HTTP header. Anything else throws.",
				Example: `time::parse("2023-11-14T23:13:20+01:00") // 1700000000000`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					for _, layout := range []string{time.RFC3339, time.DateOnly, time.RFC1123, time.RFC1123Z} {
						if t, err := time.Parse(layout, s); err == nil {
							return rhai.Int(t.UnixMilli()), nil
						}
					}
					return rhai.Value{}, throw(fmt.Sprintf("%q is not a time: write it as 2006-01-02T15:04:05Z or 2006-01-02", cut(s, 64)))
				},
			},
			&rhai.Native{
				Name: "format", Params: params(ms, textParam("format")), Returns: "string",
				Doc: "Writes a time by a format: `%Y` year, `%m` month, `%d` day, `%H` hour, `%I` hour to 12, `%p` AM or PM, `%M` minute, `%S` second, `%L` millisecond, " +
					"`%a` and `%A` day of the week, `%b` and `%B` name of the month, `%j` day of the year, `%s` seconds since 1970, `%Z` UTC, `%z` +0000, `%%` a percent sign.",
				Example: `time::format(1700000000123, "%a %d %B %Y, %H:%M") // "Tue 14 November 2023, 22:13"`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					t, err := millis(c, 0)
					if err != nil {
						return rhai.Value{}, err
					}
					format := text(c, 1)
					if err := work(c, 4*len(format)); err != nil {
						return rhai.Value{}, err
					}
					s, err := strftime(t, format)
					if err != nil {
						return rhai.Value{}, err
					}
					return c.String(s)
				},
			},
			&rhai.Native{
				Name: "parts", Params: params(ms), Returns: "map",
				Doc:     "Takes a time apart, in UTC: `year`, `month`, `day`, `hour`, `minute`, `second`, `millisecond`, `weekday` (1 is Monday, 7 Sunday), `yearday`.",
				Example: `time::parts(1700000000123).weekday // 2`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					t, err := millis(c, 0)
					if err != nil {
						return rhai.Value{}, err
					}
					part := func(name string, n int) rhai.Entry { return rhai.Entry{Key: name, Value: rhai.Int(int64(n))} }
					return newMap(c,
						part("year", t.Year()), part("month", int(t.Month())), part("day", t.Day()),
						part("hour", t.Hour()), part("minute", t.Minute()), part("second", t.Second()),
						part("millisecond", t.Nanosecond()/1e6), part("weekday", int((t.Weekday()+6)%7)+1), part("yearday", t.YearDay()))
				},
			},
		)
}

var strftimeLayouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'p': "PM", 'M': "04", 'S': "05", 'a': "Mon", 'A': "Monday",
	'b': "Jan", 'B': "January", 'j': "002", 'Z': "MST", 'z': "-0700",
}

func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return "", throw("the format ends with a single %: write %% for a percent sign")
		}
		switch ch := format[i]; ch {
		case '%':
			b.WriteByte('%')
		case 's':
			fmt.Fprint(&b, t.Unix())
		case 'L':
			fmt.Fprintf(&b, "%03d", t.Nanosecond()/1e6)
		default:
			layout, ok := strftimeLayouts[ch]
			if !ok {
				return "", throw(fmt.Sprintf("%%%c is unknown in a format of a time", ch))
			}
			b.WriteString(t.Format(layout))
		}
	}
	return b.String(), nil
}
