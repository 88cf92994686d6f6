package store

import (
	"context"
	"time"
)

// What happens when a schedule's time comes and its last run is not done, which
// it is not either while it waits to be tried again.
const (
	OverlapSkip  = "skip"  // the time is left out
	OverlapQueue = "queue" // it runs afterwards
	OverlapAllow = "allow" // it runs at the same time
)

// MaxScheduleBacklog is how many runs of one schedule may wait or go on at once;
// further times are left out whatever the policy is.
const MaxScheduleBacklog = 100

// ScheduleState is how far a schedule has come.
type ScheduleState struct {
	// Anchor is when the schedule was made or its timing changed: intervals count
	// from there. It has no fraction of a second.
	Anchor time.Time
	// Cursor is the last time that has been dealt with; what comes is after it.
	Cursor time.Time
	// High is the highest cursor there ever was. The cursor is lower after the
	// clock was set back.
	High time.Time
}

// Schedule is a schedule of an app's active deployment, and its state.
type Schedule struct {
	AppID, Name string
	ManifestSchedule
	ScheduleState
	Paused bool
	// LastAt is the last time that ran, of those of the timing; zero: none yet.
	LastAt time.Time
	// SkippedAt is the last time that was left out because the run before was not
	// done; zero: none yet.
	SkippedAt time.Time
}

// Channel is where the schedule's messages wait.
func (s *Schedule) Channel() Channel {
	return Channel{AppID: s.AppID, Kind: ChannelSchedule, Name: s.Name}
}

// ScheduleFiring is what is to be done about a schedule's time that has come.
type ScheduleFiring struct {
	AppID, Name string
	Seen        ScheduleState // the state for which this was decided
	Next        ScheduleState // the one afterwards
	At          time.Time     // the time that came
	Message     *Message      // what starts the run; nil: the time was missed and is left out
	Overlap     string
}

// ScheduleOutcome is what became of a firing.
type ScheduleOutcome string

// The outcomes.
const (
	ScheduleFired   ScheduleOutcome = "fired"
	ScheduleSkipped ScheduleOutcome = "skipped" // the run before is not done
	ScheduleMissed  ScheduleOutcome = "missed"  // the firing has no message
	// ScheduleStale: the state is not the one that was seen, or the schedule is
	// paused or gone. Nothing has changed.
	ScheduleStale ScheduleOutcome = "stale"
)

// Schedules keeps what deployments do not say of schedules. A deployment that
// brings a schedule, or changes its timing, starts its state anew; that it is
// paused is kept by name, also while no deployment has it.
type Schedules interface {
	// Schedules returns the schedules of an app's active deployment by name;
	// without appID those of all apps.
	Schedules(ctx context.Context, appID string) ([]Schedule, error)
	Schedule(ctx context.Context, appID, name string) (Schedule, error)
	// FireSchedules moves the states of schedules and adds the messages, all in one
	// transaction. Of firings that were decided for the same state, by several
	// processes too, one has an outcome other than ScheduleStale.
	FireSchedules(ctx context.Context, list []ScheduleFiring) ([]ScheduleOutcome, error)
	// PauseSchedule keeps a schedule from firing, or lets it again: what came
	// meanwhile is left out. It is announced as a change of the app.
	PauseSchedule(ctx context.Context, appID, name string, paused bool, at time.Time) (Schedule, error)
	// ForgetSchedule removes what is kept of a schedule that the active deployment
	// does not have; ErrNotEmpty if it has it.
	ForgetSchedule(ctx context.Context, appID, name string) error
}
