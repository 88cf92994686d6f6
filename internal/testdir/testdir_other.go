//go:build !linux

package testdir

// Parent is where such directories lie.
func Parent() string { return "/tmp" }
