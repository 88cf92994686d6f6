package postgres

import "time"

// SetLookAfter changes how long after a sign of life messages are looked at, for
// stores that are opened afterwards, and returns what puts it back.
func SetLookAfter(d time.Duration) (restore func()) {
	old := lookAfter
	lookAfter = d
	return func() { lookAfter = old }
}

// Age makes the last sign of life of s an old one.
func Age(s *Store) { s.notifier.signed.Store(0) }

// SetCommitTimeout changes how long an answer to COMMIT is waited for and returns what
// puts it back.
func SetCommitTimeout(d time.Duration) (restore func()) {
	old := commitTimeout
	commitTimeout = d
	return func() { commitTimeout = old }
}
