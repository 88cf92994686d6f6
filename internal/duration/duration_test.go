package duration

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "2w": 336 * time.Hour, "500ms": 500 * time.Millisecond,
		"1d12h": 36 * time.Hour, "1w1d1h": 193 * time.Hour, "0d1s": time.Second, "1.5h": 90 * time.Minute, "106751d": 106751 * 24 * time.Hour,
		"": 0, "d": 0, "0d": 0, "-1d": 0, "+1d": 0, "-1h": 0, "+1h": 0, "1d-1h": 0, "1d+1h": 0, "0s": 0, "1.5d": 0, "30": 0, "1y": 0, "1d1w": 0, "1d1d": 0, "1h1d": 0,
		"1d 1h": 0, " 1h": 0, "999999999999d": 0, "106752d": 0, "106751d24h": 0, "15251w": 0, "7 days": 0, "soon": 0,
	} {
		if got, err := Parse(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("Parse(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
