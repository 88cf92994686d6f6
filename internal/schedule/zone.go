package schedule

import "time"

// in returns the first time after the given one at which a clock on the wall in
// the time zone shows what the expression says.
//
// Where the clock is set forward, a time that it leaves out comes as long after
// the change as it would have come without it: 02:30 becomes 03:30 (RFC 5545,
// section 3.3.5). Where it is set back, a time that it shows twice counts the
// first time only. Both are for expressions that name hours. With * as its hour
// an expression goes by what the clock shows: what is left out does not come,
// and what is shown twice comes twice, so that every ten minutes stays so.
func (f fields) in(zone *time.Location, after time.Time) time.Time {
	// Between two changes of its offset a zone's clock runs evenly: each stretch
	// is searched in a calendar without zones.
	at := after.In(zone).Truncate(time.Second).Add(time.Second)
	for limit := at.AddDate(searchYears, 0, 0); at.Before(limit); {
		start, end := at.ZoneBounds()
		offset := offsetAt(at)
		if !end.IsZero() && !end.After(at) {
			// Where a zone goes by rules and not by a table, package time takes the
			// last day of a leap year for the next year's, and this for its end.
			end = at.Add(time.Hour)
		}
		from, till := at, end
		if till.IsZero() {
			till = limit
		}
		shift := time.Duration(0) // by which the clock was set forward at start
		if !start.IsZero() {
			shift = offset - offsetAt(start.Add(-time.Second))
		}
		var first time.Time
		if !f.everyHour() {
			switch {
			case shift > 0:
				// What was left out, by the clock as it had been.
				if missed, found := f.next(wall(from, offset-shift)); found {
					if t := missed.Add(-(offset - shift)); t.Before(start.Add(shift)) {
						first = t
					}
				}
			case shift < 0 && from.Before(start.Add(-shift)):
				from = start.Add(-shift) // the clock shows this for the second time until then
			}
		}
		if from.Before(till) {
			if shown, found := f.next(wall(from, offset)); found {
				if t := shown.Add(-offset); first.IsZero() || t.Before(first) {
					first = t
				}
			} else if first.IsZero() {
				return time.Time{}
			}
		}
		if !first.IsZero() && (end.IsZero() || first.Before(end)) {
			return first.In(zone)
		}
		if end.IsZero() {
			break
		}
		// What the other clocks show until long before first, has been searched,
		// unless the next of them goes back to what was shown before at.
		next := end
		if end.Sub(at) > farthest && first.Add(-farthest).After(end) {
			next = first.Add(-farthest)
		}
		at = next.In(zone)
	}
	return time.Time{}
}

// farthest is more than clocks in any two time zones can differ by.
const farthest = 50 * time.Hour

func offsetAt(t time.Time) time.Duration {
	_, offset := t.Zone()
	return time.Duration(offset) * time.Second
}

// wall is what the clock shows at t, as if it were UTC.
func wall(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }
