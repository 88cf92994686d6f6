package memory_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/store/storetest"
)

func TestKV(t *testing.T) {
	storetest.RunKV(t, memory.New(), func(*testing.T) string { return uuid.NewString() })
}

func TestQueue(t *testing.T) {
	storetest.RunQueue(t, memory.New(), func(*testing.T) string { return uuid.NewString() })
}

func TestSchedules(t *testing.T) {
	data := memory.New()
	storetest.RunSchedules(t, data, func(*testing.T) string { return uuid.NewString() },
		func(_ *testing.T, appID string, list map[string]store.ManifestSchedule, when time.Time) {
			data.DeploySchedules(appID, list, when)
		})
}
