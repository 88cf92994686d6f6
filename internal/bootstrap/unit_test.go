package bootstrap

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/spf13/pflag"
)

// TestTheUnitFitsTheSettings compares the systemd unit with what picloud reads
// and how long it takes to stop.
func TestTheUnitFitsTheSettings(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/picloud.service")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range settings.Names() {
		known[name] = true
	}
	for _, name := range regexp.MustCompile(`PICLOUD_[A-Z_]+`).FindAllString(string(text), -1) {
		if !known[name] {
			t.Errorf("the unit names %s, which is no setting", name)
		}
	}
	found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the unit does not say how long a stop may take")
	}
	patience, err := time.ParseDuration(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	c, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	if stop := c.StopTimeout + runsEnd; patience <= stop {
		t.Errorf("systemd kills after %s what may take %s to stop", patience, stop)
	}
}

// defaults are the settings of picloud where nothing is set.
func defaults() (*settings.Config, error) {
	none := settings.AddFlags(pflag.NewFlagSet("serve", pflag.ContinueOnError), settings.Picloud)
	return settings.Read(none, func(string) string { return "" })
}
