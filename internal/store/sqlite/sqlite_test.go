package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
	"github.com/picloud/picloud/internal/store/storetest"
	"github.com/picloud/picloud/internal/testdir"
)

func open(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, testdir.New(t)) })
}

func TestExecutions(t *testing.T) {
	storetest.RunExecutions(t, func(t *testing.T) (store.Executions, func() int64) {
		dir := testdir.New(t)
		return open(t, dir).Executions(), func() (size int64) {
			for _, name := range []string{"executions.db", "executions.db-wal"} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				size += info.Size()
			}
			return size
		}
	})
}
