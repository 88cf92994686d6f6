package executor

import (
	"strconv"
	"strings"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// commitError says that a run's changes were not, or perhaps not, made.
type commitError struct {
	outcome invoke.Outcome
	reading bool // it did not come to that: what the run asked for could not be read
}

func (e *commitError) Error() string {
	if e.reading {
		return "the data cannot be read: " + e.outcome.Detail
	}
	key, why := reason(e.outcome.Detail)
	switch e.outcome.Verdict {
	case invoke.Conflict:
		if key == "" {
			key = "what was read"
		}
		return "the changes were not made, because " + key + " has changed meanwhile"
	case invoke.Quota:
		return "the app has no room for the changes: " + strings.TrimPrefix(why, store.ErrQuota.Error()+": ")
	case invoke.Refused:
		if of, ok := strings.CutPrefix(why, "what it holds"); ok && key != "" {
			why = "what " + key + " holds" + of
		} else if key != "" {
			why = "of " + key + ", " + why
		}
		return "the changes were not made: " + why
	case invoke.LeaseLost:
		return "the changes were not made, because somebody else has got the delivery: " + why
	}
	return "whether the changes were made is not known: " + why
}

// reason is why a store refused a commit, without the kinds of errors that its text
// begins with, and the key that it names, if it does.
func reason(detail string) (key, why string) {
	why = strings.TrimPrefix(detail, store.ErrInvalid.Error()+": ")
	rest, ok := strings.CutPrefix(why, "key ")
	if !ok {
		return "", why
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", why
	}
	after, ok := strings.CutPrefix(rest[len(quoted):], ": ")
	if !ok {
		return "", why
	}
	return "key " + quoted, strings.TrimPrefix(after, store.ErrInvalid.Error()+": ")
}
