package memory_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/store/storetest"
)

func TestKV(t *testing.T) {
	storetest.RunKV(t, memory.New(), func(*testing.T) string { return uuid.NewString() })
}

func TestQueue(t *testing.T) {
	storetest.RunQueue(t, memory.New(), func(*testing.T) string { return uuid.NewString() })
}
