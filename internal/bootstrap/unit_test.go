package bootstrap

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/spf13/pflag"
)

// TestTheUnitsFitTheSettings compares the systemd units with what the programs read
// and how long they take to stop.
func TestTheUnitsFitTheSettings(t *testing.T) {
	known := map[string]bool{}
	for _, name := range settings.Names() {
		known[name] = true
	}
	c, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) != 4 {
		t.Fatalf("the units are %q, %v", units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`PICLOUD_[A-Z_]+`).FindAllString(string(text), -1) {
			if !known[name] {
				t.Errorf("%s names %s, which is no setting", unit, name)
			}
		}
		found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s does not say how long a stop may take", unit)
		}
		patience, err := time.ParseDuration(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		if stop := c.StopTimeout + runsEnd; patience <= stop {
			t.Errorf("%s: systemd kills after %s what may take %s to stop", unit, patience, stop)
		}
	}
}

// defaults are the settings of picloud where nothing is set.
func defaults() (*settings.Config, error) {
	none := settings.AddFlags(pflag.NewFlagSet("serve", pflag.ContinueOnError), settings.Picloud)
	return settings.Read(none, func(string) string { return "" })
}
