// Package testdir says where tests keep databases: in memory where there is
// plenty, because a test of what a database holds waits mostly for the disk, and
// nothing of it has to outlive the machine. What is about the disk, or is to be
// executed, belongs into testing.T's TempDir.
package testdir

import (
	"os"
	"testing"
)

// Parent is where such directories lie: where PICLOUD_TEST_DIR says, for those who
// measure a disk. Its name is short, as that of a socket has to be.
func Parent() string {
	if dir := os.Getenv("PICLOUD_TEST_DIR"); dir != "" {
		return dir
	}
	return parent()
}

// New returns an empty directory that is removed when the test ends.
func New(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(Parent(), "picloud-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the test's directory: %v", err)
		}
	})
	return dir
}
