package span

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "2w": 336 * time.Hour,
		"": 0, "d": 0, "0d": 0, "-1d": 0, "-1h": 0, "0s": 0, "1.5d": 0, "30": 0, "1y": 0, "999999999999d": 0,
	} {
		if got, err := Parse(s); got != want || (err == nil) != (want != 0) {
			t.Errorf("Parse(%q) = %v, %v", s, got, err)
		}
	}
}
