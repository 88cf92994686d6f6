package schedule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// CatchUp says what is done about times that were missed: PiCloud was down, the
// machine slept, or its clock was set forward.
type CatchUp string

// The policies for missed times.
const (
	CatchUpOne  CatchUp = "one"  // all that were missed are made up for by one run
	CatchUpNone CatchUp = "none" // they are left out
)

const (
	// grace is how late a time may be without counting as missed.
	grace = time.Minute
	// Clocks of a cluster's machines differ, and clocks are corrected: one that
	// is back by up to settle waits, so that no time comes twice.
	settle = 5 * time.Minute
	// Beyond wrong, a clock that was set back was wrong before.
	wrong = 3 * time.Hour
	// maxMissed bounds how many missed times are counted.
	maxMissed = 1000
)

// Rule is a schedule's timing and what it does about delays.
type Rule struct {
	Timing  Timing
	CatchUp CatchUp
	Jitter  time.Duration // each time is delayed by less than this
	Key     string        // names the schedule, so that two do not have the same delays
}

// CheckJitter reports, in words for the person who chose it, whether the delay
// fits the timing: two times must not change their order.
func (t Timing) CheckJitter(jitter time.Duration, now time.Time) error {
	switch {
	case jitter < 0 || jitter > MaxJitter:
		return fmt.Errorf("the jitter must be between 0 and %s", MaxJitter)
	case jitter == 0:
		return nil
	}
	if shortest := t.Shortest(now); jitter >= shortest {
		return fmt.Errorf("the jitter must be shorter than the shortest time between two runs, which is %s", shortest)
	}
	return nil
}

// ParseCatchUp reads a policy; empty means CatchUpOne.
func ParseCatchUp(text string) (CatchUp, error) {
	switch c := CatchUp(text); c {
	case "":
		return CatchUpOne, nil
	case CatchUpOne, CatchUpNone:
		return c, nil
	}
	return "", errors.New("the catch-up policy must be one or none")
}

// State is how far a schedule has come.
type State = store.ScheduleState

// Start returns the state of a schedule that is made, or whose timing changes, now.
func Start(now time.Time) State {
	now = now.UTC().Truncate(time.Second)
	return State{Anchor: now, Cursor: now, High: now}
}

// Resume returns the state of a schedule that was paused until now: the times
// that came meanwhile are not missed but left out.
func Resume(s State, now time.Time) State {
	now = now.UTC().Truncate(time.Second)
	if now.After(s.Cursor) {
		s.Cursor = now
	}
	if now.After(s.High) {
		s.High = now
	}
	return s
}

// Adjust returns the state as it has to be when the clock shows now, which may
// be earlier than it has shown before. It is called when the state is read, and
// when the clock was set.
//
// Set back by minutes, the clock shows times again that have been dealt with:
// they do not come again. Set back by more, a frequent timing goes on from the
// clock's new time, and another still does not repeat a time. Set back by hours,
// the clock was wrong, and every timing goes on from its new time. When the clock
// then passes where it had been, nothing was missed: a machine that starts in
// 1970 and learns the time later does not make up for the years.
func (r Rule) Adjust(s State, now time.Time) State {
	switch back := s.Cursor.Sub(now); {
	case !now.Before(s.High):
		s.Cursor = s.High
	case back > wrong, back > settle && r.Timing.Frequent():
		s.Cursor = now.UTC().Truncate(time.Second)
	}
	return s
}

// Due returns the next time of a schedule, and when it is due: the time with its
// delay. Zero times: there is none.
func (r Rule) Due(s State) (at, due time.Time) {
	at = r.Timing.Next(s.Cursor, s.Anchor)
	if at.IsZero() {
		return at, at
	}
	return at, at.Add(r.delay(at))
}

// Firing is what is due.
type Firing struct {
	At     time.Time // the time that came; zero: none that is to run
	Missed int       // how many before it were left out, at most 1000
	State  State     // what the state is afterwards
}

// Fire returns what is to be done at now, and whether there is anything: of
// several times that are due the last one comes, and the others were missed.
func (r Rule) Fire(s State, now time.Time) (Firing, bool) {
	at, missed := r.Timing.last(s.Cursor, now, s.Anchor)
	for !at.IsZero() && at.Add(r.delay(at)).After(now) {
		at, missed = r.Timing.last(s.Cursor, at.Add(-time.Microsecond), s.Anchor)
	}
	if at.IsZero() {
		return Firing{}, false
	}
	f := Firing{At: at, Missed: missed, State: s}
	f.State.Cursor = at.UTC()
	if f.State.High.Before(f.State.Cursor) {
		f.State.High = f.State.Cursor
	}
	if r.CatchUp == CatchUpNone && now.Sub(at.Add(r.delay(at))) > grace {
		f.At = time.Time{}
		f.Missed++
	}
	return f, true
}

// delay spreads schedules over the jitter. It depends on the schedule and the
// time only, so that every machine of a cluster waits equally long.
func (r Rule) delay(at time.Time) time.Duration {
	if r.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(r.Key))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix())))
	// FNV's low bits are good enough once the high ones are mixed in.
	sum := h.Sum64()
	sum ^= sum >> 33
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return time.Duration(sum % uint64(r.Jitter)).Truncate(time.Microsecond)
}

// Upcoming returns the next n times after the given one, without delays.
func (t Timing) Upcoming(after, anchor time.Time, n int) []time.Time {
	times := make([]time.Time, 0, n)
	for range n {
		if after = t.Next(after, anchor); after.IsZero() {
			break
		}
		times = append(times, after)
	}
	return times
}
