package store

import (
	"regexp"
	"testing"
	"time"
)

func TestIDsAreUUIDv7AndSortByTime(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	before := ""
	for i := range 1000 {
		id := newID(at.Add(time.Duration(i) * time.Millisecond))
		if !form.MatchString(id) {
			t.Fatalf("%s is no UUIDv7", id)
		}
		if id <= before {
			t.Fatalf("%s does not sort after %s", id, before)
		}
		before = id
	}
}

func TestSequencesKeepTheOrder(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	var s Sequence
	before := FirstID(at)
	for i := range 5000 {
		id := s.At(at.Add(time.Duration(i/4000) * time.Millisecond))
		if !form.MatchString(id) || id <= before {
			t.Fatalf("%s after %s", id, before)
		}
		before = id
	}
	if next := FirstID(at.Add(2 * time.Millisecond)); next <= before {
		t.Errorf("%s is not after %s", next, before)
	}
}
