package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// A script is told of missed times only if its run makes up for them.
func TestMessageTellsWhatIsMadeUpFor(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	for policy, want := range map[string]string{"": `"missed":37`, "one": `"missed":37`, "none": `"missed":0`} {
		var x store.Schedule
		x.Name, x.CatchUp = "nightly", policy
		m, err := Message(x, at, 37, at)
		if err != nil {
			t.Fatal(err)
		}
		v, err := value.Decode(m.Payload, nil)
		if err != nil || !strings.Contains(string(value.JSON(v)), want) {
			t.Errorf("catch-up %q: %s, %v, want %s", policy, value.JSON(v), err, want)
		}
	}
}
