package schedule

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// Read returns the rule of a schedule as a deployment defines it. The error is in
// words for the person who wrote the definition, and field is the JSON name of
// what is wrong.
func Read(appID, name string, m store.ManifestSchedule) (r Rule, field string, err error) {
	r = Rule{Jitter: time.Duration(m.JitterMS) * time.Millisecond, Key: appID + "/" + name}
	if _, err = location(m.Timezone); err != nil {
		return r, "timezone", err
	}
	if r.Timing, err = Parse(m.Cron, m.Timezone); err != nil {
		return r, "cron", err
	}
	if r.CatchUp, err = ParseCatchUp(m.CatchUp); err != nil {
		return r, "catch_up", err
	}
	return r, "", nil
}

// Check reports the first thing that is wrong with a new definition: by its JSON
// name, and in words for the person who wrote it; field is "" when all is well.
func Check(m store.ManifestSchedule, now time.Time) (field, problem string) {
	r, field, err := Read("", "", m)
	if err != nil {
		return field, err.Error()
	}
	switch m.Overlap {
	case "", store.OverlapSkip, store.OverlapQueue, store.OverlapAllow:
	default:
		return "overlap", fmt.Sprintf("the overlap policy %q is not known: it is skip, queue or allow", m.Overlap)
	}
	if m.JitterMS < 0 || m.JitterMS > MaxJitter.Milliseconds() {
		return "jitter_ms", fmt.Sprintf("the jitter must be between 0 and %s", MaxJitter)
	}
	if err := r.Timing.CheckJitter(r.Jitter, now); err != nil {
		return "jitter_ms", err.Error()
	}
	if m.BatchSize > 1 {
		return "batch_size", "a schedule's events come one at a time"
	}
	if m.Concurrency > 1 && m.Overlap != store.OverlapAllow {
		return "concurrency", "a schedule runs once at a time unless its overlap policy is allow"
	}
	return m.Delivery.Check()
}

// payload is what a script sees of a schedule's event. Times are milliseconds
// since 1970, as those of the module time.
type payload struct {
	Scheduled int64  `json:"scheduled"` // the time that came, without its delay
	Local     string `json:"local"`     // the same as the clock in the schedule's time zone shows it
	Missed    int    `json:"missed"`    // times before it that this run makes up for
	Manual    bool   `json:"manual"`    // somebody asked for it
}

// Message returns the message of a run of the schedule: for a time that came,
// after so many that were missed, or, if at is zero, because somebody asked.
func Message(x store.Schedule, at time.Time, missed int, now time.Time) (store.Message, error) {
	now = now.UTC().Truncate(time.Microsecond)
	if CatchUp(x.CatchUp) == CatchUpNone {
		missed = 0 // they are not made up for
	}
	p := payload{Missed: missed, Manual: at.IsZero()}
	if p.Manual {
		at = now
	}
	zone, err := location(x.Timezone)
	if err != nil {
		return store.Message{}, err
	}
	p.Scheduled, p.Local = at.UnixMilli(), at.In(zone).Format(time.RFC3339)
	raw, err := json.Marshal(p)
	if err != nil {
		return store.Message{}, err
	}
	v, err := value.FromJSON(raw)
	if err != nil {
		return store.Message{}, err
	}
	encoded, err := value.Encode(v)
	return store.Message{
		ID: store.NewID(), Channel: x.Channel(), Source: x.Name, Payload: encoded, Depth: 1, CreatedAt: now, DueAt: now,
	}, err
}
