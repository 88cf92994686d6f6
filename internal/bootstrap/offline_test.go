package bootstrap

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/bootstrap/offline"
)

// What runs in pic dev runs on a server as it comes.
func TestOfflineLimitsAreTheDefaults(t *testing.T) {
	c, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c.Limits, offline.Limits); d != "" {
		t.Errorf("offline.Limits are not the defaults of picloud serve (-serve +offline):\n%s", d)
	}
}
